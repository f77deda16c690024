#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Runs the rows of the workload table for us and for the peers in turn (A B A B), and prints medians and ratios.

    perf/run.py                        all rows, procs 1 and 2, 5 runs
    perf/run.py --quick --rows pingpong,sieve --procs 1
    perf/run.py --json result.json     also every single figure, with the facts about the machine
"""

import argparse
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys

import machine
import table

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CPP_PEERS = ("boost_fiber", "std_thread")
LINE = re.compile(r"workload=(\S+) procs=(\d+) n=(\d+) value=(\S+) unit=(\S+)")
# Status 64 is a program's "I do not know this row".
NO_SUCH_ROW = 64


def say(text):
    print(text, file=sys.stderr, flush=True)


def build_programs(build, wanted):
    """name -> path of each program that could be built; says which could not and why."""
    if not os.path.exists(os.path.join(build, "build.ninja")):
        raise SystemExit(f"run.py: {build} is no build folder; make one: meson setup {build} --buildtype=release")
    if machine.build_type_of(build) != "release":
        say(f"run.py: {build} is not a release build; its figures say little")
    programs = {}
    targets = {"ours": "perf/bench", **{p: f"perf/peers/{p}" for p in CPP_PEERS}}
    client = subprocess.run(["ninja", "-C", build, "perf/load_client"], capture_output=True, text=True)
    if client.returncode != 0:
        raise SystemExit("run.py: the load client does not build:\n" + client.stdout[-4000:])
    for name, target in targets.items():
        if name not in wanted:
            continue
        done = subprocess.run(["ninja", "-C", build, target], capture_output=True, text=True)
        if done.returncode == 0:
            programs[name] = os.path.join(build, target)
        else:
            say(f"run.py: left out: {name} does not build: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
    if "go" in wanted:
        go = shutil.which("go")
        path = os.path.join(build, "perf", "peers", "go_bench")
        done = go and subprocess.run([go, "build", "-o", path, "."], cwd=os.path.join(TOP, "perf/peers/go"),
                                     capture_output=True, text=True)
        if done and done.returncode == 0:
            programs["go"] = path
        else:
            say("run.py: left out: go " + ("does not build:\n" + done.stderr if done else "is not installed"))
    return programs


def run_once(command, limit):
    """(figures, processor seconds, failure or None, status): one process, alone in a process group that ends with it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               start_new_session=True)
    failure = None
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        failure = f"no end within {limit} s"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    figures = [{"procs": int(m[2]), "n": int(m[3]), "value": float(m[4]), "unit": m[5]} for m in LINE.finditer(out)]
    if failure is None and process.returncode != 0:
        words = next((line for line in err.splitlines() if line.strip()), "no word")
        failure = f"status {process.returncode}: {words.strip()[:160]}"
    elif failure is None and not figures:
        failure = "printed no figure"
    return figures, cpu, failure, process.returncode


def measure(row, procs, programs, options):
    figures = table.Figures(row, procs)
    unable = set()
    for run in range(options.runs):
        for name, path in programs.items():
            if name in unable:
                continue
            n = table.ROWS[row] if options.quick and row not in table.KEEPS_ITS_N.get(name, ()) else None
            command = [path, row, str(procs)] + ([str(n)] if n else [])
            lines, cpu, failure, status = run_once(command, options.limit)
            if status == NO_SUCH_ROW:
                unable.add(name)
                continue
            figures.add(name, run, lines, cpu, failure)
            if failure == f"no end within {options.limit} s":
                unable.add(name)  # once is enough to know, and to wait for
    return figures


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(TOP, "build"), help="the build folder (default: build)")
    parser.add_argument("--rows", default=",".join(table.ROWS), help="comma-separated; default: all")
    parser.add_argument("--procs", default="1,2", help="comma-separated numbers of processors; default: 1,2")
    parser.add_argument("--runs", type=int, help="runs of each program (default 5; 3 with --quick)")
    parser.add_argument("--quick", action="store_true", help="smaller N, 3 runs: to see that all works")
    parser.add_argument("--programs", default="ours,go," + ",".join(CPP_PEERS), help="which programs take part")
    parser.add_argument("--limit", type=float, default=120, help="seconds that one process may take; default 120")
    parser.add_argument("--json", metavar="FILE", help="also write every figure and the facts of the machine")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    options.runs = options.runs or (3 if options.quick else 5)
    options.rows = options.rows.split(",")
    options.programs = options.programs.split(",")
    unknown = set(options.rows) - set(table.ROWS)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    unknown = set(options.programs) - {"ours", "go", *CPP_PEERS}
    if unknown:
        parser.error(f"no such program: {', '.join(sorted(unknown))}")
    try:
        options.procs = [int(p) for p in options.procs.split(",")]
    except ValueError:
        options.procs = []
    if not options.procs or min(options.procs) < 1 or options.runs < 1:
        parser.error("--procs and --runs are positive numbers")
    return options


def main():
    options = parse()
    programs = build_programs(options.build, options.programs)
    if not programs:
        raise SystemExit("run.py: no program to run")
    facts = machine.facts(options.build, TOP)
    for key, value in facts.items():
        print(f"# {key}: {value}")
    print(f"# programs in turn: {', '.join(programs)}; runs: {options.runs}{'; quick' if options.quick else ''}", flush=True)

    all_figures, all_lines = [], []
    for row in options.rows:
        for procs in options.procs:
            if row == "spawned_not_run" and procs != 1:
                continue  # with a second processor the tasks would run
            figures = measure(row, procs, programs, options)
            lines = table.lines_of(figures, options.runs, CPP_PEERS)
            all_figures.append(figures)
            all_lines.extend(lines)
            for line in lines:
                say("  ".join(line))
    print()
    table.show(all_lines)
    if options.json:
        result = {"machine": facts, "runs": options.runs, "quick": options.quick, "rows": [
            {"row": f.row, "procs": f.procs, "failures": f.failures, "processor_seconds": f.cpu, "figures": [
                {"program": program, "unit": unit, "connections": n,
                 "runs": [v and {"n": v["n"], "value": v["value"]} for v in runs]}
                for (program, n, unit), runs in f.values.items()]} for f in all_figures]}
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump(result, out, indent=1)
            out.write("\n")
    return 1 if any("ours" in f.failures for f in all_figures) else 0


if __name__ == "__main__":
    sys.exit(main())

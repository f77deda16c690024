#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Runs the rows of the workload table for us, for the peers and for the limit in turn (A B A B), and prints medians and ratios.

    perf/run.py                        all rows, procs 1 and 2, 5 runs
    perf/run.py --quick --rows pingpong,sieve --procs 1
    perf/run.py --rows idle,wake_idle,quota
                                       rows that run only when they are named
    perf/run.py --json result.json     also every single figure, with the facts about the machine
    perf/run.py --from result.json --plot ratios.svg
                                       the table and the picture of a stored run; measures nothing
    perf/run.py --short                ours against the limit, under a minute; fails when a row is three times further from its
                                       limit than perf/baseline.json says
    perf/run.py --write-baseline       the short form, five runs; writes perf/baseline.json
"""

import argparse
import json
import os
import shutil
import sys
import time

import baseline
import compositions
import machine
import plot
import table
from programs import NO_SUCH_ROW, NOT_HERE, PEERS, TOP, build_programs, run_once, say

ALL_PROGRAMS = ("ours", "go", *PEERS, "limit")


def plan(row, options):
    """(n or None for the program's default, procs, runs) of a row."""
    short = table.SHORT.get(row, {}) if options.short else {}
    n = short.get("n", {**table.ROWS, **table.EXTRA}[row]) if options.quick else None
    procs = [p for p in options.procs if p in short.get("procs", options.procs)]
    if row == "spawned_not_run":
        procs = [p for p in procs if p == 1]  # with a second processor the tasks would run
    return n, procs, min(options.runs, short.get("runs", options.runs))


def command_for(name, path, row, procs, n, options):
    if name in table.KEEPS_ITS_N and row in table.KEEPS_ITS_N[name]:
        n = None
    client = os.path.join(os.path.dirname(path), "load_client")
    if row in table.SERVED and (name == "limit" or (options.short and name == "ours")):
        seconds = [str(table.SHORT_LOAD[row])] if options.short and row in table.SHORT_LOAD else []
        return [client, row, path, str(procs)] + ([str(n)] if n else []) + (seconds if n else [])
    return [path, row, str(procs)] + ([str(n)] if n else [])


def limit_lines(row, procs, path, ours, options):
    """The limit's figures for one run: each cost that the row is made of is measured now, in the same mood of the machine."""
    costs, seconds = {}, 0
    for name in compositions.needed(options.compositions, row, procs):
        figures, cpu, failure, _ = run_once([path, name], options.limit)
        if failure:
            return [], seconds, f"{name}: {failure}"
        costs[name], seconds = figures[0]["value"], seconds + cpu
        options.costs.setdefault((name, figures[0]["unit"]), []).append(costs[name])
    return compositions.lines(options.compositions, row, procs, len(os.sched_getaffinity(0)), ours, costs), seconds, None


def warm(row, n, limits, options):
    """Has the host of a virtual machine find the memory that the next program is going to touch."""
    run_once([limits, "page", str(n + n // 3 if n else table.WARMED[row])], options.limit)


def measure(row, procs, runs, n, programs, options):
    figures = table.Figures(row, procs)
    unable = set()
    for run in range(runs):
        ours = []
        for name, path in programs.items():
            if name in unable:
                continue
            if name == "limit" and not compositions.served(options.compositions, row):
                if ours:
                    lines, cpu, failure = limit_lines(row, procs, path, ours, options)
                    if lines or failure:
                        figures.add(name, run, lines, cpu, failure)
                continue
            if row in table.WARMED and "limit" in programs and name != "limit":
                warm(row, n, programs["limit"], options)
            lines, cpu, failure, status = run_once(command_for(name, path, row, procs, n, options), options.limit)
            if status in (NO_SUCH_ROW, NOT_HERE):
                unable.add(name)
                if status == NOT_HERE:
                    print(f"# {row} is left out: {failure.partition(': ')[2]}", flush=True)
                continue
            figures.add(name, run, lines, cpu, failure)
            if name == "ours" and failure is None:
                ours = lines
            if failure == f"no end within {options.limit} s":
                unable.add(name)  # once is enough to know, and to wait for
    return figures


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(TOP, "build"), help="the build folder (default: build)")
    parser.add_argument("--rows", default=",".join(table.ROWS), help="comma-separated; default: all of the table")
    parser.add_argument("--procs", default="1,2", help="comma-separated numbers of processors; default: 1,2")
    parser.add_argument("--runs", type=int, help="runs of each program (default 5; 3 with --quick and --short)")
    parser.add_argument("--quick", action="store_true", help="smaller N, 3 runs: to see that all works")
    parser.add_argument("--short", action="store_true", help="ours and the limit only, held against the baseline")
    parser.add_argument("--write-baseline", action="store_true", help="store the ratios of ours to the limit")
    parser.add_argument("--baseline", metavar="FILE", default=baseline.PATH, help="default: perf/baseline.json")
    parser.add_argument("--programs", help="which take part; default: " + ",".join(ALL_PROGRAMS))
    parser.add_argument("--limit", type=float, default=120, help="seconds that one process may take; default 120")
    parser.add_argument("--json", metavar="FILE", help="also write every figure and the facts of the machine")
    parser.add_argument("--from", dest="stored", metavar="FILE", help="measure nothing: show the run that --json wrote")
    parser.add_argument("--plot", metavar="FILE.svg", help="draw the ratios to Go and to the best peer")
    options = parser.parse_args(arguments)
    if options.stored and (options.short or options.write_baseline):
        parser.error("--from shows a stored run; a baseline is measured")
    options.build = os.path.abspath(options.build)
    options.short |= options.write_baseline
    options.quick |= options.short
    options.runs = 5 if options.runs is None and (options.write_baseline or not options.quick) else 3 if options.runs is None else options.runs
    options.rows = options.rows.split(",")
    options.programs = (options.programs or ("ours,limit" if options.short else ",".join(ALL_PROGRAMS))).split(",")
    unknown = set(options.rows) - set(table.ROWS) - set(table.EXTRA)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    unknown = set(options.programs) - set(ALL_PROGRAMS)
    if unknown:
        parser.error(f"no such program: {', '.join(sorted(unknown))}")
    try:
        options.procs = [int(p) for p in options.procs.split(",")]
    except ValueError:
        options.procs = []
    if not options.procs or min(options.procs) < 1 or options.runs < 1:
        parser.error("--procs and --runs are positive numbers")
    options.compositions, options.costs = compositions.stored(), {}
    return options


def run_all(options):
    """What --json stores."""
    if not os.path.exists(os.path.join(options.build, "build.ninja")):
        raise SystemExit(f"run.py: {options.build} is no build folder; make one: meson setup {options.build} --buildtype=release")
    if machine.build_type_of(options.build) != "release":
        say(f"run.py: {options.build} is not a release build; its figures say little")
    programs = build_programs(options.build, options.programs)
    if not programs:
        raise SystemExit("run.py: no program to run")
    programs = {name: programs[name] for name in ALL_PROGRAMS if name in programs}  # the limit last: it needs our N
    facts = machine.facts(options.build, TOP)
    for key, value in facts.items():
        print(f"# {key}: {value}")
    print(f"# programs in turn: {', '.join(programs)}; runs: {options.runs}{'; quick' if options.quick else ''}", flush=True)

    all_figures = []
    for row in options.rows:
        if options.short and row == "http" and not shutil.which("wrk"):
            print("# http is left out: wrk is not installed")
            continue
        n, all_procs, runs = plan(row, options)
        for procs in all_procs:
            figures = measure(row, procs, runs, n, programs, options)
            all_figures.append(figures)
            for line in table.lines_of(figures, runs, PEERS):
                say("  ".join(line))
    limits = {name: {"unit": unit, "value": table.median(values)} for (name, unit), values in sorted(options.costs.items())}
    return {"machine": facts, "runs": options.runs, "quick": options.quick, "limits": limits, "rows": [f.as_json() for f in all_figures]}


def judge(all_figures, options):
    """Prints every ratio beside the baseline's; True when none is too far behind."""
    lines, failed = baseline.compare(all_figures, baseline.load(options.baseline))
    print("\n# the best of our runs to the best of the limit's, beside the baseline's")
    print("\n".join(lines))
    for key in failed:
        say(f"run.py: {key}: more than {baseline.FACTOR:g} times further from its limit than {options.baseline} says")
    return not failed


def main(arguments=None):
    options = parse(arguments)
    start = time.monotonic()
    if options.stored:
        with open(options.stored, encoding="utf-8") as file:
            result = json.load(file)
    else:
        result = run_all(options)
    all_figures = [table.Figures.from_json(row) for row in result["rows"]]
    lines = [line for figures in all_figures for line in table.lines_of(figures, result["runs"], PEERS)]
    print()
    table.show(lines)
    print("# limits, medians: " + (", ".join(f"{name} {table.number(cost['value'])} {cost['unit'].split('_')[0]}"
                                             for name, cost in result.get("limits", {}).items()) or "none measured"))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump(result, out, indent=1)
            out.write("\n")
    if options.plot:
        with open(options.plot, "w", encoding="utf-8") as out:
            out.write(plot.svg(result, PEERS))
    good = not any("ours" in f.failures or (options.short and "limit" in f.failures) for f in all_figures)
    if options.write_baseline:
        if not good:
            raise SystemExit("run.py: a row failed; no baseline is written")
        baseline.write(baseline.made_from(all_figures, result["machine"], options.baseline), options.baseline)
    elif options.short:
        good = judge(all_figures, options) and good
        print(f"# {time.monotonic() - start:.0f} s")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

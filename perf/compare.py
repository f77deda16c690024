#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""What changed, and whether it is more than noise.

    perf/compare.py OLD.json NEW.json [--program ours]
        between two stored runs: a change counts when the medians differ and the two runs' ranges do not overlap
    perf/compare.py --commits A B [--rows pingpong,sieve] [--procs 1,2] [--runs 5] [--quick]
        between two commits ("." is the work tree), built here and run in turn: A B, B A, A B …; a change counts when all pairs
        agree about its direction and their median is more than 2 % away from 1
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

import table
from programs import TOP, ninja, run_once, say

# Whatever all pairs agree upon, below this it is the place of the code in memory.
LEAST_CHANGE = 0.02
WORK_TREE = "."


def load(path, program):
    with open(path, encoding="utf-8") as f:
        stored = json.load(f)
    values = {}
    for row in stored["rows"]:
        for figure in row["figures"]:
            if figure["program"] == program:
                runs = [r for r in figure["runs"] if r]
                if runs:
                    values[row["row"], row["procs"], figure["connections"], runs[0]["n"], figure["unit"]] = [
                        r["value"] for r in runs]
    return stored["machine"], values


def verdict(unit, before, after):
    """Of two stored runs."""
    if not (max(before) < min(after) or max(after) < min(before)):
        return ""
    return "better" if (table.median(after) > table.median(before)) == (unit in table.HIGHER_IS_BETTER) else "WORSE"


def verdict_of_pairs(unit, ratios):
    """Of the ratios of pairs, B to A."""
    more, less = min(ratios) > 1, max(ratios) < 1
    if not (more or less) or abs(table.median(ratios) - 1) <= LEAST_CHANGE:
        return ""
    return "better" if more == (unit in table.HIGHER_IS_BETTER) else "WORSE"


def compare_stored(options):
    old_machine, old = load(options.paths[0], options.program)
    new_machine, new = load(options.paths[1], options.program)
    for fact in sorted(old_machine.keys() | new_machine.keys()):
        before, after = old_machine.get(fact), new_machine.get(fact)
        if before != after and fact not in ("date", "load_average_at_start"):
            print(f"# {fact}: {before} -> {after}")
    for key in sorted(old.keys() ^ new.keys(), key=str):
        print(f"# only in one of them: {' '.join(str(k) for k in key if k is not None)}")
    for key in [k for k in new if k in old]:
        before, after = old[key], new[key]
        row, procs, connections, _, unit = key
        ratio = table.median(after) / table.median(before) if table.median(before) else None
        print_line(row, procs, connections, unit, table.median(before), table.median(after), ratio, verdict(unit, before, after))


def print_line(row, procs, n, unit, before, after, ratio, *words):
    name = row if n is None else f"{row} {n}"
    print(f"{name:16} {procs:3} {unit:26} {table.number(before):>10} -> {table.number(after):>10}  x{table.number(ratio):6} "
          f"{' '.join(words)}".rstrip(), flush=True)


def git(*words):
    done = subprocess.run(["git", "-C", TOP, "-c", f"safe.directory={TOP}", *words], capture_output=True)
    if done.returncode != 0:
        raise SystemExit(f"compare.py: git {words[0]}: {done.stderr.decode().strip()}")
    return done.stdout


def sources_of(commit, work):
    """The folder under `work` with the sources of a commit, or of the work tree as it stands."""
    if commit == WORK_TREE:
        folder = os.path.join(work, "work-tree")
        names = [n for n in git("ls-files", "-co", "--exclude-standard", "-z").decode().split("\0")
                 if n and os.path.isfile(os.path.join(TOP, n))]
        for name in names:
            target = os.path.join(folder, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(os.path.join(TOP, name), target)  # with its time: only what changed is built again
        return folder
    folder = os.path.join(work, git("rev-parse", "--verify", commit + "^{commit}").decode().strip())
    if not os.path.isdir(folder):
        os.makedirs(folder)
        subprocess.run(["tar", "-x", "-C", folder], input=git("archive", "--format=tar", os.path.basename(folder)), check=True)
    return folder


def bench_of(commit, work, jobs):
    """The path of a commit's own bench program, built."""
    folder = sources_of(commit, work)
    build = os.path.join(folder, "build")
    say(f"building {commit} in {build}")
    if not os.path.exists(os.path.join(build, "build.ninja")):
        done = subprocess.run(["meson", "setup", build, folder, "--buildtype=release", "-Dtests=false"], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"compare.py: {commit} cannot be configured:\n{done.stdout[-4000:]}")
    failure = ninja(build, "perf/bench", "perf/load_client", jobs=jobs)
    if failure:
        raise SystemExit(f"compare.py: {commit} does not build:\n{failure}")
    return os.path.join(build, "perf", "bench")


def measure_pairs(row, procs, benches, options):
    """Both benches in turn; neither is always the second."""
    figures = table.Figures(row, procs)
    n = {**table.ROWS, **table.EXTRA}[row] if options.quick else None
    for run in range(options.runs):
        for name in ("A", "B") if run % 2 == 0 else ("B", "A"):
            lines, cpu, failure, _ = run_once([benches[name], row, str(procs)] + ([str(n)] if n else []), options.limit)
            figures.add(name, run, lines, cpu, failure)
    return figures


def show_pairs(figures):
    for n, unit in figures.figures():
        ratios = table.ratios_of_pairs(figures.of("B", n, unit), figures.of("A", n, unit), unit)
        if ratios:
            print_line(figures.row, figures.procs, n, unit, figures.median("A", n, unit), figures.median("B", n, unit),
                       table.median(ratios), f"[{table.number(min(ratios))} .. {table.number(max(ratios))}]",
                       verdict_of_pairs(unit, ratios))
    for name, sentences in figures.failures.items():
        print(f"{figures.row:16} {figures.procs:3} FAILED: {name}, {len(sentences)} runs: {sentences[-1]}", flush=True)


def compare_commits(options):
    failed = False
    with tempfile.TemporaryDirectory(prefix="compare-") as temporary:
        work = os.path.abspath(options.work or temporary)
        benches = {name: bench_of(commit, work, options.jobs) for name, commit in zip(("A", "B"), options.commits)}
        print(f"# A: {options.commits[0]}, B: {options.commits[1]}; {options.runs} pairs in turn; ratios are B to A")
        for row in options.rows:
            for procs in options.procs:
                if row == "spawned_not_run" and procs != 1:
                    continue
                figures = measure_pairs(row, procs, benches, options)
                show_pairs(figures)
                failed |= bool(figures.failures)
    return 1 if failed else 0


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", metavar="OLD.json NEW.json")
    parser.add_argument("--program", default="ours")
    parser.add_argument("--commits", nargs=2, metavar=("A", "B"))
    parser.add_argument("--rows", default=",".join(table.ROWS), help="comma-separated; default: all")
    parser.add_argument("--procs", default="1,2")
    parser.add_argument("--runs", type=int, default=5, help="pairs; default 5")
    parser.add_argument("--quick", action="store_true", help="smaller N")
    parser.add_argument("--limit", type=float, default=120, help="seconds that one process may take; default 120")
    parser.add_argument("--work", metavar="DIR", help="keep sources and builds here for the next time; default: nowhere")
    parser.add_argument("--jobs", type=int, help="of ninja")
    options = parser.parse_args(arguments)
    options.rows = options.rows.split(",")
    unknown = set(options.rows) - set(table.ROWS) - set(table.EXTRA)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    if not all(p.isdigit() and int(p) > 0 for p in options.procs.split(",")) or options.runs < 1:
        parser.error("--procs and --runs are positive numbers")
    options.procs = [int(p) for p in options.procs.split(",")]
    if options.commits:
        if options.paths:
            parser.error("either two commits or two stored runs")
        return compare_commits(options)
    if len(options.paths) != 2:
        parser.error("two stored runs, or --commits A B")
    compare_stored(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""How the cost of an operation grows with the number of goroutines, timers, connections and processors.

    perf/scale.py                          all parts, five to ten minutes
    perf/scale.py --parts procs,timers --runs 1
    perf/scale.py --json scale.json --markdown
    perf/scale.py --from scale.json --markdown     the tables of a stored run; measures nothing

Ends with 1 when a row fails, or when its throughput at the most processors is below 0.8 of that at two.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import time

import machine
import readme_table
import table
from programs import TOP, build_programs, run_once, say
from run import warm

# Throughput at the most processors, to that at two.
COLLAPSE = 0.8
KEPT_AT, KEPT_TO = 64, 2
PROCS = (1, 2, 4, 8, 16, 32, 64)
# The rows that keep processors busy, with an N that takes some tenths of a second.
PROC_ROWS = {"spawn_batch": 5_000, "yield1k": 10_000, "chan_buf": 10_000_000, "chan_mpmc": 10_000_000, "pingpong": 3_000_000,
             "mutex_hot": 15_000_000, "sieve": 3_000, "skynet": 1_000_000, "select4": 3_000_000, "fib": 31}
# Rows with N goroutines: the figures that are shown, and the memory that one goroutine takes at the most: its own block, and, where it has a
# stack that is kept, a page of that and its share of the page tables.
GOROUTINE_ROWS = {
    "spawn_join": (("ns_per_task",), 300),
    "parked": (("ns_per_task_create", "ns_per_task_wake", "bytes_per_task"), 5_000),
    "yield_many": (("ns_per_yield",), 5_000),
    "chan_chain": (("ns_per_hand_over",), 5_500),
}
GOROUTINES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
ONCE_FROM = 1_000_000  # first touches of so many stacks take many seconds on a virtual machine: measured in the first run only
WARM_FROM = 100_000  # so many first touches of a page are worth finding the memory with the host before (see table.WARMED)
TIMERS = (1, 10, 100, 1_000, 10_000, 100_000)
CONNECTIONS = (1, 10, 100, 1_000, 10_000, 20_000)
CONNECTION_UNITS = ("messages_per_second", "p50_us", "p99_us", "server_cpu_us_per_message")
SPARE_FILES = 100  # what a server and the client open besides the connections
LOAD_SECONDS = 1
# What the scheduler did at two and at the most processors, for a thousand operations.
COUNTERS = ("shared_lines", "steals", "shares", "lock_waits", "mutex_waits", "wakes", "lost_wakes", "retakes")
COUNTER = re.compile(r"^counter=(\w+) value=(-?\d+) per_op=(\S+)$", re.MULTILINE)
PARTS = ("goroutines", "timers", "connections", "procs", "counters")


def free_bytes():
    """What a program may take: the machine's, cut by the cgroup's limit."""
    free = int((machine.field_of("/proc/meminfo", "MemAvailable") or "0 kB").split()[0]) * 1024
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            with open(path, encoding="utf-8") as file:
                free = min(free, int(file.read()))
        except (OSError, ValueError):
            pass
    return free


def files_for(wanted):
    """How many descriptors a process that we start may have: raises the limit up to `wanted` where it is allowed to."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = max(wanted, soft)
    if hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return wanted
        except (OSError, ValueError):
            pass
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def fitting_goroutines(row, sizes, free):
    """(sizes that fit into four fifths of the free memory, a sentence for those that do not)."""
    each = GOROUTINE_ROWS[row][1]
    fit = [n for n in sizes if n * each <= free * 0.8]
    left = [n for n in sizes if n not in fit]
    return fit, [f"{row} with {n:,} goroutines is left out: it takes {n * each / 2**30:.0f} GiB, {free / 2**30:.0f} are free" for n in left]


def fitting_connections(sizes, files):
    """(sizes, the largest cut to what the limit of files allows, a sentence for each that was cut)."""
    most = files - SPARE_FILES
    return sorted({min(n, most) for n in sizes}), [
        f"{n:,} connections were cut to {most:,}: a process may have {files:,} files (RLIMIT_NOFILE), and no more could be had" for n in sizes if n > most]


class Cells:
    """(row, procs, n, unit) -> a figure or None for each run."""

    def __init__(self):
        self.runs, self.failures = {}, []

    def add(self, row, procs, n, run, figures, failure):
        if failure:
            self.failures.append(f"{row} procs={procs}{'' if n is None else f' n={n:,}'}: {failure}")
        for figure in figures:
            runs = self.runs.setdefault((row, procs, n, figure["unit"]), [])
            runs.extend([None] * (run + 1 - len(runs)))
            runs[run] = {"n": figure["n"], "value": figure["value"]}

    def of(self, row, procs, n, unit):
        return self.runs.get((row, procs, n, unit), [])

    def median(self, *key):
        return table.median([f["value"] for f in self.of(*key) if f is not None])

    def unit(self, row):
        return next((unit for name, _, _, unit in self.runs if name == row), None)

    def as_json(self):
        return [{"row": row, "procs": procs, "n": n, "unit": unit, "runs": runs} for (row, procs, n, unit), runs in self.runs.items()]

    @staticmethod
    def from_json(stored, failures):
        cells = Cells()
        cells.failures = failures
        for c in stored:
            cells.runs[c["row"], c["procs"], c["n"], c["unit"]] = c["runs"]
        return cells


def plan(options):
    """([(row, procs, n, command without the program's path)] of one run, sentences about what is left out)."""
    work, left_out = [], []
    if "goroutines" in options.parts:
        free = free_bytes()
        for row in GOROUTINE_ROWS:
            fit, words = fitting_goroutines(row, options.goroutines, free)
            left_out += words
            work += [(row, procs, n) for n in fit for procs in options.few_procs]
    if "timers" in options.parts:
        work += [("timers_pending", procs, n) for n in options.timers for procs in options.few_procs]
    if "connections" in options.parts:
        fit, words = fitting_connections(options.connections, files_for(max(options.connections) + SPARE_FILES))
        left_out += words
        work += [("echo", procs, n) for n in fit for procs in options.few_procs]
    if "procs" in options.parts:
        work += [(row, procs, None) for row in options.rows for procs in options.procs]
    return work, left_out


def command_for(path, row, procs, n, options):
    if row == "echo":
        return [os.path.join(os.path.dirname(path), "load_client"), row, path, str(procs), str(n), str(LOAD_SECONDS)]
    if n is None:
        n = table.ROWS[row] if options.quick else PROC_ROWS[row]
    return [path, row, str(procs), str(n)]


def measure(work, programs, options):
    cells = Cells()
    for run in range(options.runs):
        for row, procs, n in work:
            if run > 0 and n is not None and n >= ONCE_FROM:
                continue
            if n and n >= WARM_FROM and GOROUTINE_ROWS.get(row, ((), 0))[1] >= 4096 and "limit" in programs:
                warm(row, n, programs["limit"], options)
            figures, _, failure, _ = run_once(command_for(programs["ours"], row, procs, n, options), options.limit)
            cells.add(row, procs, n, run, figures, failure)
            say(f"{row} procs={procs}{'' if n is None else f' n={n}'}: "
                + (failure or ", ".join(f"{table.number(f['value'])} {f['unit']}" for f in figures)))
    return cells


def count(path, options):
    """[{row, procs, per_op of each counter}], at the two numbers of processors that are held against each other."""
    counted = []
    for row in options.rows if "counters" in options.parts else ():
        for procs in (KEPT_TO, KEPT_AT):
            command = [path, "--counters", *command_for(path, row, procs, None, options)[1:]]
            done = subprocess.run(command, capture_output=True, text=True, timeout=options.limit)
            counted.append({"row": row, "procs": procs, "per_op": {m[1]: float(m[3]) for m in COUNTER.finditer(done.stderr)}})
    return counted


def kept(cells, row):
    """Throughput at the most processors to that at two: the median of the ratios of pairs; None when it was not measured."""
    unit = cells.unit(row)
    return table.ratio_of_pairs(cells.of(row, KEPT_TO, None, unit), cells.of(row, KEPT_AT, None, unit), unit)


def power(n):
    text = str(n)
    return f"10^{len(text) - 1}" if n >= 1000 and text.strip("0") == "1" else f"{n:,}"


def grids(cells, counted):
    """[(what the table is about, head, lines)]: lists of strings, the first two columns words."""
    out = []
    for title, rows in (("goroutines", {row: units for row, (units, _) in GOROUTINE_ROWS.items()}),
                        ("pending timers", {"timers_pending": ("ns_per_pair",)}), ("connections", {"echo": CONNECTION_UNITS})):
        sizes = sorted({n for row, _, n, _ in cells.runs if row in rows and n is not None})
        lines = []
        for row, units in rows.items():
            for unit in units:
                for procs in sorted({p for r, p, n, u in cells.runs if (r, u) == (row, unit) and n is not None}):
                    lines.append([row, f"{unit.replace('_', ' ')}, {procs} proc{'s' * (procs > 1)}",
                                  *(table.number(cells.median(row, procs, n, unit)) for n in sizes)])
        if lines:
            out.append((title, ["row", "figure", *map(power, sizes)], lines))
    lines, all_procs = [], sorted({p for _, p, n, _ in cells.runs if n is None})
    for row in dict.fromkeys(row for row, _, n, _ in cells.runs if n is None):
        ratio, unit = kept(cells, row), cells.unit(row)
        verdict = "-" if ratio is None else f"{ratio:.2f}" + ("" if ratio >= COLLAPSE else " COLLAPSE")
        lines.append([row, unit.replace("_", " "), *(table.number(cells.median(row, p, None, unit)) for p in all_procs), verdict])
    if lines:
        out.append(("procs", ["row", "figure", *map(str, all_procs), f"throughput at {KEPT_AT} to {KEPT_TO}"], lines))
    lines = [[c["row"], f"{c['procs']} procs", *(table.number(1000 * c["per_op"].get(name, 0)) for name in COUNTERS)] for c in counted]
    if lines:
        out.append(("events in a thousand operations", ["row", "", *(name.replace("_", " ") for name in COUNTERS)], lines))
    return out


def as_text(title, head, lines):
    widths = [max(len(line[i]) for line in [head, *lines]) for i in range(len(head))]
    shown = ["  ".join(c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths))).rstrip() for line in [head, *lines]]
    return "\n".join([f"# {title}", *shown])


def as_markdown(title, head, lines):
    rule = ["---", "---", *["--:"] * (len(head) - 2)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [[title, *head[1:]], rule, *lines])


def parse(arguments):
    numbers = lambda text: [int(n) for n in text.split(",")]  # noqa: E731
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(TOP, "build"), help="the build folder (default: build)")
    parser.add_argument("--parts", default=",".join(PARTS), help="comma-separated; default: all of " + ",".join(PARTS))
    parser.add_argument("--rows", default=",".join(PROC_ROWS), help="of the parts procs and counters; default: " + ",".join(PROC_ROWS))
    parser.add_argument("--procs", type=numbers, default=list(PROCS), help="of the part procs; default: " + ",".join(map(str, PROCS)))
    parser.add_argument("--few-procs", type=numbers, default=[1, 2], help="of the other parts; default: 1,2")
    parser.add_argument("--goroutines", type=numbers, default=list(GOROUTINES), help="default: " + ",".join(map(str, GOROUTINES)))
    parser.add_argument("--timers", type=numbers, default=list(TIMERS), help="default: " + ",".join(map(str, TIMERS)))
    parser.add_argument("--connections", type=numbers, default=list(CONNECTIONS), help="default: " + ",".join(map(str, CONNECTIONS)))
    parser.add_argument("--runs", type=int, default=3, help="runs of all of it in turn; default 3; with a million goroutines always one")
    parser.add_argument("--quick", action="store_true", help="the small N of run.py in the part procs")
    parser.add_argument("--limit", type=float, default=120, help="seconds that one process may take; default 120")
    parser.add_argument("--json", metavar="FILE", help="also write every figure and the facts of the machine")
    parser.add_argument("--from", dest="stored", metavar="FILE", help="measure nothing: show the run that --json wrote")
    parser.add_argument("--markdown", action="store_true", help="print the tables as perf/README.md shows them")
    options = parser.parse_args(arguments)
    options.parts, options.rows = options.parts.split(","), options.rows.split(",")
    for name, known in (("parts", PARTS), ("rows", PROC_ROWS)):
        if unknown := set(getattr(options, name)) - set(known):
            parser.error(f"--{name}: there is no {', '.join(sorted(unknown))}")
    if options.runs < 1 or min(map(min, (options.procs, options.few_procs, options.goroutines, options.timers, options.connections))) < 1:
        parser.error("numbers are positive")
    options.build = os.path.abspath(options.build)
    return options


def run_all(options):
    """What --json stores."""
    programs = build_programs(options.build, ("ours", "limit"))
    if "ours" not in programs:
        raise SystemExit("scale.py: perf/bench does not build")
    if machine.build_type_of(options.build) != "release":
        say(f"scale.py: {options.build} is not a release build; its figures say little")
    facts = machine.facts(options.build, TOP)
    work, left_out = plan(options)
    for words in left_out:
        say("scale.py: " + words)
    cells = measure(work, programs, options)
    return {"machine": facts, "runs": options.runs, "quick": options.quick, "left_out": left_out, "failures": cells.failures,
            "figures": cells.as_json(), "counters": count(programs["ours"], options)}


def report(result, markdown):
    """Prints the tables; True when no row failed or collapsed."""
    cells = Cells.from_json(result["figures"], result["failures"])
    for grid in grids(cells, result["counters"]):
        print((as_markdown if markdown else as_text)(*grid) + "\n")
    print(readme_table.taken_on(result))
    for words in result["left_out"]:
        print(f"{words[0].upper()}{words[1:]}.")
    collapsed = [row for row in dict.fromkeys(row for row, _, n, _ in cells.runs if n is None) if (kept(cells, row) or COLLAPSE) < COLLAPSE]
    for row in collapsed:
        say(f"scale.py: {row} does {kept(cells, row):.2f} at {KEPT_AT} processors of what it does at {KEPT_TO}; {COLLAPSE} is the least")
    for words in cells.failures:
        say(f"scale.py: FAILED: {words}")
    return not collapsed and not cells.failures


def main(arguments=None):
    options = parse(arguments)
    start = time.monotonic()
    if options.stored:
        with open(options.stored, encoding="utf-8") as file:
            result = json.load(file)
    else:
        result = run_all(options)
        if options.json:
            with open(options.json, "w", encoding="utf-8") as out:
                json.dump(result, out, indent=1)
                out.write("\n")
        say(f"# {time.monotonic() - start:.0f} s")
    return 0 if report(result, options.markdown) else 1


if __name__ == "__main__":
    sys.exit(main())

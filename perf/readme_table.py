#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Writes the figures of a stored run into README.md, between the two comments that mark their place.

usage: readme_table.py RUN.json [README.md]
"""
import json
import os
import re
import sys

from table import median, number, ratio_of_pairs

BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
HEAD = """| row | figure | 1 proc | Go | ours/Go | 2 procs | Go | ours/Go |
| --- | --- | --: | --: | --: | --: | --: | --: |"""


def by_figure(rows):
    """(name of the row, unit) -> {procs: (our median, Go's, the median of the ratios of pairs)}, in the order of the run."""
    table = {}
    for row in rows:
        runs = {}
        for figure in row["figures"]:
            key = (figure.get("connections"), figure["unit"])
            runs.setdefault(key, {})[figure["program"]] = figure["runs"]
        for (connections, unit), of in runs.items():
            name = row["row"] if connections is None else f"{row['row']}, {connections:,} connections"
            ours, go = of.get("ours", []), of.get("go", [])
            cell = [median([run["value"] for run in runs_of if run]) for runs_of in (ours, go)]
            table.setdefault((name, unit), {})[row["procs"]] = (*cell, ratio_of_pairs(ours, go, unit))
    return table


def markdown(stored):
    lines = [HEAD]
    for (name, unit), cells in by_figure(stored["rows"]).items():
        row = [name, unit.replace("_per_", " per ").replace("_", " ")]
        for procs in (1, 2):
            *medians, ratio = cells.get(procs, (None,) * 3)
            row += [*map(number, medians), "-" if ratio is None else f"{ratio:.2g}"]
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join([*lines, "", taken_on(stored)])


def taken_on(stored):
    """Machine, compiler, date and method of a stored run, in a sentence."""
    facts = stored["machine"]
    where = f"{facts['cores_usable']} cores of {facts['cpu']}{' (virtual)' if facts['hypervisor'] else ''}, Linux {facts['kernel'].split('-')[0]}"
    how = "small N (--quick)" if stored["quick"] else "full N"
    with_go = f", {facts['go'].removeprefix('go version ').split()[0]}" if facts["go"] else ""
    return (f"Taken on {facts['date'][:10]}: {where}, {facts['compiler'].split(' (')[0]} {facts['compiler'].split()[-1]}{with_go}; "
            f"{stored['runs']} runs in turn, {how}, medians; load average {facts['load_average_at_start']:.1f} at the start.")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        stored = json.load(file)
    path = sys.argv[2] if len(sys.argv) > 2 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "README.md")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    place = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    if not place.search(text):
        sys.exit(f"{path}: no place marked by {BEGIN}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(place.sub(lambda _: f"{BEGIN}\n{markdown(stored)}\n{END}", text))


if __name__ == "__main__":
    main()

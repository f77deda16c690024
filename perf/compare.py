#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""compare.py OLD.json NEW.json [--program ours]: what changed between two stored runs, and whether it is more than noise.

A change counts when the medians differ and the two runs' ranges do not overlap.
"""

import argparse
import json

import table


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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--program", default="ours")
    options = parser.parse_args()
    old_machine, old = load(options.old, options.program)
    new_machine, new = load(options.new, options.program)
    for fact in sorted(old_machine.keys() | new_machine.keys()):
        before, after = old_machine.get(fact), new_machine.get(fact)
        if before != after and fact not in ("date", "load_average_at_start"):
            print(f"# {fact}: {before} -> {after}")
    for key in sorted(old.keys() ^ new.keys(), key=str):
        print(f"# only in one of them: {' '.join(str(k) for k in key if k is not None)}")
    for key in [k for k in new if k in old]:
        before, after = old[key], new[key]
        apart = max(before) < min(after) or max(after) < min(before)
        better = (table.median(after) > table.median(before)) == (key[4] in table.HIGHER_IS_BETTER)
        word = ("better" if better else "WORSE") if apart else ""
        row, procs, connections, _, unit = key
        name = row if connections is None else f"{row} {connections}"
        ratio = table.median(after) / table.median(before) if table.median(before) else None
        print(f"{name:16} {procs:3} {unit:26} {table.number(table.median(before)):>10} -> "
              f"{table.number(table.median(after)):>10}  x{table.number(ratio):6} {word}".rstrip())


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: BSL-1.0
"""The stored ratios of our figures to their limits (perf/baseline.json), and whether a run has fallen behind them.

A machine that is twice as slow is so for the limit, too: a ratio can be held against one that was taken elsewhere.
"""

import json
import os

import table

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "baseline.json")
# A row fails when it is so many times further from its limit than it was.
FACTOR = 3.0
# What one late wake among a thousand decides is printed and judged by nobody.
NOT_JUDGED = {"p50_us", "p99_us", "us_late_p99"}


def key_of(row, procs, n, unit):
    return " ".join([row if n is None else f"{row}/{n}", f"procs={procs}", unit])


def ratios_of(figures):
    """(key, unit, ratio) of each figure of a row that has a limit: the best of our runs to the best of the limit's. What else runs on the
    machine only ever adds, to either side."""
    for n, unit in figures.figures():
        ours, limit = figures.of("ours", n, unit), figures.of("limit", n, unit)
        if table.ratios_of_pairs(ours, limit, unit):
            best = max if unit in table.HIGHER_IS_BETTER else min
            ratio = best(f["value"] for f in ours if f) / best(f["value"] for f in limit if f)
            yield key_of(figures.row, figures.procs, n, unit), unit, ratio


def made_from(all_figures, facts, path=None):
    """What is stored; rows that were not run stay as the file has them."""
    before = load(path)["ratios"] if path and os.path.exists(path) else {}
    ratios = {key: round(ratio, 4) for figures in all_figures for key, _, ratio in ratios_of(figures)}
    return {"machine": facts, "ratios": {**before, **ratios}}


def slower(unit, now, before):
    """How many times further from the limit: above 1 is worse, for rates too."""
    return before / now if unit in table.HIGHER_IS_BETTER else now / before


def compare(all_figures, stored, factor=FACTOR):
    """(lines of text, keys that failed)."""
    lines, failed = [], []
    for figures in all_figures:
        for key, unit, ratio in ratios_of(figures):
            before = stored["ratios"].get(key)
            if not before or not ratio:
                lines.append(f"{key:48} {table.number(ratio):>8}  not in the baseline")
                continue
            times = slower(unit, ratio, before)
            word = ""
            if unit in NOT_JUDGED:
                word = "not judged"
            elif times > factor:
                failed.append(key)
                word = f"FAILED: more than {factor:g} times further from the limit"
            lines.append(f"{key:48} {table.number(ratio):>8}  baseline {table.number(before):>8}  x{times:<5.2f} {word}".rstrip())
    return lines, failed


def load(path=PATH):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write(content, path=PATH):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.write("\n")

#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The stored ratios to the limit: what falls behind them fails, what does not passes."""
import copy
import os
import tempfile
import unittest

from support import sample

import baseline
import compositions
import table

PINGPONG, RATE, P99 = "pingpong procs=1 ns_per_round_trip", "echo/64 procs=1 messages_per_second", "echo/64 procs=1 p99_us"


def figures(slower=1.0):
    """The sample, ours slower by so much."""
    rows = copy.deepcopy(sample()["rows"])
    for row in rows:
        for f in row["figures"]:
            if f["program"] == "ours":
                for run in filter(None, f["runs"]):
                    rate = f["unit"] in table.HIGHER_IS_BETTER
                    run["value"] = run["value"] / slower if rate else run["value"] * slower
    return [table.Figures.from_json(row) for row in rows]


class Baseline(unittest.TestCase):
    def test_it_holds_the_best_of_ours_to_the_best_of_the_limits(self):
        made = baseline.made_from(figures(), {"cpu": "a"})
        self.assertEqual(made, {"machine": {"cpu": "a"}, "ratios": {PINGPONG: 2, RATE: 0.96, P99: 10}})

    def test_a_run_like_the_stored_one_passes(self):
        lines, failed = baseline.compare(figures(), baseline.made_from(figures(), {}))
        self.assertEqual(failed, [])
        self.assertEqual(len(lines), 3)

    def test_three_times_slower_fails_and_less_does_not_for_times_and_for_rates(self):
        stored = baseline.made_from(figures(), {})
        self.assertEqual(baseline.compare(figures(2.9), stored)[1], [])
        lines, failed = baseline.compare(figures(3.1), stored)
        self.assertEqual(failed, [PINGPONG, RATE])
        self.assertIn("FAILED: more than 3 times further from the limit", lines[0])

    def test_faster_never_fails(self):
        self.assertEqual(baseline.compare(figures(0.1), baseline.made_from(figures(), {}))[1], [])

    def test_single_late_wakes_are_printed_and_not_judged(self):
        lines, failed = baseline.compare(figures(50), baseline.made_from(figures(), {}))
        self.assertNotIn(P99, failed)
        self.assertIn("not judged", next(line for line in lines if line.startswith(P99)))

    def test_one_good_run_of_three_is_enough(self):
        slow = figures(10)
        slow[0].values["ours", None, "ns_per_round_trip"][1]["value"] = 60
        self.assertNotIn(PINGPONG, baseline.compare(slow, baseline.made_from(figures(), {}))[1])

    def test_a_row_that_the_baseline_does_not_know_is_said_and_passes(self):
        lines, failed = baseline.compare(figures(9), {"ratios": {}})
        self.assertEqual(failed, [])
        self.assertTrue(all("not in the baseline" in line for line in lines))

    def test_a_new_baseline_of_some_rows_keeps_the_others(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "b.json")
            baseline.write({"machine": {}, "ratios": {"other": 4, PINGPONG: 9}}, path)
            self.assertEqual(baseline.made_from(figures()[:1], {}, path)["ratios"], {"other": 4, PINGPONG: 2})

    def test_the_stored_one_knows_every_row_that_has_a_limit(self):
        known = {(key.split()[0].split("/")[0], key.split()[2]) for key in baseline.load()["ratios"]}
        self.assertEqual(known, {pair for pair, c in compositions.stored().items() if c.counts_at(1) and pair[0] in table.ROWS})


if __name__ == "__main__":
    unittest.main()

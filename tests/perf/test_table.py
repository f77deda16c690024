#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The table of a run: which ratios it shows, whom it compares with whom, and what counts as met."""
import unittest

from support import PEERS, sample

import table


def row(name, procs=1):
    return next(table.Figures.from_json(r) for r in sample()["rows"] if r["row"] == name and r["procs"] == procs)


def cells(line):
    return dict(zip(table.HEAD, line))


class Table(unittest.TestCase):
    def test_a_ratio_is_the_median_of_pairs_and_not_the_ratio_of_medians(self):
        ours = [{"n": 1, "value": v} for v in (1, 10, 100)]
        other = [{"n": 1, "value": v} for v in (100, 5, 100)]
        self.assertEqual(table.ratio_of_pairs(ours, other, "ns_per_task"), 1)

    def test_a_run_that_failed_has_no_pair(self):
        figures = row("sieve")
        self.assertEqual(table.ratios_of_pairs(figures.of("ours", None, "ms"), figures.of("go", None, "ms"), "ms"), [0.5, 0.3])

    def test_whole_runs_of_different_n_are_not_compared(self):
        figures = row("sieve")
        self.assertIsNone(table.ratio_of_pairs(figures.of("ours", None, "ms"), figures.of("std_thread", None, "ms"), "ms"))
        self.assertIsNone(table.best_peer(figures, PEERS, None, "ms"))

    def test_a_line_shows_ours_beside_go_the_best_peer_and_the_limit(self):
        line = cells(table.lines_of(row("pingpong"), 3, PEERS)[0])
        self.assertEqual((line["ours"], line["Go"], line["ours/Go"]), ("55", "220", "0.25"))
        self.assertEqual((line["best peer"], line["ours/it"]), ("110 boost_fiber", "0.5"))
        self.assertEqual((line["limit"], line["ours/limit"]), ("30", "2"))
        self.assertEqual(line["CPU"], "0.25")

    def test_what_is_not_there_is_a_dash_and_a_failure_is_a_line(self):
        first, second = table.lines_of(row("pingpong", 2), 3, PEERS)
        self.assertEqual([cells(first)[c] for c in ("Go", "ours/Go", "limit", "ours/limit")], ["-"] * 4)
        self.assertEqual(second[2], "FAILED: go, 1 of 3 runs: status 1: no word")

    def test_an_aim_is_a_share_of_gos_and_half_as_much_again_at_two_processors(self):
        self.assertEqual(table.aim("pingpong", 1, "ns_per_round_trip", 50, 0.25), ("<= 0.25 Go", True))
        self.assertEqual(table.aim("pingpong", 1, "ns_per_round_trip", 50, 0.26), ("<= 0.25 Go", False))
        self.assertEqual(table.aim("pingpong", 2, "ns_per_round_trip", 50, 0.37), ("<= 0.375 Go", True))
        self.assertEqual(table.aim("http", 1, "requests_per_second", 50, 1.9), (">= 2 Go", False))
        self.assertEqual(table.aim("http", 2, "requests_per_second", 50, 1.9), (">= 1.33 Go", True))
        self.assertEqual(table.aim("block_sys", 1, "ms", 101, 0.1), ("<= 100", False))
        self.assertEqual(table.aim("block_sys", 2, "ms", 101, 0.1), ("<= Go", True))

    def test_the_rows_that_run_when_named_have_the_aims_of_their_own_or_none(self):
        self.assertEqual(table.aim("idle", 2, "permille_asleep", 0.9, None), ("<= 1", True))
        self.assertEqual(table.aim("idle", 2, "switches_per_s_asleep", 90, None), ("", None))
        self.assertEqual(table.aim("quota", 1, "ms_stall_hogs", 75, None), ("<= 60", False))
        self.assertEqual(table.aim("wake_idle", 2, "ns_by_task", 50, None, 1.9), ("<= 2 limit", True))
        self.assertEqual(table.aim("wake_idle", 2, "ns_by_task", 50, None, 2.1), ("<= 2 limit", False))

    def test_echo_is_held_to_the_bare_server(self):
        rate, p99 = [cells(line) for line in table.lines_of(row("echo"), 3, PEERS)]
        self.assertEqual((rate["aim"], rate["ours/limit"], rate[""]), (">= 0.95 limit", "0.93", "MISSED"))
        self.assertEqual((p99["aim"], p99[""]), ("<= 1.2 limit", "MISSED"))

    def test_what_is_stored_can_be_read_back(self):
        stored = sample()["rows"]
        self.assertEqual([table.Figures.from_json(r).as_json() for r in stored], stored)


if __name__ == "__main__":
    unittest.main()

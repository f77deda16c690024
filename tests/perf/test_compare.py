#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""compare.py: what it calls a change between two stored runs and between two commits, and how it runs the latter."""
import copy
import json
import os
import stat
import tempfile
import types
import unittest

from support import SAMPLE, TOP, printed, sample

import compare

# Prints 10 or 20 for A or B, and writes down that it ran.
BENCH = """#!/bin/sh
echo NAME >> LOG
echo "workload=$1 procs=$2 n=1 value=VALUE unit=ns_per_op"
"""


class Stored(unittest.TestCase):
    def run_on(self, changed):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "new.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(changed, file)
            return printed(compare.main, [SAMPLE, path])[1].splitlines()

    def test_a_difference_counts_when_the_ranges_do_not_overlap(self):
        new = copy.deepcopy(sample())
        for run in new["rows"][0]["figures"][0]["runs"]:
            run["value"] *= 2
        for run in new["rows"][3]["figures"][0]["runs"]:
            run["value"] *= 2
        lines = self.run_on(new)
        self.assertRegex(lines[0], r"^pingpong +1 ns_per_round_trip +55 -> +110 +x2 +WORSE$")
        self.assertRegex(next(line for line in lines if "messages" in line), r"x2 +better$")

    def test_a_difference_within_the_noise_does_not(self):
        new = copy.deepcopy(sample())
        for run in new["rows"][0]["figures"][0]["runs"]:
            run["value"] += 6
        self.assertRegex(self.run_on(new)[0], r"x1\.11$")

    def test_what_only_one_has_and_another_machine_are_said(self):
        new = copy.deepcopy(sample())
        del new["rows"][0]
        new["machine"]["cpu"] = "Other CPU"
        lines = self.run_on(new)
        self.assertIn("# cpu: Sample CPU -> Other CPU", lines)
        self.assertIn("# only in one of them: pingpong 1 10 ns_per_round_trip", lines)


class Commits(unittest.TestCase):
    def test_pairs_must_agree_and_be_apart(self):
        for ratios, unit, word in (([1.1, 1.2, 1.3], "ns_per_op", "WORSE"), ([0.8, 0.9], "ns_per_op", "better"),
                                   ([1.1, 1.2], "messages_per_second", "better"), ([0.9, 1.1, 1.2], "ns_per_op", ""),
                                   ([1.01, 1.01], "ns_per_op", "")):
            self.assertEqual(compare.verdict_of_pairs(unit, ratios), word)

    def test_they_run_in_turn_and_neither_is_always_the_second(self):
        with tempfile.TemporaryDirectory() as folder:
            log, benches = os.path.join(folder, "log"), {}
            for name, value in (("A", "10"), ("B", "20")):
                benches[name] = os.path.join(folder, name)
                with open(benches[name], "w", encoding="utf-8") as file:
                    file.write(BENCH.replace("NAME", name).replace("LOG", log).replace("VALUE", value))
                os.chmod(benches[name], stat.S_IRWXU)
            options = types.SimpleNamespace(quick=True, runs=3, limit=10)
            figures = compare.measure_pairs("pingpong", 1, benches, options)
            with open(log, encoding="utf-8") as file:
                self.assertEqual(file.read().split(), ["A", "B", "B", "A", "A", "B"])
            _, text = printed(compare.show_pairs, figures)
            self.assertRegex(text, r"^pingpong +1 ns_per_op +10 -> +20 +x2 +\[2 \.\. 2\] WORSE\n$")

    def test_the_work_tree_is_taken_as_it_stands(self):
        if not os.path.exists(os.path.join(TOP, ".git")):
            self.skipTest("no git here")
        with tempfile.TemporaryDirectory() as folder:
            tree, head = compare.sources_of(compare.WORK_TREE, folder), compare.sources_of("HEAD", folder)
            for root in (tree, head):
                self.assertTrue(os.path.exists(os.path.join(root, "perf", "main.cc")))
            with open(__file__, encoding="utf-8") as mine, open(os.path.join(tree, os.path.relpath(__file__, TOP)), encoding="utf-8") as copied:
                self.assertEqual(mine.read(), copied.read())

    def test_what_cannot_be_compared_is_refused(self):
        self.assertEqual(printed(compare.main, ["one.json"])[0], 2)
        self.assertEqual(printed(compare.main, ["--commits", "A", "B", "--rows", "nothing"])[0], 2)
        self.assertEqual(printed(compare.main, ["a.json", "b.json", "--commits", "A", "B"])[0], 2)
        if os.path.exists(os.path.join(TOP, ".git")):
            self.assertIn("git rev-parse", str(printed(compare.main, ["--commits", "no-such-commit", "HEAD", "--rows", "fib"])[0]))


if __name__ == "__main__":
    unittest.main()

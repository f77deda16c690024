#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""scale.py: what fits into the machine, what counts as a collapse, the tables; and one small run of the program itself.

usage: test_scale.py BENCH LOAD_CLIENT
"""
import json
import os
import re
import stat
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

from support import printed, sample

import programs
import scale

BENCH, CLIENT = (sys.argv.pop(1), sys.argv.pop(1)) if len(sys.argv) > 2 else sys.exit(__doc__)
GIB = 2**30
LONGEST = 60
PROGRAM = """#!/bin/sh
echo "$*" >> LOG
test "$1" = fib && exit 3
test "$1" = --counters && echo "counter=wakes value=7 per_op=0.5
counter=steals value=-2 per_op=-1e-06" >&2
test "$1" = echo && shift
echo "workload=row procs=$2 n=${3:-5} value=$2 unit=ns_per_op"
"""


def result(*figures, failures=(), counters=()):
    """A stored run: a figure is (row, procs, n, unit, values)."""
    return {"machine": sample()["machine"], "runs": 3, "quick": False, "left_out": [], "failures": list(failures), "counters": list(counters),
            "figures": [{"row": row, "procs": procs, "n": n, "unit": unit, "runs": [{"n": n or 9, "value": v} for v in values]}
                        for row, procs, n, unit, values in figures]}


def cells(*figures):
    return scale.Cells.from_json(result(*figures)["figures"], [])


class Fits(unittest.TestCase):
    def test_goroutines_that_do_not_fit_into_memory_are_left_out_with_a_sentence(self):
        fit, words = scale.fitting_goroutines("parked", [1_000, 1_000_000, 10_000_000], 20 * GIB)
        self.assertEqual(fit, [1_000, 1_000_000])
        self.assertEqual(words, ["parked with 10,000,000 goroutines is left out: it takes 47 GiB, 20 are free"])
        self.assertEqual(scale.fitting_goroutines("spawn_join", [10_000_000], 20 * GIB), ([10_000_000], []))

    def test_a_fifth_of_the_memory_stays_free(self):
        each = scale.GOROUTINE_ROWS["parked"][1]
        self.assertEqual(scale.fitting_goroutines("parked", [800], each * 1000)[0], [800])
        self.assertEqual(scale.fitting_goroutines("parked", [801], each * 1000)[0], [])

    def test_connections_beyond_the_limit_of_files_are_cut_with_a_sentence(self):
        self.assertEqual(scale.fitting_connections([1, 20_000], 20_100), ([1, 20_000], []))
        fit, words = scale.fitting_connections([1, 20_000], 20_000)
        self.assertEqual(fit, [1, 19_900])
        self.assertEqual(len(words), 1)
        self.assertIn("20,000 connections were cut to 19,900", words[0])

    def test_the_limit_of_files_is_raised_where_that_is_allowed(self):
        with mock.patch.object(scale.resource, "getrlimit", return_value=(100, 200)):
            with mock.patch.object(scale.resource, "setrlimit") as setrlimit:
                self.assertEqual(scale.files_for(300), 300)
                setrlimit.assert_called_once_with(scale.resource.RLIMIT_NOFILE, (300, 300))
            with mock.patch.object(scale.resource, "setrlimit", side_effect=[ValueError, None]):
                self.assertEqual(scale.files_for(300), 200)
            with mock.patch.object(scale.resource, "setrlimit"):
                self.assertEqual(scale.files_for(150), 200)

    def test_a_plan_has_only_the_parts_that_were_asked_for(self):
        options = scale.parse(["--parts", "timers,procs", "--timers", "1,10", "--few-procs", "2", "--rows", "fib", "--procs", "2,64"])
        self.assertEqual(scale.plan(options), ([("timers_pending", 2, 1), ("timers_pending", 2, 10), ("fib", 2, None), ("fib", 64, None)], []))


class Collapse(unittest.TestCase):
    def test_what_is_kept_is_the_median_of_the_ratios_of_pairs(self):
        c = cells(("fib", 2, None, "ns_per_task", [100, 10, 90]), ("fib", 64, None, "ns_per_task", [200, 10, 100]))
        self.assertEqual(scale.kept(c, "fib"), 0.9)
        self.assertIsNone(scale.kept(cells(("fib", 2, None, "ms", [1])), "fib"))

    def test_a_row_that_loses_more_than_a_fifth_fails_the_run(self):
        for cost, good in ((125, True), (126, False)):
            r = result(("fib", 2, None, "ms", [100]), ("fib", 64, None, "ms", [cost]))
            verdict, text = printed(scale.report, r, False)
            self.assertEqual(verdict, good)
            self.assertEqual("COLLAPSE" in text and "fib does 0.79 at 64 processors" in text, not good)

    def test_a_failure_fails_the_run_and_a_part_that_was_not_run_does_not(self):
        self.assertTrue(printed(scale.report, result(("parked", 1, 1000, "ns_per_task_wake", [1])), False)[0])
        verdict, text = printed(scale.report, result(failures=["fib procs=2: no luck"]), False)
        self.assertFalse(verdict)
        self.assertIn("FAILED: fib procs=2: no luck", text)


class Tables(unittest.TestCase):
    STORED = result(("spawn_join", 1, 1_000, "ns_per_task", [50, 40, 60]), ("spawn_join", 1, 10_000_000, "ns_per_task", [70]),
                    ("spawn_join", 2, 1_000, "ns_per_task", [30]), ("echo", 1, 19_900, "p99_us", [1234.5]),
                    ("fib", 2, None, "ns_per_task", [100]), ("fib", 64, None, "ns_per_task", [90]),
                    counters=[{"row": "fib", "procs": 64, "per_op": {"wakes": 0.5}}])

    def test_sizes_are_columns_and_figures_are_lines(self):
        made = {title: (head, lines) for title, head, lines in scale.grids(scale.Cells.from_json(self.STORED["figures"], []), self.STORED["counters"])}
        self.assertEqual(made["goroutines"], (["row", "figure", "10^3", "10^7"], [
            ["spawn_join", "ns per task, 1 proc", "50", "70"], ["spawn_join", "ns per task, 2 procs", "30", "-"]]))
        self.assertEqual(made["connections"], (["row", "figure", "19,900"], [["echo", "p99 us, 1 proc", "1,234"]]))
        self.assertEqual(made["procs"], (["row", "figure", "2", "64", "throughput at 64 to 2"], [["fib", "ns per task", "100", "90", "1.11"]]))
        head, lines = made["events in a thousand operations"]
        self.assertEqual(dict(zip(head, lines[0]))["wakes"], "500")
        self.assertNotIn("pending timers", made)

    def test_the_markdown_is_a_table(self):
        _, text = printed(scale.report, self.STORED, True)
        self.assertIn("| procs | figure | 2 | 64 | throughput at 64 to 2 |\n| --- | --- | --: | --: | --: |\n| fib | ns per task | 100 | 90 | 1.11 |\n", text)
        self.assertIn("3 runs in turn, full N, medians", text)

    def test_powers_of_ten_are_written_as_such_from_a_thousand_on(self):
        self.assertEqual([scale.power(n) for n in (1, 100, 1_000, 19_900, 20_000, 10_000_000)], ["1", "100", "10^3", "19,900", "20,000", "10^7"])

    def test_a_stored_run_is_shown_again_without_measuring(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "run.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(self.STORED, file)
            status, text = printed(scale.main, ["--from", path, "--build", "/nowhere"])
        self.assertEqual(status, 0)
        self.assertRegex(text, r"spawn_join  ns per task, 1 proc +50 +70")

    def test_nonsense_is_refused(self):
        for arguments in (["--parts", "nothing"], ["--rows", "nobody"], ["--procs", "x"], ["--procs", "0"], ["--runs", "0"], ["--timers", "-1"]):
            self.assertEqual(printed(scale.parse, arguments)[0], 2, arguments)


class Turns(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.log, self.path = os.path.join(folder.name, "log"), os.path.join(folder.name, "bench")
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(PROGRAM.replace("LOG", self.log))
        os.chmod(self.path, stat.S_IRWXU)
        os.symlink(self.path, os.path.join(folder.name, "load_client"))

    def ran(self):
        with open(self.log, encoding="utf-8") as file:
            return file.read().splitlines()

    def test_each_run_goes_through_all_sizes_and_failures_are_kept(self):
        options = scale.parse(["--runs", "2"])
        work = [("pingpong", 2, None), ("pingpong", 64, None), ("echo", 1, 10), ("fib", 2, None)]
        (c, said), _ = (printed(scale.measure, work, {"ours": self.path}, options), None)
        self.assertEqual(self.ran(), ["pingpong 2 3000000", "pingpong 64 3000000", f"echo {self.path} 1 10 1", "fib 2 31"] * 2)
        self.assertEqual([f["value"] for f in c.of("pingpong", 64, None, "ns_per_op")], [64, 64])
        self.assertEqual(c.failures, ["fib procs=2: status 3: no word"] * 2)
        self.assertIn("pingpong procs=64: 64 ns_per_op", said)
        again = scale.Cells.from_json(c.as_json(), c.failures)
        self.assertEqual((again.runs, again.failures), (c.runs, c.failures))

    def test_a_million_goroutines_are_measured_once(self):
        printed(scale.measure, [("parked", 1, 999_999), ("spawn_join", 1, 1_000_000)], {"ours": self.path}, scale.parse(["--runs", "3"]))
        self.assertEqual(self.ran(), ["parked 1 999999", "spawn_join 1 1000000", "parked 1 999999", "parked 1 999999"])

    def test_counters_are_taken_at_both_ends(self):
        counted = scale.count(self.path, scale.parse(["--rows", "pingpong", "--quick"]))
        n = scale.table.ROWS["pingpong"]
        self.assertEqual(self.ran(), [f"--counters pingpong 2 {n}", f"--counters pingpong 64 {n}"])
        self.assertEqual(counted[1], {"row": "pingpong", "procs": 64, "per_op": {"wakes": 0.5, "steals": -1e-06}})
        self.assertEqual(scale.count(self.path, scale.parse(["--parts", "procs"])), [])


class Program(unittest.TestCase):
    def test_the_rows_of_one_parameter_answer(self):
        for row, n, unit in (("chan_chain", 100, "ns_per_hand_over"), ("timers_pending", 100, "ns_per_pair"), ("yield_many", 100, "ns_per_yield"),
                             ("spawn_join", 100, "ns_per_task")):
            figures, _, failure, _ = programs.run_once([BENCH, row, "2", str(n)], LONGEST)
            self.assertIsNone(failure, row)
            self.assertEqual([(f["unit"], f["n"]) for f in figures], [(unit, n)])
            self.assertGreater(figures[0]["value"], 0)

    def test_counters_are_lines_beside_the_figure_and_no_figure_themselves(self):
        done = subprocess.run([BENCH, "--counters", "spawn_batch", "1", "10"], capture_output=True, text=True, timeout=LONGEST)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(programs.LINE.findall(done.stdout)), 1)
        counted = {m[1]: (int(m[2]), float(m[3])) for m in scale.COUNTER.finditer(done.stderr)}
        self.assertEqual(len(counted), len(done.stderr.splitlines()))
        self.assertEqual(counted["goroutines_created"], (20_000, 1))  # twice ten rounds of a thousand: the warm-up counts

    def test_counters_of_a_server_in_another_process_are_refused(self):
        for row in ("echo", "serve_http"):
            self.assertEqual(subprocess.run([BENCH, "--counters", row, "1"], capture_output=True, timeout=LONGEST).returncode, programs.NO_SUCH_ROW)

    def test_the_use_is_explained(self):
        for arguments in ([], ["--counters"], ["--counters", "nothing", "1"]):
            done = subprocess.run([BENCH, *arguments], capture_output=True, text=True, timeout=LONGEST)
            self.assertEqual(done.returncode, programs.NO_SUCH_ROW)
            self.assertTrue(re.match(r"usage: PROG \[--counters\] WORKLOAD PROCS \[N\]\n", done.stderr))

    def test_a_small_run_of_every_part_gives_all_tables(self):
        options = scale.parse(["--runs", "1", "--quick", "--goroutines", "50", "--few-procs", "2", "--timers", "10", "--connections", "3",
                               "--rows", "pingpong", "--procs", "2,64"])
        work, left_out = scale.plan(options)
        self.assertEqual(left_out, [])
        with mock.patch.object(scale, "command_for", side_effect=lambda path, row, procs, n, o:
                               [CLIENT, row, path, str(procs), "3", "0.1"] if row == "echo" else [path, row, str(procs), str(n or 1000)]):
            (c, _), counted = printed(scale.measure, work, {"ours": BENCH}, options), scale.count(BENCH, options)
        self.assertEqual(c.failures, [])
        self.assertEqual([title for title, _, _ in scale.grids(c, counted)],
                         ["goroutines", "pending timers", "connections", "procs", "events in a thousand operations"])


if __name__ == "__main__":
    unittest.main()

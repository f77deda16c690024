#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Each limit is run once, shortly: it checks its own answer and prints one figure; the bare servers answer the load client.

usage: test_limits.py LIMITS LOAD_CLIENT
"""
import re
import shutil
import subprocess
import sys
import unittest

import support  # noqa: F401

import programs

LIMITS, CLIENT = (sys.argv.pop(1), sys.argv.pop(1)) if len(sys.argv) > 2 else sys.exit(__doc__)
UNITS = {
    "switch": "ns_per_switch", "switch_1k": "ns_per_switch", "switch_cold": "ns_per_switch", "atomic": "ns_per_add", "look": "ns_per_look",
    "mutex": "ns_per_pair", "task": "ns_per_task", "timer": "ns_per_pair", "timer_100k": "ns_per_pair", "page": "ns_per_page",
    "page_stack": "ns_per_page", "clock": "ns_per_look", "futex": "ns_to_run", "epoll": "ns_per_call", "late": "us_late_p99",
    "tcp": "ns_per_message", "futex_idle": "ns_to_run", "late_idle": "ns_late",
}
N = {"late": "20", "futex_idle": "2", "late_idle": "2"}  # these sleep between two measurements
LONGEST = 60


def said(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST)
    return done.returncode, done.stdout, done.stderr


class Limits(unittest.TestCase):
    def test_the_program_lists_what_it_measures(self):
        status, _, err = said(LIMITS)
        self.assertEqual(status, programs.NO_SUCH_ROW)
        self.assertEqual(set(re.search(r"^limits: (.*)$", err, re.MULTILINE)[1].split()), UNITS.keys())

    def test_each_prints_one_figure_in_its_unit(self):
        for name, unit in UNITS.items():
            with self.subTest(name):
                figures, _, failure, _ = programs.run_once([LIMITS, name, N.get(name, "2000")], LONGEST)
                self.assertIsNone(failure)
                self.assertEqual([f["unit"] for f in figures], [unit])
                self.assertGreater(figures[0]["value"], 0)

    def test_the_smallest_n_is_one(self):
        for name in UNITS:
            self.assertEqual(said(LIMITS, name, "1")[0], 0, name)

    def test_nonsense_is_refused(self):
        for arguments in (["nothing"], ["atomic", "x"], ["atomic", "0"], ["atomic", "-1"], ["atomic", "1", "1"], ["serve_echo", "1"]):
            self.assertEqual(said(LIMITS, *arguments)[0], programs.NO_SUCH_ROW, arguments)

    def test_the_bare_echo_server_answers_on_one_thread_and_on_two(self):
        for threads in ("1", "2"):
            status, out, err = said(CLIENT, "echo", LIMITS, threads, "16", "0.1")
            self.assertEqual(status, 0, err)
            self.assertEqual(re.findall(r"unit=(\w+)", out), ["messages_per_second", "p50_us", "p99_us", "server_cpu_us_per_message"])

    @unittest.skipUnless(shutil.which("wrk"), "wrk is not installed")
    def test_the_bare_http_server_answers(self):
        status, out, err = said(CLIENT, "http", LIMITS, "1", "4", "1")
        self.assertEqual(status, 0, err)
        self.assertIn("unit=requests_per_second", out)


if __name__ == "__main__":
    unittest.main()

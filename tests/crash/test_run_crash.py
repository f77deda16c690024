#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The runner of dying programs must itself be able to fail: each kind of line in the table, kept and broken."""
import os
import subprocess
import sys
import tempfile
import unittest

import run_crash

DIES = "#!/bin/sh\necho ready\necho 'panic: close of closed channel' >&2\necho \"procs $GOSSAMER_PROCS\" >&2\nexit 2\n"
KILLS_ITSELF = "#!/bin/sh\nkill -ABRT $$\n"
WAITS_FOR_QUIT = "#!/bin/sh\ntrap 'echo dumped >&2; exit 2' QUIT\necho ready\nwhile :; do sleep 0.01; done\n"


class Runner(unittest.TestCase):
    def run_table(self, program, table):
        """The runner's exit status and words for a program and a table's section about it."""
        with tempfile.TemporaryDirectory() as room:
            path = os.path.join(room, "boom")
            with open(path, "w", encoding="utf-8") as file:
                file.write(program)
            os.chmod(path, 0o755)
            with open(os.path.join(room, "expected.txt"), "w", encoding="utf-8") as file:
                file.write("# a comment\n[other]\nstatus 1\n\n[boom]\n" + table)
            done = subprocess.run([sys.executable, run_crash.__file__, path, file.name], capture_output=True, text=True)
            return done.returncode, done.stdout + done.stderr

    def test_a_death_as_expected(self):
        table = "status 2\nstdout ^ready$\nstderr ^panic: close of\nstderr ^procs 8$\nnever broken invariant\nenv GOSSAMER_PROCS=8\n"
        self.assertEqual(self.run_table(DIES, table), (0, ""))

    def test_every_run_is_held_against_the_table(self):
        table = "status 2\nenv GOSSAMER_PROCS=8\nstderr ^procs [89]$\nagain GOSSAMER_PROCS=9\n"
        self.assertEqual(self.run_table(DIES, table), (0, ""))
        status, printed = self.run_table(DIES, table.replace("[89]", "8"))
        self.assertEqual(status, 1)
        self.assertIn("boom with GOSSAMER_PROCS=9: stderr has no match for: ^procs 8$", printed)

    def test_each_unmet_line_is_named(self):
        for line, words in (("status 3", "status 2, expected 3"), ("stderr ^close", "stderr has no match for: ^close"),
                            ("stdout panic", "stdout has no match for: panic"), ("never panic", "must not match: panic"),
                            ("status SIGABRT", "status 2, expected -6")):
            with self.subTest(line=line):
                status, printed = self.run_table(DIES, line + "\n" + ("" if line.startswith("status") else "status 2\n"))
                self.assertEqual(status, 1)
                self.assertIn(words, printed)

    def test_a_signal_as_status(self):
        self.assertEqual(self.run_table(KILLS_ITSELF, "status SIGABRT\n")[0], 0)

    def test_a_signal_sent_once_the_program_is_ready(self):
        self.assertEqual(self.run_table(WAITS_FOR_QUIT, "signal SIGQUIT after ready\nstatus 2\nstderr dumped\n"), (0, ""))

    def test_a_program_that_cannot_test_here_is_skipped(self):
        skips = "#!/bin/sh\necho skipped: no way\nexit 77\n"
        self.assertEqual(self.run_table(skips, "status 0\n"), (77, "skipped: no way\n\n"))
        self.assertEqual(self.run_table(skips.replace("skipped", "dead"), "status 0\n")[0], 1)

    def test_a_table_that_is_not_understood(self):
        for table in ("stats 2\n", "status 2\n[boom]\nstatus 2\n", "stderr x\n"):
            with self.subTest(table=table):
                self.assertEqual(self.run_table(DIES, table)[0], 1)

    def test_a_program_that_hangs_is_ended(self):
        longest, run_crash.LONGEST_WAIT = run_crash.LONGEST_WAIT, 0.2
        try:
            with tempfile.TemporaryDirectory() as room:
                path = os.path.join(room, "hangs")
                with open(path, "w", encoding="utf-8") as file:
                    file.write("#!/bin/sh\nexec sleep 1000\n")
                os.chmod(path, 0o755)
                expectations = [("status", "0")]
                status, out, err = run_crash.run(path, expectations)
                self.assertIn("still ran", run_crash.complaints(status, out, err, expectations)[0])
        finally:
            run_crash.LONGEST_WAIT = longest


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""A /dev/shm with too little room for a program's box: the program works, and so do the commands, or they say what is not there.

usage: test_full_shm.py GOSSAMER WAIT_PROGRAMS

Each program gets a /dev/shm of its own, in a mount namespace of its own: root only."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

GOSSAMER, PROGRAMS = sys.argv[1:3]


class Program:
    """A thousand goroutines that leak, and a /dev/shm of so many KiB."""

    def __init__(self, kib):
        inside = f"mount -t tmpfs -o size={kib}k tmpfs /dev/shm && exec {PROGRAMS} many"
        self.process = subprocess.Popen(["unshare", "-m", "sh", "-c", inside], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise unittest.SkipTest("no /dev/shm of its own: " + self.process.communicate()[1].strip())
        self.pid = str(self.process.pid)
        self.box = os.path.join("/proc", self.pid, "root", "dev/shm", f"gossamer.{os.geteuid()}.{self.pid}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()
        if self.process.wait(30) != 0:
            raise AssertionError("the program did not end well")

    def ask(self, *words, status=0):
        done = subprocess.run([GOSSAMER, *words], capture_output=True, text=True, timeout=60)
        if done.returncode != status:
            raise AssertionError(f"{words}: status {done.returncode}: {done.stderr}")
        return done.stdout if status == 0 else done.stderr



@unittest.skipUnless(os.geteuid() == 0 and shutil.which("unshare"), "a mount namespace needs root, and unshare")
class FullShm(unittest.TestCase):
    def test_without_room_for_a_header_the_program_works_and_the_command_says_why_it_sees_nothing(self):
        with Program(4) as program:
            self.assertFalse(os.path.exists(program.box))
            for command in ("ps", "stack", "leaks"):
                self.assertIn("without a box (GOSSAMER_BOX=off, no room in /dev/shm)", program.ask(command, program.pid, status=1))

    def check(self, kib, is_whole):
        with Program(kib) as program, tempfile.TemporaryDirectory() as folder:
            # The living process shows what has no room.
            said = json.loads(program.ask("ps", program.pid, "--json", "--by", "name"))
            self.assertEqual(said["process"]["alive"], 1005)
            self.assertTrue(said["process"]["complete"])
            self.assertIn("1000 goroutines [chan receive]", program.ask("stack", program.pid))
            self.assertIn("certain", program.ask("leaks", program.pid))
            # Likewise its copy, and what is recorded.
            for words in (("snap", program.pid), ("record", program.pid, "--for", "100ms")):
                window = os.path.join(folder, words[0])
                program.ask(*words, "-o", window)
                said = json.loads(program.ask("ps", window, "--json", "--by", "name"))
                self.assertEqual(said["process"]["alive"], 1005)
                self.assertTrue(said["process"]["complete"])
            # What it would leave behind after a kill has not.
            black_box = os.path.join(folder, "box")
            shutil.copy(program.box, black_box)
            said = json.loads(program.ask("ps", black_box, "--json", "--by", "name"))
            self.assertEqual(said["process"]["complete"], is_whole)
            self.assertEqual(said["process"]["alive"] < 1005, not is_whole)
            self.assertEqual("no more room in /dev/shm" in program.ask("ps", black_box), not is_whole)

    def test_with_room_for_the_header_alone(self):
        self.check(64, False)

    def test_with_room_for_some_goroutines(self):
        self.check(256, False)

    def test_with_room_for_all(self):
        self.check(16 << 10, True)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])

#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Runs the tour as a user does, with right and with wrong arguments, and looks at what it says and how it ends.

usage: check_tour.py TOUR
"""
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TOUR = ""
COLUMNS = 100


def tour(*args, **options):
    """What the tour prints, what it complains of, its status."""
    done = subprocess.run([TOUR, *args], capture_output=True, text=True, timeout=120, **options)
    return done.stdout, done.stderr, done.returncode


class Tour(unittest.TestCase):
    def right(self, *args, wanted):
        out, err, status = tour(*args)
        self.assertEqual((err, status), ("", 0), out)
        for line in out.split("\n"):
            self.assertLessEqual(len(line), COLUMNS, line)
        for words in wanted:
            self.assertIn(words, out)
        return out

    def wrong(self, *args, words):
        out, err, status = tour(*args)
        self.assertEqual((out, status), ("", 2))
        self.assertIn(words, err.split("\n")[0])
        self.assertNotIn("terminate called", err)

    def test_parked_gives_bytes_and_nanoseconds(self):
        self.right("parked", "2000", wanted=["2,000 goroutines", "ns each", "bytes each", "wake and end"])

    def test_serve_answers_every_request(self):
        self.right("serve", "20", wanted=["requests/s", "p50", "p99", "20 connections ended, 0 requests lost"])

    def test_stall_measures_pauses(self):
        self.right("stall", wanted=["the blocking read() lasted", "worst pause beside the two", "us"])

    def test_count_counts_words_right(self):
        with tempfile.TemporaryDirectory() as top:
            os.makedirs(os.path.join(top, "deep", "er"))
            words = ["thread"] * 7 + ["gossamer"] * 5 + ["web", "of", "Thread"] + ["x" * 50]
            for name in ("a.txt", "deep/b.txt", "deep/er/c.txt"):
                with open(os.path.join(top, name), "w", encoding="utf-8") as file:
                    file.write("\n".join(words))
            # A word over the border of two reads is one word; zeros are no text; a link is not followed.
            with open(os.path.join(top, "long.txt"), "w", encoding="utf-8") as file:
                file.write(" " * ((64 << 10) - 3) + "border")
            with open(os.path.join(top, "binary"), "wb") as file:
                file.write(b"thread\0thread")
            os.symlink("a.txt", os.path.join(top, "link"))
            os.mkfifo(os.path.join(top, "fifo"))
            out = self.right("count", top, wanted=["4 of 5", "not text: 1, not readable: 0", "MB/s"])
            figures = dict(line.split()[:2] for line in out.split("\n") if line.endswith("times"))
            self.assertEqual(figures, {"thread": "24", "gossamer": "15", "border": "1"})

    def test_count_ends_with_what_it_has_on_ctrl_c(self):
        with tempfile.TemporaryDirectory() as top:
            with open(os.path.join(top, "small.txt"), "w", encoding="utf-8") as file:
                file.write("gossamer " * 10)
            # Text at the start, then a hole that takes long to read.
            with open(os.path.join(top, "endless.txt"), "w", encoding="utf-8") as file:
                file.write("gossamer " * 10_000)
                file.truncate(1 << 40)
            child = subprocess.Popen([TOUR, "count", top], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            first = child.stdout.readline() + child.stdout.readline() + child.stdout.readline()
            self.assertIn("count", first)
            progress = ""
            while "files" not in progress:  # it is at work
                progress = child.stdout.readline()
            asked = time.monotonic()
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=30)
            self.assertEqual((child.returncode, err), (130, ""))
            self.assertLess(time.monotonic() - asked, 10)
            self.assertIn("Ctrl-C", out)
            self.assertIn("1 of 2", out)
            self.assertIn("gossamer", out)

    def test_wrong_arguments_are_told_by_name(self):
        self.wrong("count", "/nowhere/at/all", words="no such directory: /nowhere/at/all")
        self.wrong("count", TOUR, words="not a directory: " + TOUR)
        self.wrong("parked", "many", words='not a whole number: "many"')
        self.wrong("parked", "1e6", words='not a whole number: "1e6"')
        self.wrong("parked", "0", words='not between 1 and 100,000,000: "0"')
        self.wrong("parked", "5", "6", words='one argument at most, but "6" follows')
        self.wrong("serve", "-3", words='not a whole number: "-3"')
        self.wrong("stall", "now", words='takes no argument, but got "now"')
        self.wrong("tuor", words="tuor: no such section")

    def test_help(self):
        for args in (["--help"], ["help"], ["count", "-h"]):
            self.assertIn("usage: tour", self.right(*args, wanted=["parked [N]", "count [DIR…]"]))


if __name__ == "__main__":
    TOUR = os.path.abspath(sys.argv.pop(1))
    unittest.main()

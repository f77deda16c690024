#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Tests of gossamer top, metrics and stalls on a program that runs: stall_target, with a hog and a sleeper in it. And of the manual page: it has a
paragraph for each command, with all its options.

usage: test_top.py GOSSAMER STALL_TARGET MANUAL
"""
import fcntl
import json
import math
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import unittest

GOSSAMER, TARGET, MANUAL = "gossamer", "stall_target", "gossamer.1"
LONGEST = 60  # seconds that anything may take on a busy machine


def ask(*words, status=0):
    done = subprocess.run([GOSSAMER, *words], capture_output=True, text=True, timeout=LONGEST)
    assert done.returncode == status, (words, done.returncode, done.stderr)
    return done.stdout if status == 0 else done.stderr


class Target:
    def __enter__(self):
        self.process = subprocess.Popen([TARGET], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, "GOSSAMER_PROCS": "2"})
        assert self.process.stdout.readline() == "ready\n"
        self.pid = str(self.process.pid)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(LONGEST)
        self.process.stdout.close()


class Exposition:
    """Reads Prometheus's text format, and is strict about it."""
    SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
    LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)')

    def __init__(self, text):
        assert text.endswith("\n")
        self.types, self.samples = {}, []
        helped, family = set(), None
        for line in text[:-1].split("\n"):
            if line.startswith("# HELP "):
                name, words = line[7:].split(" ", 1)
                assert words and name not in helped, line
                helped.add(name)
            elif line.startswith("# TYPE "):
                family, kind = line[7:].split(" ")
                assert kind in ("counter", "gauge", "histogram") and family not in self.types and family in helped, line
                self.types[family] = kind
            else:
                self.sample(line, family)

    def sample(self, line, family):
        match = self.SAMPLE.match(line)
        assert match, line
        name, inside, value = match.groups()
        suffixes = ("_bucket", "_sum", "_count") if self.types[family] == "histogram" else ("",)
        assert name in [family + s for s in suffixes], (line, family)
        labels = {}
        while inside:
            label = self.LABEL.match(inside)
            assert label and label[1] not in labels, line
            labels[label[1]] = label[2]
            inside = inside[label.end():]
        if self.types[family] == "counter":
            assert name.endswith("_total") and float(value) >= 0, line
        key = (name, tuple(sorted(labels.items())))
        assert key not in [k for k, _ in self.samples], line
        self.samples.append((key, float(value)))

    def value(self, name, **labels):
        return dict(self.samples)[(name, tuple(sorted(labels.items())))]

    def all(self, name):
        return [(dict(labels), v) for (n, labels), v in self.samples if n == name]


class Metrics(unittest.TestCase):
    def test_the_page_is_in_prometheus_format_and_tells_what_is_so(self):
        with Target() as t:
            page = Exposition(ask("metrics", t.pid))
            later = Exposition(ask("metrics", t.pid))
            end = time.monotonic() + LONGEST
            while later.value("gossamer_timers_run_total") == 0 and time.monotonic() < end:
                later = Exposition(ask("metrics", t.pid))
        self.assertEqual(page.value("gossamer_up"), 1)
        self.assertEqual(page.value("gossamer_procs"), 2)
        self.assertEqual([labels["p"] for labels, _ in page.all("gossamer_processor_queue_length")], ["0", "1"])
        states = sum(v for _, v in page.all("gossamer_goroutines"))
        self.assertTrue(10 <= states <= 15, states)  # 13 and main; one may be between two states
        self.assertGreaterEqual(page.value("gossamer_goroutines_created_total"), 13)
        for (key, before), (key_after, after) in zip(page.samples, later.samples):
            if key == key_after and key[0].endswith("_total"):
                self.assertGreaterEqual(after, before, key)
        self.assertGreater(later.value("gossamer_timers_run_total"), 0)

    def test_the_histogram_is_one(self):
        with Target() as t:
            end = time.monotonic() + LONGEST
            while True:
                page = Exposition(ask("metrics", t.pid))
                if page.value("gossamer_runnable_wait_seconds_count") > 0 or time.monotonic() > end:
                    break
        buckets = page.all("gossamer_runnable_wait_seconds_bucket")
        limits = [float(labels["le"]) for labels, _ in buckets]
        counts = [v for _, v in buckets]
        self.assertEqual(limits, sorted(limits))
        self.assertEqual(limits[-1], math.inf)
        self.assertEqual(counts, sorted(counts))
        self.assertEqual(counts[-1], page.value("gossamer_runnable_wait_seconds_count"))
        self.assertGreater(counts[-1], 0)
        self.assertGreater(page.value("gossamer_runnable_wait_seconds_sum"), 0)

    def test_json_tells_the_same_families(self):
        with Target() as t:
            text, told = Exposition(ask("metrics", t.pid)), json.loads(ask("metrics", t.pid, "--json"))
        self.assertEqual([f["name"] for f in told["families"]], list(text.types))


class Plain(unittest.TestCase):
    def test_two_frames_of_text(self):
        with Target() as t:
            text = ask("top", t.pid, "--plain", "--times", "2", "--interval", "500ms")
        self.assertEqual(text.count("\ngoroutines "), 2, text)
        self.assertNotIn("\x1b", text)
        for part in ("P0 ", "P1 ", "hog", "sleeper", "polite", "per second:"):
            self.assertIn(part, text)

    def test_json_frames_add_up(self):
        with Target() as t:
            frames = [json.loads(line) for line in
                      ask("top", t.pid, "--json", "--times", "2", "--interval", "1s").splitlines()]
        self.assertEqual(len(frames), 2)
        for f in frames:
            self.assertEqual(f["procs"], 2)
            self.assertGreater(f["looks"], 2)
            for p in f["processors"]:
                self.assertTrue(0 <= p["busy"] <= 1.001 and 0 <= p["seeking"] <= 1.001, p)
            names = {n["name"]: n for n in f["by_name"]}
            self.assertEqual(names["polite"]["all"], 10)
            self.assertGreater(names["hog"]["run"], 0.3)
            self.assertGreater(names["hog"]["cpu"], names["sleeper"]["cpu"])

    def test_wrong_use_and_dead_targets_are_told(self):
        self.assertIn("cpu, wait, name or count", ask("top", "1", "--by", "colour", status=2))
        self.assertIn("100ms", ask("top", "1", "--interval", "1ms", status=2))
        self.assertIn("which process", ask("metrics", status=2))
        self.assertIn("1ms", ask("stalls", "1", "--over", "1us", status=2))
        gone = subprocess.Popen(["true"])
        gone.wait()
        for command in ("top", "metrics", "stalls"):
            self.assertTrue(ask(command, str(gone.pid), status=1).startswith(f"gossamer: {command} {gone.pid}: "))

    def test_a_process_that_ends_ends_it(self):
        with Target() as t:
            top = subprocess.Popen([GOSSAMER, "top", t.pid, "--plain", "--interval", "100ms"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
            top.stdout.readline()
        out, err = top.communicate(timeout=LONGEST)
        self.assertEqual(top.returncode, 0)
        self.assertIn("the process has ended", err)


class Screen:
    """`gossamer top` under a pseudo terminal."""

    def __init__(self, pid, *words, rows=40, columns=100):
        self.master, self.slave = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        env = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
        self.process = subprocess.Popen([GOSSAMER, "top", pid, "--interval", "200ms", *words], stdin=self.slave,
                                        stdout=self.slave, stderr=self.slave, env=env, start_new_session=True)
        self.seen = ""

    def resize(self, rows, columns):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, key):
        os.write(self.master, key.encode())

    def read(self, seconds=0.05):
        ready, _, _ = select.select([self.master], [], [], seconds)
        if ready:
            self.seen += os.read(self.master, 65536).decode("utf-8", "replace")

    def wait_for(self, pattern, fresh=True):
        if fresh:
            self.seen = ""
        end = time.monotonic() + LONGEST
        while not re.search(pattern, self.seen, re.DOTALL):
            assert time.monotonic() < end, (pattern, self.seen[-3000:])
            self.read()
        return self.seen

    def quiet_for(self, seconds):
        """What is drawn in that time."""
        self.seen = ""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read()
        return self.seen

    def wait_end(self):
        end = time.monotonic() + LONGEST
        while self.process.poll() is None:
            assert time.monotonic() < end
            self.read()
        self.read()
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.slave)
        os.close(self.master)


class Terminal(unittest.TestCase):
    def start(self, *words, **options):
        target = Target().__enter__()
        self.addCleanup(target.__exit__)
        screen = Screen(target.pid, *words, **options)
        self.addCleanup(screen.close)
        screen.wait_for(r"polite", fresh=False)
        return screen

    def check_restored(self, screen):
        self.assertEqual(termios.tcgetattr(screen.slave), screen.before)
        self.assertIn("\x1b[?1049l", screen.seen)
        self.assertIn("\x1b[?25h", screen.seen)
        self.assertLess(screen.seen.rfind("\x1b[?1049h"), screen.seen.rfind("\x1b[?1049l"))

    def test_keys_work_and_q_gives_the_terminal_back(self):
        screen = self.start()
        self.assertIn("\x1b[?1049h", screen.seen)
        self.assertNotEqual(termios.tcgetattr(screen.slave)[3] & (termios.ECHO | termios.ICANON), screen.before[3] & (termios.ECHO | termios.ICANON))
        screen.press("h")
        screen.wait_for("longer, shorter interval")
        screen.press("x")
        screen.wait_for("polite")
        screen.press("+")
        screen.wait_for("every 400ms")
        screen.press("-")
        screen.wait_for("every 200ms")
        for key in "1234":
            screen.press(key)
            screen.wait_for("polite")
        screen.press("\x1b[A")  # an arrow is none of the keys
        screen.press("p")
        screen.wait_for(r"PAUSED.*\x1b\[J")
        self.assertNotIn("goroutines", screen.quiet_for(1))
        screen.press("p")
        screen.wait_for("polite")
        screen.press("q")
        self.assertEqual(screen.wait_end(), 0)
        self.check_restored(screen)

    def test_signals_give_the_terminal_back(self):
        for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(signal=sig):
                screen = self.start()
                screen.process.send_signal(sig)
                self.assertEqual(screen.wait_end(), -sig)
                self.check_restored(screen)

    def test_it_follows_the_size_of_the_window(self):
        screen = self.start(rows=40, columns=120)
        screen.resize(10, 40)
        screen.process.send_signal(signal.SIGWINCH)
        screen.quiet_for(0.5)
        whole = screen.wait_for(r"\x1b\[H.*?\x1b\[J")
        frame = re.search(r"\x1b\[H((?:(?!\x1b\[H).)*?)\x1b\[J", whole, re.DOTALL)[1]
        lines = [re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", line) for line in re.split(r"\r+\n", frame)]
        self.assertLessEqual(len(lines), 10)
        for line in lines:
            self.assertLessEqual(len(line), 40, line)

    def test_it_ends_after_the_frames_that_were_asked_for(self):
        screen = self.start("--times", "3")
        self.assertEqual(screen.wait_end(), 0)
        self.check_restored(screen)


class Stalls(unittest.TestCase):
    def test_the_hog_and_the_sleeper_are_found_and_nobody_else(self):
        with Target() as t:
            found = json.loads(ask("stalls", t.pid, "--over", "40ms", "--for", "3s", "--json"))
            text = ask("stalls", t.pid, "--over", "40ms", "--for", "1s")
        by_name = {}
        for g in found["groups"]:
            by_name.setdefault(g["name"], []).append(g)
        self.assertIn("hog", by_name, found)
        self.assertIn("sleeper", by_name, found)
        hog = next(g for g in by_name["hog"] if g["cause"] in ("computing", "no CPU"))
        self.assertGreaterEqual(hog["longest_ns"], 100_000_000)
        sleeper = next(g for g in by_name["sleeper"] if g["cause"] == "system call")
        self.assertIn(sleeper["call"]["name"], ("clock_nanosleep", "nanosleep"))
        self.assertIn("blocking", sleeper["why"])
        self.assertEqual(len(sleeper["goroutines"]), 1)
        self.assertGreaterEqual(sleeper["longest_ns"], 100_000_000)
        # Whose thread the kernel starves stands still too; nobody else may.
        for name, groups in by_name.items():
            if name not in ("hog", "sleeper"):
                self.assertTrue(all(g["cause"] in ("no CPU", "scheduler") for g in groups), groups)
        stacks = [f["function"] for s in sleeper["stacks"] for f in s["frames"]]
        self.assertTrue(any("sleeps_in_the_kernel" in f for f in stacks), sleeper)
        self.assertIn("sleeper", text)
        self.assertIn("was not announced", text)

    def test_no_stacks_when_they_are_not_wanted(self):
        with Target() as t:
            found = json.loads(ask("stalls", t.pid, "--over", "40ms", "--for", "1s", "--json", "--no-stacks"))
        self.assertTrue(found["groups"])
        self.assertFalse(any(g["stacks"] for g in found["groups"]))


class Manual(unittest.TestCase):
    def test_each_command_has_a_paragraph_with_its_options(self):
        with open(MANUAL, encoding="utf-8") as file:
            page = file.read()
        paragraphs = {m[1]: m[0] for m in re.finditer(r"^\.It Nm Cm ([\w-]+)(?:(?!^\.It ).)*", page, re.MULTILINE | re.DOTALL)}
        commands = re.findall(r"^  ([\w-]+) ", ask("--help"), re.MULTILINE)
        self.assertIn("top", commands)
        self.assertEqual(sorted(commands), sorted(paragraphs))
        for command in commands:
            words = ask(command, "--help")
            usage = words[:words.index("\n\n")]
            options = set(re.findall(r"--([a-z-]+)", usage + "\n".join(re.findall(r"^  (--\S+.*)", words, re.MULTILINE))))
            for option in sorted(options - {"json"}):
                self.assertRegex(paragraphs[command], rf"(Fl -|\| -){option}\b", (command, option))


if __name__ == "__main__":
    GOSSAMER, TARGET, MANUAL = sys.argv[1:4]
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])

#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Profiles of a program that runs: `gossamer prof` of each kind over prof_target, whose goroutines stand in known places.

usage: test_prof.py GOSSAMER PROF_TARGET
"""
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request

GOSSAMER, TARGET = sys.argv[1:3]


def find_go():
    for go in (shutil.which("go"), "/usr/local/go/bin/go"):
        if go and os.path.exists(go):
            return go
    return None


class Prof(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program = subprocess.Popen([TARGET], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert cls.program.stdout.readline() == b"ready\n"
        cls.pid = str(cls.program.pid)
        cls.folder = tempfile.TemporaryDirectory()

    @classmethod
    def tearDownClass(cls):
        cls.program.stdin.close()
        cls.program.stdout.close()
        cls.program.wait(30)
        cls.folder.cleanup()

    def prof(self, *words, expect=0):
        done = subprocess.run([GOSSAMER, "prof", *words], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done

    def samples(self, kind, *more):
        answer = json.loads(self.prof(kind, self.pid, "--json", *more).stdout)
        self.assertEqual(answer["kind"], kind)
        for sample in answer["samples"]:
            self.assertEqual(len(sample["values"]), len(answer["types"]))
        return answer["samples"]

    @staticmethod
    def functions(sample):
        return [frame["function"] for frame in sample["stack"]]

    def named(self, samples, name):
        return [s for s in samples if s["labels"].get("goroutine_name") == name]

    def assert_in_stack(self, word, sample):
        self.assertTrue(any(word in f for f in self.functions(sample)), self.functions(sample))

    def test_goroutine_shows_each_with_its_stack_name_and_creator(self):
        samples = self.samples("goroutine")
        listeners = self.named(samples, "listener")
        self.assertEqual(sum(s["values"][0] for s in listeners), 5)
        for s in listeners:
            self.assertEqual(s["labels"]["state"], "chan receive")
            self.assertIn("object", s["labels"])
            self.assertIn("prof_target.cc", s["labels"]["created_by"])
            self.assert_in_stack("waits_for_a_word", s)
        burner = self.named(samples, "burner")
        self.assertEqual(len(burner), 1)
        self.assertIn(burner[0]["labels"]["state"], ("running", "runnable"))

    def test_block_shows_the_lock_and_the_sleep_that_its_holder_takes(self):
        samples = self.named(self.samples("block", "--for", "300ms"), "quarreller")
        reasons = {s["labels"]["reason"] for s in samples}
        self.assertIn("sync.Mutex.Lock", reasons)
        self.assertIn("sleep", reasons)
        for s in samples:
            self.assert_in_stack("holds_the_lock", s)
            self.assertGreater(s["values"][1], 0)

    def test_mutex_blames_who_held_it(self):
        samples = self.samples("mutex", "--for", "300ms")
        self.assertTrue(samples)
        self.assertEqual({s["labels"]["goroutine_name"] for s in samples}, {"quarreller"})
        for s in samples:
            if s["labels"]["place"] == "lock":
                self.assert_in_stack("holds_the_lock", s)

    def test_runnable_names_where_goroutines_were_made(self):
        samples = self.named(self.samples("runnable", "--for", "300ms"), "quarreller")
        self.assertTrue(samples)
        for s in samples:
            self.assert_in_stack("main", s)

    def test_the_recorder_is_put_back(self):
        self.prof("block", self.pid, "--for", "100ms", "--json")
        # A second one begins anew: were the recorder still on, it would take what the rings hold without waiting.
        again = json.loads(self.prof("block", self.pid, "--for", "200ms", "--json").stdout)
        self.assertGreaterEqual(again["duration_ns"], 150_000_000)

    def test_cpu_finds_the_burner(self):
        samples = self.samples("cpu", "--for", "1s")
        burner = self.named(samples, "burner")
        self.assertTrue(burner, samples)
        self.assert_in_stack("burns", max(burner, key=lambda s: s["values"][1]))
        self.assertLess(sum(s["values"][1] for s in samples), 60e9)

    def test_leak_calls_nobody_lost_who_can_be_woken(self):
        samples = self.samples("leak")
        self.assertEqual(self.named(samples, "listener"), [])
        for s in samples:
            self.assertIn(s["labels"]["certain"], ("yes", "no"))

    def test_a_file_is_gzip_and_go_tool_pprof_reads_it(self):
        for kind in ("goroutine", "block"):
            path = os.path.join(self.folder.name, kind + ".pb.gz")
            more = ["--for", "200ms"] if kind == "block" else []
            said = self.prof(kind, self.pid, "-o", path, *more).stdout
            self.assertIn(path, said)
            with gzip.open(path) as f:
                self.assertIn(b"prof_target.cc", f.read())
            if not find_go():
                self.skipTest("no go")
            top = subprocess.run([find_go(), "tool", "pprof", "-top", path], capture_output=True, text=True,
                                 env={**os.environ, "PPROF_TMPDIR": self.folder.name})
            self.assertEqual(top.returncode, 0, top.stderr)
            self.assertIn("(anonymous namespace)::holds_the_lock(gossamer::mutex&)", top.stdout)

    def test_wrong_use_is_told(self):
        for words, status, said in (
            (("goroutine",), 2, "which process or window?"),
            (("heap", self.pid, "-o", "x"), 2, "heap is none of"),
            (("goroutine", self.pid), 2, "-o FILE"),
            (("goroutine", self.pid, "-o", "/nonexistent/x"), 1, "/nonexistent/x"),
            (("goroutine", self.pid, "-o", "x", "--for", "1s"), 2, "of one moment"),
            (("block", self.pid, "-o", "x", "--for", "soon"), 2, "soon"),
            (("cpu", "/dev/null", "-o", "x"), 1, "/dev/null"),
        ):
            with self.subTest(words):
                self.assertIn(said, self.prof(*words, expect=status).stderr)


class Served(unittest.TestCase):
    """The same over HTTP: the program serves pprof's paths, and go's own tools ask."""

    @classmethod
    def setUpClass(cls):
        cls.program = subprocess.Popen([TARGET, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                       env={**os.environ, "GOSSAMER_TOOL": GOSSAMER})
        cls.address = cls.program.stdout.readline().strip()
        assert cls.program.stdout.readline() == "ready\n"
        cls.folder = tempfile.TemporaryDirectory()

    @classmethod
    def tearDownClass(cls):
        cls.program.stdin.close()
        cls.program.stdout.close()
        assert cls.program.wait(30) == 0
        cls.folder.cleanup()

    def fetch(self, path):
        with urllib.request.urlopen(self.address + path, timeout=60) as answer:
            self.assertEqual(answer.status, 200)
            return answer.read()

    def top(self, path):
        go = find_go()
        if go is None:
            self.skipTest("no go")
        done = subprocess.run([go, "tool", "pprof", "-top", "-nodefraction=0", self.address + path], capture_output=True, text=True, timeout=120,
                              env={**os.environ, "PPROF_TMPDIR": self.folder.name, "GOPROXY": "off"})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_go_tool_pprof_shows_the_goroutines_functions(self):
        text = self.top("/debug/pprof/goroutine")
        self.assertIn("Type: goroutine", text)
        self.assertRegex(text, r"(?m)^ .*waits_for_a_word")

    def test_go_tool_pprof_shows_who_uses_the_cpu(self):
        text = self.top("/debug/pprof/profile?seconds=1")
        self.assertIn("Type: cpu", text)
        self.assertRegex(text, r"(?m)^ .*burns")

    def test_the_trace_is_one_that_viewers_take(self):
        path = os.path.join(self.folder.name, "served.trace")
        with open(path, "wb") as f:
            f.write(self.fetch("/debug/pprof/trace?seconds=1"))
        done = subprocess.run([GOSSAMER, "check", path], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        with open(path, "rb") as f:
            self.assertTrue(b"holds_the_lock" in f.read())

    def test_the_metrics_page_is_prometheus_text_and_names_the_version(self):
        text = self.fetch("/metrics").decode()
        self.assertRegex(text, r'(?m)^gossamer_info{.*version="\d+\.\d+\.\d+".*} 1$')
        self.assertRegex(text, r"(?m)^gossamer_procs [1-9]")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])

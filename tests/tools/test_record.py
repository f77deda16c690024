#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""gossamer record, snap, export and replay on a real program: test_record.py GOSSAMER RECORD_TARGET LATE_MODULE"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

GOSSAMER, TARGET, LATE_MODULE = map(os.path.abspath, sys.argv[1:4])


def run(*words, **more):
    return subprocess.run([GOSSAMER, *map(str, words)], capture_output=True, text=True, timeout=60, **more)


class Program:
    """The program to record; it has said "ready"."""

    def __init__(self, *words):
        self.process = subprocess.Popen([TARGET, *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.process.stdout.readline()
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        try:
            os.unlink(f"/dev/shm/gossamer.{os.geteuid()}.{self.pid}")
        except FileNotFoundError:
            pass


def has_go():
    go = shutil.which("go")
    if go is None:
        return False
    tool = subprocess.run([go, "tool", "-n", "trace"], capture_output=True, text=True)
    version = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True).stdout
    try:
        return tool.returncode == 0 and int(version.split(".")[1]) >= 26
    except (IndexError, ValueError):
        return False


class Recording(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)
        # Tests run side by side; each has its own files.
        os.chdir(self.dir)

    def good(self, *words):
        done = run(*words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def refused(self, words, *command):
        done = run(*command)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(words, done.stderr)
        self.assertNotIn("terminate", done.stderr)

    def wait_until_it_records(self, path):
        while not any(name.startswith(path + ".part") for name in os.listdir(".")):
            time.sleep(0.01)
        time.sleep(0.3)

    def whole_window(self):
        environment = dict(os.environ, GOSSAMER_TRACE="run.window", GOSSAMER_PROCS="2")
        subprocess.run([TARGET, "busy", "100"], env=environment, check=True, stdout=subprocess.DEVNULL, timeout=60)
        return "run.window"

    def check_exports(self, window):
        for version in (23, 25, 26):
            self.good("export", window, "--go", "--version", version, "-o", f"{version}.trace")
            if not has_go():
                continue
            parsed = subprocess.run(["go", "tool", "trace", "-d=parsed", f"{version}.trace"],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=120)
            self.assertEqual(parsed.returncode, 0, parsed.stderr[-500:])
        self.good("export", window, "--perfetto", "-o", "p.perfetto-trace")
        self.assertGreater(os.path.getsize("p.perfetto-trace"), 1000)
        self.good("export", window, "--json", "-o", "j.json")
        with open("j.json", encoding="utf-8") as file:
            document = json.load(file)
        events = document["traceEvents"] if isinstance(document, dict) else document
        self.assertGreater(len(events), 100)

    def test_a_window_that_the_program_wrote_itself_is_exported_in_all_formats(self):
        self.check_exports(self.whole_window())

    def test_a_running_program_is_recorded_and_left_as_it_was(self):
        with Program("busy", 100000) as p:
            done = self.good("record", p.pid, "--for", "300ms", "-o", "live.window")
            self.assertRegex(done.stderr, r"[\d,]+ records of \d+ threads")
            self.good("snap", p.pid, "-o", "after.window")
            state = json.loads(self.good("replay", "live.window", "--at", "-50ms", "--json").stdout)
            self.assertGreater(len(state["processors"]), 0)
            counts = state["counts"]
            self.assertGreater(counts["waiting"] + counts["runnable"] + counts["in_call"], 2)
            # The recorder is off again: its rings do not grow.
            first = json.loads(self.good("snap", p.pid, "-o", "a.window", "--json").stdout)["records"]
            time.sleep(0.1)
            second = json.loads(self.good("snap", p.pid, "-o", "b.window", "--json").stdout)["records"]
            self.assertEqual(first, second)
        self.check_exports("live.window")

    def functions_of_blocks(self, window):
        """Names of the stacks at which goroutines began to wait, as Go's own tool shows them."""
        self.good("export", window, "--go", "-o", "stacks.trace")
        self.good("check", "stacks.trace")
        if not has_go():
            self.skipTest("go is not installed")
        parsed = subprocess.run(["go", "tool", "trace", "-d=parsed", "stacks.trace"], capture_output=True, text=True, timeout=120)
        self.assertEqual(parsed.returncode, 0, parsed.stderr[-500:])
        blocks = parsed.stdout.split("StateTransition")
        return [b.split("\nStack=")[0] for b in blocks if "Running->Waiting Reason=" in b[:200]]

    def test_with_stacks_each_wait_shows_who_called_whom_in_every_format(self):
        environment = dict(os.environ, GOSSAMER_TRACE="run.window", GOSSAMER_TRACE_STACKS="1", GOSSAMER_PROCS="2")
        subprocess.run([TARGET, "busy", "100"], env=environment, check=True, stdout=subprocess.DEVNULL, timeout=60)
        self.check_exports("run.window")
        with open("j.json", encoding="utf-8") as file:
            stacks = {e["args"]["stack"] for e in json.load(file)["traceEvents"] if "stack" in e.get("args", {})}
        chain = [s for s in stacks if "waits_deep_down" in s]
        self.assertTrue(chain, stacks)
        self.assertRegex(chain[0], r"(?s)sleep.*waits_deep_down.*goes_down.*goes_down.*goes_down")
        self.good("prof", "block", "run.window", "-o", "block.pb.gz")
        self.good("report", "run.window", "-o", "r.html")
        deep = [b for b in self.functions_of_blocks("run.window") if "waits_deep_down" in b]
        self.assertTrue(deep)
        self.assertGreaterEqual(deep[0].count("goes_down"), 3)
        top = subprocess.run(["go", "tool", "pprof", "-traces", "block.pb.gz"], capture_output=True, text=True, timeout=60)
        self.assertRegex(top.stdout, r"(?s)waits_deep_down.*goes_down.*goes_down")

    def test_a_task_that_is_part_of_another_is_so_in_gos_trace(self):
        if not has_go():
            self.skipTest("go is not installed")
        self.good("export", self.whole_window(), "--go", "-o", "tasks.trace")
        parsed = subprocess.run(["go", "tool", "trace", "-d=parsed", "tasks.trace"], capture_output=True, text=True, timeout=120).stdout
        tasks = re.findall(r'TaskBegin .*ID=(\d+) Parent=(\d+) Type="(\w+)"', parsed)
        whole = {task for task, parent, name in tasks if name == "request" and parent == str(2**64 - 1)}  # none
        parts = [parent for task, parent, name in tasks if name == "part"]
        self.assertEqual(len(whole), 3, tasks[:5])
        self.assertTrue(parts and set(parts) <= whole, tasks[:5])

    def test_record_asks_for_stacks_and_takes_the_wish_back(self):
        with Program("busy", 100000) as p:
            self.good("record", p.pid, "--stacks", "--for", "200ms", "-o", "with.window")
            self.good("record", p.pid, "--for", "200ms", "-o", "without.window")
        self.assertTrue(any(b.count("goes_down") >= 3 for b in self.functions_of_blocks("with.window")))
        self.assertFalse(any("goes_down" in b for b in self.functions_of_blocks("without.window")))

    # How a program dies, what is said of it, and whether a goroutine did it.
    DEATHS = (("deadlock", "fatal error: all goroutines are asleep - deadlock!", False),
              ("panic", "panic: nobody knew row 17", True),
              ("overflow", "runtime: goroutine stack exceeds .* limit", True),
              ("fatal", "fatal error: .*unlock of unlocked mutex", True),
              ("segv", "SIGSEGV: Segmentation fault", True))

    def black_box_of(self, dead):
        """A copy: the library removes all but the newest few, and other programs die, too."""
        box = f"/dev/shm/gossamer.{os.geteuid()}.{dead.pid}"
        shutil.copy(box, "black.box")
        os.unlink(box)
        return "black.box"

    def check_last_moments(self, window, words, by_goroutine):
        state = json.loads(self.good("replay", window, "--json").stdout)
        self.assertRegex(state["stopped"]["by"], f"^{words}$")
        self.assertEqual(state["stopped"]["g"] != 0, by_goroutine)
        self.assertGreater(state["stopped"]["at_ns"], 0)
        self.assertGreater(state["events"]["block"], 100)
        self.assertRegex(self.good("replay", window).stdout, f"(?m)^stopped at \\+.*: {words}$")
        self.assertRegex(self.good("export", window, "--go", "-o", "last.trace").stderr, f"stopped at .*: {words}")
        self.good("check", "last.trace")
        said = json.loads(self.good("report", window, "-o", "last.html", "--json").stdout)
        self.assertRegex(said["stopped"], words)

    def test_a_program_that_dies_leaves_its_last_moments_and_why_in_the_file(self):
        for how, words, by_goroutine in self.DEATHS:
            with self.subTest(how=how):
                environment = dict(os.environ, GOSSAMER_TRACE=how + ".window", GOSSAMER_PROCS="2")
                died = subprocess.run([TARGET, "die", how], env=environment, capture_output=True, timeout=60)
                self.assertNotEqual(died.returncode, 0)
                self.check_last_moments(how + ".window", words, by_goroutine)

    def test_a_program_that_dies_leaves_its_last_moments_and_why_in_its_black_box(self):
        for how, words, by_goroutine in self.DEATHS:
            with self.subTest(how=how):
                died = subprocess.Popen([TARGET, "die", how, "start"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                died.wait(timeout=60)
                self.check_last_moments(self.black_box_of(died), words, by_goroutine)

    def test_code_that_was_loaded_late_has_its_names_in_the_black_box(self):
        died = subprocess.Popen([TARGET, "late", LATE_MODULE], stderr=subprocess.PIPE)
        _, words = died.communicate(timeout=60)
        self.assertIn(b"that was all", words)
        events = json.loads(self.good("export", self.black_box_of(died), "--json", "-o", "-").stdout)["traceEvents"]
        stacks = [e["args"]["stack"] for e in events if "stack" in e.get("args", {})]
        self.assertTrue(any("waits_in_late_module (" in s and "use_late_module" in s for s in stacks), stacks)

    def test_a_signal_that_ends_it_and_a_copy_that_it_asks_for_are_named(self):
        with Program("die", "quit", "start") as p:
            p.process.send_signal(signal.SIGQUIT)
            p.process.wait()
            self.check_last_moments(self.black_box_of(p), "SIGQUIT: quit", False)
        subprocess.run([TARGET, "save", "copy.window"], check=True, timeout=60)
        self.check_last_moments("copy.window", "a copy that the program asked for", True)

    def test_a_recording_in_a_viewers_format_at_once(self):
        with Program("busy", 100000) as p:
            for option, path in (("--go", "x.trace"), ("--perfetto", "x.perfetto"), ("--json", "x.json")):
                self.good("record", p.pid, "--for", "100ms", option, "-o", path)
                self.assertGreater(os.path.getsize(path), 500)

    def test_ctrl_c_ends_early_and_writes(self):
        with Program("busy", 100000) as p:
            recorder = subprocess.Popen([GOSSAMER, "record", str(p.pid), "--for", "10m", "-o", "x.window"],
                                        stderr=subprocess.PIPE, text=True)
            self.wait_until_it_records("x.window")
            recorder.send_signal(signal.SIGINT)
            _, words = recorder.communicate(timeout=30)
            self.assertEqual(recorder.returncode, 0, words)
            self.assertIn("interrupted", words)
            self.good("replay", "x.window")

    def test_the_process_ends_meanwhile(self):
        with Program("busy", 4000) as p:
            done = self.good("record", p.pid, "--for", "10m", "-o", "x.window")
            self.assertIn("the process has ended", done.stderr)
        self.good("replay", "x.window")

    def test_the_process_is_killed_and_its_black_box_read(self):
        with Program("busy", 100000) as p:
            recorder = subprocess.Popen([GOSSAMER, "record", str(p.pid), "--for", "10m", "-o", "x.window"],
                                        stderr=subprocess.PIPE, text=True)
            self.wait_until_it_records("x.window")
            p.process.kill()
            p.process.wait()
            _, words = recorder.communicate(timeout=30)
            self.assertEqual(recorder.returncode, 0, words)
            self.assertIn("the process has ended", words)
            self.good("export", "x.window", "--go", "-o", "x.trace")
            # What it left in /dev/shm holds the end of it.
            self.good("replay", f"/dev/shm/gossamer.{os.geteuid()}.{p.pid}")

    def test_a_file_that_cannot_be_written_leaves_the_recorder_off(self):
        with Program("busy", 100000) as p:
            self.refused("cannot write", "record", p.pid, "--for", "50ms", "-o", "/nowhere/x.window")
            if os.path.exists("/dev/full"):
                self.refused("cannot write", "record", p.pid, "--for", "50ms", "-o", "/dev/full")
                self.refused("cannot write", "record", p.pid, "--for", "50ms", "--go", "-o", "/dev/full")
            first = json.loads(self.good("snap", p.pid, "-o", "a.window", "--json").stdout)["records"]
            time.sleep(0.1)
            second = json.loads(self.good("snap", p.pid, "-o", "b.window", "--json").stdout)["records"]
            self.assertEqual(first, second)

    def test_a_stall_fires_the_trigger(self):
        with Program("hog", 200) as p:
            done = self.good("record", p.pid, "--until-stall", "50ms", "--for", "20s", "-o", "x.window")
            self.assertIn("the trigger fired", done.stderr)
            self.good("replay", "x.window")

    def test_a_process_that_never_recorded_says_so(self):
        with Program("idle") as p:
            self.good("snap", p.pid, "-o", "x.window")
            self.refused("switch it on with", "export", "x.window", "--go", "-o", "x.trace")
            self.assertFalse(os.path.exists("x.trace"))
            self.refused("nothing was recorded", "record", p.pid, "--for", "100ms", "-o", "y.window")
            self.assertFalse(os.path.exists("y.window"))

    def test_counts_are_plausible(self):
        window = self.whole_window()
        self.good("export", window, "--json", "-o", "-")
        state = json.loads(self.good("replay", window, "--at", "+1ms", "--json").stdout)
        self.assertLessEqual(sum(1 for p in state["processors"] if p["runs"] != 0), 2)
        end = json.loads(self.good("replay", window, "--json").stdout)
        self.assertEqual(end["counts"]["runnable"], 0)  # it has ended: nobody is left
        n = end["events"]
        self.assertGreater(n["start"], 100)
        # Whoever runs stops again, and whoever stops or begins is made to run; but for the threads at both ends.
        stops = n["block"] + n["yield"] + n["preempt"] + n["end"] + n["call_begin"] + n["retake"]
        self.assertLessEqual(abs(n["start"] - stops), 4, n)
        self.assertLessEqual(abs(n["ready"] + n["create"] - n["block"] - n["end"]), 4, n)
        for what in ("region_begin", "region_end", "task_begin", "log", "counter", "p_take", "p_drop"):
            self.assertGreater(n[what], 0, what)
        self.assertEqual(n["region_begin"], n["region_end"])

    def test_why_and_step(self):
        window = self.whole_window()
        state = json.loads(self.good("replay", window, "--at", "-10ms", "--json").stdout)
        groups = state["waiting"] + state["runnable"]
        self.assertTrue(groups)
        g = groups[0]["first"]
        steps = json.loads(self.good("replay", window, "--at", "-10ms", "--step", g, "--json").stdout)
        self.assertEqual(steps["g"], g)
        self.assertGreater(len(steps["events"]), 0)
        why = json.loads(self.good("replay", window, "--at", "-10ms", "--why", g, "--json").stdout)
        self.assertEqual(why[0]["g"], g)
        self.good("replay", window, "--at", "-10ms", "--why", g)
        self.refused("no goroutine", "replay", window, "--why", 999999999)

    def test_wrong_use(self):
        for words in (["record"], ["record", "1", "--for", "soon"], ["record", "1", "--go", "--json"],
                      ["export", "x"], ["export", "x", "--go"], ["export", "x", "--json", "--version", "23", "-o", "y"],
                      ["export", "x", "--go", "--version", "24", "-o", "y"], ["snap", "x"], ["replay"],
                      ["record", "1", "--ring", "1"], ["replay", "x", "--why", "1", "--step", "1"]):
            with self.subTest(words=words):
                self.assertEqual(run(*words).returncode, 2)
        self.assertEqual(run("replay", self.whole_window(), "--at", "noon").returncode, 2)
        self.refused("the window is", "replay", "run.window", "--at", "+1h")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)

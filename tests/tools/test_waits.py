#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""What `gossamer wait`, `leaks`, `obj` and `tree` say of programs that leak, are deadlocked or are well (programs/).

usage: test_waits.py GOSSAMER WAIT_PROGRAMS LEAKS_GO"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

GOSSAMER = PROGRAMS = LEAKS_GO = None
OURS = {"main", "busy"}  # goroutines that every program has, and that are well


class Program:
    """A scenario that runs."""

    def __init__(self, name):
        self.process = subprocess.Popen([PROGRAMS, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if line != "ready\n":
            raise AssertionError(f"{name}: said {line!r}")
        self.pid = str(self.process.pid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        if self.process.wait(30) != 0:
            raise AssertionError("the program did not go on well after it was looked at")

    def ask(self, command, *words, status=0):
        done = subprocess.run([GOSSAMER, command, self.pid, *words], capture_output=True, text=True, timeout=60)
        if done.returncode != status:
            raise AssertionError(f"{command}: status {done.returncode}: {done.stderr}")
        return done.stdout if status == 0 else done.stderr

    def ask_json(self, command, *words):
        return json.loads(self.ask(command, "--json", *words))

    def ask_until(self, is_it, command, *words, seconds=20):
        """Goroutines take their time on a busy machine to come to where they wait."""
        until = time.monotonic() + seconds
        while True:
            said = self.ask_json(command, *words)
            if is_it(said) or time.monotonic() > until:
                return said
            time.sleep(0.05)

    def says(self, word, command):
        """In one of a few looks: an old word in the program's memory hides a leak from one now and then."""
        return any(word in self.ask(command) for _ in range(5))


def names(groups):
    return {g["name"] for g in groups}


class Leaking(unittest.TestCase):
    # How many goroutines leak in each.
    EXPECTED = {
        "forgotten_receiver": 1, "forgotten_sender": 1, "missing_close": 1, "by_value": 2,
        "timeout_abandons_sender": 1, "early_return": 1, "select_without_other_side": 1, "mutual": 2, "pipeline": 5,
        "stuck_child": 4, "lock_held": 4, "large_closure": 1, "nil_channel": 1, "condition": 1, "many": 1000,
    }
    # What lies on the heap counts as in use, so that these are missed. Go finds so many.
    MISSED = {"own_heap": 1, "wait_group_on_heap": 2}

    def check(self, name, count):
        # An old word that looks like a pointer hides a leak now and then: that is allowed, but not in every process.
        for attempt in range(4):
            if self.is_found(name, count, attempt == 3):
                return

    def is_found(self, name, count, must):
        with Program(name) as program:
            said = program.ask_until(lambda said: said["leaked"] == count or not said["exact"], "leaks",
                                     seconds=20 if must else 5)
            if not said["exact"]:
                self.skipTest(said["why"])
            if said["leaked"] < count and not must:
                return False
            self.assertFalse(names(said["groups"]) & OURS, said)
            self.assertEqual({g["proof"] for g in said["groups"]}, {"certain"}, said)
            self.assertEqual(said["leaked"], count, said)
            self.assertTrue(program.says("certain", "leaks"))
            self.assertLess(len(program.ask("wait").splitlines()), 80)
            self.assertEqual(program.ask_json("leaks", "--older", "1h")["leaked"], 0)
            self.check_without_a_stop(program)
            return True

    def check_without_a_stop(self, program):
        said = program.ask_json("leaks", "--no-stop")
        self.assertEqual(said["stopped_ns"], 0)
        self.assertEqual({g["proof"] for g in said["groups"]} - {"heuristic"}, set())
        self.assertEqual(program.ask_json("wait", "--no-stop")["channels_not_judged"], "the process was not to be stopped")

    def test_two_who_wait_for_each_other_are_a_likely_deadlock(self):
        with Program("mutual") as program:
            said = program.ask_until(lambda said: said["deadlocks"], "wait")
            if "channels_not_judged" in said:
                self.skipTest(said["channels_not_judged"])
            self.assertEqual(len(said["deadlocks"]), 1, said)
            deadlock = said["deadlocks"][0]
            self.assertFalse(deadlock["certain"])
            self.assertEqual([m["name"] for m in deadlock["members"]], ["leaked", "leaked"])
            self.assertTrue(program.says("likely", "wait"))

    def test_who_waits_for_a_lock_of_one_that_is_stuck_stands_behind_it(self):
        with Program("lock_held") as program:
            said = program.ask_until(lambda said: said["deadlocks"] and len(said["deadlocks"][0]["behind"]) == 3, "wait")
            if "channels_not_judged" in said:
                self.skipTest(said["channels_not_judged"])
            self.assertEqual([len(d["members"]) for d in said["deadlocks"]], [1], said)
            self.assertEqual(len(said["deadlocks"][0]["behind"]), 3)
            objects = program.ask_json("obj")["objects"]
            mutex = [o for o in objects if o["kind"] == "mutex"]
            self.assertEqual([o["waiters"] for o in mutex], [3], objects)
            self.assertEqual(mutex[0]["holder"]["name"], "leaked")
            self.assertEqual(mutex[0]["holder"]["id"], said["deadlocks"][0]["members"][0]["id"])

    def test_a_channel_tells_its_length_its_room_and_its_handles(self):
        with Program("missing_close") as program:
            program.ask_until(lambda said: any(o["kind"] == "channel" and o["len"] == 0 for o in said["objects"]), "obj")
            channels = [o for o in program.ask_json("obj")["objects"] if o["kind"] == "channel"]
            self.assertEqual(len(channels), 1)
            self.assertEqual(
                {k: channels[0][k] for k in ("len", "cap", "handles", "closed", "timer", "senders", "waiters")},
                {"len": 0, "cap": 4, "handles": 1, "closed": False, "timer": False, "senders": 0, "waiters": 1})


for name, count in Leaking.EXPECTED.items():
    setattr(Leaking, f"test_{name}", lambda self, name=name, count=count: self.check(name, count))


class Deadlocked(unittest.TestCase):
    LEAKED = {"pair": 5, "three": 3, "double_lock": 1, "rw_pair": 2}

    def check(self, name, members, behind):
        with Program(name) as program:
            said = program.ask_until(lambda said: said["deadlocks"] and len(said["deadlocks"][0]["behind"]) == behind, "wait")
            self.assertEqual(len(said["deadlocks"]), 1, said)
            deadlock = said["deadlocks"][0]
            self.assertTrue(deadlock["certain"])
            self.assertEqual([m["name"] for m in deadlock["members"]], ["dead"] * members)
            self.assertEqual(len(deadlock["behind"]), behind)
            for i, member in enumerate(deadlock["members"]):
                self.assertEqual(member["held_by"], deadlock["members"][(i + 1) % members]["id"])
                self.assertIn("deadlocked.cc", member["place"])
            text = program.ask("wait")
            self.assertIn(f"deadlock of {members} goroutine{'s' if members > 1 else ''}: certain", text)
            first = deadlock["members"][0]["id"]
            chain = program.ask("wait", f"G{first}")
            self.assertIn("a cycle", chain)
            dot = program.ask("wait", "--dot")
            self.assertTrue(dot.startswith("digraph"))
            self.assertEqual(dot.count("{"), dot.count("}"))
            self.assertRegex(dot, rf"g{first} -> g\d+")
            return said

    def test_two_mutexes_taken_in_two_orders(self):
        said = self.check("pair", 2, 3)
        with Program("pair") as program:
            said = program.ask_until(lambda said: said["deadlocks"] and len(said["deadlocks"][0]["behind"]) == 3, "wait")
            behind = said["deadlocks"][0]["behind"][0]
            self.assertIn("deadlock of 2", program.ask("wait", str(behind)))
        self.assertEqual(len(said["waits"]), 5)

    def test_a_cycle_of_three(self):
        self.check("three", 3, 0)

    def test_a_second_lock_by_the_holder(self):
        self.check("double_lock", 1, 0)

    def test_a_reader_and_a_writer(self):
        self.check("rw_pair", 2, 0)


class Healthy(unittest.TestCase):
    def check(self, name):
        with Program(name) as program:
            for _ in range(3):
                said = program.ask_json("leaks")
                self.assertEqual(said["leaked"], 0, said)
                said = program.ask_json("wait")
                self.assertEqual((said["deadlocks"], said["alone"]), ([], 0), said)
            self.assertIn("no leaks", program.ask("leaks"))
            self.assertIn("no deadlock", program.ask("wait"))
            program.ask("obj")

    def test_what_runs_is_not_suspected(self):
        scenarios = subprocess.run([PROGRAMS], capture_output=True, text=True, check=True).stdout.split()
        healthy = [s for s in scenarios if s not in Leaking.EXPECTED and not hasattr(self, s)]
        healthy = [s for s in healthy if s not in Deadlocked.LEAKED and s not in Leaking.MISSED]
        self.assertGreaterEqual(len(healthy), 5)
        for name in healthy:
            with self.subTest(name):
                self.check(name)


def find_go():
    """A Go that has the goroutineleak profile, or None and why."""
    for go in (shutil.which("go"), "/usr/local/go/bin/go"):
        if go is None or not os.path.exists(go):
            continue
        version = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True).stdout.strip()
        known = re.match(r"go1\.(\d+)", version)
        return (go, "") if known and int(known[1]) >= 26 else (None, f"{go} is {version}; the profile came with go1.26")
    return None, "there is no go"


# Handles in disguise, and what hides them where only this library has places.
OURS_ALONE = {"in_a_register", "chain", "relay", "above_a_big_stack", "deep_frames", "old_words"}


class AgainstGo(unittest.TestCase):
    """The same programs in Go (programs/leaks.go): how many goroutines Go's goroutineleak profile calls leaked, and how many we do."""

    def test_both_find_the_same_leaks(self):
        go, why = find_go()
        if go is None:
            self.skipTest(why)
        expected = {**Leaking.EXPECTED, **Deadlocked.LEAKED}
        rows = []
        with tempfile.TemporaryDirectory() as folder:
            binary = os.path.join(folder, "leaks")
            offline = {"GOEXPERIMENT": "goroutineleakprofile", "GOPROXY": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false",
                       "GO111MODULE": "off"}
            built = subprocess.run([go, "build", "-o", binary, LEAKS_GO], capture_output=True, text=True, env={**os.environ, **offline})
            if "unknown GOEXPERIMENT" in built.stderr:
                self.skipTest(f"{go} has no experiment goroutineleakprofile")
            self.assertEqual(built.returncode, 0, built.stderr)
            both = sorted(subprocess.run([binary], capture_output=True, text=True, check=True).stdout.split())
            known = set(subprocess.run([PROGRAMS], capture_output=True, text=True, check=True).stdout.split())
            # Go has no words for these.
            self.assertEqual(known - set(both), OURS_ALONE)
            for name in both:
                theirs = subprocess.Popen([binary, name], stdout=subprocess.PIPE, text=True)
                ours = self.ours(name, expected.get(name, 0))
                rows.append((name, ours, int(theirs.communicate(timeout=60)[0])))
        table = "\n".join(f"{name:26} {ours:5} {theirs:5}" for name, ours, theirs in rows)
        print(f"{'leaked goroutines':26} {'ours':>5} {'go':>5}\n{table}")
        for name, ours, theirs in rows:
            # Go's allocator may put a mutex alone (8 bytes, no pointers) into one block with something that is in use: then it counts as in use.
            go_may_say = {expected.get(name, 0), 1} if name == "lock_held" else {expected.get(name, 0)}
            if name in Leaking.MISSED:
                go_may_say = {Leaking.MISSED[name]}
            with self.subTest(name):
                self.assertEqual(ours, expected.get(name, 0), "ours; the README of the command has this table too")
                self.assertIn(theirs, go_may_say, "go; the README of the command has this table too")

    def ours(self, name, expected):
        for _ in range(4):  # as in Leaking.check
            with Program(name) as program:
                said = program.ask_until(lambda said: said["leaked"] == expected or not said["exact"], "leaks", seconds=5)
                if not said["exact"]:
                    self.skipTest(said["why"])
                if said["leaked"] == expected:
                    break
        return said["leaked"]


class Tree(unittest.TestCase):
    def test_children_stand_below_main_and_equal_ones_are_counted(self):
        with Program("many") as program:
            def all_wait(said):
                return any(child["count"] == 1000 for b in said["tree"] for child in b.get("children", []))
            tree = program.ask_until(all_wait, "tree")["tree"]
            main = [b for b in tree if b.get("name") == "main"]
            self.assertEqual(len(main), 1, tree)
            self.assertEqual(main[0]["id"], 1)
            leaked = [b["count"] for b in main[0]["children"] if b["name"] == "leaked"]
            busy = [b["count"] for b in main[0]["children"] if b["name"] == "busy"]
            self.assertEqual((leaked, sum(busy)), ([1000], 4))
            self.assertEqual(main[0]["descendants"], 1004)
            text = program.ask("tree")
            self.assertIn("1000 × leaked", text)
            self.assertLess(len(text.splitlines()), 12)

    def test_grandchildren_stand_below_children(self):
        with Program("stuck_child") as program:
            program.ask_until(lambda said: said["blocked"] == 4, "leaks")
            text = program.ask("tree")
            self.assertRegex(text, r"(?m)^└─ G\d+ leaked|^├─ G\d+ leaked")
            self.assertRegex(text, r"(?m)^[ │] +└─ 3 × ")


class Misuse(unittest.TestCase):
    def test_each_bad_word_has_a_message_of_its_own(self):
        with Program("nil_channel") as program:
            self.assertIn("there is no goroutine 99999", program.ask("wait", "99999", status=1))
            self.assertIn("not the number of a goroutine", program.ask("wait", "Gx", status=2))
            self.assertIn("exclude each other", program.ask("wait", "--dot", "--json", status=2))
            for command in ("wait", "leaks", "obj", "tree"):
                self.assertTrue(program.ask(command, "--nonsense", status=2))
                missing = subprocess.run([GOSSAMER, command], capture_output=True, text=True)
                self.assertEqual(missing.returncode, 2)
                none = subprocess.run([GOSSAMER, command, "/nowhere"], capture_output=True, text=True)
                self.assertEqual(none.returncode, 1)
                self.assertTrue(re.match(rf"gossamer: {command} /nowhere: ", none.stderr), none.stderr)


class BlackBox(unittest.TestCase):
    def test_without_memory_there_is_only_age_and_it_is_called_so(self):
        with Program("forgotten_receiver") as program:
            box = f"/dev/shm/gossamer.{os.geteuid()}.{program.pid}"
            if not os.path.exists(box):
                self.skipTest("there is no box")
            with open(box, "rb") as f:
                content = f.read()
        copy = f"/tmp/gossamer-test-{os.getpid()}.box"
        try:
            with open(copy, "wb") as f:
                f.write(content)
            done = subprocess.run([GOSSAMER, "leaks", copy, "--json"], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            said = json.loads(done.stdout)
            self.assertFalse(said["exact"])
            self.assertNotIn("certain", {g["proof"] for g in said["groups"]})
            for command in ("wait", "obj", "tree"):
                self.assertEqual(subprocess.run([GOSSAMER, command, copy], capture_output=True).returncode, 0)
        finally:
            os.unlink(copy)


if __name__ == "__main__":
    GOSSAMER, PROGRAMS, LEAKS_GO = sys.argv[1:4]
    del sys.argv[1:4]
    unittest.main()

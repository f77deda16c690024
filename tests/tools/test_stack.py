#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""`gossamer stack`, `gossamer core2threads` and tools/gdb/gossamer_gdb.py on a program whose goroutines stand in known places.

test_stack.py GOSSAMER STACK_TARGET
"""

import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

GOSSAMER = TARGET = None
SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "tools/gdb/gossamer_gdb.py"
LONGEST = 60  # seconds that anything may take


class Program:
    """A stack_target that has come to rest."""

    def __init__(self, *args, exe=None, cwd=None, cores=False):
        def limit():
            if cores:
                resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.process = subprocess.Popen([exe or TARGET, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=cwd,
                                        preexec_fn=limit)
        assert self.process.stdout.readline() == b"ready\n"
        self.pid = str(self.process.pid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(LONGEST)
        finally:
            self.process.kill()
            self.process.stdout.close()


def gossamer(*args):
    return subprocess.run([GOSSAMER, *args], capture_output=True, text=True, timeout=LONGEST)


def gdb(*args):
    return subprocess.run(["gdb", "-nx", "-batch", "-ex", "set debuginfod enabled off", *args], capture_output=True,
                          text=True, timeout=LONGEST)


def has_gdb():
    return shutil.which("gdb") is not None


def stacks(what, *options):
    """By name, or by number those without one."""
    done = gossamer("stack", what, "--all", "--json", *options)
    assert done.returncode == 0, done.stderr
    return {g["name"] or g["id"]: g for g in json.loads(done.stdout)["goroutines"]}


def settled(what, names, *options):
    """Once all of them have frames: a goroutine may still be on its way."""
    until = time.monotonic() + LONGEST
    while True:
        found = stacks(what, *options)
        if all(found.get(n, {}).get("frames") for n in names) or time.monotonic() > until:
            return found
        time.sleep(0.05)


def functions(g):
    return [re.sub(r"\(anonymous namespace\)::", "", f["function"]).split("(")[0] for f in g["frames"]]


WAITERS = ["main", "deep", "large", "aligned", "member", "locker"]


class Stack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program = Program("3")

    @classmethod
    def tearDownClass(cls):
        cls.program.__exit__()

    def check_waiters(self, found):
        self.assertEqual(functions(found["member"]), ["waits_for_a_word", "counter::waits"])
        self.assertEqual(functions(found["large"]), ["waits_for_a_word", "large_frame"])
        self.assertEqual(functions(found["aligned"]), ["waits_for_a_word", "aligned_frame"])
        self.assertEqual(functions(found["deep"]), ["waits_for_a_word"] + 41 * ["descends"])
        self.assertEqual(functions(found["locker"])[-1], "waits_for_the_lock")
        self.assertEqual(found["locker"]["reason"], "sync.Mutex.Lock")
        source = found["member"]["frames"][1]
        self.assertEqual(pathlib.Path(source["file"]).name, "stack_target.cc")
        lines = (pathlib.Path(__file__).parent / "stack_target.cc").read_text().splitlines()
        self.assertIn("waits_for_a_word(words);", lines[source["line"] - 1])
        self.assertIn("main", found["member"]["created_by"][0]["function"])

    def test_frames_of_parked_goroutines_are_the_functions_that_they_are_in(self):
        self.check_waiters(settled(self.program.pid, WAITERS))

    def test_a_running_goroutine_is_found_in_what_it_does_and_goes_on(self):
        found = settled(self.program.pid, ["spinner"], "--state", "running")
        self.assertEqual(list(found), ["spinner"])
        g = found["spinner"]
        if "refused" in g["unavailable"]:
            self.skipTest(g["unavailable"])
        self.assertEqual(functions(g)[-1], "spins")
        self.assertGreater(g["stopped_ns"], 0)
        self.assertNotIn("T", pathlib.Path(f"/proc/{self.program.pid}/stat").read_text().rsplit(")")[1].split()[0])

    def test_the_text_is_in_the_words_of_go(self):
        settled(self.program.pid, WAITERS)
        g = stacks(self.program.pid)["member"]
        done = gossamer("stack", self.program.pid, str(g["id"]))
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, rf"^goroutine {g['id']} \[chan receive\] {{name: member}}:\n")
        self.assertRegex(done.stdout, r"waits_for_a_word\(.*\)\n\t/.*/stack_target.cc:\d+ \+0x[0-9a-f]+\n")
        self.assertRegex(done.stdout, r"\ncreated by main.* in goroutine \d+\n\t/.*:\d+ \+0x[0-9a-f]+\n")
        self.assertNotIn("gossamer::rt::", done.stdout)
        everything = gossamer("stack", self.program.pid, str(g["id"]), "--runtime").stdout
        self.assertIn("gossamer::rt::", everything)

    def test_equal_stacks_are_one_group(self):
        settled(self.program.pid, WAITERS)
        groups = json.loads(gossamer("stack", self.program.pid, "--group", "--state", "chan", "--json").stdout)["groups"]
        self.assertEqual(groups[0]["count"], 3)
        self.assertEqual(len(groups[0]["ids"]), 3)
        self.assertEqual(functions(groups[0]), ["waits_for_a_word"])
        self.assertTrue(all(g["count"] == 1 for g in groups[1:]))
        self.assertRegex(gossamer("stack", self.program.pid, "--group").stdout, r"^3 goroutines \[chan receive\] \d+, \d+, \d+:\n")

    def test_wrong_use_and_wrong_numbers_are_told(self):
        for args, status, words in [(["999999"], 1, "there is no goroutine 999999"),
                                    (["x"], 2, "is no number"), (["--all", "--group"], 2, "exclude")]:
            done = gossamer("stack", self.program.pid, *args)
            self.assertEqual(done.returncode, status)
            self.assertIn(words, done.stderr)
        self.assertEqual(gossamer("core2threads", self.program.pid).returncode, 2)
        done = gossamer("core2threads", self.program.pid, "-o", "/nowhere/core")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("No such file", done.stderr)

    def test_a_core_of_the_running_process_shows_each_goroutine_as_a_thread(self):
        settled(self.program.pid, WAITERS)
        with tempfile.TemporaryDirectory() as folder:
            core = folder + "/core"
            done = gossamer("core2threads", self.program.pid, "-o", core, "--json")
            self.assertEqual(done.returncode, 0, done.stderr)
            answer = json.loads(done.stdout)
            self.assertEqual(answer["goroutines"], 3 + len(WAITERS))
            self.check_waiters(stacks(core))  # it can be looked at like the process
            if not has_gdb():
                self.skipTest("gdb is not installed")
            member = answer["first_thread_id"] + stacks(core)["member"]["id"]
            shown = gdb(TARGET, core, "-ex", "info threads", "-ex", "thread apply all bt 40").stdout
            self.assertEqual(len(set(re.findall(r"LWP 1000\d{5}\)? +0x", shown))), answer["goroutines"])
            self.assertRegex(shown, rf"\(LWP {member}\)[^\n]*\n(#.*\n)*.*waits_for_a_word.*\n.*counter::waits")

    @unittest.skipUnless(has_gdb(), "gdb is not installed")
    def test_the_script_for_gdb_shows_goroutines_of_a_process(self):
        found = settled(self.program.pid, WAITERS)
        member = found["member"]["id"]
        done = gdb("-p", self.program.pid, "-x", SCRIPT, "-ex", "info goroutines", "-ex", f"goroutine {member} bt",
                   "-ex", "goroutine 999999 bt", "-ex", "goroutine all bt")
        if "Operation not permitted" in done.stderr:
            self.skipTest("ptrace is refused")
        self.check_script(done, member)
        self.assertIn("spins", done.stdout)  # the one that runs, by its thread
        self.check_waiters(settled(self.program.pid, WAITERS))  # nothing has been changed

    def check_script(self, done, member):
        self.assertRegex(done.stdout, rf"\n +{member}  chan receive +member")
        self.assertRegex(done.stdout, r"\n +\d+  sync.Mutex.Lock +locker +.*waits_for_the_lock")
        self.assertRegex(done.stdout, rf"goroutine {member} \[chan receive\] {{name: member}}:\n#0 (.*\n)*?#\d.*counter::waits")
        self.assertIn("there is no goroutine 999999", done.stderr)
        self.assertGreaterEqual(done.stdout.count("descends"), 41)

    @unittest.skipUnless(has_gdb(), "gdb is not installed")
    def test_a_core_of_the_kernel_is_copied_with_goroutines_as_threads(self):
        if pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip() != "core":
            self.skipTest("cores go elsewhere (kernel.core_pattern)")
        with tempfile.TemporaryDirectory() as folder, Program("3", cwd=folder, cores=True) as program:
            found = settled(program.pid, WAITERS)
            box = f"/dev/shm/gossamer.{os.geteuid()}.{program.pid}"
            program.process.send_signal(6)
            program.process.wait(LONGEST)
            cores = [c for c in pathlib.Path(folder).iterdir() if c.name.startswith("core")]
            try:
                if not cores:
                    self.skipTest("the kernel wrote no core")
                done = gossamer("core2threads", str(cores[0]), "-o", folder + "/threads", "--json")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(json.loads(done.stdout)["goroutines"], 3 + len(WAITERS))
                in_core = stacks(str(cores[0]))
                self.check_waiters(in_core)
                self.assertEqual(functions(in_core["spinner"])[-1], "spins")  # by the thread's registers in the core
                self.assertEqual(gossamer("core2threads", str(cores[0]), "-o", str(cores[0])).returncode, 1)
                member = found["member"]["id"]
                done = gdb(TARGET, folder + "/threads", "-x", SCRIPT, "-ex", "info threads", "-ex", "thread apply all bt 5",
                           "-ex", "info goroutines", "-ex", f"goroutine {member} bt", "-ex", "goroutine 999999 bt",
                           "-ex", "goroutine all bt")
                self.assertIn(f"LWP {100_000_000 + member}", done.stdout)
                self.assertIn("spins", done.stdout)  # on a thread of the kernel's
                self.check_script(done, member)
            finally:
                pathlib.Path(box).unlink(missing_ok=True)


class Others(unittest.TestCase):
    def test_a_stripped_program_gives_addresses_and_its_path(self):
        if shutil.which("strip") is None:
            self.skipTest("strip is not installed")
        with tempfile.TemporaryDirectory() as folder:
            exe = folder + "/stripped"
            subprocess.run(["strip", "-o", exe, TARGET], check=True)
            with Program("1", exe=exe) as program:
                member = settled(program.pid, ["member"])["member"]
                self.assertGreaterEqual(len(member["frames"]), 3)  # the walk needs no names
                self.assertRegex(member["frames"][-1]["function"], rf"^0x[0-9a-f]+ in {re.escape(exe)}$")

    def test_a_program_that_was_replaced_on_disk_is_not_named_by_the_new_file(self):
        with tempfile.TemporaryDirectory() as folder:
            exe = folder + "/program"
            shutil.copy(TARGET, exe)
            with Program("1", exe=exe) as program:
                os.unlink(exe)
                shutil.copy("/bin/true", exe)
                member = settled(program.pid, ["member"])["member"]
                self.assertEqual(functions(member), ["waits_for_a_word", "counter::waits"])

    def test_more_than_a_hundred_are_grouped(self):
        with Program("5000") as program:
            settled(program.pid, ["member"])
            groups = json.loads(gossamer("stack", program.pid, "--json").stdout)["groups"]
            self.assertEqual(groups[0]["count"], 5000)
            self.assertEqual(len(groups[0]["ids"]), 1000)
            self.assertRegex(gossamer("stack", program.pid).stdout, r"^5000 goroutines \[chan receive\] e.g. \d+, \d+, \d+:\n")
            self.assertEqual(len(stacks(program.pid)), 5000 + len(WAITERS) + 1)


if __name__ == "__main__":
    GOSSAMER, TARGET = (os.path.abspath(a) for a in sys.argv[1:3])
    unittest.main(argv=[sys.argv[0]] + sys.argv[3:])

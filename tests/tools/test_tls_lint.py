#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""`gossamer tls-lint`: finds what is planted in tls/kept.cc whatever compiler, level and model, and nothing else; nothing in our own library;
survives damaged files.

usage: test_tls_lint.py GOSSAMER KEPT.CC LIBGOSSAMER.A PROGRAM"""
import concurrent.futures
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

GOSSAMER = KEPT = LIBRARY = PROGRAM = None
LONGEST_WAIT = 120
COMPILERS = ("g++", "clang++")
MODELS = ("-fPIC", "-fno-pic")


def lint(*words):
    return subprocess.run([GOSSAMER, "tls-lint", *words], capture_output=True, text=True, timeout=LONGEST_WAIT)


def names(found):
    return {re.sub(r"\(.*", "", f["function"]) for f in found["findings"]}


def planted(prefix):
    with open(KEPT, encoding="utf-8") as file:
        return set(re.findall(rf"^\S.*?\b({prefix}_\w+)\(", file.read(), re.MULTILINE))


class TlsLint(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.room = tempfile.TemporaryDirectory()
        jobs = [(cxx, level, model) for cxx in COMPILERS if shutil.which(cxx) for level in range(4) for model in MODELS]
        for cxx in COMPILERS:
            if not shutil.which(cxx):
                print(f"skipped: {cxx} is not installed", file=sys.stderr)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            cls.objects = list(pool.map(cls.compile, jobs))
        cls.small = next(o for o in cls.objects if "-O1" in o)

    @classmethod
    def tearDownClass(cls):
        cls.room.cleanup()

    @classmethod
    def compile(cls, job):
        cxx, level, model = job
        to = os.path.join(cls.room.name, f"{cxx}-O{level}{model}.o")
        subprocess.run([cxx, "-std=c++20", f"-O{level}", model, "-c", KEPT, "-o", to], check=True, timeout=LONGEST_WAIT)
        return to

    def test_all_that_is_planted_is_found_and_nothing_else(self):
        bad, good = planted("bad"), planted("good")
        self.assertGreaterEqual(len(bad), 12)
        self.assertGreaterEqual(len(good), 10)
        found = alarms = 0
        for path in self.objects:
            done = lint(path, "--json")
            self.assertEqual(done.returncode, 1, done.stderr)
            said = names(json.loads(done.stdout))
            found += len(said & bad)
            alarms += len(said - bad)
            self.assertEqual(said, bad, os.path.basename(path))
        builds = len(self.objects)
        print(f"found {found} of {len(bad) * builds} planted, {alarms} false alarms among {len(good) * builds} clean, "
              f"in {builds} builds", file=sys.stderr)

    def test_own_library_keeps_no_address(self):
        done = lint(LIBRARY)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        functions, objects, parking = re.fullmatch(
            r"0 findings in ([\d,]+) functions of ([\d,]+) objects \((\d+) may park\)\n", done.stdout).groups()
        self.assertGreater(int(functions.replace(",", "")), 500)
        self.assertGreater(int(objects.replace(",", "")), 50)
        self.assertGreater(int(parking), 100)

    def test_a_finding_names_function_thread_local_and_call(self):
        done = lint(self.small)
        self.assertRegex(done.stdout, r"\.o: bad_errno_pointer\(\): the address of errno, formed at \+0x[0-9a-f]+, is used at \+0x[0-9a-f]+, "
                                      r"after the call of gossamer::receive\(\) at \+0x[0-9a-f]+, which may park\n")
        self.assertRegex(done.stdout, r"bad_after_own_function_that_parks\(\): the address of own_word.* parks_through_another\(\)")

    def test_other_functions_park_when_it_is_said(self):
        for words in (("--parks", "plain_call"), ("--parks=_Z10plain_callv",), ("--assume-parks",)):
            said = names(json.loads(lint(self.small, "--json", *words).stdout))
            self.assertIn("good_no_park", said, words)
        self.assertNotIn("good_before_only", names(json.loads(lint(self.small, "--json", "--parks", "plain_call").stdout)))

    def test_several_files_are_one_program(self):
        """Without the library its functions may park because of their namespace, with it because of what they do."""
        done = lint(self.small, LIBRARY, "--json")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("bad_pointer_to_own", names(json.loads(done.stdout)))

    def test_what_is_no_object_is_refused(self):
        text = os.path.join(self.room.name, "text")
        with open(text, "w", encoding="utf-8") as file:
            file.write("no object\n" * 100)
        empty = os.path.join(self.room.name, "empty")
        open(empty, "wb").close()
        for path, why in ((text, "not an ELF file"), (empty, ": "), (PROGRAM, "not an object file from before linking"),
                          (text + "-not-there", "No such file")):
            done = lint(path)
            self.assertEqual((done.returncode, done.stdout), (1, ""), path)
            self.assertIn(f"gossamer: tls-lint: {path}", done.stderr)
            self.assertIn(why, done.stderr)
        for words in ((), ("--parks",), (self.small, "--what")):
            self.assertEqual(lint(*words).returncode, 2)

    def test_damaged_files_give_an_error_or_less_never_a_crash(self):
        with open(self.small, "rb") as file:
            whole = file.read()
        dice = random.Random(20261121)
        damaged = os.path.join(self.room.name, "damaged.o")
        refused = 0
        for turn in range(150):
            data = bytearray(whole)
            if turn % 3 == 0:
                del data[dice.randrange(len(data)):]
            else:
                # Headers and tables are at both ends; code is in between.
                for _ in range(dice.choice((1, 8, 64))):
                    room = dice.choice(((0, 64), (0, len(data)), (len(data) * 3 // 4, len(data)), (len(data) - 2048, len(data))))
                    data[dice.randrange(*room)] ^= 1 << dice.randrange(8)
            with open(damaged, "wb") as file:
                file.write(data)
            done = lint(damaged)
            self.assertIn(done.returncode, (0, 1), f"turn {turn}: {done.stderr}")
            self.assertTrue(done.stdout or done.stderr.startswith("gossamer: tls-lint: "), f"turn {turn}: says nothing")
            refused += bool(done.stderr)
        self.assertGreater(refused, 40)


if __name__ == "__main__":
    GOSSAMER, KEPT, LIBRARY, PROGRAM = sys.argv[1:5]
    if "without Capstone" in lint(KEPT).stderr:
        print("skipped: gossamer was built without Capstone")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + sys.argv[5:])

#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""run.py: programs in turn, the limit from the same run, the short form's verdict, and a stored run shown again."""
import json
import os
import stat
import tempfile
import unittest
from unittest import mock

from support import SAMPLE, printed, sample

import baseline
import programs
import run
import table

PROGRAM = """#!/bin/sh
echo "NAME $*" >> LOG
test "$1" = OTHER && exit 64
echo "workload=$1 procs=1 n=${3:-5} value=VALUE unit=ns_per_op"
"""


class Turns(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.log, self.folder = os.path.join(folder.name, "log"), folder.name

    def program(self, name, value, other="none"):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            text = PROGRAM if name != "broken" else "#!/bin/sh\necho no luck >&2\nexit 3\n"
            file.write(text.replace("NAME", name).replace("LOG", self.log).replace("VALUE", str(value)).replace("OTHER", other))
        os.chmod(path, stat.S_IRWXU)
        return path

    def ran(self):
        with open(self.log, encoding="utf-8") as file:
            return file.read().splitlines()

    def options(self, page, *arguments):
        options = run.parse(["--quick", "--runs", "2", *arguments])
        options.compositions = run.compositions.read(
            f"{run.compositions.BEGIN}\n| row | |\n| - | - |\n{page}\n{run.compositions.END}")
        return options

    def test_the_limits_parts_run_after_each_of_our_runs_and_are_added_up(self):
        contestants = {"ours": self.program("ours", 30), "go": self.program("go", 60), "limit": self.program("limit", 4)}
        options = self.options("| pingpong | ns_per_op | `2 * switch + atomic` | all | |")
        figures = run.measure("pingpong", 1, 2, 7, contestants, options)
        self.assertEqual(self.ran(), ["ours pingpong 1 7", "go pingpong 1 7", "limit atomic", "limit switch"] * 2)
        self.assertEqual([f["value"] for f in figures.of("limit", None, "ns_per_op")], [12, 12])
        self.assertEqual(options.costs, {("atomic", "ns_per_op"): [4, 4], ("switch", "ns_per_op"): [4, 4]})
        self.assertEqual(table.ratio_of_pairs(figures.of("ours", None, "ns_per_op"), figures.of("limit", None, "ns_per_op"), "ns_per_op"), 2.5)

    def test_a_program_that_does_not_know_the_row_is_asked_once(self):
        figures = run.measure("fib", 1, 2, 7, {"ours": self.program("ours", 1), "go": self.program("go", 1, "fib")},
                              self.options("| fib | ns_per_op | - | all | |"))
        self.assertEqual(self.ran(), ["ours fib 1 7", "go fib 1 7", "ours fib 1 7"])
        self.assertEqual(figures.failures, {})

    def test_a_row_that_the_machine_cannot_run_is_said_and_is_no_failure(self):
        path = self.program("broken", 1)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\necho no such thing here >&2\nexit 77\n")
        figures, text = printed(run.measure, "quota", 1, 2, 7, {"ours": path}, self.options("| quota | ms | - | all | |"))
        self.assertEqual(text, "# quota is left out: no such thing here\n")
        self.assertEqual((figures.failures, figures.figures()), ({}, []))

    def test_memory_is_touched_before_each_program_of_a_row_that_needs_much(self):
        contestants = {"ours": self.program("ours", 1), "go": self.program("go", 1), "limit": self.program("limit", 1)}
        run.measure("parked", 1, 1, 300, contestants, self.options("| parked | ns_per_op | - | all | |"))
        self.assertEqual(self.ran(), ["limit page 400", "ours parked 1 300", "limit page 400", "go parked 1 300"])

    def test_a_failure_is_kept_with_its_words(self):
        figures = run.measure("fib", 1, 2, 7, {"ours": self.program("broken", 1)}, self.options("| fib | ns_per_op | - | all | |"))
        self.assertEqual(figures.failures, {"ours": ["status 3: no luck"] * 2})

    def test_a_bare_server_is_loaded_by_the_client_beside_it(self):
        self.program("load_client", 5)
        contestants = {"ours": self.program("ours", 1), "limit": self.program("limit", 1)}
        page = "| echo | ns_per_op | bare server | all | |"
        run.measure("echo", 2, 1, None, contestants, self.options(page))
        self.assertEqual(self.ran(), ["ours echo 2", f"load_client echo {contestants['limit']} 2"])
        os.remove(self.log)
        run.measure("echo", 2, 1, 64, contestants, self.options(page, "--short"))
        self.assertEqual(self.ran(), [f"load_client echo {contestants[p]} 2 64 0.5" for p in ("ours", "limit")])


class Peers(unittest.TestCase):
    def test_every_folder_of_sources_is_a_rival(self):
        with tempfile.TemporaryDirectory() as folder:
            for path in ("go/main.go", "fibers/main.cc", "fibers/README.md", "rusty/Cargo.toml", "words/README.md", "meson.build"):
                os.makedirs(os.path.join(folder, os.path.dirname(path)), exist_ok=True)
                with open(os.path.join(folder, path), "w", encoding="utf-8"):
                    pass
            self.assertEqual(programs.peers_in(folder), {"fibers": "c++", "rusty": "rust"})


class Plans(unittest.TestCase):
    def test_the_short_form_is_ours_and_the_limit_with_its_own_n(self):
        options = run.parse(["--short"])
        self.assertEqual((options.programs, options.runs), (["ours", "limit"], 3))
        self.assertEqual(run.plan("sleepers", options), (5_000, [1], 1))
        self.assertEqual(run.plan("fib", options), (table.ROWS["fib"], [1, 2], 3))
        self.assertEqual(run.plan("sleepers", run.parse([])), (None, [1, 2], 5))
        self.assertEqual(run.plan("spawned_not_run", run.parse([]))[1], [1])
        self.assertEqual(run.plan("idle", run.parse(["--rows", "idle,quota", "--quick"])), (table.EXTRA["idle"], [1, 2], 3))

    def test_a_baseline_is_taken_in_the_short_form_with_more_runs(self):
        options = run.parse(["--write-baseline"])
        self.assertEqual((options.short, options.runs), (True, 5))

    def test_nonsense_is_refused(self):
        for arguments in (["--rows", "nothing"], ["--programs", "nobody"], ["--procs", "0"], ["--procs", "x"], ["--runs", "0"],
                          ["--from", SAMPLE, "--short"]):
            self.assertEqual(printed(run.parse, arguments)[0], 2, arguments)


class Again(unittest.TestCase):
    def test_a_stored_run_is_shown_and_drawn_without_measuring(self):
        with tempfile.TemporaryDirectory() as folder:
            picture = os.path.join(folder, "x.svg")
            status, text = printed(run.main, ["--from", SAMPLE, "--plot", picture, "--build", "/nowhere"])
            self.assertEqual(status, 0)
            self.assertRegex(text, r"pingpong +1 +ns_per_round_trip +55 +220 +0\.25")
            with open(picture, encoding="utf-8") as file:
                self.assertTrue(file.read().startswith("<svg"))

    def test_the_short_forms_verdict_is_the_baselines(self):
        figures = [table.Figures.from_json(r) for r in sample()["rows"]]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "b.json")
            for slower, good in ((1, True), (10, False)):
                stored = baseline.made_from(figures, {})
                stored["ratios"]["pingpong procs=1 ns_per_round_trip"] /= slower
                with open(path, "w", encoding="utf-8") as file:
                    json.dump(stored, file)
                verdict, text = printed(run.judge, figures, run.parse(["--short", "--baseline", path]))
                self.assertEqual(verdict, good)
                self.assertEqual("pingpong procs=1 ns_per_round_trip: more than 3 times further" in text, not good)

    def test_a_run_in_which_a_row_failed_writes_no_baseline(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "b.json")
            good = sample()
            bad = sample()
            bad["rows"][0]["failures"] = {"ours": ["status 1"]}
            for result, written in ((bad, False), (good, True)):
                with mock.patch.object(run, "run_all", return_value=result):
                    status, _ = printed(run.main, ["--write-baseline", "--baseline", path])
                self.assertEqual((not status, os.path.exists(path)), (written, written))


if __name__ == "__main__":
    unittest.main()

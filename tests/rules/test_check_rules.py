#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Every rule is shown to pass on a tiny right tree and to fail, at the right line, on the same tree with one thing planted."""
import os
import tempfile
import unittest

import check_rules
from source import Tree, code_only

SPDX = "// SPDX-License-Identifier: BSL-1.0\n"
MESON = "# SPDX-License-Identifier: BSL-1.0\n"
FLOORS = "lib but not runtime/stack\nlib/gossamer only itself\nruntime/sched\nruntime/stack\nruntime/base  # lowest\n"

RIGHT = {
    "tests/rules/floors.txt": FLOORS,
    "README.md": "# Title\n\n```cpp\nint main() {}\n```\n",
    "lib/README.md": "<gossamer/chan.h>\n",
    "lib/meson.build": MESON + "lib_sources += files('chan_core.cc')\n",
    "lib/chan_core.cc": SPDX + '#include "gossamer/chan.h"\n#include "runtime/sched/g.h"\n',
    "lib/gossamer/chan.h": SPDX + "#include <atomic>\nstd::atomic<int> public_count;\n",
    "lib/examples/meson.build": MESON + "examples = ['readme']\n",
    "lib/examples/readme.cc": SPDX + "\nint main() {}\n",
    "lib/examples/readme.expected": "",
    "runtime/sched/meson.build": MESON + "x += files('g.cc')\n",
    "runtime/sched/g.h": SPDX + '#include "runtime/base/atomic.h"\nint wait();\n',
    "runtime/sched/g.cc": SPDX + '#include "runtime/sched/g.h"\n// pairs with the store in x\nint wait() { return a.load(acquire); }\n',
    "runtime/base/atomic.h": SPDX + "#include <atomic>\n#if 1\n#endif\n",
    "tests/rules/conformance.txt": "# a comment\nG1 go starts\nG2 says nothing | no way to see it\nCH1 a handle\n",
    "tests/conformance.md": "| G1 | go starts | `lib/go_test.cc`: go starts |\n| G2 | says nothing | no test: no way to see it |\n"
                            "| CH1 | a handle | `crash/boom.cc` |\n",
    "tests/lib/meson.build": MESON + "x = files('go_test.cc')\n",
    "tests/lib/go_test.cc": SPDX + 'TEST_CASE("go starts [G1]") {}\nTEST_CASE(\n    "others "\n    "too [G1] [D9]") {}\n',
    "tests/crash/meson.build": MESON + "crash_programs = ['boom']\n",
    "tests/crash/boom.cc": SPDX + "// Handles [CH1].\n#include <x>\nint main() { __builtin_trap(); }\n",
    "tests/crash/expected.txt": "[boom]\nstatus SIGILL\n",
}


class Planted(unittest.TestCase):
    def complaints(self, changes=None):
        """path:line of all that the rules find in the right tree with the changes (None as text removes a file)."""
        files = dict(RIGHT, **(changes or {}))
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                if text is not None:
                    os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
                    with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                        file.write(text)
            tree = Tree(root)
            return [f"{path}:{line}" for check in check_rules.RULES for path, line, _ in check(tree)]

    def test_the_right_tree_passes(self):
        self.assertEqual(self.complaints(), [])

    def test_a_an_include_that_goes_up(self):
        self.assertEqual(self.complaints({"runtime/base/atomic.h": SPDX + '#include "runtime/sched/m.h"\n',
                                          "runtime/sched/m.h": SPDX}), ["runtime/base/atomic.h:2"])

    def test_a_a_folder_taken_away(self):
        self.assertEqual(self.complaints({"runtime/stack/stack.h": SPDX,
                                          "lib/chan_core.cc": SPDX + '#include "runtime/stack/stack.h"\n'}), ["lib/chan_core.cc:2"])

    def test_a_a_public_header_that_reaches_into_the_runtime(self):
        found = self.complaints({"lib/gossamer/chan.h": SPDX + '#include "runtime/sched/g.h"\n'})
        self.assertEqual(set(found), {"lib/gossamer/chan.h:2"})

    def test_a_an_include_of_nothing(self):
        self.assertEqual(self.complaints({"runtime/sched/g.h": SPDX + '#include "runtime/sched/gone.h"\n'}),
                         ["runtime/sched/g.h:2"])

    def test_a_a_circle(self):
        self.assertEqual(self.complaints({"runtime/sched/g.h": SPDX + '#include "runtime/sched/m.h"\n',
                                          "runtime/sched/m.h": SPDX + '\n#include "runtime/sched/g.h"\n'}),
                         ["runtime/sched/m.h:3"])

    def test_a_a_folder_that_the_picture_lacks(self):
        self.assertEqual(self.complaints({"runtime/attic/old.h": SPDX}), ["runtime/attic/old.h:1"])

    def test_b_a_long_file(self):
        self.assertEqual(self.complaints({"runtime/sched/g.h": SPDX + "\n" * 600}), ["runtime/sched/g.h:601"])
        self.assertEqual(self.complaints({"runtime/sched/g.h": SPDX + "\n" * 599}), [])

    def test_d_an_atomic_by_the_back_door(self):
        self.assertEqual(self.complaints({"runtime/sched/g.h": SPDX + "#include <atomic>\nstd::atomic<int> n;\n"}),
                         ["runtime/sched/g.h:2", "runtime/sched/g.h:3"])

    def test_d_a_comment_about_atomics(self):
        self.assertEqual(self.complaints({"runtime/sched/g.h": SPDX + "// not std::atomic, because\n"}), [])

    def test_e_a_conditional_outside_its_rooms(self):
        self.assertEqual(self.complaints({"runtime/sched/g.h": SPDX + "#pragma once\n#ifdef X\n#endif\n"}), ["runtime/sched/g.h:3"])

    def test_f_a_weak_order_without_a_partner(self):
        for line in ("a.load(relaxed);", "a.store(1, std::memory_order_release);", "a.compare_exchange(x, y, acq_rel, relaxed);",
                     "std::memory_order::acquire)"):
            with self.subTest(line=line):
                self.assertEqual(self.complaints({"lib/gossamer/chan.h": SPDX + line + "\n"}), ["lib/gossamer/chan.h:2"])

    def test_f_a_partner_too_far_above(self):
        self.assertEqual(self.complaints({"runtime/sched/g.h": SPDX + "// pairs with x\n\n\n\na.load(acquire);\n"}),
                         ["runtime/sched/g.h:6"])

    def test_f_a_partner_at_the_end_of_the_statement(self):
        self.assertEqual(self.complaints({"runtime/sched/g.h": SPDX + "f(a, acq_rel,\n  relaxed);  // pairs with x\n"}), [])
        self.assertEqual(self.complaints({"runtime/sched/g.h": SPDX + "f(a, acquire);\n// pairs with x\n"}), ["runtime/sched/g.h:2"])

    def test_f_a_function_called_release(self):
        self.assertEqual(self.complaints({"runtime/sched/g.h": SPDX + "f(release());\nx.acquire();\n"}), [])

    def test_g_a_source_that_nobody_builds(self):
        self.assertEqual(self.complaints({"tests/lib/chan_test.cc": SPDX}), ["tests/lib/chan_test.cc:1"])

    def test_g_a_source_listed_in_a_comment(self):
        self.assertEqual(self.complaints({"runtime/sched/meson.build": MESON + "# 'g.cc'\n"}), ["runtime/sched/g.cc:1"])

    def test_g_a_crash_program_nobody_checks(self):
        self.assertEqual(self.complaints({"tests/crash/expected.txt": "[other]\nstatus 2\n"}),
                         ["tests/crash/boom.cc:1", "tests/crash/expected.txt:1"])

    def test_h_no_licence(self):
        self.assertEqual(self.complaints({"runtime/sched/g.h": "int wait();\n"}), ["runtime/sched/g.h:1"])
        self.assertEqual(self.complaints({"tools/run": "#!/bin/sh\ntrue\n"}), ["tools/run:1"])
        self.assertEqual(self.complaints({"tools/run": "#!/bin/sh\n# SPDX-License-Identifier: BSL-1.0\n"}), [])

    def test_i_the_readme_differs(self):
        self.assertEqual(self.complaints({"README.md": "# Title\n```cpp\nint main() { }\n```\n"}), ["README.md:2"])
        self.assertEqual(self.complaints({"README.md": "# Title\n"}), ["README.md:1"])

    def test_j_an_example_without_its_output(self):
        self.assertEqual(self.complaints({"lib/examples/readme.expected": None}), ["lib/examples/readme.cc:1"])

    def test_k_a_promise(self):
        self.assertEqual(self.complaints({"runtime/sched/g.h": SPDX + "// TO" "DO: later\n"}), ["runtime/sched/g.h:2"])

    def test_k_a_macro_that_should_be_a_function(self):
        self.assertEqual(self.complaints({"runtime/sched/g.h": SPDX + "#define twice(x) ((x) + (x))\n"}), ["runtime/sched/g.h:2"])
        self.assertEqual(self.complaints({"runtime/sched/g.h": SPDX + "#define seven (7)\n"}), [])

    def test_l_a_header_missing_on_the_page(self):
        self.assertEqual(self.complaints({"lib/README.md": "# API\n"}), ["lib/gossamer/chan.h:1"])

    def test_a_public_header_that_needs_more_than_the_standard_library(self):
        self.assertEqual(self.complaints({"lib/gossamer/chan.h": SPDX + "#include <boost/lockfree/queue.hpp>\n"}),
                         ["lib/gossamer/chan.h:2"])

    def test_c_a_header_that_does_not_stand_alone(self):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "lib/gossamer"))
            for name, text in (("good.h", "#include <string>\nstd::string s();\n"), ("bad.h", "std::string s();\n")):
                with open(os.path.join(root, "lib/gossamer", name), "w", encoding="utf-8") as file:
                    file.write(SPDX + text)
            found = list(check_rules.lone_header_failures(Tree(root), [os.environ.get("CXX", "c++")], 2))
            self.assertEqual([path for path, _, _ in found], ["lib/gossamer/bad.h"])

    def test_m_a_rule_of_go_without_test_or_reason(self):
        rules = RIGHT["tests/rules/conformance.txt"]
        self.assertEqual(self.complaints({"tests/rules/conformance.txt": rules + "CH2 is new\n"}), ["tests/rules/conformance.txt:5"])
        self.assertEqual(self.complaints({"tests/rules/conformance.txt": rules + "CH2 is new | why\n"}), [])

    def test_m_a_test_that_names_no_rule(self):
        self.assertEqual(self.complaints({"tests/lib/go_test.cc": RIGHT["tests/lib/go_test.cc"] + 'TEST_CASE("x [G3]") {}\n'}),
                         ["tests/lib/go_test.cc:6"])

    def test_m_a_page_that_is_no_longer_so(self):
        page = RIGHT["tests/conformance.md"]
        self.assertEqual(self.complaints({"tests/conformance.md": page.replace(": go starts", ": go began")}), ["tests/conformance.md:1"])
        self.assertEqual(self.complaints({"tests/conformance.md": page.replace("`crash/boom.cc`", "no test: hm")}), ["tests/conformance.md:3"])
        self.assertEqual(self.complaints({"tests/conformance.md": None}), ["tests/rules/conformance.txt:1"])


class CodeOnly(unittest.TestCase):
    def test_comments_and_literals_go_and_lines_stay(self):
        self.assertEqual(code_only('a /* b\nc */ d // e\nf("#if", \'"\', 1\'000)'), 'a  \n d  \nf("", \' \', 1\'000)')

    def test_raw_strings(self):
        self.assertEqual(code_only('x = R"(// "\n)"; // y\nz'), 'x = ""\n;  \nz')


if __name__ == "__main__":
    unittest.main()

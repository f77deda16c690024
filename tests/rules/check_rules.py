#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Reads the tree and reports every line that breaks a rule of the house.

usage: check_rules.py [--root DIR] [--compiler CXX ...] [--jobs N]

Prints file:line: sentence for each, ends with 1 when there is one. With --compiler, each header is also compiled alone by it.
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys

import conformance
from source import Tree

CODE = (".h", ".cc", ".cpp")
RULES = []

# Where the machine, the compiler or the tool at hand differs; everywhere else the two sides of an #if are two files.
CONDITIONAL_ROOMS = {
    "runtime/arch/": "the CPU",
    "runtime/os/": "the kernel",
    "runtime/base/atomic.h": "the seam where a checker of interleavings steps in",
    "runtime/stack/sanitizer": "asan, tsan, valgrind",
    "runtime/sched/migrate.h": "one constant, from -Dmigrate",
    "third_party/": "not ours",
    "perf/peers/": "rivals, in their own ways",
}

WEAK_ORDER = re.compile(r"(?:^|[(,?:])\s*(?:std::)?(?:memory_order(?:_|::))?(relaxed|acquire|release|acq_rel|consume)\s*(?=[),?:]|$)")


def rule(check):
    """Registers a generator of (path, line, sentence)."""
    RULES.append(check)
    return check


def read_floors(text):
    """Folder -> the folders it may include, itself among them."""
    order, denied, alone = [], {}, set()
    for line in text.split("\n"):
        line = line.partition("#")[0].strip()
        if not line:
            continue
        folder, *rest = line.split()
        order.append(folder)
        if rest[:2] == ["but", "not"]:
            denied[folder] = set(rest[2:])
        elif rest == ["only", "itself"]:
            alone.add(folder)
        elif rest:
            raise SystemExit(f"floors.txt: not understood: {line}")
    return {folder: {folder} if folder in alone else set(order[i:]) - denied.get(folder, set())
            for i, folder in enumerate(order)}


def floor_of(path, floors):
    """The longest folder of the picture that the file is in, or None (tests, perf, tools: free)."""
    homes = [folder for folder in floors if path.startswith(folder + "/")]
    return max(homes, key=len, default=None)


@rule
def includes_go_down(tree):
    """(a) Includes never go up the picture, and never in a circle."""
    floors = read_floors(tree.text("tests/rules/floors.txt"))
    graph = {}
    for path in tree.select("runtime", "lib", ends=CODE):
        home = floor_of(path, floors)
        if home is None:
            yield path, 1, "its folder has no line in tests/rules/floors.txt"
            continue
        if path.startswith("lib/examples/"):
            continue
        for line, name, target in tree.includes(path):
            if target is None:
                yield path, line, f'"{name}" is not in the tree'
                continue
            graph.setdefault(path, []).append((target, line))
            there = floor_of(target, floors)
            if there not in floors[home]:
                yield path, line, f"{home} may not include {target}: the picture in floors.txt goes the other way"
    for path, line, target in circles(graph):
        yield path, line, f"includes {target} in a circle"


def circles(graph):
    """One edge of each circle of includes."""
    done, open_ = set(), set()

    def visit(node):
        open_.add(node)
        for target, line in graph.get(node, ()):
            if target in open_:
                yield node, line, target
            elif target not in done:
                yield from visit(target)
        open_.discard(node)
        done.add(node)

    for node in sorted(graph):
        if node not in done:
            yield from visit(node)


@rule
def files_are_short(tree):
    """(b) No file is longer than 600 lines."""
    for path in tree.select(ends=(".h", ".cc", ".cpp", ".py", ".sh")):
        count = tree.text(path).count("\n")
        if count > 600:
            yield path, 601, f"{count} lines; 600 are the ceiling: which concept wants a room of its own?"


@rule
def atomics_have_one_door(tree):
    """(d) Atomics come through runtime/base/atomic.h only; public headers may use the standard's."""
    for path in tree.select("runtime", "lib", ends=CODE):
        if path == "runtime/base/atomic.h" or path.startswith(("lib/gossamer/", "lib/examples/")):
            continue
        for number, line in enumerate(tree.code(path), 1):
            if re.search(r"#\s*include\s*<atomic>|\bstd::(atomic|memory_order)|\b__(atomic|sync)_\w+", line):
                yield path, number, "atomics come through runtime/base/atomic.h only"


@rule
def conditionals_have_rooms(tree):
    """(e) #if stands only where the machine or the tool differs."""
    for path in tree.select("runtime", "lib", "tests", "perf", ends=CODE):
        if path.startswith(tuple(CONDITIONAL_ROOMS)):
            continue
        for number, line in enumerate(tree.code(path), 1):
            if re.match(r"\s*#\s*(if|ifdef|ifndef|elif|else)\b", line):
                yield path, number, "#if outside the rooms where the machine differs: make two files with the same functions"


@rule
def weak_orders_name_partners(tree):
    """(f) A memory order weaker than seq_cst names its partner, "pairs with", from three lines above to the end of its statement.
    "own" is enough where nobody but the reader writes, "under LOCK" where a lock orders both sides."""
    for path in tree.select("runtime", "lib", ends=CODE):
        if path == "runtime/base/atomic.h":
            continue
        raw, code = tree.lines(path), tree.code(path)
        for number, line in enumerate(code, 1):
            if not WEAK_ORDER.search(line):
                continue
            last = next((n for n in range(number, min(number + 4, len(code))) if ";" in code[n - 1]), number)
            if not any("pairs with" in r or re.search(r"//.*\b(own|under (the lock|lk))\b", r) for r in raw[max(0, number - 4):last]):
                yield path, number, 'a weak memory order names its partner ("pairs with …") on the line or up to three above'


def listed_in_meson(tree):
    """Every file that some meson.build names, with or without its .cc."""
    listed = set()
    for path in tree.select(ends=("meson.build",)):
        folder = os.path.dirname(path)
        code = re.sub(r"#[^\n]*", "", tree.text(path))
        for word in re.findall(r"'([^'\n]+)'", code):
            full = os.path.normpath(os.path.join(folder, word))
            listed.update((full, full + ".cc"))
    return listed


@rule
def sources_are_listed(tree):
    """(g) Each .cc is named in a meson.build."""
    listed = listed_in_meson(tree)
    for path in tree.select("runtime", "lib", "tests", "perf", ends=(".cc",)):
        if path not in listed and not path.startswith("perf/peers/"):
            yield path, 1, "no meson.build names this file, so it is neither built nor tested"


@rule
def crash_programs_have_expectations(tree):
    """(g) Each program that must die has a section in tests/crash/expected.txt, and each section a program."""
    table = "tests/crash/expected.txt"
    sections = {}
    if table in tree.files:
        sections = {m[1]: n for n, m in ((n, re.fullmatch(r"\[(\w+)\]", line.strip())) for n, line in
                                         enumerate(tree.lines(table), 1)) if m}
    programs = {os.path.basename(p)[:-3]: p for p in tree.select("tests/crash", ends=(".cc",))}
    for name in sorted(programs.keys() - sections.keys()):
        yield programs[name], 1, f"no section [{name}] in {table}: nobody checks its last words"
    for name in sorted(sections.keys() - programs.keys()):
        yield table, sections[name], f"section [{name}] has no program"


@rule
def licences_come_first(tree):
    """(h) The first line (the second under #!) names the licence."""
    for path in tree.files:
        lines = tree.lines(path)[:2] if path.endswith((*CODE, ".py", ".sh", ".go", "meson.build")) or (
            path.startswith(("tools/", ".ci/")) and tree.text(path).startswith("#!")) else None
        if lines is None or (path.endswith("__init__.py") and lines == [""]):
            continue
        head = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
        if "SPDX-License-Identifier: BSL-1.0" not in head:
            yield path, 1, "the first line is SPDX-License-Identifier: BSL-1.0"


@rule
def readme_program_is_compiled(tree):
    """(i) README's first cpp block is lib/examples/readme.cc."""
    shown = re.search(r"^```cpp\n(.*?)^```$", tree.text("README.md"), re.DOTALL | re.MULTILINE)
    if not shown:
        yield "README.md", 1, "shows no ```cpp program"
        return
    line = tree.text("README.md")[:shown.start()].count("\n") + 1
    if "lib/examples/readme.cc" not in tree.files:
        yield "README.md", line, "its program must stand in lib/examples/readme.cc, where it is compiled and run"
        return
    compiled = re.sub(r"\A// SPDX[^\n]*\n+", "", tree.text("lib/examples/readme.cc"))
    if re.sub(r"\A// SPDX[^\n]*\n+", "", shown[1]) != compiled:
        yield "README.md", line, "its first program differs from lib/examples/readme.cc"


@rule
def examples_have_expectations(tree):
    """(j) Each example of one file has its expected output beside it (the build runs and compares them)."""
    for path in tree.files:
        if re.fullmatch(r"lib/examples/\w+\.cc", path) and path[:-3] + ".expected" not in tree.files:
            yield path, 1, f"no {path[:-3]}.expected beside it: nobody checks what it prints"


@rule
def nothing_is_left_for_later(tree):
    """(k) No word that promises to finish later (context's own todo() prints its name as Go does)."""
    words = re.compile(r"(?<!context\.)\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
    for path in tree.select(ends=(*CODE, ".py", ".sh", ".go", "meson.build", ".md")):
        for number, line in enumerate(tree.lines(path), 1):
            if words.search(line):
                yield path, number, "finish it now or say in plain words what it does not do"


@rule
def headers_define_no_functions_as_macros(tree):
    """(k) No function-like macro in a header."""
    for path in tree.select("runtime", "lib", "tests", "perf", ends=(".h",)):
        for number, line in enumerate(tree.code(path), 1):
            if re.match(r"\s*#\s*define\s+\w+\(", line):
                yield path, number, "no function-like macros in headers: make it a function"


@rule
def public_headers_are_on_the_page(tree):
    """(l) lib/README.md names every public header."""
    page = tree.text("lib/README.md") if "lib/README.md" in tree.files else ""
    for path in tree.select("lib/gossamer", ends=(".h",)):
        name = path.removeprefix("lib/")
        if "/detail/" not in path and name not in page:
            yield path, 1, f"lib/README.md does not name <{name}>"


@rule
def public_headers_stay_public(tree):
    """Public headers include the standard library and each other only."""
    for path in tree.select("lib/gossamer", ends=(".h",)):
        for number, line in enumerate(tree.lines(path), 1):
            match = re.match(r"\s*#\s*include\s*[\"<]([^\">]+)[\">]", line)
            if match and "/" in match[1] and not match[1].startswith(("gossamer/", "sys/", "netinet/", "arpa/")):
                yield path, number, f"a public header may not need <{match[1]}>"


@rule
def rules_of_go_are_tested(tree):
    """(m) Each rule in conformance.txt has a test that names it, or a reason; tests name rules that there are; the page tells the truth."""
    yield from conformance.complaints(tree)


def lone_header_failures(tree, compilers, jobs):
    """(c) Each header compiles alone."""
    work = [(cxx, header) for cxx in compilers for header in tree.select("runtime", "lib", ends=(".h",))]

    def compile_one(task):
        cxx, header = task
        done = subprocess.run([*cxx.split(), "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-I.",
                               "-Ilib", "-x", "c++", "-include", header, "/dev/null"], cwd=tree.root, capture_output=True, text=True)
        return cxx, header, done.stderr if done.returncode else None

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for cxx, header, words in pool.map(compile_one, work):
            if words is not None:
                first = next((w for w in words.split("\n") if "error" in w), words.strip())
                yield header, 1, f"does not compile alone with {cxx}: {first}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    parser.add_argument("--compiler", action="append", default=[])
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    tree = Tree(options.root)
    failed = 0
    for check in RULES:
        found = list(check(tree))
        for path, line, sentence in found:
            print(f"{path}:{line}: {sentence}")
        failed += bool(found)
    headers_failed = 0
    for path, line, sentence in lone_header_failures(tree, options.compiler, options.jobs):
        print(f"{path}:{line}: {sentence}")
        headers_failed = 1
    total = len(RULES) + bool(options.compiler)
    print(f"rules: {total - failed - headers_failed} passed, {failed + headers_failed} failed")
    sys.exit(1 if failed + headers_failed else 0)


if __name__ == "__main__":
    main()

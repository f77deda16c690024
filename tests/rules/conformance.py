#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Which test holds which rule of Go's: writes tests/conformance.md from conformance.txt beside this and from the names of the tests.

usage: conformance.py [--root DIR]
"""
import argparse
import os
import re

from source import Tree

RULES = "tests/rules/conformance.txt"
PAGE = "tests/conformance.md"
SHOWN = 3  # tests of one rule on the page

CITED = re.compile(r"\[([A-Z]+\d+(?:(?:, ?| )[A-Z]+\d+)*)\]")
TEST_CASE = re.compile(r'TEST_CASE\(((?:\s*"(?:[^"\\]|\\.)*")+)')
HEAD = """# Which test holds which rule

Written by `tests/rules/conformance.py` from `tests/rules/conformance.txt`, where each rule of Go's stands with a number, and from the names of the
tests, where the numbers stand in brackets. A rule without a test says why. `tests/rules/check_rules.py` fails when one has neither, when a test
names a rule that there is not, and when this page names a test that there is not.

| rule | says | held by |
| --- | --- | --- |
"""


def read_rules(tree):
    """Number -> (line, statement, why there is no test or None)."""
    rules = {}
    if RULES not in tree.files:
        return rules
    for number, line in enumerate(tree.lines(RULES), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.partition(" ")
        statement, bar, reason = rest.partition(" | ")
        rules[name] = (number, statement.strip(), reason.strip() if bar else None)
    return rules


def tests(tree):
    """(path, line, name) of each test case, of each program that must die and of each mistake that must not compile."""
    for path in tree.select("tests", ends=(".cc",)):
        text = tree.text(path)
        if path.startswith("tests/crash/"):
            yield path, 1, " ".join(line[3:] for line in text.partition("#include")[0].split("\n") if line.startswith("// "))
            continue
        for case in TEST_CASE.finditer(text):
            yield path, text.count("\n", 0, case.start()) + 1, "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', case[1]))
    for path in tree.select("tests", ends=("must_not_compile.txt",)):
        for number, line in enumerate(tree.lines(path), 1):
            yield path, number, line


def cited(name):
    """The rules that a test's name has in brackets."""
    return [rule for found in CITED.findall(name) for rule in re.split(r", ?| ", found)]


def holders(tree):
    """Rule -> [(path, line, name)]."""
    found = {}
    for path, line, name in tests(tree):
        for rule in cited(name):
            found.setdefault(rule, []).append((path, line, name))
    return found


def shown(path, name):
    """A test on the page: its file, and its name without the numbers; a program that must die has its file's name."""
    if path.startswith("tests/crash/"):
        return f"`{path.removeprefix('tests/')}`"
    words = re.sub(r"\s*" + CITED.pattern, "", name).replace("\\\"", '"').replace("|", "/").strip(" #:")
    return f"`{path.removeprefix('tests/')}`: {words}"


def page(tree):
    held = holders(tree)
    text = HEAD
    for rule, (_, statement, reason) in read_rules(tree).items():
        by = list(dict.fromkeys(shown(path, name) for path, _, name in held.get(rule, [])))
        more = f"; {len(by) - SHOWN} more" if len(by) > SHOWN else ""
        text += f"| {rule} | {statement} | {'; '.join(by[:SHOWN]) + more if by else 'no test: ' + (reason or '')} |\n"
    return text


def complaints(tree):
    """(path, line, sentence) of what is wrong with rules, tests and page."""
    rules, held = read_rules(tree), holders(tree)
    kinds = {re.match("[A-Z]+", rule)[0] for rule in rules}
    for rule, (line, _, reason) in rules.items():
        if rule not in held and not reason:
            yield RULES, line, f"{rule} has no test with [{rule}] in its name, and no reason after a bar"
    for rule, where in held.items():
        if rule not in rules and re.match("[A-Z]+", rule)[0] in kinds:
            yield where[0][0], where[0][1], f"[{rule}] is no rule of {RULES}"
    if PAGE not in tree.files:
        if rules:
            yield RULES, 1, f"{PAGE} is missing: python3 tests/rules/conformance.py writes it"
        return
    known = {rule: {shown(path, name) for path, _, name in where} for rule, where in held.items()}
    for number, line in enumerate(tree.lines(PAGE), 1):
        row = re.fullmatch(r"\| ([A-Z]+\d+) \| .* \| (.*) \|", line)
        if not row:
            continue
        stale = row[1] not in rules or (row[1] in held) != (not row[2].startswith("no test: "))
        if row[1] in held and not stale:
            by = re.sub(r"; \d+ more$", "", row[2])
            stale = strip_known(by, known[row[1]]) != ""
        if stale:
            yield PAGE, number, f"what it says of {row[1]} is no longer so: python3 tests/rules/conformance.py writes it anew"


def strip_known(text, names):
    """What of "a; b; c" is none of the names."""
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, "", 1)
    return text.replace("; ", "").strip()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    tree = Tree(parser.parse_args().root)
    with open(os.path.join(tree.root, PAGE), "w", encoding="utf-8") as file:
        file.write(page(tree))


if __name__ == "__main__":
    main()

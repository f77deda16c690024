# SPDX-License-Identifier: BSL-1.0
"""What each row is made of. The table stands in perf/README.md, between two comments, and nowhere else: it is read from there.

A composition is arithmetic over the names of perf/limits' programs and over these:
    procs     scheduler threads           cpus      processors that can work for them at once
    n         the row's N                 messages  what passes through the channels of the sieve of N primes
    nodes     of skynet's tree            inner     those of them that have children
"-" stands for no sensible limit, "bare server" for the row as perf/limits' own server does it.
"""

import ast
import operator
import os
import re

BEGIN, END = "<!-- compositions -->", "<!-- end of compositions -->"
BARE_SERVER = "bare server"
NONE = "-"
README = os.path.join(os.path.dirname(os.path.abspath(__file__)), "README.md")
OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


class Composition:
    def __init__(self, text, one_proc_only):
        self.text, self.one_proc_only = text, one_proc_only
        self.tree = None if text in (BARE_SERVER, NONE) else ast.parse(text, mode="eval").body
        self.names = {node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)} if self.tree else set()

    def counts_at(self, procs):
        return self.text != NONE and (procs == 1 or not self.one_proc_only)

    def value(self, names):
        def of(node):
            if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
                return node.value
            if isinstance(node, ast.Name):
                return names[node.id]
            if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
                return OPERATORS[type(node.op)](of(node.left), of(node.right))
            raise ValueError(f"not understood in a composition: {self.text}")
        return of(self.tree)


def read(text):
    """(row, unit) -> Composition, from the page's text."""
    found = re.search(re.escape(BEGIN) + "(.*?)" + re.escape(END), text, re.DOTALL)
    if not found:
        raise ValueError(f"the page has no place marked by {BEGIN}")
    table = {}
    for line in found[1].strip().splitlines()[2:]:
        rows, units, composition, procs = [cell.strip() for cell in line.strip().strip("|").split("|")][:4]
        if procs not in ("all", "1"):
            raise ValueError(f"procs are 'all' or '1': {line}")
        for row in rows.split(", "):
            for unit in units.split(", "):
                if (row, unit) in table:
                    raise ValueError(f"twice in the table: {row} {unit}")
                table[row, unit] = Composition(composition.strip("`"), procs == "1")
    return table


def stored():
    with open(README, encoding="utf-8") as page:
        return read(page.read())


def sieve_messages(count):
    """What passes through the channels until `count` primes are found: a number meets every filter up to the first that divides it."""
    if count < 1:
        return 0
    bound = max(16, int(count * (2 + count.bit_length())))
    smallest = [0] * bound  # the place of the smallest prime factor, from 1
    found = total = 0
    for v in range(2, bound):
        if smallest[v] == 0:
            found += 1
            smallest[v] = found
            for multiple in range(v * v, bound, v):
                if smallest[multiple] == 0:
                    smallest[multiple] = found
        total += smallest[v]
        if found == count:
            return total
    raise ValueError(f"the first {count} primes do not lie below {bound}")


COMPUTED = {
    "n": lambda n, procs, cores: n,
    "procs": lambda n, procs, cores: procs,
    "cpus": lambda n, procs, cores: min(procs, cores),
    "messages": lambda n, procs, cores: sieve_messages(n),
    "nodes": lambda n, procs, cores: (10 * n - 1) // 9,
    "inner": lambda n, procs, cores: (n - 1) // 9,
}


def needed(table, row, procs):
    """Names of the programs of perf/limits that the row's limit is computed from."""
    names = set()
    for (name, _), composition in table.items():
        if name == row and composition.counts_at(procs):
            names |= composition.names
    return sorted(names - COMPUTED.keys())


def served(table, row):
    return any(name == row and c.text == BARE_SERVER for (name, _), c in table.items())


def lines(table, row, procs, cores, ours, costs):
    """The limit's figures, one for each of ours that has a composition; costs: name -> what perf/limits measured."""
    out = []
    for line in ours:
        composition = table.get((row, line["unit"]))
        if composition is None or composition.tree is None or not composition.counts_at(procs):
            continue
        names = {name: compute(line["n"], procs, cores) for name, compute in COMPUTED.items() if name in composition.names}
        out.append({"procs": procs, "n": line["n"], "unit": line["unit"], "value": composition.value({**costs, **names})})
    return out

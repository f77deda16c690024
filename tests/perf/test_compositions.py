#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The table of limits in perf/README.md: it speaks of every row, and what it says can be computed."""
import os
import re
import unittest

from support import TOP

import compositions
import table

PAGE = f"""text
{compositions.BEGIN}
| row | figure | at the least | procs | because |
| --- | --- | --- | --- | --- |
| a, b | ns | `(x + 2 * y) / cpus` | all | |
| c | ms | `n * x` | 1 | |
| d | rate | bare server | all | |
| e | ms | - | all | |
{compositions.END}
"""


def source(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


def units_of_workloads():
    """row -> units, from what the rows' sources print."""
    units = {}
    for row in (table.ROWS.keys() | table.EXTRA.keys()) - table.SERVED:
        text = source(f"perf/workloads/{row}.cc")
        units[row] = set(re.findall(r'(?:per_op|emit)\(.*?"(\w+)"', text, re.DOTALL))
    client = source("perf/load_client.cc")
    for row in table.SERVED:
        body = re.search(rf"^void {row}\(.*?^}}", client, re.DOTALL | re.MULTILINE)[0]
        units[row] = set(re.findall(r'emit\(.*?"(\w+)"\)', body, re.DOTALL))
    return units


def messages_one_by_one(count):
    """The sieve itself, counting what every channel carries."""
    primes, total, v = [], 0, 1
    while len(primes) < count:
        v += 1
        total += 1
        for prime in primes:
            if v % prime == 0:
                break
            total += 1
        else:
            primes.append(v)
    return total


class Compositions(unittest.TestCase):
    def test_every_figure_of_every_row_stands_in_the_table_once(self):
        told = {}
        for row, unit in compositions.stored():
            told.setdefault(row, set()).add(unit)
        self.assertEqual(told, units_of_workloads())

    def test_every_name_in_it_is_a_limit_that_is_measured(self):
        measured = set(re.findall(r'\{"(\w+)", [\d\']+, \w+\}', source("perf/limits/main.cc")))
        self.assertIn("switch", measured)
        for (row, unit), composition in compositions.stored().items():
            unknown = composition.names - measured - compositions.COMPUTED.keys()
            self.assertFalse(unknown, f"{row} {unit}: {unknown}")

    def test_every_limit_is_explained(self):
        page = source("perf/README.md")
        explained = set(re.findall(r"\w+", " ".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| "))))
        for name in re.findall(r'\{"(\w+)", [\d\']+, \w+\}', source("perf/limits/main.cc")):
            self.assertIn(name, explained)

    def test_a_sum_is_computed_from_the_costs_and_the_row(self):
        page = compositions.read(PAGE)
        ours = [{"n": 7, "unit": "ns", "value": 1, "procs": 4}]
        line, = compositions.lines(page, "b", 4, 2, ours, {"x": 10, "y": 3})
        self.assertEqual(line, {"procs": 4, "n": 7, "unit": "ns", "value": 8})  # two processors, whatever procs says
        self.assertEqual(compositions.needed(page, "b", 4), ["x", "y"])
        line, = compositions.lines(page, "c", 1, 2, [{"n": 7, "unit": "ms"}], {"x": 10})
        self.assertEqual(line["value"], 70)

    def test_a_row_without_a_limit_has_no_line(self):
        page = compositions.read(PAGE)
        for row, unit, procs in (("c", "ms", 2), ("d", "rate", 1), ("e", "ms", 1), ("f", "ms", 1)):
            self.assertEqual(compositions.needed(page, row, procs), [])
            self.assertEqual(compositions.lines(page, row, procs, 2, [{"n": 7, "unit": unit}], {}), [])
        self.assertTrue(compositions.served(page, "d"))
        self.assertFalse(compositions.served(page, "a"))

    def test_a_page_that_is_not_understood_is_refused(self):
        for wrong in ("no table", PAGE.replace("| 1 |", "| 3 |"), PAGE.replace("| c |", "| a |").replace("ms | `n", "ns | `n")):
            with self.assertRaises(ValueError):
                compositions.read(wrong)
        with self.assertRaises(ValueError):
            compositions.Composition("len(x)", False).value({"x": 1})

    def test_the_sieves_messages_are_those_of_a_sieve(self):
        for count in (1, 2, 3, 10, 100, 500):
            self.assertEqual(compositions.sieve_messages(count), messages_one_by_one(count))

    def test_skynets_nodes_are_those_of_its_tree(self):
        self.assertEqual([compositions.COMPUTED["nodes"](n, 1, 1) for n in (1, 10, 1000)], [1, 11, 1111])
        self.assertEqual([compositions.COMPUTED["inner"](n, 1, 1) for n in (1, 10, 1000)], [0, 1, 111])


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The picture of a run: one bar for each ratio, on the right side of 1, with its number and where it comes from."""
import unittest
import xml.etree.ElementTree

from support import PEERS, sample

import plot

SVG = "{http://www.w3.org/2000/svg}"


def drawn(result):
    """(rects of series by class, texts) of the picture."""
    root = xml.etree.ElementTree.fromstring(plot.svg(result, PEERS))
    bars = {series: [r for r in root.iter(SVG + "rect") if r.get("class") == series and r.get("height") == str(plot.BAR)]
            for series, _ in plot.SERIES}
    return bars, ["".join(t.itertext()) for t in root.iter(SVG + "text")]


class Plot(unittest.TestCase):
    def test_each_ratio_has_one_bar(self):
        bars, texts = drawn(sample())
        self.assertEqual(len(bars["go"]), 3)    # pingpong, sieve, echo's rate; Go failed at two processors
        self.assertEqual(len(bars["peer"]), 2)  # pingpong at one and at two
        self.assertIn("0.25", texts)

    def test_ahead_grows_to_the_left_of_one_and_behind_to_the_right(self):
        one = {1: plot.MARGIN + plot.LABELS, 2: plot.MARGIN + plot.LABELS + plot.PANEL + plot.GAP}
        one = {procs: left + plot.place(1) * plot.PANEL for procs, left in one.items()}
        ahead, behind = drawn(sample())[0]["peer"]  # 0.5 at one processor, 2 at two
        self.assertAlmostEqual(float(ahead.get("x")) + float(ahead.get("width")), one[1], delta=0.2)
        self.assertAlmostEqual(float(behind.get("x")), one[2], delta=0.2)
        self.assertAlmostEqual(float(ahead.get("width")), float(behind.get("width")), delta=0.2)  # twice as fast, twice as slow: log scale

    def test_a_rate_is_turned_over(self):
        rates = [cells for _, unit, cells in plot.ratios(sample()["rows"], PEERS) if unit == "messages_per_second"]
        self.assertEqual(rates, [{("go", 1): 0.5}])

    def test_what_lies_beyond_the_scale_ends_at_its_edge_and_keeps_its_number(self):
        result = sample()
        for run in result["rows"][0]["figures"][0]["runs"]:
            run["value"] *= 1000
        bars, texts = drawn(result)
        right = plot.MARGIN + plot.LABELS + plot.PANEL
        self.assertAlmostEqual(float(bars["go"][0].get("x")) + float(bars["go"][0].get("width")), right, delta=0.2)
        self.assertIn("250", texts)

    def test_a_figure_that_nobody_else_has_is_left_out(self):
        self.assertNotIn("p99_us", [unit for _, unit, _ in plot.ratios(sample()["rows"], PEERS)])

    def test_the_caption_has_machine_versions_date_and_method(self):
        text = " ".join(drawn(sample())[1])
        for fact in ("2026-01-02", "0123abc", "2 cores of Sample CPU (virtual)", "Linux 6.1.0", "g++ 12.2.0", "go1.99.1", "boost fiber",
                     "std thread", "3 runs", "small N", "load average 0.2", "perf/README.md"):
            self.assertIn(fact, text)

    def test_colours_are_told_for_light_and_for_dark(self):
        light, dark = plot.STYLE.split("@media (prefers-color-scheme: dark)")
        for name in (".page", ".band", "text", ".soft", ".grid", ".one", ".go", ".peer", ".inside"):
            self.assertIn(name + " {", light)
            self.assertIn(name + " {", dark)


if __name__ == "__main__":
    unittest.main()

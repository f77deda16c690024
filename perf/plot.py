# SPDX-License-Identifier: BSL-1.0
"""The picture of a run: ours to Go and ours to the best peer, row by row, at one and at two processors; SVG, written by hand.

Bars start at 1, which is a draw, and grow to the left where we are ahead. A rate is turned over, so that left is ahead there, too.
"""

import math
import textwrap
from html import escape

import table

LABELS, PANEL, GAP = 276, 376, 40  # widths
ROW, BAR, TOP = 26, 9, 108         # heights
MARGIN = 16
WIDTH = MARGIN + LABELS + 2 * PANEL + GAP + MARGIN
# What lies beyond is drawn to the edge; its number says how far.
LEAST, MOST = 0.02, 5.0
TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
SERIES = (("go", "to Go"), ("peer", "to the best peer"))

STYLE = """
  .page { fill: #ffffff } .band { fill: #f3f5f8 } text { fill: #1f2328; font: 12px ui-sans-serif, system-ui, "DejaVu Sans", sans-serif }
  .title { font-size: 17px; font-weight: 600 } .head { font-weight: 600 } .soft { fill: #59636e; font-size: 11px }
  .value { font-size: 9px } .inside { font-size: 9px; fill: #ffffff } .grid { stroke: #d1d9e0; stroke-width: 1 } .one { stroke: #1f2328; stroke-width: 1.5 }
  .go { fill: #0a6cce } .peer { fill: #c2570c }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .band { fill: #161b22 } text { fill: #e6edf3 } .soft { fill: #9198a1 }
    .grid { stroke: #30363d } .one { stroke: #e6edf3 } .go { fill: #4c9ffe } .peer { fill: #f0883e } .inside { fill: #0d1117 }
  }
"""


def words(unit):
    return unit.replace("_per_", " per ").replace("_", " ").replace("ns per task create", "ns per task, create").replace(
        "ns per task wake", "ns per task, wake")


def ratios(rows, peers):
    """[(label, unit, {(series, procs): time-like ratio})], in the order of the run; a figure without any ratio is left out."""
    out = {}
    for stored in rows:
        figures = table.Figures.from_json(stored)
        for n, unit in figures.figures():
            label = figures.row if n is None else f"{figures.row}, {n:,} conn."
            cells = out.setdefault((label, unit), {})
            ours = figures.of("ours", n, unit)
            peer = table.best_peer(figures, peers, n, unit) if ours else None
            for series, runs in (("go", figures.of("go", n, unit)), ("peer", peer[2] if peer else [])):
                ratio = table.ratio_of_pairs(ours, runs, unit)
                if ratio:
                    cells[series, figures.procs] = 1 / ratio if unit in table.HIGHER_IS_BETTER else ratio
    return [(label, unit, cells) for (label, unit), cells in out.items() if cells]


def place(ratio):
    """0 at the left edge of a panel, 1 at the right, for a ratio; beyond the edges it stays on them."""
    part = math.log(ratio / LEAST) / math.log(MOST / LEAST)
    return min(max(part, 0.0), 1.0)


def text_at(x, y, text, kind="", anchor="start"):
    kind = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{kind} text-anchor="{anchor}">{escape(text)}</text>'


def line_at(x, top, bottom, kind):
    return f'<line x1="{x:.1f}" y1="{top:.1f}" x2="{x:.1f}" y2="{bottom:.1f}" class="{kind}"/>'


def bar(left, y, ratio, series):
    """One bar from the line at 1, with its number beyond its end, or inside where the panel ends."""
    one, end = left + place(1) * PANEL, left + place(ratio) * PANEL
    x, width = min(one, end), max(abs(end - one), 1)
    number = f"{ratio:.2g}" if ratio < 9.95 else f"{ratio:.0f}"
    side, anchor = (1, "start") if ratio > 1 else (-1, "end")
    fits = left + 24 < end < left + PANEL - 24
    number_at = text_at(end + 3 * side, y + BAR - 1, number, "value", anchor) if fits else text_at(
        end - 3 * side, y + BAR - 1, number, "inside", "end" if ratio > 1 else "start")
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{BAR}" class="{series}"/>{number_at}'


def caption(result, peers):
    facts = result["machine"]
    compiler = (facts.get("compiler") or "an unknown compiler").split(" (")
    compiler = compiler[0] + (" " + compiler[1].split()[-1] if len(compiler) > 1 else "")
    go = (facts.get("go") or "no Go").removeprefix("go version ").split(" ")[0]
    took_part = {f["program"] for row in result["rows"] for f in row["figures"]}
    rivals = [go] * ("go" in took_part) + [p.replace("_", " ") for p in peers if p in took_part]
    return [
        f"{facts['date'][:10]}, commit {facts.get('commit') or 'unknown'}: {facts['cores_usable']} cores of {facts['cpu']}"
        f"{' (virtual)' if facts['hypervisor'] else ''}, Linux {facts['kernel'].split('-')[0]}, {compiler}; rivals: {', '.join(rivals) or 'none'}; "
        f"load average {facts['load_average_at_start']:.1f} at the start.",
        f"{result['runs']} runs of each program in turn, {'small N (--quick)' if result['quick'] else 'full N'}; a bar is the median of the ratios of "
        "runs made next to each other. Rates (per second) are turned over. The best peer is the one with the best median that does the "
        "same work; a row without a bar has no such peer. What each row does, and what it does not say: perf/README.md.",
    ]


def svg(result, peers):
    rows = ratios(result["rows"], peers)
    bottom = TOP + len(rows) * ROW
    wrapped = [line for part in caption(result, peers) for line in textwrap.wrap(part, 166)]
    height = bottom + 34 + 16 * len(wrapped) + MARGIN
    lefts = {1: MARGIN + LABELS, 2: MARGIN + LABELS + PANEL + GAP}

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
           "<title>Gossamer's figures as ratios to Go's and to the best peer's</title>", f"<style>{STYLE}</style>",
           f'<rect class="page" width="{WIDTH}" height="{height}" rx="6"/>',
           text_at(MARGIN, 32, "Gossamer: the cost of each row as a share of the other's", "title")]
    x = MARGIN
    for series, meaning in SERIES:
        out.append(f'<rect x="{x}" y="46" width="12" height="12" class="{series}"/>' + text_at(x + 18, 56, meaning))
        x += 40 + 7 * len(meaning)
    out.append(text_at(x, 56, "a bar to the left of 1: we take less; to the right: more; log scale", "soft"))
    for i in range(0, len(rows), 2):
        out.append(f'<rect x="{MARGIN}" y="{TOP + i * ROW}" width="{WIDTH - 2 * MARGIN}" height="{ROW}" class="band"/>')
    for procs, left in lefts.items():
        out.append(text_at(left + PANEL / 2, TOP - 24, f"{procs} processor{'s' if procs > 1 else ''}", "head", "middle"))
        for tick in TICKS:
            at = left + place(tick) * PANEL
            out.append(line_at(at, TOP, bottom, "one" if tick == 1 else "grid"))
            for y in (TOP - 6, bottom + 14):
                out.append(text_at(at, y, f"{tick:g}", "soft", "middle"))
    for i, (label, unit, cells) in enumerate(rows):
        y = TOP + i * ROW
        out.append(f'<text x="{MARGIN + 6}" y="{y + 17}">{escape(label)} <tspan class="soft">{escape(words(unit))}</tspan></text>')
        for procs, left in lefts.items():
            for at, (series, _) in enumerate(SERIES):
                if (series, procs) in cells:
                    out.append(bar(left, y + 3 + at * (BAR + 2), cells[series, procs], series))
    for i, line in enumerate(wrapped):
        out.append(text_at(MARGIN, bottom + 40 + 16 * i, line, "soft"))
    return "\n".join([*out, "</svg>", ""])

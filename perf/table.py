# SPDX-License-Identifier: BSL-1.0
"""The rows, what they are held to, and the table of a run's medians. Used by run.py and compare.py."""

import statistics

# Each row and the smaller N of --quick (None: the program's default).
ROWS = {
    "spawn_join": 200_000, "spawn_batch": 200, "yield2": 500_000, "yield1k": 500, "pingpong": 200_000,
    "chan_buf": 1_000_000, "chan_mpmc": 800_000, "select4": 200_000, "select_try": 4_000_000,
    "mutex_free": 10_000_000, "mutex_hot": 800_000, "sieve": 500, "skynet": 100_000, "fib": 20,
    "parked": 100_000, "spawned_not_run": None, "sleepers": 10_000, "timer_churn": 1_000_000,
    "ticker_hog": 500, "block_sys": 20, "echo": None, "idle_conns": 1_000, "http": None,
}

# A peer that starts a stack or a thread for every task keeps its own smaller N in --quick too.
KEEPS_ITS_N = {"std_thread": {"spawn_join", "spawn_batch", "yield2", "yield1k", "pingpong", "sieve", "skynet", "fib",
                              "parked", "sleepers"},
               "boost_fiber": {"spawn_join", "skynet", "fib", "parked", "spawned_not_run"}}

HIGHER_IS_BETTER = {"messages_per_second", "requests_per_second"}
# Rows that the load client runs.
SERVED = {"echo", "idle_conns", "http"}
# Figures of a whole run, not per operation: comparable only when N is the same.
WHOLE_RUN = {"ms"}

# What a figure is held to, where that is not simply "not behind Go": a share of Go's figure, or a limit in the row's unit.
SHARE_OF_GO = {
    "spawn_join": 0.3, "spawn_batch": 0.3, "fib": 0.3, "skynet": 0.3, "yield2": 0.5, "pingpong": 0.5, "sieve": 0.5,
    "timer_churn": 0.5, ("parked", "ns_per_task_wake"): 0.5,
}
LIMIT = {
    ("parked", "bytes_per_task"): 4.7 * 1024, ("idle_conns", "bytes_per_connection"): 5.5 * 1024,
    ("spawned_not_run", "bytes_per_task"): 256, ("block_sys", "ms"): 250, ("ticker_hog", "ms"): 25,
}


def median(values):
    return statistics.median(values) if values else None


def number(value):
    """Three or four digits, without an exponent."""
    if value is None:
        return "-"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def ratio_of_pairs(mine, other, unit):
    """The median of mine/other over the runs made in turn, or None when they are not the same work."""
    pairs = [(a, b) for a, b in zip(mine, other) if a is not None and b is not None and b["value"] > 0]
    if not pairs or (unit in WHOLE_RUN and pairs[0][0]["n"] != pairs[0][1]["n"]):
        return None
    return median([a["value"] / b["value"] for a, b in pairs])


def aim(row, procs, unit, value, ratio):
    """(words, met) of what this figure is held to; met is None when it cannot be told."""
    limit = LIMIT.get((row, unit))
    if limit is not None and not (row == "block_sys" and procs != 1):
        return f"<= {number(limit)}", None if value is None else value <= limit
    share = SHARE_OF_GO.get((row, unit), SHARE_OF_GO.get(row, 1.0))
    if unit in HIGHER_IS_BETTER:
        return ">= Go", None if ratio is None else ratio >= 1
    words = "<= Go" if share == 1.0 else f"<= {share:g} Go"
    return words, None if ratio is None else ratio <= share


class Figures:
    """What every program printed in every run of one row at one number of procs."""

    def __init__(self, row, procs):
        self.row, self.procs = row, procs
        self.values = {}    # (program, n of the line when a row has several, unit) -> [figure or None] a run
        self.failures = {}  # program -> [sentence]
        self.cpu = {}       # program -> [processor seconds of the whole process or None] a run

    def add(self, program, run, lines, cpu, failure):
        seconds = self.cpu.setdefault(program, [])
        seconds.extend([None] * (run + 1 - len(seconds)))
        seconds[run] = None if failure else cpu
        if failure:
            self.failures.setdefault(program, []).append(failure)
        for line in lines:
            key = (program, line["n"] if self.row == "echo" else None, line["unit"])
            runs = self.values.setdefault(key, [])
            runs.extend([None] * (run + 1 - len(runs)))
            runs[run] = line

    def of(self, program, n, unit):
        return self.values.get((program, n, unit), [])

    def cpu_ratio(self):
        """Ours to Go's processor time for the same N, the median over runs in turn; None where the client's would be in it."""
        if self.row in SERVED or self.row == "spawned_not_run":
            return None
        pairs = zip(self.cpu.get("ours", []), self.cpu.get("go", []))
        return median([a / b for a, b in pairs if a is not None and b])

    def figures(self):
        """(n, unit) in the order in which they were first printed."""
        return list(dict.fromkeys((n, unit) for _, n, unit in self.values))

    def median(self, program, n, unit):
        return median([f["value"] for f in self.of(program, n, unit) if f is not None])


def best_peer(figures, peers, n, unit):
    """(name, median, runs) of the C++ peer with the best median that did the same work as we, or else as Go."""
    best = None
    ours = figures.of("ours", n, unit) or figures.of("go", n, unit)
    for peer in peers:
        runs = figures.of(peer, n, unit)
        if ours and ratio_of_pairs(ours, runs, unit) is None:
            continue
        value = figures.median(peer, n, unit)
        if value is None:
            continue
        if best is None or (value > best[1] if unit in HIGHER_IS_BETTER else value < best[1]):
            best = (peer, value, runs)
    return best


HEAD = ("row", "procs", "figure", "ours", "Go", "ours/Go", "CPU", "best C++ peer", "ours/it", "aim", "")


def lines_of(figures, runs, peers):
    """The table's lines for one row: a line a figure, and a line for each program that failed."""
    out = []
    cpu = figures.cpu_ratio()  # of the row: shown once
    for n, unit in figures.figures():
        ours, go = figures.of("ours", n, unit), figures.of("go", n, unit)
        mine = figures.median("ours", n, unit)
        ratio = ratio_of_pairs(ours, go, unit)
        peer = best_peer(figures, peers, n, unit)
        against = ratio_of_pairs(ours, peer[2], unit) if peer else None
        words, met = aim(figures.row, figures.procs, unit, mine, ratio)
        name = figures.row if n is None else f"{figures.row} {n}"
        out.append((name, str(figures.procs), unit, number(mine), number(figures.median("go", n, unit)), number(ratio),
                    "" if cpu is None else number(cpu), f"{number(peer[1])} {peer[0]}" if peer else "-", number(against), words,
                    {True: "met", False: "MISSED", None: ""}[met]))
        cpu = None
    for program, sentences in figures.failures.items():
        out.append((figures.row, str(figures.procs), f"FAILED: {program}, {len(sentences)} of {runs} runs: "
                    f"{sentences[-1]}"))
    return out


def show(lines):
    widths = [max(len(line[i]) for line in [HEAD, *lines] if len(line) == len(HEAD)) for i in range(len(HEAD))]
    for line in [HEAD, *lines]:
        left = (0, 2, 7, 9, 10)
        cells = [c.ljust(w) if i in left or len(line) < len(HEAD) else c.rjust(w)
                 for i, (c, w) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip(), flush=True)

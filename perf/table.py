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

# How the runtime behaves when it has nothing to do or not enough processor: rows of our own, run when --rows names them.
EXTRA = {"idle": 1_000, "wake_idle": 20, "quota": 1_000}

# A peer that starts a stack or a thread for every task keeps its own smaller N in --quick too.
KEEPS_ITS_N = {"std_thread": {"spawn_join", "spawn_batch", "yield2", "yield1k", "pingpong", "sieve", "skynet", "fib",
                              "parked", "sleepers"},
               "boost_fiber": {"spawn_join", "skynet", "fib", "parked", "spawned_not_run"}}

HIGHER_IS_BETTER = {"messages_per_second", "requests_per_second"}
# Rows that the load client runs.
SERVED = {"echo", "idle_conns", "http"}
# Pages to touch and give back before each program of a row that first touches many, a task of the default N: 1,000,000 and 100,000. A
# virtual machine's host takes memory that lay free back, and to find it anew costs many times what the programs do with it.
WARMED = {"parked": 1_300_000, "sleepers": 130_000}
# Figures of a whole run, not per operation: comparable only when N is the same.
WHOLE_RUN = {"ms"}

# The short form that is held against the baseline: under a minute in all. Where it differs from --quick: N, procs, runs.
SHORT = {
    "mutex_free": {"n": 4_000_000}, "parked": {"n": 20_000}, "spawned_not_run": {"n": 200_000},
    "sleepers": {"n": 5_000, "procs": (1,), "runs": 1}, "ticker_hog": {"n": 200, "runs": 2},
    "echo": {"n": 64, "runs": 2}, "idle_conns": {"n": 200, "procs": (1,), "runs": 2},
    "http": {"n": 64, "procs": (1,), "runs": 2},
}
# Seconds of load in the short form, after half a second of warm-up.
SHORT_LOAD = {"echo": 0.5, "http": 1}

# What a figure is held to, where that is not simply "not behind Go". A share of Go's figure at one processor; at more, half as much again.
SHARE_OF_GO = {
    "spawn_join": 0.10, "spawn_batch": 0.20, "yield2": 0.15, "yield1k": 0.20, "pingpong": 0.25, "chan_buf": 0.40,
    "chan_mpmc": 0.50, "select4": 0.35, "select_try": 0.9, "mutex_free": 0.9, "mutex_hot": 0.9, "sieve": 0.30,
    "skynet": 0.12, "fib": 0.10, ("parked", "ns_per_task_create"): 1.0, ("parked", "ns_per_task_wake"): 0.25,
    "spawned_not_run": 0.07, ("sleepers", "cpu_ns_per_sleep"): 0.3, "timer_churn": 0.15, "http": 2.0,
}
SHARE_AT_MORE = 1.5
# A bound in the row's own unit.
LIMIT = {
    ("parked", "bytes_per_task"): 4.7 * 1024, ("idle_conns", "bytes_per_connection"): 5.5 * 1024,
    ("sleepers", "us_late_p99"): 300, ("block_sys", "ms"): 100, ("ticker_hog", "ms"): 20,
    ("idle", "permille_asleep"): 1, ("idle", "permille_network"): 1, ("idle", "permille_channel"): 1,
    ("quota", "ms_stall_hogs"): 60, ("quota", "ms_stall_load"): 60,
}
# A share of what the limit does: a bare server, or two threads and a futex.
SHARE_OF_LIMIT = {("echo", "messages_per_second"): 0.95, ("echo", "p99_us"): 1.2,
                  **{("wake_idle", unit): 2 for unit in ("ns_by_thread", "ns_by_timer", "ns_by_task")}}


def median(values):
    return statistics.median(values) if values else None


def number(value):
    """Three or four digits, without an exponent."""
    if value is None:
        return "-"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def ratios_of_pairs(mine, other, unit):
    """mine/other for each of the runs made in turn; nothing when they are not the same work."""
    pairs = [(a, b) for a, b in zip(mine, other) if a is not None and b is not None and b["value"] > 0]
    if not pairs or (unit in WHOLE_RUN and pairs[0][0]["n"] != pairs[0][1]["n"]):
        return []
    return [a["value"] / b["value"] for a, b in pairs]


def ratio_of_pairs(mine, other, unit):
    """Their median, or None."""
    return median(ratios_of_pairs(mine, other, unit))


def held_to(unit, share, words, ratio):
    rate = unit in HIGHER_IS_BETTER
    text = f"{'>=' if rate else '<='} {words if share == 1 else f'{share:.3g} {words}'}"
    return text, None if ratio is None else (ratio >= share if rate else ratio <= share)


def aim(row, procs, unit, value, ratio, to_limit=None):
    """(words, met) of what this figure is held to; met is None when it cannot be told."""
    limit = LIMIT.get((row, unit))
    if limit is not None and not (row == "block_sys" and procs != 1):
        return f"<= {number(limit)}", None if value is None else value <= limit
    share = SHARE_OF_LIMIT.get((row, unit))
    if share is not None:
        return held_to(unit, share, "limit", to_limit)
    if row in EXTRA:
        return "", None
    share = SHARE_OF_GO.get((row, unit), SHARE_OF_GO.get(row))
    if share is None:
        return held_to(unit, 1, "Go", ratio)
    if procs > 1:
        share = share / SHARE_AT_MORE if unit in HIGHER_IS_BETTER else share * SHARE_AT_MORE
    return held_to(unit, share, "Go", ratio)


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

    def as_json(self):
        return {"row": self.row, "procs": self.procs, "failures": self.failures, "processor_seconds": self.cpu, "figures": [
            {"program": program, "unit": unit, "connections": n, "runs": [v and {"n": v["n"], "value": v["value"]} for v in runs]}
            for (program, n, unit), runs in self.values.items()]}

    @staticmethod
    def from_json(stored):
        figures = Figures(stored["row"], stored["procs"])
        figures.failures, figures.cpu = stored["failures"], stored["processor_seconds"]
        for f in stored["figures"]:
            figures.values[f["program"], f["connections"], f["unit"]] = f["runs"]
        return figures


def best_peer(figures, peers, n, unit):
    """(name, median, runs) of the peer with the best median that did the same work as we, or else as Go."""
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


HEAD = ("row", "procs", "figure", "ours", "Go", "ours/Go", "CPU", "best peer", "ours/it", "limit", "ours/limit", "aim", "")
LEFT = (0, 2, 7, 11, 12)  # columns of words


def lines_of(figures, runs, peers):
    """The table's lines for one row: a line a figure, and a line for each program that failed."""
    out = []
    cpu = figures.cpu_ratio()  # of the row: shown once
    for n, unit in figures.figures():
        ours, go, limit = (figures.of(program, n, unit) for program in ("ours", "go", "limit"))
        mine = figures.median("ours", n, unit)
        ratio = ratio_of_pairs(ours, go, unit)
        to_limit = ratio_of_pairs(ours, limit, unit)
        peer = best_peer(figures, peers, n, unit)
        against = ratio_of_pairs(ours, peer[2], unit) if peer else None
        words, met = aim(figures.row, figures.procs, unit, mine, ratio, to_limit)
        name = figures.row if n is None else f"{figures.row} {n}"
        out.append((name, str(figures.procs), unit, number(mine), number(figures.median("go", n, unit)), number(ratio),
                    "" if cpu is None else number(cpu), f"{number(peer[1])} {peer[0]}" if peer else "-", number(against),
                    number(figures.median("limit", n, unit)), number(to_limit), words,
                    {True: "met", False: "MISSED", None: ""}[met]))
        cpu = None
    for program, sentences in figures.failures.items():
        out.append((figures.row, str(figures.procs), f"FAILED: {program}, {len(sentences)} of {runs} runs: "
                    f"{sentences[-1]}"))
    return out


def show(lines):
    widths = [max(len(line[i]) for line in [HEAD, *lines] if len(line) == len(HEAD)) for i in range(len(HEAD))]
    for line in [HEAD, *lines]:
        cells = [c.ljust(w) if i in LEFT or len(line) < len(HEAD) else c.rjust(w)
                 for i, (c, w) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip(), flush=True)

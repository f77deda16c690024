#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Runs the project's own test programs and asks `gossamer leaks` about them all the time: whom it calls leaked must never go on.

usage: test_false_alarms.py [--seconds N] [--runs N] [--lookers N] GOSSAMER PROGRAM...

An alarm is a goroutine that was called leaked. It is false when that goroutine is gone, or waits for something else, at a later look; or when a program has
had more of them than it says it strands on purpose (tests::leave_behind). Prints programs, looks, alarms, false ones; ends with 1 when one is
false. --seconds: so long with each program at most, and again from the start when it ends before; without it --runs runs of each, to the end."""
import argparse
import collections
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time


class Run:
    """One process of a test program, looked at by some threads until it ends or the time is over."""

    def __init__(self, gossamer, program, deadline, lookers):
        self.gossamer, self.alarms, self.false = gossamer, {}, {}
        self.count, self.reasons = collections.Counter(), collections.Counter()
        self.lock, self.over = threading.Lock(), False
        with tempfile.TemporaryFile("w+") as output:
            self.process = subprocess.Popen([program], stdout=output, stderr=subprocess.STDOUT)
            threads = [threading.Thread(target=self.look_on) for _ in range(lookers)]
            for t in threads:
                t.start()
            cut = False
            while self.process.poll() is None:
                # An alarm is judged by how the program ends.
                cut = deadline is not None and time.monotonic() > deadline + (60 if self.alarms else 0)
                if cut:
                    self.process.kill()
                    self.process.wait()
                    box = f"/dev/shm/gossamer.{os.geteuid()}.{self.process.pid}"
                    if os.path.exists(box):  # else it would push out another's black box
                        os.unlink(box)
                    break
                time.sleep(0.01)
            self.over = True
            for t in threads:
                t.join()
            output.seek(0)
            text = output.read()
        seed = text.partition("\n")[0]
        # Tests that measure time may fail beside what goes on here; none may die of it.
        if not cut and self.process.returncode < 0:
            self.false["status"] = f"{program} {seed}: ended by signal {-self.process.returncode} while it was looked at:\n{text[-3000:]}"
        stranded = re.search(r"^test: (\d+) goroutines left behind on purpose$", text, re.M)
        if not cut and len(self.alarms) > int(stranded[1] if stranded else 0):
            self.false["count"] = f"{program} {seed}: more are called leaked than are left behind on purpose: {list(self.alarms.values())}"

    def ask(self, *words):
        """What the command says, or None when the program has ended."""
        done = subprocess.run([self.gossamer, *words, "--json"], capture_output=True, text=True, timeout=120)
        if done.returncode == 0:
            return json.loads(done.stdout)
        if self.process.returncode is None and not self.over:
            time.sleep(0.1)  # it may have ended just now, or not have begun
            with self.lock:
                self.count["refused"] += 1
                self.reasons[done.stderr.strip()] += 1
        return None

    def look_on(self):
        while not self.over:
            said = self.ask("leaks", str(self.process.pid))
            if said is None:
                continue
            with self.lock:
                self.count["looks"] += 1
                self.count["blocked"] += said["blocked"]
                if not said["exact"]:
                    self.count["inexact"] += 1
                    self.reasons[said["why"]] += 1
                known = list(self.alarms)
            for group in said["groups"]:
                for goroutine in group["goroutines"]:
                    with self.lock:
                        self.alarms.setdefault(goroutine, f"G{goroutine} {group['name']} [{group['state']}] {group['place']}")
            if known:
                self.check(known)

    def check(self, known):
        """All that were called leaked stand where they stood."""
        said = self.ask("ps", str(self.process.pid), "--list", "--most", "1000000")
        if said is None or self.over:
            return
        now = {g["id"]: g for g in said["goroutines"]}
        for goroutine in known:
            g = now.get(goroutine)
            if g is None or g["state"] != "waiting" or f"[{g['reason']}" not in self.alarms[goroutine]:
                with self.lock:
                    self.false.setdefault(goroutine, f"{self.alarms[goroutine]}: went on: {g}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--lookers", type=int, default=1)
    parser.add_argument("gossamer")
    parser.add_argument("programs", nargs="+")
    options = parser.parse_args()
    total, reasons, false, alarms = collections.Counter(), collections.Counter(), [], 0
    for program in options.programs:
        deadline = time.monotonic() + options.seconds if options.seconds else None
        run = 0
        while time.monotonic() < deadline if deadline else run < options.runs:
            one = Run(options.gossamer, program, deadline, options.lookers)
            run += 1
            total += one.count
            reasons += one.reasons
            alarms += len(one.alarms)
            false += one.false.values()
    print(f"{total['looks']} looks at {total['blocked']} blocked goroutines, {alarms} called leaked, {len(false)} of them wrongly")
    if total["inexact"] or total["refused"]:
        print(f"{total['inexact']} looks were not exact, {total['refused']} refused:", *(f"{n} {why}" for why, n in reasons.most_common(5)), sep="\n    ")
    print("\n".join(false))
    if 0 < total["looks"] == total["inexact"]:
        print("skipped: no look was exact")
        return 77
    return 1 if false or total["looks"] == 0 else 0


if __name__ == "__main__":
    sys.exit(main())

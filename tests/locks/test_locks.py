#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""libgossamer-locks as programs meet it: linked, linked statically, preloaded, and not there.

usage: test_locks.py LIBRARY PLAIN HELD HELD_SHARED HELD_STATIC BUILD_LOOKS
    LIBRARY      libgossamer-locks.so
    PLAIN        a program without goroutines
    HELD         held.cc without the library; HELD_SHARED and HELD_STATIC with it
    BUILD_LOOKS  true when the runtime looks for locked mutexes by itself
"""
import os
import re
import subprocess
import sys

LONGEST_WAIT = 100
HEADLINE = "gossamer: a goroutine waits while its thread holds a lock of <pthread.h>"
failures = []


def check(holds, sentence):
    if not holds:
        failures.append(sentence)
        print("FAILED: " + sentence)


def call(args, preload=None, procs=1):
    env = dict(os.environ, GOSSAMER_PROCS=str(procs))
    if preload:
        env["LD_PRELOAD"] = preload
    return subprocess.run(args, env=env, capture_output=True, text=True, timeout=LONGEST_WAIT)


def check_kept(name, done):
    """The goroutine kept its thread, and one report says so, with both stacks."""
    check(done.returncode == 0 and done.stdout == "unlock: fine\n", f"{name}: status {done.returncode}, said {done.stdout!r}, {done.stderr!r}")
    check(done.stderr.count(HEADLINE) == 1, f"{name}: reports once: {done.stderr!r}")
    waits, took = re.search(r"it waits here:\n(.*)\nand took a lock here:\n(.*)\n\n", done.stderr, re.DOTALL).groups() if (
        "it waits here:" in done.stderr and "and took a lock here:" in done.stderr) else ("", "")
    check(re.match(r"goroutine \d+ \[chan receive, locked to thread\]:\n", waits), f"{name}: who waits, and why: {waits!r}")
    check(re.search(r"wait_inside.*\n.*\n(.*\n)*.*lock_and_wait", waits), f"{name}: where it waits: {waits!r}")
    check("created by " in waits, f"{name}: who started it: {waits!r}")
    check("lock_and_wait" in took and "wait_inside" not in took, f"{name}: where the lock was taken: {took!r}")
    # The call that took it is not the call that waits, and its caller is there yet.
    check(took.count("\n") >= 3, f"{name}: who called where it was taken: {took!r}")


def main():
    library, plain, held, held_shared, held_static, looks = sys.argv[1:]
    for procs in (1, 2, 8):
        check_kept(f"preloaded, {procs} procs", call([held], preload=library, procs=procs))
        check_kept(f"linked, {procs} procs", call([held_shared], procs=procs))
        check_kept(f"linked statically, {procs} procs", call([held_static], procs=procs))

    alone = call([held])
    check(alone.returncode == 0, f"without the library: status {alone.returncode}, {alone.stderr!r}")
    if looks == "true":
        check(alone.stderr.count(HEADLINE) == 1 and "Without libgossamer-locks" in alone.stderr and "wait_inside" in alone.stderr,
              f"a build that looks names the place: {alone.stderr!r}")
    else:
        check(alone.stderr == "", f"without the library nothing is said: {alone.stderr!r}")

    stuck = call([held_shared, "deadlock"])
    check(stuck.returncode == 2 and "all goroutines are asleep - deadlock!" in stuck.stderr, f"a deadlock is one all the same: {stuck.stderr!r}")
    check(", locked to thread]" in stuck.stderr.split("deadlock!")[-1], f"and its dump says who keeps a thread: {stuck.stderr!r}")

    quiet = subprocess.run([held_shared], env=dict(os.environ, GOTRACEBACK="none"), capture_output=True, text=True, timeout=LONGEST_WAIT)
    check(HEADLINE in quiet.stderr and "lock_and_wait" not in quiet.stderr, f"GOTRACEBACK=none leaves the headline: {quiet.stderr!r}")

    nothing = call([plain], preload=library)
    check((nothing.returncode, nothing.stdout, nothing.stderr) == (0, "4000\n", ""), f"a program without goroutines: {nothing}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()

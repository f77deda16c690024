#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Runs one program that must die and holds its last words against the table.

usage: run_crash.py PROGRAM TABLE

The table (expected.txt) has a section for each program, named as its file without .cc:

    [double_close]
    status 2
    stderr ^panic: close of closed channel
    stderr ^goroutine \\d+ \\[running\\]:
    never  broken invariant
    env    GOSSAMER_PROCS=1
    signal SIGQUIT after ready
    again  GOSSAMER_GUARDS=mprotect

`status` is the exit status (or the name of the signal that ended it, as SIGABRT); `stdout`, `stderr` are regular expressions
that must be found, line by line anchors allowed; `never` must be found in neither. `signal NAME after WORD` sends the signal once
the program has printed WORD on its standard output. `again` runs the program once more, with one more variable and the same expectations.
A program that finds no way to test here says "skipped: why" and ends with status 77; so does this one.
"""
import os
import re
import signal
import subprocess
import sys
import threading

SKIPPED = 77  # meson's
LONGEST_WAIT = 60  # seconds; a dying program needs none of it, a hanging one is ended by it


def read_table(path):
    """Sections of the table: name -> list of (keyword, rest)."""
    sections, current = {}, None
    with open(path, encoding="utf-8") as table:
        for number, raw in enumerate(table, 1):
            line = raw.rstrip("\n")
            if not line.strip() or line.startswith("#"):
                continue
            head = re.fullmatch(r"\[(\w+)\]", line.strip())
            if head:
                if head[1] in sections:
                    raise SystemExit(f"{path}:{number}: section [{head[1]}] stands twice")
                current = sections[head[1]] = []
                continue
            keyword, _, rest = line.strip().partition(" ")
            if current is None or keyword not in ("status", "stdout", "stderr", "never", "env", "signal", "again") or not rest.strip():
                raise SystemExit(f"{path}:{number}: not understood: {line}")
            current.append((keyword, rest.strip()))
    return sections


def run(program, expectations):
    """The program's exit status and two outputs; None as status when it had to be killed."""
    env = dict(os.environ)
    send = None
    for keyword, rest in expectations:
        if keyword == "env":
            name, _, value = rest.partition("=")
            env[name] = value
        elif keyword == "signal":
            parts = rest.split()
            if len(parts) != 3 or parts[1] != "after":
                raise SystemExit(f"signal line not understood: {rest}")
            send = (getattr(signal, parts[0]), parts[2])

    def hear_signals():
        # Whoever started the tests may have been told to ignore them.
        for number in (signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, signal.SIG_DFL)

    child = subprocess.Popen([program], env=env, preexec_fn=hear_signals, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, errors="replace")
    out, err = [], []

    def read_stdout():
        for line in child.stdout:
            out.append(line)
            if send and line.strip() == send[1]:
                child.send_signal(send[0])

    readers = [threading.Thread(target=read_stdout), threading.Thread(target=lambda: err.extend(child.stderr))]
    for reader in readers:
        reader.start()
    try:
        status = child.wait(LONGEST_WAIT)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        status = None
    for reader in readers:
        reader.join()
    child.stdout.close()
    child.stderr.close()
    return status, "".join(out), "".join(err)


def complaints(status, out, err, expectations):
    """What the table asked for and did not get, a sentence each."""
    found = []
    for keyword, rest in expectations:
        if keyword == "status":
            want = -getattr(signal, rest) if rest.startswith("SIG") else int(rest)
            if status is None:
                found.append(f"still ran after {LONGEST_WAIT} seconds")
            elif status != want:
                found.append(f"ended with status {status}, expected {want}")
        elif keyword in ("stdout", "stderr"):
            if not re.search(rest, out if keyword == "stdout" else err, re.MULTILINE):
                found.append(f"{keyword} has no match for: {rest}")
        elif keyword == "never":
            if re.search(rest, out, re.MULTILINE) or re.search(rest, err, re.MULTILINE):
                found.append(f"output must not match: {rest}")
    return found


def main():
    if len(sys.argv) != 3:
        raise SystemExit("usage: run_crash.py PROGRAM TABLE")
    program, table = sys.argv[1:]
    name = os.path.basename(program)
    expectations = read_table(table).get(name)
    if not expectations or "status" not in (keyword for keyword, _ in expectations):
        raise SystemExit(f"{table}: no section [{name}] with a status")
    for more in [None] + [rest for keyword, rest in expectations if keyword == "again"]:
        status, out, err = run(program, expectations + ([("env", more)] if more else []))
        if status == SKIPPED and out.startswith("skipped: "):
            print(out)
            raise SystemExit(SKIPPED)
        found = complaints(status, out, err, expectations)
        if found:
            for sentence in found:
                print(f"{name}{' with ' + more if more else ''}: {sentence}")
            print(f"--- its standard output ({len(out)} characters)\n{out[-2000:]}\n--- its standard error\n{err[:6000]}")
            raise SystemExit(1)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Runs an example and compares what it prints with its .expected file.

usage: run_example.py PROGRAM EXPECTED
"""
import difflib
import subprocess
import sys


def main():
    program, expected = sys.argv[1:]
    done = subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=60)
    with open(expected, encoding="utf-8") as file:
        wanted = file.read()
    if done.returncode == 0 and done.stdout == wanted:
        return
    print(f"{program}: status {done.returncode}")
    sys.stdout.writelines(difflib.unified_diff(wanted.splitlines(True), done.stdout.splitlines(True), expected, "printed"))
    print(done.stderr)
    raise SystemExit(1)


if __name__ == "__main__":
    main()

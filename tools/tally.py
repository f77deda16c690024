#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Adds up the test cases of one meson test log and prints "PASSED FAILED"; what failed goes to standard error with the end of its output.

usage: tally.py NAME TESTLOG.json
"""
import json
import re
import sys

SUMMARY = re.compile(r"\[doctest\] test cases: +\d+ \| +(\d+) passed \| +(\d+) failed")


def main():
    name, path = sys.argv[1:]
    passed = failed = 0
    with open(path, encoding="utf-8") as log:
        for line in log:
            entry = json.loads(line)
            if entry["result"] == "SKIP":
                continue
            good = entry["result"] in ("OK", "EXPECTEDFAIL")
            printed = entry.get("stdout", "")
            cases = SUMMARY.search(re.sub(r"\x1b\[[0-9;]*m", "", printed))
            if cases:
                passed += int(cases[1])
                failed += int(cases[2])
                # A leak, or a death after the last test case, is a failure of its own.
                failed += 1 if not good and int(cases[2]) == 0 else 0
            else:
                passed, failed = passed + good, failed + (not good)
            if not good:
                print(f"== FAILED: {name}: {entry['name']} ({entry['result']}, status {entry['returncode']})", file=sys.stderr)
                for kind in ("stdout", "stderr"):
                    text = entry.get(kind, "")
                    if text:
                        print(f"--- {kind}\n{text[-6000:]}", file=sys.stderr)
    print(passed, failed)


if __name__ == "__main__":
    main()

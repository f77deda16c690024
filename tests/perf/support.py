# SPDX-License-Identifier: BSL-1.0
"""Lets the tests here import perf/'s modules, and reads their sample: a run that was made up for them, no measurement."""
import contextlib
import io
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
SAMPLE = os.path.join(HERE, "sample_run.json")
PEERS = ("boost_fiber", "std_thread")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TOP, "perf"))


def sample():
    with open(SAMPLE, encoding="utf-8") as file:
        return json.load(file)


def printed(function, *arguments):
    """(what it returned or its exit status, what it printed)."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            result = function(*arguments)
        except SystemExit as end:
            result = end.code
    return result, out.getvalue()

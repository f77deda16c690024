# SPDX-License-Identifier: BSL-1.0
"""Builds the programs that take part, and runs one of them once. Used by run.py and compare.py."""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEERS = os.path.join(TOP, "perf", "peers")
# Every folder of C++ under perf/peers is a rival whose target has the folder's name.
CPP_PEERS = tuple(sorted(name for name in os.listdir(PEERS)
                         if os.path.isdir(os.path.join(PEERS, name)) and
                         any(file.endswith(".cc") for file in os.listdir(os.path.join(PEERS, name)))))
LINE = re.compile(r"workload=(\S+) procs=(\d+) n=(\d+) value=(\S+) unit=(\S+)")
# Status 64 is a program's "I do not know this row".
NO_SUCH_ROW = 64


def say(text):
    print(text, file=sys.stderr, flush=True)


def ninja(build, *targets, jobs=None):
    """None when all are built, else what ninja says."""
    done = subprocess.run(["ninja", "-C", build, *(["-j", str(jobs)] if jobs else []), *targets], capture_output=True, text=True)
    return None if done.returncode == 0 else done.stdout[-4000:] + done.stderr


def build_programs(build, wanted):
    """name -> path of each program that could be built; says which could not and why."""
    programs = {}
    targets = {"ours": "perf/bench", "limit": "perf/limits", **{p: f"perf/peers/{p}" for p in CPP_PEERS}}
    failure = ninja(build, "perf/load_client")
    if failure:
        raise SystemExit("run.py: the load client does not build:\n" + failure)
    for name, target in targets.items():
        if name not in wanted:
            continue
        failure = ninja(build, target)
        if failure is None:
            programs[name] = os.path.join(build, target)
        else:
            say(f"run.py: left out: {name} does not build: {failure.strip().splitlines()[-1]}")
    if "go" in wanted:
        go = shutil.which("go")
        path = os.path.join(build, "perf", "peers", "go_bench")
        done = go and subprocess.run([go, "build", "-o", path, "."], cwd=os.path.join(PEERS, "go"), capture_output=True, text=True)
        if done and done.returncode == 0:
            programs["go"] = path
        else:
            say("run.py: left out: go " + ("does not build:\n" + done.stderr if done else "is not installed"))
    return programs


def run_once(command, limit):
    """(figures, processor seconds, failure or None, status): one process, alone in a process group that ends with it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               start_new_session=True)
    failure = None
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        failure = f"no end within {limit} s"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    figures = [{"procs": int(m[2]), "n": int(m[3]), "value": float(m[4]), "unit": m[5]} for m in LINE.finditer(out)]
    if failure is None and process.returncode != 0:
        words = next((line for line in err.splitlines() if line.strip()), "no word")
        failure = f"status {process.returncode}: {words.strip()[:160]}"
    elif failure is None and not figures:
        failure = "printed no figure"
    return figures, cpu, failure, process.returncode

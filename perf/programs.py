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
PEERS_FOLDER = os.path.join(TOP, "perf", "peers")


def peers_in(folder):
    """name -> "c++" or "rust": every folder of sources is a rival, and its program has the folder's name. Go is not among them."""
    found = {}
    for name in sorted(os.listdir(folder)):
        files = os.listdir(os.path.join(folder, name)) if os.path.isdir(os.path.join(folder, name)) else []
        if "Cargo.toml" in files:
            found[name] = "rust"
        elif any(file.endswith(".cc") for file in files):
            found[name] = "c++"
    return found


PEERS = peers_in(PEERS_FOLDER)
LINE = re.compile(r"workload=(\S+) procs=(\d+) n=(\d+) value=(\S+) unit=(\S+)")
# Status 64 is a program's "I do not know this row".
NO_SUCH_ROW = 64
# Status 77: "this machine has not got what the row needs".
NOT_HERE = 77


def say(text):
    print(text, file=sys.stderr, flush=True)


def ninja(build, *targets, jobs=None):
    """None when all are built, else what ninja says."""
    done = subprocess.run(["ninja", "-C", build, *(["-j", str(jobs)] if jobs else []), *targets], capture_output=True, text=True)
    return None if done.returncode == 0 else done.stdout[-4000:] + done.stderr


def cargo(build, name):
    """(path, None) of a rival in Rust, or (None, what cargo says)."""
    tool = shutil.which("cargo")
    if not tool:
        return None, "cargo is not installed"
    target = os.path.join(build, "perf", "peers", name + ".cargo")
    done = subprocess.run([tool, "build", "--release", "--quiet", "--manifest-path", os.path.join(PEERS_FOLDER, name, "Cargo.toml"),
                           "--target-dir", target], capture_output=True, text=True)
    return (os.path.join(target, "release", name), None) if done.returncode == 0 else (None, done.stderr)


def build_programs(build, wanted):
    """name -> path of each program that could be built; says which could not and why."""
    programs = {}
    targets = {"ours": "perf/bench", "limit": "perf/limits", **{p: f"perf/peers/{p}" for p in PEERS if PEERS[p] == "c++"}}
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
    for name in [p for p in PEERS if PEERS[p] == "rust" and p in wanted]:
        path, failure = cargo(build, name)
        if path:
            programs[name] = path
        else:
            say(f"run.py: left out: {name}: {failure.strip().splitlines()[-1]}")
    if "go" in wanted:
        go = shutil.which("go")
        path = os.path.join(build, "perf", "peers", "go_bench")
        done = go and subprocess.run([go, "build", "-o", path, "."], cwd=os.path.join(PEERS_FOLDER, "go"), capture_output=True, text=True)
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

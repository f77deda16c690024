# SPDX-License-Identifier: BSL-1.0
"""Facts about the machine and the tools without which a figure means little."""

import datetime
import json
import os
import platform
import subprocess


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        text = done.stdout or done.stderr
        return text.splitlines()[0].strip() if done.returncode == 0 and text else None
    except (OSError, subprocess.TimeoutExpired):
        return None


def field_of(path, name):
    try:
        with open(path, encoding="utf-8") as f:
            for line in f:
                key, _, value = line.partition(":")
                if key.strip() == name:
                    return value.strip()
    except OSError:
        pass
    return None


def compiler_of(build):
    """The C++ compiler of a build folder, by asking it."""
    try:
        with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
            words = json.load(f)[0]["command"].split()
    except (OSError, ValueError, LookupError):
        return None
    for word in words[:2]:
        if not word.endswith("ccache"):
            return first_line(word, "--version")
    return None


def build_type_of(build):
    try:
        with open(os.path.join(build, "meson-info", "intro-buildoptions.json"), encoding="utf-8") as f:
            return next(o["value"] for o in json.load(f) if o["name"] == "buildtype")
    except (OSError, ValueError, StopIteration):
        return None


def facts(build, top):
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "commit": first_line("git", "-C", top, "describe", "--always", "--dirty"),
        "cpu": field_of("/proc/cpuinfo", "model name") or platform.machine(),
        "hypervisor": "hypervisor" in (field_of("/proc/cpuinfo", "flags") or "").split(),
        "cores": os.cpu_count(),
        "cores_usable": len(os.sched_getaffinity(0)),
        "memory": field_of("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "compiler": compiler_of(build),
        "build_type": build_type_of(build),
        "go": first_line("go", "version"),
        "wrk": "wrk" if first_line("sh", "-c", "command -v wrk") else None,
        "load_average_at_start": os.getloadavg()[0],
    }

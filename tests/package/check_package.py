#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Installs a finished build into a temporary folder and builds README's program from there, as a stranger would: with CMake and with
pkg-config, against the shared and the static library; runs all four, and a program with libgossamer-locks.

usage: check_package.py BUILD_DIR
"""
import glob
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
PROGRAM = os.path.join(TOP, "lib/examples/readme.cc")
LOCKS_PROGRAM = os.path.join(TOP, "tests/locks/held.cc")
LONGEST_WAIT = 300  # seconds, for one compiler run on a busy machine


def call(args, **more):
    """Runs a command; its standard output. Ends the script with the command's own words when it fails."""
    done = subprocess.run(args, capture_output=True, text=True, timeout=LONGEST_WAIT, **more)
    if done.returncode != 0:
        raise SystemExit(f"package: failed: {' '.join(args)}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def main():
    build = os.path.abspath(sys.argv[1])
    cxx = os.environ.get("CXX", "g++")
    with open(PROGRAM[:-3] + ".expected", encoding="utf-8") as file:
        expected = file.read()
    with tempfile.TemporaryDirectory() as room:
        call(["meson", "install", "-C", build, "--no-rebuild", "--destdir", os.path.join(room, "root")])
        pc = glob.glob(os.path.join(room, "root/**/pkgconfig/gossamer.pc"), recursive=True)
        if len(pc) != 1:
            raise SystemExit(f"package: gossamer.pc found {len(pc)} times")
        libdir = os.path.dirname(os.path.dirname(pc[0]))

        env = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(pc[0]))
        programs = []
        for kind, words in (("shared", []), ("static", ["--static"])):
            flags = call(["pkg-config", *words, "--cflags", "--libs", "gossamer"], env=env).split()
            if words:
                flags = [f if f != "-lgossamer" else "-l:libgossamer.a" for f in flags]
            program = os.path.join(room, "pkgconf_" + kind)
            call([*cxx.split(), "-std=c++20", "-O2", PROGRAM, "-o", program, *flags, "-Wl,-rpath," + libdir])
            programs.append(program)

        with_locks = os.path.join(room, "pkgconf_locks")
        flags = call(["pkg-config", "--cflags", "--libs", "gossamer-locks", "gossamer"], env=env).split()
        call([*cxx.split(), "-std=c++20", "-O2", LOCKS_PROGRAM, "-o", with_locks, *flags, "-Wl,-rpath," + libdir])

        cmake = os.path.join(room, "cmake")
        call(["cmake", "-G", "Ninja", "-S", HERE, "-B", cmake, "-DPROGRAM=" + PROGRAM, "-DLOCKS_PROGRAM=" + LOCKS_PROGRAM, "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_COMPILER=" + cxx,
              "-Dgossamer_DIR=" + os.path.join(libdir, "cmake/gossamer")])
        call(["cmake", "--build", cmake])
        programs += [os.path.join(cmake, "with_shared"), os.path.join(cmake, "with_static")]

        for program in programs:
            printed = call([program])
            if printed != expected:
                raise SystemExit(f"package: {os.path.basename(program)} printed\n{printed}\nexpected\n{expected}")
            shared = "libgossamer.so" in call(["ldd", program])
            if shared == program.endswith("static"):
                raise SystemExit(f"package: {os.path.basename(program)} is linked against the other library")
        for program in (with_locks, os.path.join(cmake, "with_locks")):
            if "libgossamer-locks.so" not in call(["ldd", program]) or call([program]) != "unlock: fine\n":
                raise SystemExit(f"package: {program} runs without libgossamer-locks")
        programs += ["with_locks by pkg-config", "with_locks by CMake"]
    print(f"package: {len(programs)} programs built and run from an installed copy")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Runs each load program against a real server on loopback: by 200 goroutines on two processors and by 200 threads, in turn. Prints a table of medians;
fails when a task failed, or when in the best of twelve pairs a ticker beside the goroutines stood still for too long or they took much longer
than the threads. Where a plain thread's ticker beside the threads stands as long (PostgreSQL's 200 processes want the same two CPUs), the kernel
gave nobody the CPU, and the pair does not speak against us.

usage: run_servers.py [--runs N] PROGRAM…
"""
import contextlib
import glob
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

RUNS = 3
MOST_RUNS = 12
LONGEST_WAIT = 120  # seconds, for a server's start or a run on a busy machine
MOST_GAP_MS = 25
MOST_RATIO = 1.3


class Missing(Exception):
    """What is needed is not on this machine."""


def program(name):
    for place in ["", "/usr/sbin/", *(d + "/" for d in glob.glob("/usr/lib/postgresql/*/bin"))]:
        if found := shutil.which(place + name):
            return found
    raise Missing(f"no {name} here")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(what, holds):
    end = time.monotonic() + LONGEST_WAIT
    while not holds():
        if time.monotonic() > end:
            raise SystemExit(f"servers: {what} did not come up in {LONGEST_WAIT} s")
        time.sleep(0.05)


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@contextlib.contextmanager
def running(args, port, **more):
    server = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
    try:
        until(args[0], lambda: answers(port) or server.poll() is not None)
        if server.poll() is not None:
            raise SystemExit(f"servers: {' '.join(args)} ended with status {server.returncode}")
        yield
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(LONGEST_WAIT)


@contextlib.contextmanager
def postgres(room):
    initdb, server, client = program("initdb"), program("postgres"), program("psql")
    who = {}
    if os.geteuid() == 0:  # it refuses to run as root
        import pwd
        with contextlib.suppress(KeyError):
            who = {"user": pwd.getpwnam("postgres").pw_uid}
        if not who:
            raise Missing("PostgreSQL refuses to run as root, and there is no user postgres")
        os.chown(room, who["user"], -1)
    data, port = os.path.join(room, "data"), free_port()
    subprocess.run([initdb, "-D", data, "-A", "trust", "-U", "tests", "--no-sync"], check=True,
                   stdout=subprocess.DEVNULL, cwd=room, **who)
    settings = {"listen_addresses": "127.0.0.1", "port": port, "max_connections": 250, "fsync": "off",
                "unix_socket_directories": ""}
    words = [w for name, value in settings.items() for w in ("-c", f"{name}={value}")]
    with running([server, "-D", data, *words], port, cwd=room, **who):
        where = f"host=127.0.0.1 port={port} user=tests dbname=postgres"
        until("postgres", lambda: subprocess.run([client, where, "-qc", "create table if not exists seen (task int)"],
                                                 stderr=subprocess.DEVNULL, check=False).returncode == 0)
        yield [where]


@contextlib.contextmanager
def redis(room):
    port = free_port()
    with running([program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", room],
                 port):
        yield [str(port)]


NGINX = """
daemon off; master_process off; worker_rlimit_nofile 2048; pid {room}/pid; error_log {room}/errors;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {room}; proxy_temp_path {room}; fastcgi_temp_path {room}; uwsgi_temp_path {room}; scgi_temp_path {room};
    server {{ listen 127.0.0.1:{port} backlog=1024; root {room}; limit_rate 1m; }}
}}
"""


@contextlib.contextmanager
def http(room):
    port = free_port()
    os.chmod(room, 0o755)
    with open(os.path.join(room, "page"), "w", encoding="ascii") as file:
        file.write("x" * 65536)
    with open(os.path.join(room, "conf"), "w", encoding="ascii") as file:
        file.write(NGINX.format(room=room, port=port))
    with running([program("nginx"), "-c", os.path.join(room, "conf"), "-e", os.path.join(room, "errors")], port):
        yield [f"http://127.0.0.1:{port}/page"]


@contextlib.contextmanager
def sqlite(room):
    import sqlite3
    path = os.path.join(room, "db")
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("pragma journal_mode = wal")
        db.execute("create table seen (task int)")
        db.commit()
    yield [path]
    with contextlib.closing(sqlite3.connect(path)) as db:
        wrong = db.execute("select task, count(*) from seen group by task having count(*) % 3 != 0").fetchall()
        if wrong:
            raise SystemExit(f"servers: sqlite: rows are lost or doubled: {wrong}")


# A name server that answers tNrM.example with 10.0.N.M, 20 ms later. Runs in a network of its own, where port 53 is free.
NAME_SERVER = r"""
import re, socket, struct, sys, threading, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
print("ready", flush=True)
while True:
    q, who = s.recvfrom(2000)
    n = re.match(rb".t(\d+)r(\d+)\x07example", q[12:])
    end = q.index(b"\0", 12) + 5
    a = q[:2] + struct.pack("!HHHHH", 0x8180, 1, 1 if n else 0, 0, 0) + q[12:end]
    if n:
        a += b"\xc0\x0c" + struct.pack("!HHIH4B", 1, 1, 9, 4, 10, 0, int(n[1]), int(n[2]))
    threading.Timer(0.02, s.sendto, (a, who)).start()
"""


@contextlib.contextmanager
def lookup(room):
    if os.geteuid() != 0:
        raise Missing("a name server of its own takes root")
    conf = os.path.join(room, "resolv.conf")
    with open(conf, "w", encoding="ascii") as file:
        file.write("nameserver 127.0.0.1\n")
    inside = ["unshare", "--mount", "--net", "sh", "-c",
              'ip link set lo up 2>/dev/null || ifconfig lo up; mount --bind "$0" /etc/resolv.conf && exec "$@"', conf]
    probe = subprocess.run([*inside, "true"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        raise Missing(f"no network of its own: {probe.stderr.strip()}")
    server = subprocess.Popen([*inside, sys.executable, "-c", NAME_SERVER], stdout=subprocess.PIPE, text=True)
    try:
        if server.stdout.readline() != "ready\n":
            raise Missing("no name server on port 53")
        yield ["nsenter", "-t", str(server.pid), "-m", "-n"]
    finally:
        server.kill()
        server.wait()


@contextlib.contextmanager
def pipes(_room):
    yield []


SERVERS = {"http": http, "lookup": lookup, "pipes": pipes, "postgres": postgres, "redis": redis, "sqlite": sqlite}


def run_once(path, mode, extra):
    before, after = (extra, []) if extra[:1] == ["nsenter"] else ([], extra)
    done = subprocess.run([*before, path, mode, *after], capture_output=True, text=True, timeout=LONGEST_WAIT,
                          env={**os.environ, "GOSSAMER_PROCS": "2"}, check=False)
    found = re.search(r"ms=([\d.]+) worst_gap_ms=([\d.]+) failures=(\d+)", done.stdout)
    if found is None or done.returncode != 0:
        raise SystemExit(f"servers: {os.path.basename(path)} {mode}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return float(found[1]), float(found[2])


def complaints(name, seen):
    """What the best of the runs still does wrong: the others tell of the machine's other work."""
    (ours, _), (theirs, _) = ([min(figures) for figures in zip(*seen[mode])] for mode in ("goroutines", "threads"))
    if ours > MOST_RATIO * theirs:
        yield f"{name}: {ours / theirs:.2f} of the threads' time at best, more than {MOST_RATIO}"
    pairs = [(gap, beside_threads) for (_, gap), (_, beside_threads) in zip(seen["goroutines"], seen["threads"])]
    if all(gap > max(MOST_GAP_MS, beside_threads) for gap, beside_threads in pairs):
        yield f"{name}: a ticker stood still for {min(pairs)[0]:.1f} ms at best, more than {MOST_GAP_MS} and longer than beside threads"


def main():
    args = sys.argv[1:]
    runs = RUNS
    if args[:1] == ["--runs"]:
        runs, args = int(args[1]), args[2:]
    bad = []
    print("| 200 at once | goroutines, ms | threads, ms | ratio | worst gap of a ticker beside goroutines, ms | beside threads, ms |")
    print("| --- | --: | --: | --: | --: | --: |")
    for path in map(os.path.abspath, args):
        name = os.path.basename(path).removeprefix("load_")
        with tempfile.TemporaryDirectory(prefix="gossamer-servers-") as room:
            try:
                with SERVERS[name](room) as extra:
                    seen = {"goroutines": [], "threads": []}
                    while len(seen["threads"]) < runs or (len(seen["threads"]) < MOST_RUNS and list(complaints(name, seen))):
                        for mode, all_of in seen.items():
                            all_of.append(run_once(path, mode, extra))
            except Missing as why:
                print(f"| {name} | skipped: {why} | | | | |", flush=True)
                continue
        ours, theirs = (seen[mode] for mode in ("goroutines", "threads"))
        row = [statistics.median(figures) for figures in (*zip(*ours), *zip(*theirs))]
        print(f"| {name} | {row[0]:.0f} | {row[2]:.0f} | {row[0] / row[2]:.2f} | {row[1]:.1f} | {row[3]:.1f} |", flush=True)
        bad += list(complaints(name, seen))
    for line in bad:
        print(f"servers: {line}", file=sys.stderr)
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: BSL-1.0
"""Goroutines in gdb, of a process and of a core:

    (gdb) source tools/gdb/gossamer_gdb.py
    (gdb) info goroutines
    (gdb) goroutine 17 bt
    (gdb) goroutine all bt

What goroutines there are, the program's black box tells: /dev/shm/gossamer.UID.PID, mapped into the process. A core seldom holds it; gdb then reads the
file of that name, as long as it is there. The layout of the runtime's structs comes from the box too (runtime/box/layout.h): no debug information is
needed, and nothing is written to the process: a goroutine's registers are put behind the innermost frame by an unwinder.
"""

import os
import re
import struct

import gdb
import gdb.unwinder

MAGIC = b"gossbox\n"
TEXT, GS = 1, 2
STATES = ["dead", "runnable", "runnable", "running", "waiting"]
FRESH, RUNNING, WAITING = 1, 3, 4
IS_THREAD = 1
REASONS = ["", "chan receive", "chan send", "chan receive (nil chan)", "chan send (nil chan)", "select", "select (no cases)",
           "sleep", "IO wait", "semacquire", "sync.Mutex.Lock", "sync.RWMutex.RLock", "sync.RWMutex.Lock",
           "sync.Cond.Wait", "sync.WaitGroup.Wait", "panicwait", "join"]
CHUNK = 1 << 20

# Where a saved context holds each register, in words (runtime/arch/saved_context.h); its size; the names of pc and sp.
X86_64 = ({"r12": 2, "r13": 3, "r14": 4, "r15": 5, "rbx": 6, "rbp": 7, "rip": 8}, 9, "rip", "rsp")
AARCH64 = ({**{f"x{19 + i}": 8 + i for i in range(10)}, "x29": 18, "x30": 19, "pc": 20}, 22, "pc", "sp")


class Missing(gdb.GdbError):
    """What the user is told."""


def machine():
    return AARCH64 if "aarch64" in gdb.selected_inferior().architecture().name() else X86_64


def read_memory(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


def mapped_boxes():
    """(begin, end, offset, path) of the mappings of boxes, in a process as in a core."""
    try:
        text = gdb.execute("info proc mappings", to_string=True)
    except gdb.error:
        return []
    found = []
    for line in text.splitlines():
        words = line.split()
        numbers = [w for w in words if re.fullmatch(r"0x[0-9a-f]+", w)]
        if len(numbers) >= 4 and "/gossamer." in line:
            path = line[line.index("/"):].strip().removesuffix(" (deleted)")
            if re.search(r"/gossamer\.\d+\.\d+$", path):
                found.append((int(numbers[0], 16), int(numbers[1], 16), int(numbers[3], 16), path))
    return found


class Box:
    """The box of the inferior: where its Gs are, and what they look like."""

    def __init__(self):
        self.maps = mapped_boxes()
        start = next((m for m in self.maps if m[2] == 0), None)
        if start is None:
            raise Missing("gossamer: the inferior has no box: it is not a Gossamer program, or runs with GOSSAMER_BOX=off")
        self.file = None
        try:
            self.file = open(start[3], "rb")
        except OSError:
            pass
        header = self.read(start[0], 56)
        if header[:8] != MAGIC:
            raise Missing("gossamer: the box is not in the core, and its file is gone: " + start[3])
        if self.file is not None and os.pread(self.file.fileno(), 40, 0) != header[:40]:
            self.file = None  # of another process
        _, _, region_bytes, _, _, _, _, regions_at, count = struct.unpack_from("<IIIIIIQQI", header, 8)
        self.regions = []
        for i in range(min(count, 200000)):
            entry = self.read(start[0] + regions_at + i * region_bytes, 40)
            self.regions.append(struct.unpack("<QQQQII", entry))
        self.fields = {}
        for address, size, _, in_file, kind, _ in self.regions:
            if kind == TEXT:
                text = self.read(address, in_file or size).split(b"\0")[0].decode(errors="replace")
                for line in text.splitlines():
                    words = line.rsplit(" ", 2)
                    if len(words) == 3 and words[1].isdigit() and words[2].isdigit():
                        self.fields[words[0]] = (int(words[1]), int(words[2]))

    def read(self, address, size):
        """Memory, else what the file says at that place."""
        try:
            return read_memory(address, size)
        except gdb.MemoryError:
            for begin, end, offset, _ in self.maps:
                if self.file is not None and begin <= address and address + size <= end:
                    return os.pread(self.file.fileno(), size, offset + address - begin).ljust(size, b"\0")
            raise

    def field(self, name, raw):
        offset, size = self.fields.get(name, (0, 0))
        return int.from_bytes(raw[offset:offset + size], "little")

    def stretches(self, address, offset, size, stride):
        """Pieces of a table: (address, bytes). Of a file without its holes."""
        if self.file is None:
            step = max(1, CHUNK // stride) * stride
            for at in range(0, size - stride + 1, step):
                yield address + at, self.read(address + at, min(step, (size - at) // stride * stride))
            return
        at = 0
        while at < size:
            try:
                at = max(at, os.lseek(self.file.fileno(), offset + at, os.SEEK_DATA) - offset)
            except OSError:
                return
            at -= at % stride
            piece = os.pread(self.file.fileno(), min(CHUNK // stride * stride, size - at), offset + at)
            if len(piece) < stride:
                return
            yield address + at, piece
            at += len(piece) // stride * stride

    def goroutines(self):
        """Those that are not dead, by number."""
        found = []
        for address, size, offset, in_file, kind, stride in self.regions:
            if kind != GS or stride < 64:
                continue
            for at, piece in self.stretches(address, offset, in_file or size, stride):
                for i in range(0, len(piece) - stride + 1, stride):
                    g = Goroutine(self, at + i, piece[i:i + stride])
                    if 0 < g.status < len(STATES) and g.id != 0:
                        found.append(g)
        return sorted(found, key=lambda g: g.id)


class Goroutine:
    def __init__(self, box, address, raw):
        self.box, self.address = box, address
        self.id = box.field("G.id", raw)
        self.status = box.field("G.status", raw)
        if self.id == 0 or self.status == 0:
            return
        self.reason = box.field("G.reason", raw)
        self.context = box.field("G.context", raw)
        self.m = box.field("G.m", raw)
        self.name_at = box.field("G.name", raw)
        self.site = box.field("G.param", raw) if self.status == WAITING else 0
        self.is_thread = box.field("G.flags", raw) & IS_THREAD != 0

    def state(self):
        if self.status == WAITING and self.reason < len(REASONS):
            return REASONS[self.reason]
        return STATES[self.status]

    def name(self):
        try:
            return gdb.Value(self.name_at).cast(gdb.lookup_type("char").pointer()).string() if self.name_at else ""
        except gdb.error:
            return ""

    def title(self):
        name = self.name()
        return f"goroutine {self.id} [{self.state()}]" + (f" {{name: {name}}}" if name and not self.is_thread else "") + ":"

    def registers(self):
        """{name: value}, or None while it is on a thread."""
        words, count, _, sp = machine()
        if self.is_thread or self.context == 0 or self.status in (FRESH, RUNNING):
            return None
        try:
            saved = struct.unpack(f"<{count}Q", read_memory(self.context, 8 * count))
        except gdb.MemoryError:
            return None
        return {**{r: saved[i] for r, i in words.items()}, sp: self.context + 8 * count}

    def thread(self):
        """The one it runs on."""
        offset, size = self.box.fields.get("M.tid", (0, 0))
        if self.m == 0 or size == 0:
            return None
        tid = int.from_bytes(self.box.read(self.m + offset, size), "little")
        return next((t for t in gdb.selected_inferior().threads() if t.ptid[1] == tid), None)


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class StackOfGoroutine(gdb.unwinder.Unwinder):
    """While `registers` is set, what called the innermost frame is that goroutine."""

    def __init__(self):
        super().__init__("gossamer")
        self.registers = None
        self.level = 0  # of the thread's innermost frame: before it stand those that are inlined in it

    def __call__(self, pending):
        if self.registers is None or pending.level() != self.level:
            return None
        _, _, pc, sp = machine()
        word = gdb.selected_inferior().architecture().integer_type(64, False)
        # Below the goroutine's own frames: gdb refuses stacks that go down.
        info = pending.create_unwind_info(FrameId(gdb.Value(self.registers[sp] - 128).cast(word), pending.read_register(pc)))
        for name, value in self.registers.items():
            info.add_saved_register(name, gdb.Value(value).cast(word))
        return info


UNWINDER = StackOfGoroutine()
gdb.unwinder.register_unwinder(None, UNWINDER, replace=True)


def on_stack(g, what):
    """The output of a gdb command with the goroutine's innermost frame selected."""
    before, thread = gdb.selected_thread(), None
    registers = g.registers()
    if registers is None:
        thread = g.thread() if g.status != FRESH else None
        if thread is None:
            return "it has not begun\n" if g.status == FRESH else "its stack cannot be had\n"
        thread.switch()
    innermost, skipped = gdb.newest_frame(), 1
    while innermost.type() == gdb.INLINE_FRAME:
        innermost, skipped = innermost.older(), skipped + 1
    UNWINDER.registers, UNWINDER.level = registers, skipped - 1
    gdb.invalidate_cached_frames()
    try:
        if registers is not None:
            frame = gdb.newest_frame()
            for _ in range(skipped):
                frame = frame.older()
            frame.select()
            what = re.sub(r"^(bt|backtrace|where) (\d+)$", lambda m: f"{m[1]} {int(m[2]) + skipped}", what)
        out = gdb.execute(what, to_string=True)
    except gdb.error as e:
        return str(e) + "\n"
    finally:
        UNWINDER.registers = None
        gdb.invalidate_cached_frames()
        if before is not None and before.is_valid():
            before.switch()
    if registers is not None and re.match(r"(bt|backtrace|where)\b", what):
        # The first are the thread's, behind which the goroutine was put.
        frames = [(int(f[1:].split()[0]), f) for f in re.split(r"^(?=#\d)", out, flags=re.M) if f.startswith("#")]
        out = "".join(re.sub(r"^#(\d+)( *)", f"#{n - skipped:<3}", f) for n, f in frames if n >= skipped)
    return out


class InfoGoroutines(gdb.Command):
    """List goroutines: number, state, name, and the function that waits."""

    def __init__(self):
        super().__init__("info goroutines", gdb.COMMAND_STATUS)

    def invoke(self, arg, from_tty):
        for g in Box().goroutines():
            where = gdb.execute(f"info symbol {g.site}", to_string=True) if g.site else ""
            where = "" if where.startswith("No symbol") else re.sub(r" in section .*", "", where).strip()
            print(f"{g.id:>8}  {'plain thread, ' if g.is_thread else ''}{g.state():<20} {g.name():<16} {where}".rstrip())


class GoroutineCommand(gdb.Command):
    """goroutine N COMMAND, goroutine all COMMAND: run a command, as bt, in the innermost frame of a goroutine, or of each."""

    def __init__(self):
        super().__init__("goroutine", gdb.COMMAND_STACK)

    def invoke(self, arg, from_tty):
        which, _, what = arg.strip().partition(" ")
        if not which or not (which == "all" or which.isdigit()):
            raise gdb.GdbError("goroutine N COMMAND, or goroutine all COMMAND: as in goroutine 17 bt")
        chosen = [g for g in Box().goroutines() if which == "all" or g.id == int(which)]
        if not chosen:
            raise gdb.GdbError(f"gossamer: there is no goroutine {which}")
        for g in chosen:
            if which == "all" and g.is_thread:
                continue
            print(g.title())
            print(on_stack(g, what.strip() or "bt"), end="" if len(chosen) == 1 else "\n")


InfoGoroutines()
GoroutineCommand()

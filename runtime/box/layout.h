// SPDX-License-Identifier: BSL-1.0
// layout: what others find in the box: the shared mapping in which the runtime keeps its state (box.h). The contract between the runtime and its
// readers: the command `gossamer` (tools/gossamer) includes this file, and nothing else of runtime/.
// Called by / on: the runtime writes; readers of any process map it read-only, take no lock and run no code in the target. Only header::control is
//   written from outside.
// Invariants:
//   1 Every word is written by the thread that owns it, with plain stores; a reader may see one field newer than another. Strings are terminated.
//   2 Pointers are addresses of the process. A region says which of them lie in the file, and where; others are read by process_vm_readv, or not at all.
//   3 Regions are only ever added. region_count is stored after the region.
//   4 Structs of the runtime (G, P, M, …) are found by name in the description: lines "G.id 64 8", "event.steal 3 0", offset and bytes. So a reader
//     of another version still reads what it knows. header itself is fixed by `version`.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/base/atomic.h"

namespace gossamer::rt::box {

inline constexpr char kMagic[8] = {'g', 'o', 's', 's', 'b', 'o', 'x', '\n'};
inline constexpr uint32_t kVersion = 1;

enum class region_kind : uint32_t {
    none,
    text,     // the description, terminated by 0; more of it in the next region of the kind
    gs,       // G[]: stride bytes each; a slot that was never used is all zero (status dead)
    ps,       // P[]
    ms,       // M[]: M.number and M.is_thread are 0 in a slot that was never used
    ring,     // one trace_ring and its records
    modules,  // text: a line "begin end offset build-id path" for each executable mapping, numbers in hex, build-id "-" when there is none
};

struct region {
    uint64_t address = 0;
    uint64_t bytes = 0;    // of address space
    uint64_t offset = 0;   // in the file
    uint64_t in_file = 0;  // bytes of it that are in the file: the first; the rest is memory of the process alone
    region_kind kind = region_kind::none;
    uint32_t stride = 0;
};

enum class life : uint32_t { running, exited, died };

// What others ask for. Any process that may write the file; the runtime looks at it every 10 ms while it works.
struct control {
    atomic<uint32_t> level{0};        // 0 off; 1, 2: the recorder; 3: with stacks
    atomic<uint32_t> ring_bytes{0};   // of each thread, a power of two; 0: 4 MiB. Counts for rings made from now on
    atomic<uint64_t> stall_ns{0};     // a processor that makes no pick for so long freezes the recorder; 0: never
    atomic<uint64_t> runnable_ns{0};  // likewise a goroutine that was made ready and did not run for so long
};

// Why the rings are as they are: what stopped the recorder, or (call) had a copy of it made.
enum class cause : uint32_t { none, stall, runnable_wait, deadlock, panic, fatal_signal, call, fatal_error };

// What happened when the recorder was frozen by a trigger.
struct trigger {
    atomic<cause> fired{cause::none};
    atomic<uint64_t> tsc{0};
    atomic<uint64_t> g{0};  // goroutine concerned; 0: none
};

inline constexpr uint32_t kMaxRegions = 160'000;

struct header {
    char magic[8];
    uint32_t version;
    uint32_t header_bytes;  // of this struct
    uint32_t region_bytes;  // of struct region
    uint32_t page;
    uint32_t pid;
    uint32_t uid;
    uint64_t start_ticks;  // field 22 of /proc/PID/stat: tells a process from a later one of the same number
    uint64_t regions_at;   // offset of region[kMaxRegions] in the file
    atomic<uint32_t> region_count;
    atomic<life> state;
    char why[256];  // the first words of a death
    char exe[256];
    char library[32];  // version of Gossamer
    // Two readings of the clocks, the second renewed by the monitor: what turns ticks into nanoseconds.
    uint64_t tsc_0, mono_ns_0, real_ns_0;
    atomic<uint64_t> tsc_1, mono_ns_1;
    // Renewed by the monitor.
    atomic<uint32_t> procs, idle_procs, searching, blocking, global_queue;
    atomic<uint64_t> looks;  // of the monitor
    // tsc of the moment at which it was last switched on: records before that are an earlier recording's. 0: it never was.
    atomic<uint64_t> recorder_on;
    atomic<uint32_t> recorder_level;  // as it is now; control.level is what is wanted
    control wanted;
    trigger frozen;
};

// --- the recorder ---------------------------------------------------------------------------------------------------------------------------
// A ring belongs to one thread, which alone writes it. Records are 16 bytes; a group of them that belongs together does not cross a block, and each
// block begins with a context record: a reader may begin at any block.

inline constexpr uint32_t kBlockBytes = 4096;

// In the lower 24 bits of a body where a processor's number stands: none.
inline constexpr uint32_t kNoP = 0xffffff;

struct record {
    uint64_t head = 0;  // kind in the lowest 8 bits; above it ticks (tsc, 56 bits) or what the kind says
    uint64_t body = 0;
};
inline constexpr uint32_t kBlockRecords = kBlockBytes / sizeof(record);

enum class kind : uint8_t {
    pad,      // nothing
    context,  // ticks; body: id << 24 | P of who runs here, id 0: nobody; or kNoP
    start,    // ticks; id << 24 | P: a goroutine begins or goes on to run here
    block,    // ticks; id << 24 | wait_reason: the one that ran here waits. Then detail
    detail,   // head >> 8: the object it waits for; body: pc of the call that waits
    yield,    // ticks; id << 24: gave way, runnable
    preempt,  // ticks; id << 24: its slice was over, runnable
    lost,     // ticks; id << 24: came back from a call in which it had lost its processor, runnable
    end,      // ticks; id << 24
    ready,  // ticks (of the last clock reading: not before it happened by more than the monitor's nap); id << 24 of who becomes runnable;
            // lowest bit: by nobody's doing here (timer, network)
    create,        // ticks likewise; id << 24 of the new one, runnable. Then birth, and name_at when it has a name
    birth,         // head >> 8: invoke (start function); body: pc of the go()
    name_at,       // head >> 8: address of the name (a literal of the program as a rule)
    call_begin,    // ticks; id << 24: an announced blocking call; the processor is let go
    call_end,      // ticks; id << 24: it is over (a start, or `lost`, follows)
    retake,        // ticks; id << 24 | P: the monitor took the processor from the thread on which this goroutine runs
    p_take,        // ticks; P: this thread holds the processor now
    p_drop,        // ticks; P: this thread lets it go
    steal,         // ticks; number << 24 | P it was taken from
    poll,          // ticks; number of goroutines that the network made ready
    region_begin,  // ticks; id << 24 | bytes of the name. Then text
    region_end,    // ticks; id << 24 | bytes of the name. Then text
    task_begin,    // ticks; id << 24 | bytes of the name. Then extra (task, parent), then text
    task_end,      // ticks; id << 24. Then extra (task, 0)
    log,           // ticks; id << 24 | bytes of key and value, with one 0 byte between. Then extra (task, 0), then text
    text,          // none of its own: the records behind that, as many as hold the bytes, are plain bytes
    extra,         // head >> 8 and body: two numbers
    stack,  // head >> 8: how many pcs; then as many, two in each of the records behind it, innermost first. Of the block or create before it
    counter,  // ticks; id << 24 | bytes of the name. Then extra (0, value), then text
    kCount,
};

struct trace_ring {
    atomic<uint64_t> position{0};  // records ever written; those of the last `capacity` are there
    uint64_t capacity = 0;         // a power of two, a multiple of kBlockRecords
    uint64_t tid = 0;
    uint32_t number = 0;  // M.number; plain threads: 0
    uint32_t plain = 0;
    uint64_t last_tsc = 0;           // the thread's own
    atomic<uint64_t> coarse_tsc{0};  // the monitor's
    uint64_t committed = 0;          // bytes behind this struct that have memory; the thread's own
    uint64_t lost = 0;               // in a file that the command wrote: records it could not read in time
    // then record[capacity]
};
static_assert(sizeof(trace_ring) == 64);

}  // namespace gossamer::rt::box

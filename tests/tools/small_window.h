// SPDX-License-Identifier: BSL-1.0
// small_window: one program in a dozen events, made by hand, for tests that say what each of them becomes: "main" (1) starts "worker" (2), which waits for a
// mutex; main unlocks it, the worker goes on, marks a region, and both end.
#pragma once

#include "runtime/base/wait_reason.h"
#include "tools/gossamer/events.h"

namespace insp::testing {

inline constexpr uint64_t kMainPc = 0x1010, kGoPc = 0x1020, kLockPc = 0x1030, kWorkerPc = 0x1040;
inline constexpr uint64_t kMutex = 0x7f0000001000;

inline trace_window small_window() {
    using gossamer::rt::wait_reason;
    using gossamer::rt::box::kind;
    trace_window w;
    w.program = "/usr/bin/example";
    w.pid = 4711;
    w.procs = 2;
    w.begin_ns = 1'000'000;
    w.end_ns = 1'010'000;
    w.begin_real_ns = 1'700'000'000'000'000'000;
    w.threads = {{4711, 1, false}, {4712, 2, false}};
    w.texts = {"", "parse", std::string("key\0value", 9), "request", "queue"};
    w.stacks = {{}, {kLockPc, kWorkerPc}};
    w.names[kMainPc] = {{"app::main_loop()", "app.cc", 10}};
    w.names[kGoPc] = {{"app::start(int)", "app.cc", 20}};
    w.names[kLockPc] = {{"app::inlined_lock()", "lock.h", 5}, {"app::critical(std::vector<int>&)", "app.cc", 30}};
    w.names[kWorkerPc] = {{"app::worker(int)", "app.cc", 40}};
    w.goroutines[1].name = "main";
    w.goroutines[1].start_pc = kMainPc;
    w.goroutines[2].name = "worker";
    w.goroutines[2].creator = 1;
    w.goroutines[2].creator_pc = kGoPc;
    w.goroutines[2].start_pc = kWorkerPc;
    auto put = [&](int64_t ns, kind k, uint64_t g, uint64_t by, uint32_t thread, int32_t p) -> event& {
        event e;
        e.ns = 1'000'000 + ns;
        e.kind = k;
        e.g = g;
        e.by = by;
        e.thread = thread;
        e.p = p;
        w.events.push_back(e);
        return w.events.back();
    };
    put(1000, kind::create, 2, 1, 0, 0).pc = kGoPc;  // main runs since before the window
    put(1400, kind::p_take, 0, 0, 1, 1);
    put(1500, kind::start, 2, 0, 1, 1);
    event& blocks = put(2000, kind::block, 2, 2, 1, 1);
    blocks.a = kMutex;
    blocks.pc = kLockPc;
    blocks.stack = 1;
    blocks.reason = uint8_t(wait_reason::mutex_lock);
    put(5000, kind::ready, 2, 1, 0, 0);
    put(5600, kind::start, 2, 0, 1, 1);
    put(6000, kind::region_begin, 2, 2, 1, 1).text = 1;
    event& task = put(6100, kind::task_begin, 2, 2, 1, 1);
    task.a = 77;
    task.text = 3;
    event& log = put(6200, kind::log, 2, 2, 1, 1);
    log.a = 77;
    log.text = 2;
    event& counter = put(6300, kind::counter, 2, 2, 1, 1);
    counter.a = uint64_t(-5);
    counter.text = 4;
    put(6400, kind::task_end, 2, 2, 1, 1).a = 77;
    put(6500, kind::region_end, 2, 2, 1, 1).text = 1;
    put(7000, kind::end, 2, 2, 1, 1);
    put(7500, kind::p_drop, 0, 0, 1, 1);
    put(9000, kind::end, 1, 1, 0, 0);
    return w;
}

// The same nonsense for the same seed: numbers, kinds and times that no program would leave.
trace_window foreign_window(uint64_t seed);

}  // namespace insp::testing

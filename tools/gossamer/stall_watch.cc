// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/stall_watch.h"

#include <algorithm>

namespace insp {

namespace {
constexpr unsigned kMostReports = 8;  // in one look: the next one may not be late
}

stall_watch::stall_watch(const target& t, int64_t over_ns) : probe_(t), clocks_(t.pid()), over_ns_(over_ns) {}

// A thread has moved when another goroutine runs on it, or its processor made a pick. One without a processor makes none: the goroutine that comes
// back takes a processor first.
bool stall_watch::moved(const stall& s, const thread_look& m, uint64_t g) {
    if (s.g != g) return true;
    if (m.p == 0) return false;
    if (s.p_address != m.p || s.lost_ns != 0) return true;
    processor_look p = probe_.processor_at(m.p);
    return p.turn != s.turn || p.tick != s.tick;
}

void stall_watch::begin(stall& s, const thread_look& m, const goroutine_look& g, int64_t now) {
    s = {};
    s.m = m.address;
    s.tid = m.tid;
    s.g_address = m.g;
    s.g = g.id;
    s.from = g.from;
    s.since_ns = now;
    s.times_before = clocks_.read(m.tid);
    s.began_without = m.p == 0;
    if (m.p == 0) s.lost_ns = now;
    if (m.p != 0) {
        processor_look p = probe_.processor_at(m.p);
        s.p_address = m.p;
        s.processor = int32_t(p.id);
        s.turn = p.turn;
        s.tick = p.tick;
        s.most_queued = p.queued;
    }
}

bool stall_watch::works(const thread_look& m) {
    return !m.is_plain && !m.parked && !m.blocking && (m.g != 0 || m.p != 0);
}

bool stall_watch::still_stands(const stall& s) {
    thread_look m = probe_.thread_at(s.m);
    return works(m) && !moved(s, m, probe_.goroutine_at(m.g).id);
}

void stall_watch::look(int64_t now, listener& to) {
    unsigned reports = 0;
    for (const thread_look& seen : probe_.threads()) {
        thread_look m = reports == 0 ? seen : probe_.thread_at(seen.address);  // a report takes its time
        auto at = stalls_.find(m.address);
        bool is_at_work = works(m);
        goroutine_look g = is_at_work ? probe_.goroutine_at(m.g) : goroutine_look{};
        if (at != stalls_.end() && (!is_at_work || moved(at->second, m, g.id))) {
            if (at->second.reports != 0) to.ended(at->second, now);
            if (is_at_work)
                begin(at->second, m, g, now);
            else
                stalls_.erase(at);
            continue;
        }
        if (!is_at_work) continue;
        if (at == stalls_.end()) {
            begin(stalls_[m.address], m, g, now);
            continue;
        }
        stall& s = at->second;
        s.in_runtime = m.in_runtime != 0;
        if (m.p == 0 && s.lost_ns == 0) s.lost_ns = now;
        if (m.p != 0) s.most_queued = std::max(s.most_queued, probe_.processor_at(m.p).queued);
        int64_t next = over_ns_ << std::min<uint32_t>(s.reports, 24);
        if (now - s.since_ns < next || reports == kMostReports) continue;
        s.reports++;
        reports++;
        to.goes_on(s, now);
    }
}

void stall_watch::finish(int64_t now, listener& to) {
    for (auto& [m, s] : stalls_)
        if (s.reports != 0) to.ended(s, now);
    stalls_.clear();
}

const char* words(stall_cause c) {
    static constexpr const char* kWords[] = {"system call", "computing", "inside the runtime", "no CPU", "page fault",
                                             "scheduler",   "unknown"};
    return kWords[size_t(c)];
}

const char* sentence(stall_cause c) {
    static constexpr const char* kWords[] = {
        "the call was not announced: gossamer::blocking([&] { … }) gives the processor to others at once",
        "it computes and calls nothing of the library: a goroutine gives way only at such a call; gossamer::yield() in "
        "the loop is one",
        "the runtime itself works for it; nobody interrupts that",
        "its thread wants to run and the kernel gives it no CPU: other threads or processes have them, or a quota is "
        "used up",
        "its thread waits for the kernel outside of a system call: memory that must be read from disk, or was swapped "
        "out",
        "no goroutine runs there: the scheduler looks for one",
        "the kernel does not tell what the thread does: that needs the right to trace the process",
    };
    return kWords[size_t(c)];
}

stall_cause judge(const kernel_look& look, bool in_runtime, bool has_goroutine, const thread_times& before,
                  const thread_times& now, int64_t lasted_ns) {
    bool has_times = before.known && now.known && lasted_ns > 0;
    if (look.known && look.call >= 0 && has_goroutine) return in_runtime ? stall_cause::runtime : stall_cause::call;
    bool wants_to_run = look.is_running || look.state == 'R';
    if (has_times && wants_to_run) {
        auto ran = int64_t(now.ran - before.ran), waited = int64_t(now.waited - before.waited);
        if (now.runs == before.runs) waited = lasted_ns - ran;  // a wait that lasts is not counted yet
        if (waited > lasted_ns / 2) return stall_cause::starved;
    }
    if (!has_goroutine) return stall_cause::scheduler;
    if (in_runtime) return stall_cause::runtime;
    if (wants_to_run) return stall_cause::computes;
    if (look.known) return stall_cause::fault;
    return look.state == '?' || look.state == 'S' ? stall_cause::unknown : stall_cause::fault;
}

}  // namespace insp

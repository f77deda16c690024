// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/window.h"

#include <algorithm>
#include <cstring>
#include <queue>
#include <unordered_map>

#include "tools/gossamer/rings.h"
#include "tools/gossamer/screen.h"
#include "tools/gossamer/snapshot.h"
#include "tools/gossamer/window_decode.h"
#include "tools/gossamer/window_names.h"

namespace insp {

namespace {

using box::kind;

struct run {
    size_t at, end;
};

// The threads' lists as one, by ns; of equal moments the lower thread's first.
std::vector<event> merge(const std::vector<event>& from, std::vector<run> runs) {
    struct head {
        int64_t ns;
        uint32_t run;
        bool operator<(const head& o) const { return ns != o.ns ? ns > o.ns : run > o.run; }
    };
    std::priority_queue<head> heads;
    for (uint32_t i = 0; i < runs.size(); i++)
        if (runs[i].at < runs[i].end) heads.push({from[runs[i].at].ns, i});
    std::vector<event> out;
    out.reserve(from.size());
    while (!heads.empty()) {
        head first = heads.top();
        heads.pop();
        run& r = runs[first.run];
        int64_t until = heads.empty() ? INT64_MAX : heads.top().ns;
        do out.push_back(from[r.at++]);
        while (r.at < r.end && from[r.at].ns < until);
        if (r.at < r.end) heads.push({from[r.at].ns, first.run});
    }
    return out;
}

// A goroutine that has been running all the time has left no record: it starts where the window does.
void add_silent_ones(const snapshot& s, trace_window& w, std::vector<event>& events, const std::vector<run>& runs,
                     std::vector<run>* more) {
    std::unordered_map<uint32_t, uint32_t> by_number;
    for (uint32_t i = 0; i < w.threads.size(); i++)
        if (runs[i].at == runs[i].end && !w.threads[i].is_plain) by_number.emplace(w.threads[i].number, i);
    std::unordered_map<uint64_t, event> silent;  // by goroutine
    for (const thread& t : s.threads) {
        auto found = by_number.find(t.number);
        if (t.is_plain || t.processor < 0 || t.running == 0 || found == by_number.end()) continue;
        event e;
        e.kind = kind::start;
        e.ns = w.begin_ns;
        e.g = t.running;
        e.p = t.processor;
        e.thread = found->second;
        silent.emplace(e.g, e);
        by_number.erase(found);
    }
    if (silent.empty()) return;
    for (const event& e : events) silent.erase(e.g);
    for (const auto& [g, e] : silent) {
        more->push_back({events.size(), events.size() + 1});
        events.push_back(e);
    }
}

int64_t end_of(const target& t, int64_t last_event) {
    const box::header& h = t.head();
    int64_t end = last_event;
    if (h.recorder_level.load() != 0)
        end = t.now_ns();
    else if (h.frozen.fired.load() != box::cause::none)
        end = t.ns_of(h.frozen.tsc.load());
    constexpr int64_t kMost = 3'600'000'000'000;  // between the last event and the end: else the clocks are damaged
    return end >= last_event && end - last_event < kMost ? end : last_event;
}

// A death in its own first line; else what the trigger was set to.
void find_stop(const target& t, trace_window& w) {
    const box::header& h = t.head();
    auto what = h.frozen.fired.load();
    const char* words = nullptr;
    switch (what) {
        case box::cause::none:
            return;
        case box::cause::stall:
            words = "a processor made no pick for too long";
            break;
        case box::cause::runnable_wait:
            words = "a goroutine waited too long for a processor";
            break;
        case box::cause::deadlock:
            words = "deadlock";
            break;
        case box::cause::panic:
            words = "panic";
            break;
        case box::cause::fatal_signal:
            words = "fatal signal";
            break;
        case box::cause::call:
            words = "a copy that the program asked for";
            break;
        case box::cause::fatal_error:
            words = "fatal error";
            break;
    }
    if (words == nullptr) return;  // of a newer runtime
    bool is_death = what != box::cause::stall && what != box::cause::runnable_wait && what != box::cause::call;
    std::string why(h.why, strnlen(h.why, sizeof h.why));
    why = printable(why.substr(0, why.find('\n')));
    w.stopped_by = is_death && !why.empty() ? why : words;
    w.stopped_ns = std::clamp(t.ns_of(h.frozen.tsc.load()), w.begin_ns, w.end_ns);
    w.stopped_g = h.frozen.g.load();
}

[[noreturn]] void nothing(const target& t, bool was_on) {
    if (was_on) fail(t.name(), "nothing was recorded: no thread did anything while the recorder was on");
    fail(t.name(),
         "nothing was recorded; switch it on with `gossamer record PID`, with trace::start() in the program, or "
         "start it with GOSSAMER_TRACE=FILE");
}

}  // namespace

trace_window load_window(const target& t, const window_options& options) {
    trace_window w;
    const box::header& h = t.head();
    std::vector<ring_copy> rings = copy_rings(t);
    if (rings.empty()) nothing(t, h.recorder_on.load() != 0);
    decoding d(t, w, whole_since(t, rings));
    size_t records = 0;
    for (const ring_copy& r : rings) records += r.records.size();
    std::vector<event> events;
    events.reserve(records * 3 / 4);
    std::vector<run> runs;
    for (ring_copy& r : rings) {
        size_t at = events.size();
        decode_ring(d, r, uint32_t(w.threads.size()), events);
        runs.push_back({at, events.size()});
        w.threads.push_back({r.tid, r.number, r.is_plain});
        w.lost += r.lost;
        r.records = {};
    }
    if (events.empty()) nothing(t, h.recorder_on.load() != 0);
    w.program = h.exe;
    w.pid = h.pid;
    w.begin_ns = d.begin_ns;
    w.begin_real_ns = t.real_ns_of(w.begin_ns);
    snapshot s = take_snapshot(t);
    std::vector<run> silent;
    add_silent_ones(s, w, events, runs, &silent);
    runs.insert(runs.end(), silent.begin(), silent.end());
    w.events = merge(events, std::move(runs));
    events = {};
    w.end_ns = end_of(t, w.events.back().ns);
    find_stop(t, w);
    int32_t most_p = -1;
    for (const event& e : w.events) most_p = std::max(most_p, e.p);
    w.procs = s.procs != 0 ? s.procs : uint32_t(most_p + 1);
    name_goroutines(t, w, s, d.births, options);
    if (options.names) name_addresses(t, w);
    return w;
}

std::string stop_words(const trace_window& w) {
    if (w.stopped_by.empty()) return "";
    std::string in = w.stopped_g == 0 ? "" : " in goroutine " + std::to_string(w.stopped_g);
    return "stopped at +" + short_time(double(w.stopped_ns - w.begin_ns)) + in + ": " + w.stopped_by;
}

}  // namespace insp

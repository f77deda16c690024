// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/replay_why.h"

#include <algorithm>
#include <map>

namespace insp {

namespace {

using gossamer::rt::box::kind;

bool makes_runnable(kind k) {
    return k == kind::ready || k == kind::create || k == kind::yield || k == kind::preempt || k == kind::lost;
}

runnable_by how_of(kind k) {
    switch (k) {
        case kind::ready:
            return runnable_by::waking;
        case kind::create:
            return runnable_by::creation;
        case kind::yield:
            return runnable_by::yielding;
        case kind::preempt:
            return runnable_by::preemption;
        case kind::lost:
            return runnable_by::a_call;
        default:
            return runnable_by::unknown;
    }
}

// Who ran on each processor between two moments, and for how long.
std::vector<processor_share> shares(const trace_window& w, int64_t from, int64_t to) {
    replay_state s(w);
    std::map<int32_t, std::map<uint64_t, int64_t>> sums;
    std::map<int32_t, replayed_processor> last;
    auto add = [&](int32_t p, const replayed_processor& was, int64_t until) {
        int64_t ns = std::min(until, to) - std::max(was.since_ns, from);
        if (ns > 0) sums[p][was.g] += ns;
    };
    s.go_to(from);
    last = s.processors();
    while (const event* e = s.next()) {
        if (e->ns > to) break;
        int32_t p = e->p;
        if (const replayed_goroutine* g = s.find(e->g); g != nullptr && g->p >= 0) p = g->p;
        s.step();
        for (int32_t touched : {p, e->p}) {
            auto now = s.processors().find(touched);
            if (now == s.processors().end()) continue;
            replayed_processor& was = last[touched];
            if (was.g == now->second.g && was.since_ns == now->second.since_ns) continue;
            add(touched, was, now->second.since_ns);
            was = now->second;
        }
    }
    for (const auto& [p, was] : last) add(p, was, to);
    std::vector<processor_share> all;
    for (const auto& [p, by] : sums) {
        processor_share& to_p = all.emplace_back();
        to_p.p = p;
        for (const auto& [g, ns] : by) to_p.by.push_back({g, ns});
        std::sort(to_p.by.begin(), to_p.by.end(), [](const share& a, const share& b) { return a.ns > b.ns; });
        if (to_p.by.size() > 4) to_p.by.resize(4);
    }
    return all;
}

// One goroutine's own events, first to last.
std::vector<const event*> events_of(const trace_window& w, uint64_t g) {
    std::vector<const event*> all;
    for (const event& e : w.events)
        if (e.g == g) all.push_back(&e);
    return all;
}

why_step look_back(const trace_window& w, uint64_t g, int64_t ns) {
    why_step s;
    s.g = g;
    s.at_ns = ns;
    replay_state state(w);
    state.go_to(ns);
    if (const replayed_goroutine* now = state.find(g)) s.life = now->life;
    std::vector<const event*> own = events_of(w, g);
    size_t i = 0;
    while (i < own.size() && own[i]->ns <= ns) i++;
    // Back to the last start, unless it waits for a processor right now.
    s.run_ns = ns;
    if (s.life != replay_life::runnable) {
        while (i > 0 && own[i - 1]->kind != kind::start) i--;
        if (i == 0) return s;
        s.has_run = true;
        s.run_ns = own[--i]->ns;
    }
    s.was_runnable = true;
    while (i > 0 && !makes_runnable(own[i - 1]->kind)) i--;
    s.begin_known = i > 0;
    s.runnable_ns = w.begin_ns;
    if (s.begin_known) {
        const event& e = *own[--i];
        s.runnable_ns = e.ns;
        s.how = how_of(e.kind);
        if (s.how == runnable_by::waking || s.how == runnable_by::creation) s.by = e.by;
    }
    s.meanwhile = shares(w, s.runnable_ns, s.run_ns);
    if (s.how != runnable_by::waking) return s;
    s.has_waited = true;
    while (i > 0 && own[i - 1]->kind != kind::block) i--;
    if (i == 0) return s;
    const event& block = *own[i - 1];
    s.wait_known = true;
    s.waited_ns = s.runnable_ns - block.ns;
    s.reason = block.reason;
    s.object = block.a;
    s.pc = block.pc;
    return s;
}

}  // namespace

std::vector<why_step> walk_back(const trace_window& w, uint64_t g, int64_t ns, size_t most) {
    std::vector<why_step> all;
    while (all.size() < most && g != 0) {
        all.push_back(look_back(w, g, ns));
        const why_step& last = all.back();
        if (!last.begin_known || last.by == 0 || last.by == g || last.runnable_ns > ns) break;
        g = last.by;
        ns = last.runnable_ns;
    }
    return all;
}

}  // namespace insp

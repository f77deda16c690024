// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/replay_state.h"

#include <algorithm>
#include <cstdio>

#include "tools/gossamer/snapshot.h"

namespace insp {

namespace {

using gossamer::rt::box::kind;

// The life that a goroutine had when its first event of the window happened.
replay_life before(const event& e) {
    switch (e.kind) {
        case kind::create:
            return replay_life::unborn;
        case kind::ready:
            return replay_life::waiting;
        case kind::start:
            return e.by == e.g ? replay_life::in_call : replay_life::runnable;
        case kind::lost:
        case kind::call_end:
            return replay_life::in_call;
        default:
            return replay_life::running;
    }
}

}  // namespace

replay_state::replay_state(const trace_window& w) : w_(w), now_(w.begin_ns) { begin(); }

void replay_state::begin() {
    gs_.reserve(w_.goroutines.size());
    for (const event& e : w_.events) {
        if (e.p >= 0 && e.kind != kind::steal) {
            auto [at, is_new] = ps_.try_emplace(e.p);
            if (is_new) at->second = {e.kind != kind::p_take && e.kind != kind::start, e.thread, 0, w_.begin_ns};
        }
        if (e.g == 0) continue;
        auto [at, is_new] = gs_.try_emplace(e.g);
        if (!is_new) continue;
        replayed_goroutine& g = at->second;
        g.life = before(e);
        g.is_certain = false;
        g.since_ns = w_.begin_ns;
        if (g.life != replay_life::running || e.p < 0) continue;
        g.p = e.p;
        if (replayed_processor& p = ps_[e.p]; p.held && p.g == 0) p.g = e.g;
    }
    for (uint32_t p = 0; p < w_.procs && p < 4096; p++) ps_.try_emplace(int32_t(p));
    for (const auto& [id, g] : w_.goroutines) {
        // Nothing happened to it: it is as it was found afterwards.
        if (g.last_state > 2 || gs_.contains(id)) continue;
        replayed_goroutine& to = gs_[id];
        to.life = g.last_state == 0   ? replay_life::running
                  : g.last_state == 1 ? replay_life::runnable
                                      : replay_life::waiting;
        to.is_certain = false;
        to.since_ns = w_.begin_ns;
        to.reason = g.last_reason;
        to.object = g.last_object;
        to.pc = g.last_stack.empty() ? 0 : g.last_stack.front();
    }
}

void replay_state::go_to(int64_t ns) {
    while (at_ < w_.events.size() && w_.events[at_].ns <= ns) step();
    if (ns > now_) now_ = ns;
}

bool replay_state::step() {
    if (at_ == w_.events.size()) return false;
    const event& e = w_.events[at_++];
    now_ = e.ns;
    apply(e);
    return true;
}

const replayed_goroutine* replay_state::find(uint64_t g) const {
    auto at = gs_.find(g);
    return at != gs_.end() ? &at->second : nullptr;
}

void replay_state::leaves(const event& e, replay_life life) {
    replayed_goroutine& g = gs_[e.g];
    auto p = ps_.find(g.p);
    if (p != ps_.end() && p->second.g == e.g) {
        p->second.g = 0;
        p->second.since_ns = e.ns;
    }
    g = {};
    g.life = life;
    g.since_ns = e.ns;
}

void replay_state::becomes_runnable(const event& e, runnable_by how) {
    leaves(e, replay_life::runnable);
    replayed_goroutine& g = gs_[e.g];
    g.how = how;
    g.by = how == runnable_by::waking || how == runnable_by::creation ? e.by : 0;
}

void replay_state::apply(const event& e) {
    switch (e.kind) {
        case kind::start: {
            leaves(e, replay_life::running);
            gs_[e.g].p = e.p;
            if (e.p >= 0) ps_[e.p] = {true, e.thread, e.g, e.ns};
            break;
        }
        case kind::block: {
            leaves(e, replay_life::waiting);
            replayed_goroutine& g = gs_[e.g];
            g.reason = e.reason;
            g.object = e.a;
            g.pc = e.pc;
            break;
        }
        case kind::end:
            leaves(e, replay_life::ended);
            break;
        case kind::yield:
            return becomes_runnable(e, runnable_by::yielding);
        case kind::preempt:
            return becomes_runnable(e, runnable_by::preemption);
        case kind::lost:
            return becomes_runnable(e, runnable_by::a_call);
        case kind::ready:
            return becomes_runnable(e, runnable_by::waking);
        case kind::create:
            return becomes_runnable(e, runnable_by::creation);
        case kind::call_begin:
        case kind::retake:
            if (e.g != 0) leaves(e, replay_life::in_call);
            if (e.p >= 0) ps_[e.p] = {false, e.thread, 0, e.ns};
            break;
        case kind::p_take:
            if (e.p >= 0) ps_[e.p] = {true, e.thread, 0, e.ns};
            break;
        case kind::p_drop:
            if (e.p >= 0) ps_[e.p] = {false, e.thread, 0, e.ns};
            break;
        default:
            break;
    }
}

std::string moment(const trace_window& w, int64_t ns) {
    char text[40];
    std::snprintf(text, sizeof text, "%+.6fs", double(ns - w.begin_ns) / 1e9);
    return text;
}

std::string label(const trace_window& w, uint64_t g) {
    if (g == 0) return "nobody";
    auto found = w.goroutines.find(g);
    return "G" + std::to_string(g) + (found != w.goroutines.end() ? " " + found->second.name : std::string());
}

std::string place(const trace_window& w, uint64_t pc) {
    auto found = w.names.find(pc);
    if (pc == 0 || found == w.names.end() || found->second.empty()) return "";
    auto is_users = [](const pc_name& n) {
        return !n.function.starts_with("gossamer::") && !n.function.starts_with("std::");
    };
    auto user = std::find_if(found->second.begin(), found->second.end(), is_users);
    const pc_name& n = user != found->second.end() ? *user : found->second.front();
    if (n.file.empty()) return n.function;
    return n.function + " (" + n.file.substr(n.file.rfind('/') + 1) + ":" + std::to_string(n.line) + ")";
}

std::string words(const trace_window& w, const event& e, uint64_t g) {
    auto on = [&] { return e.p >= 0 ? " on P" + std::to_string(e.p) : std::string(); };
    auto text = [&] {
        std::string t = e.text < w.texts.size() ? w.texts[e.text] : "";
        if (size_t zero = t.find('\0'); zero != std::string::npos) t.replace(zero, 1, ": ");
        return t;
    };
    char object[40];
    std::snprintf(object, sizeof object, ", 0x%llx", static_cast<unsigned long long>(e.a));
    bool by_other = e.by != 0 && e.by != e.g;
    switch (e.kind) {
        case kind::start:
            return "runs" + on();
        case kind::block: {
            std::string at = place(w, e.pc);
            return std::string("waits: ") + reason_words(e.reason) + (e.a != 0 ? object : "") +
                   (at.empty() ? "" : ", at " + at);
        }
        case kind::yield:
            return "gives way";
        case kind::preempt:
            return "its slice is over";
        case kind::lost:
            return "comes back from a call, its processor is gone";
        case kind::end:
            return "ends";
        case kind::ready:
            if (e.by == g && g != e.g) return "makes ready " + label(w, e.g);
            return "made ready by " + (by_other ? label(w, e.by) : std::string("a timer, the network or nobody known"));
        case kind::create:
            if (e.by == g && g != e.g) return "starts " + label(w, e.g);
            return "started by " + label(w, e.by);
        case kind::call_begin:
            return "begins a call that may block";
        case kind::call_end:
            return "the call is over";
        case kind::retake:
            return "loses its processor" + on();
        case kind::region_begin:
            return "region begins: " + text();
        case kind::region_end:
            return "region ends: " + text();
        case kind::task_begin:
            return "task " + std::to_string(e.a) + " begins: " + text();
        case kind::task_end:
            return "task " + std::to_string(e.a) + " ends";
        case kind::log:
            return "log: " + text();
        case kind::counter:
            return "counter " + text() + " = " + std::to_string(int64_t(e.a));
        default:
            return "event " + std::to_string(unsigned(e.kind));
    }
}

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/phases.h"

#include <algorithm>

namespace insp {

namespace {

using gossamer::rt::box::kind;

struct arrow {
    phase from, to;
    bool moves;
};

// What an event says about the goroutine it is about: what it was doing until then, and what it does from then on.
arrow arrow_of(const event& e) {
    switch (e.kind) {
        case kind::create:
            return {phase::none, phase::runnable, true};
        case kind::start:
            return {phase::runnable, phase::running, true};
        case kind::block:
            return {phase::running, phase::waiting, true};
        case kind::yield:
        case kind::preempt:
            return {phase::running, phase::runnable, true};
        case kind::lost:
            return {phase::calling, phase::runnable, true};
        case kind::end:
            return {phase::running, phase::none, true};
        case kind::ready:
            return {phase::waiting, phase::runnable, true};
        case kind::call_begin:
        case kind::retake:
            return {phase::running, phase::calling, true};
        case kind::call_end:
            return {phase::calling, phase::calling, true};
        default:
            return {phase::running, phase::running, false};
    }
}

// What one goroutine, and one processor, is doing.
struct member_state {
    phase now = phase::none;
    uint64_t since = 0;
    uint32_t p = kNobody;  // on which it runs
};
struct processor_state {
    uint32_t g = kNobody;
    uint64_t since = 0;
};

class teller {
  public:
    teller(const trace_window& w, const cast& who, listener& to)
        : w_(w), who_(who), to_(to), states_(who.members.size()) {}

    uint64_t run() {
        for (uint32_t g = 0; g < states_.size(); g++)
            if (phase first = who_.members[g].first; first != phase::none) {
                states_[g] = {first, 0, kNobody};
                to_.begin_phase(g, first, 0, nullptr);
            }
        place_first();
        for (size_t i = 0; i < w_.events.size(); i++) {
            const event& e = w_.events[i];
            // Unsigned, so that no pair of stamps is too far apart.
            if (e.ns > w_.begin_ns) now_ = std::max(now_, uint64_t(e.ns) - uint64_t(w_.begin_ns));
            to_.happen(i, e, who_.of_g[i], who_.of_by[i], now_);
            take(e, who_.of_g[i]);
        }
        if (w_.end_ns > w_.begin_ns) now_ = std::max(now_, uint64_t(w_.end_ns) - uint64_t(w_.begin_ns));
        for (uint32_t p = 0; p < processors_.size(); p++) vacate(p, nullptr);
        for (uint32_t g = 0; g < states_.size(); g++) move(g, phase::none, nullptr);
        return now_;
    }

  private:
    void take(const event& e, uint32_t g) {
        bool on_p = e.p >= 0 && e.p < kMostProcessors;
        if (on_p && (e.kind == kind::p_drop || e.kind == kind::retake)) vacate(uint32_t(e.p), &e);
        if (g == kNobody) return;
        if (arrow a = arrow_of(e); a.moves && (a.from != a.to)) move(g, a.to, &e);
        if (e.kind == kind::start && on_p) occupy(uint32_t(e.p), g, &e);
    }

    void move(uint32_t g, phase to, const event* why) {
        member_state& m = states_[g];
        if (m.p != kNobody) vacate(m.p, why);
        if (m.now != phase::none) to_.end_phase(g, m.now, m.since, now_, why);
        m.now = to;
        m.since = now_;
        if (to != phase::none) to_.begin_phase(g, to, now_, why);
    }

    processor_state& processor(uint32_t p) {
        if (p >= processors_.size()) processors_.resize(p + 1);
        return processors_[p];
    }
    void vacate(uint32_t p, const event* why) {
        processor_state& s = processor(p);
        if (s.g == kNobody) return;
        to_.end_run(p, s.g, s.since, now_, why);
        states_[s.g].p = kNobody;
        s.g = kNobody;
    }
    void occupy(uint32_t p, uint32_t g, const event* why) {
        vacate(p, why);
        processor(p) = {g, now_};
        states_[g].p = p;
        to_.begin_run(p, g, now_, why);
    }
    // Who ran on each processor as the window began: the one that the first event of the processor speaks of.
    void place_first() {
        std::vector<bool> seen;
        for (size_t i = 0; i < w_.events.size(); i++) {
            const event& e = w_.events[i];
            if (e.p < 0 || e.p >= kMostProcessors || e.kind == kind::steal) continue;
            auto p = size_t(e.p);
            if (p >= seen.size()) seen.resize(p + 1);
            if (seen[p]) continue;
            seen[p] = true;
            uint32_t g = e.kind == kind::start || e.kind == kind::p_take   ? kNobody
                         : e.kind == kind::ready || e.kind == kind::create ? who_.of_by[i]
                                                                           : who_.of_g[i];
            if (g != kNobody && states_[g].now == phase::running && states_[g].p == kNobody)
                occupy(uint32_t(p), g, nullptr);
        }
    }

    const trace_window& w_;
    const cast& who_;
    listener& to_;
    std::vector<member_state> states_;
    std::vector<processor_state> processors_;
    uint64_t now_ = 0;
};

}  // namespace

cast::cast(const trace_window& w) : of_g(w.events.size(), kNobody), of_by(w.events.size(), kNobody) {
    std::unordered_map<uint64_t, uint32_t> numbers;
    auto number_of = [&](uint64_t id) {
        if (id == 0) return kNobody;
        auto [at, is_new] = numbers.try_emplace(id, uint32_t(members.size()));
        if (is_new) {
            auto known = w.goroutines.find(id);
            members.push_back({id, known == w.goroutines.end() ? nullptr : &known->second, 0, phase::none});
        }
        return at->second;
    };
    for (size_t i = 0; i < w.events.size(); i++) {
        const event& e = w.events[i];
        of_g[i] = i > 0 && e.g == w.events[i - 1].g ? of_g[i - 1] : number_of(e.g);
        of_by[i] = e.by == e.g ? of_g[i] : i > 0 && e.by == w.events[i - 1].by ? of_by[i - 1] : number_of(e.by);
        if (of_by[i] != kNobody && of_by[i] != of_g[i]) {
            member& m = members[of_by[i]];
            if (m.events++ == 0) m.first = phase::running;
        }
        if (of_g[i] == kNobody) continue;
        member& m = members[of_g[i]];
        if (m.events++ == 0) m.first = arrow_of(e).from;
    }
}

std::string_view cast::name(uint32_t g) const {
    const traced_goroutine* known = members[g].known;
    return known && !known->name.empty() ? std::string_view(known->name) : "goroutine";
}

std::vector<bool> cast::busiest(size_t most) const {
    std::vector<uint32_t> order(members.size());
    for (uint32_t g = 0; g < order.size(); g++) order[g] = g;
    auto busier = [&](uint32_t x, uint32_t y) {
        return members[x].events != members[y].events ? members[x].events > members[y].events : x < y;
    };
    most = std::min(most, order.size());
    std::partial_sort(order.begin(), order.begin() + ptrdiff_t(most), order.end(), busier);
    std::vector<bool> chosen(members.size());
    for (size_t i = 0; i < most; i++) chosen[order[i]] = true;
    return chosen;
}

uint64_t tell(const trace_window& w, const cast& who, listener& to) { return teller(w, who, to).run(); }

}  // namespace insp

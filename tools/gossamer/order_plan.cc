// SPDX-License-Identifier: BSL-1.0
// How a `ready` finds its moment. A goroutine waits from a `block` to the next `start`, both stamped exactly, and one ready lies in each wait. A ready
// is known to have happened between its stamp and the next reading of its thread's clock. Going over the waits in time, each takes from the readies that
// may lie in it the one whose time ends first: the greedy choice that leaves the most for later waits.
#include "tools/gossamer/order_plan.h"

#include <algorithm>
#include <limits>
#include <queue>

#include "tools/gossamer/numbering.h"

namespace insp {

namespace {

using gossamer::rt::box::kind;

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr uint32_t kNobody = ~uint32_t{0};
constexpr int64_t kAlways = std::numeric_limits<int64_t>::min() / 2;

// Groups the events by key(event): a counting sort, so that those of one group keep their order.
template <class Key>
void group(size_t events, size_t groups, Key key, std::vector<size_t>& begin, std::vector<uint32_t>& list) {
    begin.assign(groups + 1, 0);
    for (size_t i = 0; i < events; i++) begin[key(i) + 1]++;
    for (size_t i = 1; i <= groups; i++) begin[i] += begin[i - 1];
    std::vector<size_t> at(begin.begin(), begin.end() - 1);
    list.resize(events);
    for (size_t i = 0; i < events; i++) list[at[key(i)]++] = uint32_t(i);
}

// Who ran on the thread right before the event, as far as it tells.
uint64_t runner(const event& e) {
    switch (e.kind) {
        case kind::block:
        case kind::yield:
        case kind::preempt:
        case kind::lost:
        case kind::end:
        case kind::call_begin:
        case kind::call_end:
        case kind::region_begin:
        case kind::region_end:
        case kind::task_begin:
        case kind::task_end:
        case kind::log:
        case kind::counter:
            return e.g;
        default:
            return e.by;
    }
}

class planner {
  public:
    explicit planner(trace_window& w) : w_(w), events_(w.events), threads_(w.threads.size()) {}

    order_plan run() {
        numbering number;
        plan_.number.resize(events_.size());
        std::vector<uint32_t> runners(events_.size());
        for (size_t i = 0; i < events_.size(); i++) {
            event& e = events_[i];
            if (e.p >= order_plan::kMostProcessors || e.p < 0) e.p = -1;
            plan_.number[i] = number(e.g);
            runners[i] = number(runner(e));
        }
        plan_.ids = number.take_ids();
        size_t gs = plan_.ids.size();
        group(
            events_.size(), threads_, [&](size_t i) { return events_[i].thread; }, plan_.thread_begin, plan_.of_thread);
        group(
            events_.size(), gs, [&](size_t i) { return plan_.number[i]; }, plan_.g_begin, plan_.of_g);
        plan_.gs.resize(gs);
        waits_at_first_.resize(gs);
        learn_until();
        for (uint32_t g = 1; g < gs; g++) place_readies(g);
        keep_thread_order();
        learn_goroutines(runners);
        learn_processors();
        return std::move(plan_);
    }

  private:
    struct wait {
        int64_t from, to;
        bool certain;
    };
    struct served {
        uint32_t ready;
        size_t wait;
    };
    struct later_end {
        const std::vector<int64_t>& until;
        bool operator()(uint32_t a, uint32_t b) const { return until[a] != until[b] ? until[a] > until[b] : a > b; }
    };

    void learn_until() {
        plan_.until.resize(events_.size());
        for (size_t t = 0; t < threads_; t++) {
            int64_t next = std::max(w_.end_ns, events_.empty() ? 0 : events_.back().ns);
            for (size_t i = plan_.thread_begin[t + 1]; i-- > plan_.thread_begin[t];) {
                uint32_t e = plan_.of_thread[i];
                if (!is_vague(events_[e].kind) || w_.threads[t].is_plain) next = events_[e].ns;
                plan_.until[e] = next;
            }
        }
    }

    // Fills waits_ and readies_ with those of g.
    void collect(uint32_t g) {
        waits_.clear();
        readies_.clear();
        bool created = false, any = false;
        int64_t first_start = kNever;
        for (size_t i = plan_.g_begin[g]; i < plan_.g_begin[g + 1]; i++) {
            const event& e = events_[plan_.of_g[i]];
            if (e.kind == kind::create) created = true;
        }
        for (size_t i = plan_.g_begin[g]; i < plan_.g_begin[g + 1]; i++) {
            uint32_t at = plan_.of_g[i];
            const event& e = events_[at];
            if (e.kind == kind::ready) {
                readies_.push_back(at);
            } else if (e.kind == kind::block) {
                waits_.push_back({e.ns, kNever, true});
            } else if (e.kind == kind::start) {
                if (first_start == kNever) first_start = e.ns;
                if (!waits_.empty() && waits_.back().to == kNever)
                    waits_.back().to = e.ns;
                else if (!any && !created && e.by != e.g)
                    waits_.push_back({kAlways, e.ns, false});
            }
            any = any || !is_vague(e.kind);
        }
        if (!any && !created) waits_.push_back({kAlways, kNever, false});
        if (created) {
            plan_.gs[g].life = g_life::unborn;
            for (size_t i = plan_.g_begin[g]; i < plan_.g_begin[g + 1]; i++)
                if (events_[plan_.of_g[i]].kind == kind::create) place(plan_.of_g[i], {kAlways, first_start, true});
        }
    }

    void place(uint32_t at, const wait& w) {
        int64_t& ns = events_[at].ns;
        int64_t& until = plan_.until[at];
        until = std::max(std::min(until, w.to), w.from);
        if (ns < w.from) ns = until;
        if (ns > w.to) ns = w.to;
    }

    void place_readies(uint32_t g) {
        collect(g);
        if (readies_.empty() || waits_.empty()) return;
        // At the beginning it waited or was runnable: it waited when that leaves no later wait without a ready.
        bool uncertain = !waits_[0].certain;
        std::vector<served> list = serve(uncertain ? 1 : 0);
        if (uncertain) {
            std::vector<served> with_first = serve(0);
            waits_at_first_[g] = with_first.size() > list.size();
            if (waits_at_first_[g]) list.swap(with_first);
        }
        for (const served& s : list) place(s.ready, waits_[s.wait]);
    }

    // Which ready lies in which wait, from the first one on.
    std::vector<served> serve(size_t first) const {
        std::vector<served> list;
        std::priority_queue<uint32_t, std::vector<uint32_t>, later_end> open(later_end{plan_.until});
        uint32_t late = kNobody;  // might have been in time if clocks differ
        size_t next = 0;
        for (size_t i = first; i < waits_.size(); i++) {
            const wait& w = waits_[i];
            while (next < readies_.size() && events_[readies_[next]].ns <= w.to) open.push(readies_[next++]);
            for (; !open.empty() && plan_.until[open.top()] < w.from; open.pop()) late = open.top();
            if (!open.empty()) {
                list.push_back({open.top(), i});
                open.pop();
            } else if (late != kNobody && plan_.until[late] >= w.from - kClockSlack) {
                list.push_back({late, i});
                late = kNobody;
            } else if (w.certain && next < readies_.size() && events_[readies_[next]].ns <= w.to + kClockSlack) {
                list.push_back({readies_[next++], i});
            }
        }
        return list;
    }

    // The new stamps of neighbours in a thread must not cross.
    void keep_thread_order() {
        for (size_t t = 0; t < threads_; t++) {
            int64_t most = kNever;
            for (size_t i = plan_.thread_begin[t + 1]; i-- > plan_.thread_begin[t];) {
                uint32_t e = plan_.of_thread[i];
                plan_.until[e] = most = std::min(plan_.until[e], most);
            }
            int64_t least = kAlways;
            for (size_t i = plan_.thread_begin[t]; i < plan_.thread_begin[t + 1]; i++) {
                event& e = events_[plan_.of_thread[i]];
                if (is_vague(e.kind)) e.ns = std::max(least, std::min(e.ns, plan_.until[plan_.of_thread[i]]));
                least = std::max(least, e.ns);
            }
        }
    }

    void learn_goroutines(const std::vector<uint32_t>& runners) {
        std::vector<bool> seen(plan_.gs.size()), retaken(plan_.gs.size()), known(threads_);
        plan_.thread_runs.assign(threads_, 0);
        for (size_t i = 0; i < events_.size(); i++) {
            const event& e = events_[i];
            uint32_t g = plan_.number[i], who = runners[i];
            if (e.kind == kind::retake && !seen[g]) retaken[g] = true;
            bool first_of_thread = !known[e.thread] && (who != 0 || e.kind == kind::start);
            if (first_of_thread) {
                known[e.thread] = true;
                bool elsewhere = who != 0 && (seen[who] || plan_.gs[who].life == g_life::unborn);
                plan_.thread_runs[e.thread] = elsewhere ? 0 : who;
            }
            if (who != 0 && !seen[who]) {
                seen[who] = true;
                g_beginning& b = plan_.gs[who];
                bool back = e.kind == kind::call_end || e.kind == kind::lost || e.kind == kind::start;
                if (b.life != g_life::unborn && first_of_thread) {
                    b.thread = int32_t(e.thread);
                    b.life = back && !retaken[who] ? g_life::outside : g_life::running;
                }
            }
            if (e.kind == kind::start && !seen[g]) {
                seen[g] = true;
                if (waits_at_first_[g]) plan_.gs[g].life = g_life::waiting;
            }
        }
        for (uint32_t g = 1; g < plan_.gs.size(); g++)
            if (!seen[g] && waits_at_first_[g]) plan_.gs[g].life = g_life::waiting;
    }

    void learn_processors() {
        std::vector<bool> thread_known(threads_), known;
        plan_.thread_p.assign(threads_, -1);
        auto mention = [&](int32_t p) {
            if (size_t(p) < known.size()) return;
            known.resize(size_t(p) + 1);
            plan_.p_holder.resize(size_t(p) + 1, -1);
        };
        for (size_t i = 0; i < events_.size(); i++) {
            const event& e = events_[i];
            if (e.p < 0) continue;
            mention(e.p);
            if (e.kind == kind::steal) continue;
            int64_t t = e.thread;
            if (e.kind == kind::retake) {
                t = plan_.number[i] != 0 ? plan_.gs[plan_.number[i]].thread : -1;
                if (t < 0) continue;
            }
            bool had_it = e.kind != kind::p_take && !known[size_t(e.p)] && !thread_known[size_t(t)];
            if (had_it) {
                plan_.thread_p[size_t(t)] = e.p;
                plan_.p_holder[size_t(e.p)] = int32_t(t);
            }
            known[size_t(e.p)] = thread_known[size_t(t)] = true;
        }
    }

    trace_window& w_;
    std::vector<event>& events_;
    size_t threads_;
    order_plan plan_;
    std::vector<bool> waits_at_first_;
    std::vector<wait> waits_;
    std::vector<uint32_t> readies_;
};

}  // namespace

order_plan make_order_plan(trace_window& w) { return planner(w).run(); }

}  // namespace insp

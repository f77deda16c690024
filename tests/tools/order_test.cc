// SPDX-License-Identifier: BSL-1.0
// put_in_order: what comes out can have happened, whatever comes in.
#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>

#include "tests/tools/random_window.h"

using namespace insp;
using gossamer::rt::box::kind;
using insp::testing::random_window;
using insp::testing::window_options;

namespace {

enum class life { unknown, runnable, running, outside, waiting, ended };

// Goes through the events with nothing but the rules; the first breach in words, "" when there is none.
class judge {
  public:
    explicit judge(const trace_window& w) : w_(w), runs_(w.threads.size()), p_of_(w.threads.size(), -2) {}

    std::string run() {
        int64_t last = w_.events.empty() ? 0 : w_.events[0].ns;
        for (size_t i = 0; i < w_.events.size(); i++) {
            const event& e = w_.events[i];
            std::string wrong = e.ns < last ? "time goes back" : look(e);
            last = e.ns;
            if (!wrong.empty())
                return "event " + std::to_string(i) + ", kind " + std::to_string(int(e.kind)) + ", goroutine " +
                       std::to_string(e.g) + ", thread " + std::to_string(e.thread) + ": " + wrong;
        }
        return "";
    }

  private:
    // The first word about a goroutine is believed.
    bool was(uint64_t g, std::initializer_list<life> allowed) {
        life now = gs_[g];
        for (life l : allowed)
            if (now == l) return true;
        return now == life::unknown;
    }

    std::string look(const event& e) {
        uint64_t& runs = runs_[e.thread];
        switch (e.kind) {
            case kind::create:
                if (!was(e.g, {life::ended})) return "created late";
                gs_[e.g] = life::runnable;
                return "";
            case kind::ready:
                if (!was(e.g, {life::waiting})) return "made ready while it does not wait";
                gs_[e.g] = life::runnable;
                return "";
            case kind::start: {
                bool goes_on = (runs == e.g || runs == 0) && gs_[e.g] == life::outside;
                if (!goes_on && !was(e.g, {life::runnable})) return "started while it is not runnable";
                if (!goes_on && runs != 0) return "started on a thread that runs another";
                if (e.p >= 0 && p_of_[e.thread] != e.p && p_of_[e.thread] != -2)
                    return "started on a foreign processor";
                if (std::string wrong = hold(e.thread, e.p); !wrong.empty()) return wrong;
                gs_[e.g] = life::running;
                runs = e.g;
                return "";
            }
            case kind::block:
                return stop(e, life::waiting);
            case kind::yield:
            case kind::preempt:
                return stop(e, life::runnable);
            case kind::end:
                return stop(e, life::ended);
            case kind::lost:
                if (runs != e.g && runs != 0) return "lost on a thread that runs another";
                if (!was(e.g, {life::outside, life::running})) return "lost without having run";
                gs_[e.g] = life::runnable;
                runs = 0;
                return "";
            case kind::call_begin:
                if (!was(e.g, {life::running})) return "a call of one that does not run";
                gs_[e.g] = life::outside;
                runs = e.g;
                release(e.thread);
                return "";
            case kind::call_end:
                return was(e.g, {life::outside}) ? "" : "the end of no call";
            case kind::retake:
                if (!was(e.g, {life::running})) return "retaken from one that does not run";
                gs_[e.g] = life::outside;
                for (uint32_t t = 0; t < p_of_.size(); t++)
                    if (p_of_[t] == e.p) release(t);
                return "";
            case kind::p_take:
                if (p_of_[e.thread] >= 0) return "takes a second processor";
                return hold(e.thread, e.p);
            case kind::p_drop:
                if (p_of_[e.thread] != e.p && p_of_[e.thread] != -2) return "drops a processor that it has not";
                release(e.thread);
                return "";
            case kind::steal:
            case kind::poll:
                return "";
            default:
                return e.g == 0 || was(e.g, {life::running}) ? "" : "said by one that does not run";
        }
    }

    std::string stop(const event& e, life next) {
        if (runs_[e.thread] != e.g && runs_[e.thread] != 0) return "stopped on a thread that runs another";
        if (!was(e.g, {life::running})) return "stopped while it does not run";
        gs_[e.g] = next;
        runs_[e.thread] = 0;
        return "";
    }

    std::string hold(uint32_t t, int32_t p) {
        if (p < 0) return "";
        for (uint32_t u = 0; u < p_of_.size(); u++)
            if (u != t && p_of_[u] == p) return "a processor on two threads";
        p_of_[t] = p;
        return "";
    }
    void release(uint32_t t) { p_of_[t] = -1; }

    const trace_window& w_;
    std::map<uint64_t, life> gs_;
    std::vector<uint64_t> runs_;
    std::vector<int32_t> p_of_;  // -2: not known
};

uint64_t order_and_judge(trace_window& w) {
    uint64_t invented = put_in_order(w);
    std::string wrong = judge(w).run();
    CHECK(wrong == "");
    return invented;
}

uint64_t count_of(const trace_window& w, kind k) {
    return uint64_t(std::count_if(w.events.begin(), w.events.end(), [&](const event& e) { return e.kind == k; }));
}

bool same(const event& a, const event& b) {
    return a.kind == b.kind && a.g == b.g && a.thread == b.thread && a.ns == b.ns && a.p == b.p;
}

event make(kind k, uint32_t thread, int64_t ns, uint64_t g, int32_t p = -1) {
    event e;
    e.kind = k;
    e.thread = thread;
    e.ns = ns;
    e.g = g;
    e.p = p;
    bool runs = k != kind::start && k != kind::ready && k != kind::create && k != kind::p_take && k != kind::p_drop;
    e.by = runs ? g : 0;
    return e;
}

trace_window small(std::vector<event> events) {
    trace_window w;
    w.threads.resize(3);
    w.procs = 2;
    w.texts = {""};
    w.stacks.resize(1);
    w.begin_ns = 0;
    w.end_ns = 1'000'000;
    w.events = std::move(events);
    return w;
}

}  // namespace

TEST_CASE("a window in order stays as it is") {
    for (uint64_t seed = 1; seed <= 40; seed++) {
        trace_window w = random_window(seed, 2000), before = w;
        CHECK(order_and_judge(w) == 0);
        REQUIRE(w.events.size() == before.events.size());
        size_t changed = 0;
        for (size_t i = 0; i < w.events.size(); i++) changed += !same(w.events[i], before.events[i]);
        CHECK(changed == 0);
    }
}

TEST_CASE("old stamps of ready and create are put in order, and hardly anything is invented") {
    uint64_t invented = 0, events = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        trace_window w = random_window(seed, 2000, {.skewed = true});
        std::map<int, uint64_t> had;
        for (kind k : {kind::start, kind::block, kind::end}) had[int(k)] = count_of(w, k);
        events += w.events.size();
        invented += order_and_judge(w);
        for (auto [k, n] : had) CHECK(count_of(w, kind(k)) >= n);
    }
    CHECK(invented * 2000 < events);
}

TEST_CASE(
    "with clocks apart, holes and a missing beginning, what comes out can have happened, and nothing of weight is "
    "lost") {
    for (uint64_t seed = 1; seed <= 60; seed++) {
        window_options o{.skewed = true, .clock_skew_ns = seed % 2 ? 500 : 0, .holes = unsigned(seed % 4)};
        o.cut_beginning = seed % 3 == 0;
        o.drop_after_call = seed % 5 == 0;
        if (seed % 7 == 0) o.procs = 16, o.threads = 24, o.goroutines = 200;
        trace_window w = random_window(seed, 2000, o);
        std::map<int, uint64_t> had;
        for (kind k : {kind::start, kind::block, kind::end}) had[int(k)] = count_of(w, k);
        order_and_judge(w);
        for (auto [k, n] : had) CHECK(count_of(w, kind(k)) >= n);
    }
}

TEST_CASE("the order within a thread is kept") {
    for (uint64_t seed = 1; seed <= 20; seed++) {
        trace_window w = random_window(seed, 1000, {.skewed = true});
        auto starts = [&] {
            std::map<uint32_t, std::vector<uint64_t>> of;
            for (const event& e : w.events)
                if (e.kind == kind::start || e.kind == kind::block) of[e.thread].push_back(e.g);
            return of;
        };
        auto before = starts();
        put_in_order(w);
        CHECK(starts() == before);
    }
}

TEST_CASE("a ready that is stamped before the wait gets the latest moment that it can have") {
    // Thread 0 has not read its clock since 100; goroutine 2 waits from 500 to 900.
    trace_window w =
        small({make(kind::start, 0, 100, 1, 0), make(kind::ready, 0, 100, 2), make(kind::start, 1, 200, 2, 1),
               make(kind::block, 1, 500, 2), make(kind::start, 1, 900, 2, 1), make(kind::end, 0, 950, 1)});
    w.events[1].by = 1;
    w.goroutines[2].name = "x";
    // It was made runnable before 200 by somebody else: it starts in the window without a ready.
    CHECK(order_and_judge(w) == 0);
    auto at = std::find_if(w.events.begin(), w.events.end(), [](const event& e) { return e.kind == kind::ready; });
    REQUIRE(at != w.events.end());
    CHECK(at->ns == 900);
}

TEST_CASE("a ready whose stamp is possible keeps it") {
    trace_window w = small({make(kind::start, 0, 100, 1, 0), make(kind::start, 1, 110, 2, 1),
                            make(kind::block, 1, 120, 2), make(kind::yield, 0, 150, 1), make(kind::start, 0, 160, 3, 0),
                            make(kind::ready, 0, 160, 2), make(kind::start, 1, 900, 2, 1), make(kind::end, 0, 950, 3)});
    w.events[5].by = 3;
    CHECK(order_and_judge(w) == 0);
    auto at = std::find_if(w.events.begin(), w.events.end(), [](const event& e) { return e.kind == kind::ready; });
    REQUIRE(at != w.events.end());
    CHECK(at->ns == 160);
}

TEST_CASE("of two readies each goes to the wait that it alone can serve") {
    // Goroutine 9 waits 100..200 and 300..400. Thread 0 woke it between 50 and 1000, thread 2 between 60 and 250: the second served the first wait.
    trace_window w = small({make(kind::start, 0, 50, 1, 0), make(kind::ready, 0, 50, 9), make(kind::start, 2, 60, 3, 2),
                            make(kind::ready, 2, 60, 9), make(kind::start, 1, 90, 9, 1), make(kind::block, 1, 100, 9),
                            make(kind::start, 1, 200, 9, 1), make(kind::yield, 2, 250, 3), make(kind::block, 1, 300, 9),
                            make(kind::start, 1, 400, 9, 1), make(kind::end, 0, 1000, 1)});
    w.events[1].by = 1;
    w.events[3].by = 3;
    CHECK(order_and_judge(w) == 0);
    std::vector<uint32_t> threads;
    for (const event& e : w.events)
        if (e.kind == kind::ready) threads.push_back(e.thread);
    CHECK(threads == std::vector<uint32_t>{2, 0});
}

TEST_CASE("a lost ready is made up right before the start") {
    trace_window w =
        small({make(kind::start, 0, 100, 1, 0), make(kind::block, 0, 200, 1), make(kind::start, 0, 300, 1, 0)});
    CHECK(order_and_judge(w) == 1);
    REQUIRE(w.events.size() == 4);
    CHECK(w.events[2].kind == kind::ready);
    CHECK(w.events[2].ns == 300);
}

TEST_CASE("a lost end of a slice is made up from what comes later") {
    trace_window w =
        small({make(kind::start, 0, 100, 1, 0), make(kind::start, 0, 200, 2, 0), make(kind::ready, 0, 200, 1),
               make(kind::block, 0, 300, 2), make(kind::start, 0, 400, 1, 0)});
    w.events[2].by = 2;
    CHECK(order_and_judge(w) == 1);
    CHECK(w.events[1].kind == kind::block);
    CHECK(w.events[1].g == 1);
}

TEST_CASE("a retake that was written late is taken early") {
    // Thread 1 comes back to find processor 0 gone; the monitor, thread 2, had no time to write it down.
    trace_window w =
        small({make(kind::start, 1, 100, 5, 0), make(kind::p_take, 1, 500, 0, 1), make(kind::start, 1, 500, 5, 1),
               make(kind::retake, 2, 700, 5, 0), make(kind::p_take, 0, 800, 0, 0), make(kind::block, 1, 900, 5)});
    w.events[1].by = w.events[2].by = 5;
    w.events[3].by = 0;
    CHECK(order_and_judge(w) == 0);
    REQUIRE(w.events.size() == 6);
    CHECK(w.events[1].kind == kind::retake);
}

TEST_CASE("events of a thread that is not there are left out") {
    trace_window w = small({make(kind::start, 77, 100, 1, 0), make(kind::start, 0, 100, 2, 0)});
    CHECK(put_in_order(w) == 0);
    CHECK(w.events.size() == 1);
    trace_window empty;
    CHECK(put_in_order(empty) == 0);
}

TEST_CASE("events of all sorts in no order at all still come out possible") {
    std::mt19937_64 rng(3);
    for (int round = 0; round < 200; round++) {
        std::vector<event> events;
        int64_t ns = 0;
        for (int i = 0; i < 200; i++) {
            ns += int64_t(rng() % 50);
            kind kinds[] = {kind::start,  kind::block,  kind::yield,      kind::lost,     kind::end,
                            kind::ready,  kind::create, kind::call_begin, kind::call_end, kind::retake,
                            kind::p_take, kind::p_drop, kind::log};
            events.push_back(
                make(kinds[rng() % std::size(kinds)], uint32_t(rng() % 3), ns, 1 + rng() % 6, int32_t(rng() % 4) - 1));
        }
        trace_window w = small(std::move(events));
        order_and_judge(w);
    }
}

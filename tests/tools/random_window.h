// SPDX-License-Identifier: BSL-1.0
// random_window: a window as a busy program would leave it, made by a small simulation of processors, threads and goroutines: what the tests of order and of
// the exporters work on. The same seed makes the same events; without skew and loss their order is the true one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/wait_reason.h"
#include "tools/gossamer/events.h"

namespace insp::testing {

struct window_options {
    unsigned procs = 3;
    unsigned threads = 6;          // that take processors; the monitor and a plain thread come on top
    unsigned goroutines = 20;      // at the beginning; more are created
    bool skewed = false;           // ready and create carry the last clock reading of their thread
    int64_t clock_skew_ns = 0;     // the clock of each thread is off by at most so much
    unsigned holes = 0;            // so many times a piece of a thread's events is missing
    bool cut_beginning = false;    // the first third is missing
    bool user_events = true;       // regions, tasks, logs, counters
    bool calls = true;             // blocking calls and retakes
    bool plain_thread = true;      // a thread without a processor that creates, makes ready and waits
    bool drop_after_call = false;  // a p_drop is written behind each call_begin
};

class window_simulator {
    using kind = gossamer::rt::box::kind;
    enum class g_is { runnable, running, waiting, outside, ended };
    struct sim_g {
        g_is is = g_is::waiting;
        bool is_thread = false;
        std::vector<uint32_t> regions;
        std::vector<uint64_t> tasks;
    };
    struct sim_thread {
        uint64_t g = 0;
        int32_t p = -1;
        bool outside = false;  // in a call, announced or not
        bool announced = false;
        int64_t clock = 0;  // last reading
        int64_t off = 0;
    };

  public:
    window_simulator(uint64_t seed, unsigned events, const window_options& o) : o_(o), want_(events), rng_(seed) {
        if (o_.procs == 0) o_.procs = 1;
        if (o_.threads == 0) o_.threads = 1;
    }

    trace_window run() {
        prepare();
        while (w_.events.size() < want_) step();
        finish();
        return std::move(w_);
    }

  private:
    static constexpr int64_t kBegin = 1'000'000'000;

    uint64_t below(uint64_t n) { return n == 0 ? 0 : rng_() % n; }
    bool chance(unsigned percent) { return below(100) < percent; }

    void prepare() {
        w_.program = "/usr/bin/example";
        w_.pid = 4711;
        w_.procs = o_.procs;
        w_.begin_ns = now_ = kBegin;
        w_.begin_real_ns = 1'700'000'000'000'000'000;
        w_.texts = {"", "parse", "render", "request", std::string("key\0value", 9), "queue length"};
        w_.stacks.emplace_back();
        for (unsigned i = 1; i < 12; i++) {
            std::vector<uint64_t> pcs;
            for (unsigned k = 0; k <= i % 5; k++) pcs.push_back(pc_at(i * 3 + k));
            w_.stacks.push_back(pcs);
        }
        unsigned n = o_.threads + 1 + (o_.plain_thread ? 1 : 0);
        threads_.resize(n);
        for (unsigned i = 0; i < n; i++) {
            bool plain = i > o_.threads;
            w_.threads.push_back({5000 + i, plain ? 0 : i + 1, plain});
            if (o_.clock_skew_ns != 0)
                threads_[i].off = int64_t(below(uint64_t(2 * o_.clock_skew_ns + 1))) - o_.clock_skew_ns;
            threads_[i].clock = now_;
        }
        for (unsigned i = 0; i < o_.procs; i++) idle_ps_.push_back(int32_t(i));
        for (unsigned i = 0; i < std::min(o_.procs, o_.threads); i++) take_p(threads_[i]);
        for (unsigned i = 0; i < o_.goroutines; i++) {
            uint64_t g = new_g(0);
            if (chance(50)) make(g, g_is::runnable);
        }
        for (unsigned i = 0; i < std::min(o_.procs, o_.threads); i++)
            if (!runnable_.empty() && chance(70)) {
                sim_thread& t = threads_[i];
                t.g = pick(runnable_);
                make(t.g, g_is::running);
            }
        if (o_.plain_thread) {
            uint64_t g = new_g(0);
            gs_[g].is_thread = true;
            threads_.back().g = g;
            make(g, g_is::running);
            w_.goroutines[g].name = "thread 5099";
        }
    }

    static uint64_t pc_at(unsigned i) { return 0x401000 + i * 0x20; }

    uint64_t some_pc() {
        uint64_t pc = pc_at(unsigned(below(50)));
        name(pc);
        return pc;
    }

    void name(uint64_t pc) {
        auto& names = w_.names[pc];
        if (!names.empty()) return;
        unsigned i = unsigned((pc - 0x401000) / 0x20);
        if (i % 4 == 3) names.push_back({"app::inlined_" + std::to_string(i % 3), "inline.h", int(i)});
        names.push_back({"app::function_" + std::to_string(i), "app.cc", int(10 + i)});
    }

    uint64_t new_g(uint64_t creator) {
        uint64_t id = ++last_id_;
        gs_[id];
        waiting_.push_back(id);
        traced_goroutine& t = w_.goroutines[id];
        static const char* const names[] = {"worker", "reader", "app::serve", "timer loop"};
        t.name = names[below(4)];
        t.creator = creator;
        t.creator_pc = some_pc();
        t.start_pc = some_pc();
        return id;
    }

    uint64_t pick(std::vector<uint64_t>& from) { return from[below(from.size())]; }

    void make(uint64_t g, g_is is) {
        sim_g& s = gs_[g];
        auto leave = [g](std::vector<uint64_t>& list) {
            auto at = std::find(list.begin(), list.end(), g);
            if (at != list.end()) {
                *at = list.back();
                list.pop_back();
            }
        };
        if (s.is == g_is::runnable) leave(runnable_);
        if (s.is == g_is::waiting) leave(waiting_);
        s.is = is;
        if (is == g_is::runnable) runnable_.push_back(g);
        if (is == g_is::waiting) waiting_.push_back(g);
    }

    bool take_p(sim_thread& t) {
        if (idle_ps_.empty()) return false;
        std::swap(idle_ps_[below(idle_ps_.size())], idle_ps_.back());
        t.p = idle_ps_.back();
        idle_ps_.pop_back();
        return true;
    }

    event& put(sim_thread& t, kind k, uint64_t g) {
        event e;
        e.kind = k;
        e.g = g;
        e.thread = uint32_t(&t - threads_.data());
        e.by = t.g;
        e.p = t.p;
        bool vague = (k == kind::ready || k == kind::create) && !w_.threads[e.thread].is_plain;
        if (!vague || !o_.skewed) t.clock = now_;
        e.ns = t.clock + t.off;
        w_.events.push_back(e);
        return w_.events.back();
    }

    void step() {
        now_ += int64_t(20 + below(chance(3) ? 20'000 : 400));
        sim_thread& t = threads_[below(threads_.size())];
        size_t i = size_t(&t - threads_.data());
        if (i == o_.threads) return monitor(t);
        if (i > o_.threads) return plain(t);
        if (t.outside) return come_back(t);
        if (t.g != 0) return run_g(t);
        if (t.p < 0) {
            if (!idle_ps_.empty() && chance(50) && take_p(t)) put(t, kind::p_take, 0);
            return;
        }
        if (runnable_.empty() || chance(5)) return look_around(t);
        start(t, pick(runnable_));
    }

    void start(sim_thread& t, uint64_t g) {
        make(g, g_is::running);
        t.g = 0;
        put(t, kind::start, g);
        t.g = g;
    }

    void look_around(sim_thread& t) {
        unsigned what = unsigned(below(4));
        if (what == 0) {
            put(t, kind::p_drop, 0);
            idle_ps_.push_back(t.p);
            t.p = -1;
        } else if (what == 1) {
            event& e = put(t, kind::steal, 0);
            e.a = 1 + below(5);
            e.p = int32_t(below(o_.procs));
        } else {
            put(t, kind::poll, 0).a = 1 + below(3);
            if (chance(60)) wake(t);
        }
    }

    void wake(sim_thread& t) {
        if (waiting_.empty()) return;
        uint64_t g = pick(waiting_);
        if (gs_[g].is_thread && &t == &threads_.back()) return;
        make(g, g_is::runnable);
        if (gs_[g].is_thread) make(g, g_is::outside);  // its own thread alone runs it
        put(t, kind::ready, g).stack = chance(20) ? uint32_t(below(w_.stacks.size())) : 0;
    }

    void create(sim_thread& t) {
        uint64_t g = new_g(t.g);
        make(g, g_is::runnable);
        event& e = put(t, kind::create, g);
        e.a = w_.goroutines[g].start_pc;
        e.pc = w_.goroutines[g].creator_pc;
        e.stack = chance(30) ? uint32_t(below(w_.stacks.size())) : 0;
    }

    void block(sim_thread& t) {
        using gossamer::rt::wait_reason;
        uint64_t g = t.g;
        event& e = put(t, kind::block, g);
        e.reason = uint8_t(1 + below(unsigned(wait_reason::kCount) - 1));
        e.a = chance(80) ? 0x7f0000 + below(40) * 64 : 0;
        e.pc = some_pc();
        e.stack = chance(50) ? uint32_t(below(w_.stacks.size())) : 0;
        w_.goroutines[g].last_reason = e.reason;
        w_.goroutines[g].last_object = e.a;
        make(g, g_is::waiting);
        t.g = 0;
    }

    void run_g(sim_thread& t) {
        uint64_t g = t.g;
        unsigned dice = unsigned(below(100));
        if (dice < 22) {
            block(t);
        } else if (dice < 44) {
            wake(t);
        } else if (dice < 56) {
            create(t);
        } else if (dice < 66) {
            put(t, dice < 62 ? kind::yield : kind::preempt, g);
            make(g, g_is::runnable);
            t.g = 0;
        } else if (dice < 76) {
            if (gs_.size() < 4) return;
            put(t, kind::end, g);
            make(g, g_is::ended);
            t.g = 0;
        } else if (dice < 80) {
            if (o_.calls) call(t);
        } else if (o_.user_events) {
            user(t);
        }
    }

    void call(sim_thread& t) {
        event& e = put(t, kind::call_begin, t.g);
        e.pc = some_pc();
        int32_t p = t.p;
        if (o_.drop_after_call) put(t, kind::p_drop, 0);
        idle_ps_.push_back(p);
        t.p = -1;
        t.outside = t.announced = true;
        make(t.g, g_is::outside);
    }

    void come_back(sim_thread& t) {
        if (chance(50)) return;
        uint64_t g = t.g;
        if (t.announced) put(t, kind::call_end, g);
        t.outside = t.announced = false;
        if (chance(60) && take_p(t)) {
            put(t, kind::p_take, 0);
            make(g, g_is::running);
            put(t, kind::start, g);
            return;
        }
        put(t, kind::lost, g);
        make(g, g_is::runnable);
        t.g = 0;
    }

    void monitor(sim_thread& t) {
        if (!o_.calls || !chance(20)) return;
        sim_thread& victim = threads_[below(o_.threads)];
        if (victim.g == 0 || victim.p < 0 || victim.outside) return;
        put(t, kind::retake, victim.g).p = victim.p;
        idle_ps_.push_back(victim.p);
        victim.p = -1;
        victim.outside = true;
        make(victim.g, g_is::outside);
    }

    void plain(sim_thread& t) {
        uint64_t g = t.g != 0 ? t.g : stand_in();
        if (t.g == 0) {
            if (gs_[g].is != g_is::outside) return;  // nobody has woken it
            return start(t, g);
        }
        unsigned dice = unsigned(below(10));
        if (dice < 2) return block(t);
        if (dice < 6) return wake(t);
        if (dice < 8) return create(t);
    }

    uint64_t stand_in() const {
        for (auto& [id, g] : gs_)
            if (g.is_thread) return id;
        return 0;
    }

    void user(sim_thread& t) {
        sim_g& g = gs_[t.g];
        unsigned dice = unsigned(below(10));
        if (dice < 3) {
            uint32_t text = uint32_t(1 + below(2));
            g.regions.push_back(text);
            put(t, kind::region_begin, t.g).text = text;
        } else if (dice < 6 && !g.regions.empty()) {
            put(t, kind::region_end, t.g).text = g.regions.back();
            g.regions.pop_back();
        } else if (dice == 6) {
            event& e = put(t, kind::task_begin, t.g);
            e.a = ++last_task_;
            e.text = 3;
            g.tasks.push_back(e.a);
        } else if (dice == 7 && !g.tasks.empty()) {
            put(t, kind::task_end, t.g).a = g.tasks.back();
            g.tasks.pop_back();
        } else if (dice == 8) {
            event& e = put(t, kind::log, t.g);
            e.text = 4;
            e.a = g.tasks.empty() ? 0 : g.tasks.back();
        } else {
            event& e = put(t, kind::counter, t.g);
            e.text = 5;
            e.a = below(1000);
        }
    }

    void finish() {
        w_.end_ns = now_ + 1000 + o_.clock_skew_ns;
        for (auto& [id, g] : gs_) {
            traced_goroutine& t = w_.goroutines[id];
            t.last_state = g.is == g_is::ended ? 3 : g.is == g_is::waiting ? 2 : g.is == g_is::running ? 0 : 1;
            if (t.last_state == 2)
                for (unsigned k = 0; k < 3; k++) t.last_stack.push_back(some_pc());
        }
        for (auto& stack : w_.stacks)
            for (uint64_t pc : stack) name(pc);
        for (unsigned i = 0; i < o_.holes; i++) cut_hole();
        if (o_.cut_beginning && !w_.events.empty()) {
            w_.begin_ns = w_.events[w_.events.size() / 3].ns;
            std::erase_if(w_.events, [this](const event& e) { return e.ns < w_.begin_ns; });
            w_.lost += want_ / 3;
        }
        for (event& e : w_.events) w_.begin_ns = std::min(w_.begin_ns, e.ns);
        std::stable_sort(w_.events.begin(), w_.events.end(),
                         [](const event& a, const event& b) { return a.ns < b.ns; });
    }

    // A piece of the events of one thread, up to a twentieth of all.
    void cut_hole() {
        if (w_.events.empty()) return;
        uint32_t thread = w_.events[below(w_.events.size())].thread;
        size_t from = below(w_.events.size()), to = std::min(w_.events.size(), from + 1 + below(want_ / 20 + 2));
        size_t kept = from;
        for (size_t i = from; i < w_.events.size(); i++) {
            if (i < to && w_.events[i].thread == thread) {
                w_.lost++;
                continue;
            }
            if (kept != i) w_.events[kept] = w_.events[i];
            kept++;
        }
        w_.events.resize(kept);
    }

    window_options o_;
    size_t want_;
    std::mt19937_64 rng_;
    trace_window w_;
    int64_t now_ = 0;
    uint64_t last_id_ = 0, last_task_ = 0;
    std::map<uint64_t, sim_g> gs_;
    std::vector<sim_thread> threads_;
    std::vector<int32_t> idle_ps_;
    std::vector<uint64_t> runnable_, waiting_;
};

inline trace_window random_window(uint64_t seed, unsigned events, const window_options& options = {}) {
    return window_simulator(seed, events, options).run();
}

}  // namespace insp::testing

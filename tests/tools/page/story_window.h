// SPDX-License-Identifier: BSL-1.0
// story_window: a window as a small server would leave it, with troubles that the page must make visible: requests queue up for one lock, a goroutine
// computes without pause, a burst comes every 20 ms. A true simulation in time, so that the lanes look like those of a program.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "runtime/base/wait_reason.h"
#include "tools/gossamer/events.h"

namespace insp::testing {

class story {
    using kind = gossamer::rt::box::kind;
    using reason = gossamer::rt::wait_reason;
    enum role { accepting, serving, storing, computing, ticking };
    struct actor {
        role is = serving;
        int step = 0;
        uint64_t work_ns = 0;  // left of what it computes now
        bool in_region = false;
    };
    struct happening {
        int64_t at;
        uint64_t order;
        int p;  // the slice on this processor is over; -1: the network or a timer wakes g
        uint64_t g;
        bool operator>(const happening& o) const { return at != o.at ? at > o.at : order > o.order; }
    };

  public:
    story(uint64_t seed, size_t events) : rng_(seed), want_(events) {}

    trace_window run() {
        prepare();
        while (w_.events.size() < want_ && !queue_.empty()) {
            happening h = queue_.top();
            queue_.pop();
            now_ = h.at;
            if (h.p < 0)
                wake(h.g, 0, -1);
            else
                slice_over(h.p);
            fill_processors();
        }
        w_.end_ns = now_ + 1000;
        w_.stopped_by = "panic: </b> no such row";
        w_.stopped_ns = now_;
        w_.stopped_g = 1;
        std::stable_sort(w_.events.begin(), w_.events.end(),
                         [](const event& a, const event& b) { return a.ns < b.ns; });
        for (uint64_t g = 1; g < actors_.size(); g++) {
            auto& t = w_.goroutines[g];
            t.last_state = state_[g];
            if (state_[g] == 2) t.last_stack = {pc("park"), pc("serve_request"), pc("main")};
        }
        return std::move(w_);
    }

  private:
    static constexpr unsigned kProcs = 4, kServers = 60, kStorers = 4;
    static constexpr int64_t kSwitch = 150;  // ns from being picked to running
    static constexpr uint64_t kCache = 0x7f32a0010040, kRequests = 0x7f32a0020080, kWrites = 0x7f32a0030100;

    void prepare() {
        w_.program = "/usr/bin/example_server";
        w_.pid = 4711;
        w_.procs = kProcs;
        w_.begin_ns = now_ = 5'000'000'000'000;
        w_.begin_real_ns = 1'760'000'000'000'000'000;
        w_.texts = {"", "parse", "lookup", "request", std::string("slow\0cache miss", 15), "requests waiting"};
        w_.stacks = {{}, {pc("lock"), pc("cache_get"), pc("serve_request")}, {pc("receive"), pc("serve_request")}};
        for (unsigned i = 0; i < kProcs; i++) {
            w_.threads.push_back({5000 + i, i + 1, false});
            running_.push_back(0);
        }
        w_.threads.push_back(
            {5099, 0, true});  // a thread outside, for timers and the network: it reads the clock for each
        actors_.emplace_back();
        state_.push_back(3);
        add("accept loop", accepting, 0);
        for (unsigned i = 0; i < kServers; i++) add("serve_request", serving, 1);
        for (unsigned i = 0; i < kStorers; i++) add("store::writer", storing, 1);
        add("recompute_index", computing, 1);
        add("metrics ticker", ticking, 1);
        for (uint64_t g = 1; g < actors_.size(); g++) {
            state_[g] = 2;
            if (actors_[g].is == serving)
                free_.push_back(g);
            else if (actors_[g].is != storing)
                at(now_ + int64_t(1000 * g), g);
        }
    }
    void add(const char* name, role is, uint64_t creator) {
        actors_.push_back({is});
        state_.push_back(2);
        auto& t = w_.goroutines[actors_.size() - 1];
        t.name = name;
        t.creator = creator;
        t.creator_pc = creator ? pc("main") : 0;
        t.start_pc = pc(name);
    }
    uint64_t pc(const std::string& function) {
        uint64_t at = 0x401000 + std::hash<std::string>()(function) % 0xffff * 16;
        w_.names[at] = {
            {function, "/home/user/server/src/" + function.substr(0, function.find(' ')) + ".cc", int(20 + at % 97)}};
        return at;
    }
    uint64_t below(uint64_t n) { return rng_() % n; }
    void at(int64_t when, uint64_t g) { queue_.push({when, order_++, -1, g}); }

    event& put(kind k, uint64_t g, int p) {
        event e;
        e.ns = now_;
        e.kind = k;
        e.g = g;
        e.p = p;
        e.thread = p < 0 ? kProcs : uint32_t(p);
        e.by = p < 0 || k == kind::start ? 0 : running_[size_t(p)];
        w_.events.push_back(e);
        return w_.events.back();
    }
    void wake(uint64_t g, uint64_t, int p) {
        if (state_[g] != 2) return;
        put(kind::ready, g, p);
        state_[g] = 1;
        runnable_.push_back(g);
    }
    void block(int p, reason why, uint64_t object, const char* call, uint32_t stack = 0) {
        uint64_t g = running_[size_t(p)];
        event& e = put(kind::block, g, p);
        e.reason = uint8_t(why);
        e.a = object;
        e.pc = pc(call);
        e.stack = stack;
        state_[g] = 2;
        w_.goroutines[g].last_reason = e.reason;
        w_.goroutines[g].last_object = object;
        running_[size_t(p)] = 0;
    }

    void fill_processors() {
        for (int p = 0; p < int(kProcs) && !runnable_.empty(); p++) {
            if (running_[size_t(p)] != 0) continue;
            uint64_t g = runnable_.front();
            runnable_.pop_front();
            put(kind::start, g, p).ns += kSwitch;
            running_[size_t(p)] = g;
            state_[g] = 0;
            if (actors_[g].work_ns == 0) actors_[g].work_ns = work(g);
            uint64_t slice = std::min<uint64_t>(actors_[g].work_ns, 10'000'000);
            actors_[g].work_ns -= slice;
            queue_.push({now_ + kSwitch + int64_t(slice), order_++, p, g});
        }
    }
    uint64_t work(uint64_t g) {
        switch (actors_[g].is) {
            case accepting:
                return 3'000 + below(2'000);
            case serving:
                return actors_[g].step >= 1 ? 4'000 + below(6'000) : 40'000 + below(60'000);
            case storing:
                return 80'000 + below(300'000);
            case computing:
                return 24'000'000 + below(20'000'000);
            case ticking:
                return 8'000 + below(4'000);
        }
        return 1000;
    }

    void slice_over(int p) {
        uint64_t g = running_[size_t(p)];
        actor& a = actors_[g];
        if (a.work_ns != 0) {
            put(kind::preempt, g, p);
            state_[g] = 1;
            runnable_.push_back(g);
            running_[size_t(p)] = 0;
            return;
        }
        switch (a.is) {
            case accepting:
                return accepted(p);
            case serving:
                return served(p, g, a);
            case storing:
                at(now_ + 100'000 + int64_t(below(900'000)), g);
                return block(p, reason::io_wait, 0, "write");
            case computing:
                at(now_ + 30'000'000, g);
                return block(p, reason::sleep, 0, "sleep");
            case ticking:
                put(kind::counter, g, p).text = 5;
                w_.events.back().a = pending_;
                at(now_ + 2'000'000, g);
                return block(p, reason::sleep, 0, "sleep");
        }
    }
    // Takes what came; a burst every 20 ms, else a few.
    void accepted(int p) {
        bool burst = now_ / 20'000'000 != last_burst_;
        last_burst_ = now_ / 20'000'000;
        pending_ = std::min<uint64_t>(pending_ + (burst ? 50 : 1 + below(2)), 200);
        while (pending_ > 0 && !free_.empty()) {
            uint64_t g = free_.front();
            free_.pop_front();
            pending_--;
            actors_[g].step = 0;
            wake(g, running_[size_t(p)], p);
        }
        at(now_ + 60'000 + int64_t(below(160'000)), running_[size_t(p)]);
        block(p, reason::io_wait, 0, "accept");
    }
    // Parses, takes the lock of the cache, looks up, answers.
    void served(int p, uint64_t g, actor& a) {
        if (a.step == 0) {
            a.step = 1;
            if (below(20) == 0) put(kind::log, g, p).text = 4;
            put(kind::region_begin, g, p).text = 2;
            a.in_region = true;
            if (lock_ != 0) {
                lockers_.push_back(g);
                return block(p, reason::mutex_lock, kCache, "cache_get", 1);
            }
            lock_ = g;
        }
        if (a.step == 1) {
            a.step = 2;
            a.work_ns = below(400) == 0 ? 2'000'000 : work(g);  // a miss of the cache, with the lock held
            return again(p, g);
        }
        if (a.step == 2) {
            lock_ = 0;
            if (!lockers_.empty()) {
                lock_ = lockers_.front();
                actors_[lock_].step = 1;
                wake(lock_, g, p);
                lockers_.pop_front();
            }
            if (a.in_region) put(kind::region_end, g, p).text = 2;
            a.in_region = false;
            uint64_t store = 2 + kServers + below(kStorers);
            if (below(4) == 0) wake(store, g, p);
            free_.push_back(g);
            return block(p, reason::chan_receive, kRequests, "receive", 2);
        }
    }
    void again(int p, uint64_t g) {
        uint64_t slice = actors_[g].work_ns;
        actors_[g].work_ns = 0;
        queue_.push({now_ + int64_t(slice), order_++, p, g});
    }

    std::mt19937_64 rng_;
    size_t want_;
    trace_window w_;
    int64_t now_ = 0, last_burst_ = 0;
    uint64_t order_ = 0, lock_ = 0, pending_ = 0;
    std::vector<actor> actors_;
    std::vector<uint8_t> state_;
    std::vector<uint64_t> running_;
    std::deque<uint64_t> runnable_, free_, lockers_;
    std::priority_queue<happening, std::vector<happening>, std::greater<>> queue_;
};

inline trace_window story_window(uint64_t seed, size_t events) { return story(seed, events).run(); }

}  // namespace insp::testing

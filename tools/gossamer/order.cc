// SPDX-License-Identifier: BSL-1.0
// put_in_order: merges the lists of the threads by a machine that knows what each goroutine, thread and processor is doing. The order within a thread is
// never touched. Always the event with the smallest stamp among the threads' next ones is tried. One that cannot have happened yet makes its thread wait for
// the goroutine or processor in question; when the stamps of all others have gone past the moment until which it may have happened, a record must be missing:
// it is made up, or, when the event says nothing that is not known, the event is left out.
#include <algorithm>
#include <limits>
#include <queue>

#include "tools/gossamer/events.h"
#include "tools/gossamer/order_plan.h"

namespace insp {

namespace {

using gossamer::rt::box::kind;

// An event no further ahead than this is taken early rather than invented: its record was written late, by a thread that was interrupted.
constexpr int64_t kPullLimit = 10'000'000;

class merger {
  public:
    explicit merger(trace_window& w) : w_(w), plan_(make_order_plan(w)), gs_(plan_.gs.size()), ts_(w.threads.size()) {
        ps_.resize(plan_.p_holder.size());
        for (size_t p = 0; p < ps_.size(); p++) ps_[p].holder = plan_.p_holder[p];
        for (size_t t = 0; t < ts_.size(); t++)
            ts_[t] = {plan_.thread_begin[t], plan_.thread_begin[t + 1], plan_.thread_runs[t], plan_.thread_p[t]};
        for (size_t g = 1; g < gs_.size(); g++) {
            gs_[g].life = plan_.gs[g].life;
            gs_[g].thread = plan_.gs[g].thread;
        }
        out_.reserve(w.events.size() + w.events.size() / 64 + 16);
    }

    uint64_t run() {
        for (uint32_t t = 0; t < ts_.size(); t++) queue(t);
        for (;;) {
            drop_stale(next_);
            drop_stale(stuck_);
            if (next_.empty() && stuck_.empty()) break;
            if (!stuck_.empty() && (next_.empty() || stuck_.top().ns < next_.top().ns)) {
                uint32_t t = stuck_.top().thread;
                leave(t);
                step(t, true);
                queue(t);
            } else {
                uint32_t t = next_.top().thread;
                next_.pop();
                advance(t);
            }
        }
        w_.events = std::move(out_);
        w_.end_ns = std::max(w_.end_ns, last_);
        return invented_;
    }

  private:
    // What an event must wait for: nothing; a goroutine: its number; a processor: below 0.
    static constexpr int64_t kGo = 0;
    static int64_t key_of_p(int32_t p) { return -1 - int64_t(p); }

    struct g_now {
        g_life life = g_life::runnable;
        int32_t thread = -1;
        int32_t waiters = -1;  // the first thread whose next event waits for it
        uint32_t done = 0;     // so many of its events
    };
    struct t_now {
        size_t at = 0, end = 0;
        uint32_t runs = 0;
        int32_t p = -1;
        int32_t next_waiter = -1;
        int64_t waits_for = kGo;
        uint32_t ticket = 0;  // of its entry in next_ or stuck_; older ones are stale
    };
    struct p_now {
        int32_t holder = -1;
        int32_t waiters = -1;
    };
    struct entry {
        int64_t ns;
        uint32_t thread, ticket;
        bool operator<(const entry& o) const { return ns != o.ns ? ns > o.ns : thread > o.thread; }
    };
    using heap = std::priority_queue<entry>;

    // --- threads that can be tried, and those that wait ---

    bool over(uint32_t t) const { return ts_[t].at == ts_[t].end; }
    uint32_t index_of(uint32_t t) const { return plan_.of_thread[ts_[t].at]; }
    const event& head(uint32_t t) const { return w_.events[index_of(t)]; }

    void queue(uint32_t t) {
        ts_[t].ticket++;
        if (!over(t)) next_.push({head(t).ns, t, ts_[t].ticket});
    }

    void drop_stale(heap& h) {
        while (!h.empty() && h.top().ticket != ts_[h.top().thread].ticket) h.pop();
    }

    int32_t& waiters(int64_t key) { return key > 0 ? gs_[size_t(key)].waiters : ps_[size_t(-1 - key)].waiters; }

    void park(uint32_t t, int64_t key) {
        t_now& now = ts_[t];
        now.waits_for = key;
        now.next_waiter = waiters(key);
        waiters(key) = int32_t(t);
        now.ticket++;
        stuck_.push({plan_.until[index_of(t)] + kClockSlack, t, now.ticket});
    }

    // Takes a thread out of both; it is the caller's to queue.
    void leave(uint32_t t) {
        t_now& now = ts_[t];
        now.ticket++;
        if (now.waits_for == kGo) return;
        int32_t* at = &waiters(now.waits_for);
        while (*at != int32_t(t)) at = &ts_[size_t(*at)].next_waiter;
        *at = now.next_waiter;
        now.waits_for = kGo;
    }

    void wake_waiters(int64_t key) {
        int32_t t = waiters(key);
        waiters(key) = -1;
        while (t >= 0) {
            t_now& now = ts_[size_t(t)];
            now.waits_for = kGo;
            queue(uint32_t(t));
            t = now.next_waiter;
        }
    }

    void advance(uint32_t t) {
        for (;;) {
            int64_t key = step(t, false);
            if (key != kGo) return park(t, key);
            if (over(t)) return;
            int64_t ns = head(t).ns;
            if ((!next_.empty() && ns >= next_.top().ns) || (!stuck_.empty() && ns > stuck_.top().ns)) return queue(t);
        }
    }

    // Tries the next event of a thread.
    int64_t step(uint32_t t, bool force) {
        uint32_t i = index_of(t), g = plan_.number[i];
        event e = w_.events[i];
        int64_t key = may(t, e, g);
        if (key != kGo && !force) return key;
        ts_[t].at++;
        gs_[g].done++;
        apply(t, e, g);
        return kGo;
    }

    // --- what must have happened before ---

    int64_t startable(uint32_t t, uint32_t g) const {
        switch (gs_[g].life) {
            case g_life::runnable:
            case g_life::ended:
                return kGo;
            case g_life::running:
            case g_life::outside:
                return gs_[g].thread == int32_t(t) ? kGo : int64_t(g);
            default:
                return g;
        }
    }

    int64_t available(uint32_t t, int32_t p) const {
        if (p < 0 || ts_[t].p == p || ps_[size_t(p)].holder < 0) return kGo;
        return key_of_p(p);
    }

    int64_t may(uint32_t t, const event& e, uint32_t g) const {
        switch (e.kind) {
            case kind::start: {
                int64_t key = startable(t, g);
                return key != kGo ? key : available(t, e.p);
            }
            case kind::p_take:
                return available(t, e.p);
            case kind::ready:
                return gs_[g].life == g_life::waiting || gs_[g].life == g_life::ended ? kGo : int64_t(g);
            case kind::retake:
            case kind::create:
            case kind::p_drop:
            case kind::steal:
            case kind::poll:
                return kGo;
            default:
                return g == 0 || ts_[t].runs == g ? kGo : startable(t, g);
        }
    }

    // --- making it happen; what is missing is put in ---

    void emit(event e) {
        e.ns = last_ = std::max(e.ns, last_);
        out_.push_back(e);
    }

    event& insert(kind k, uint32_t t, uint32_t g, int32_t p, int64_t ns) {
        event e;
        e.kind = k;
        e.thread = t;
        e.g = plan_.ids[g];
        bool not_running = k == kind::ready || k == kind::start || k == kind::create;
        e.by = not_running ? 0 : e.g;
        e.p = p;
        e.ns = ns;
        invented_++;
        emit(e);
        return out_.back();
    }

    void set_life(uint32_t g, g_life life) {
        gs_[g].life = life;
        if (gs_[g].waiters >= 0) wake_waiters(g);
    }

    void take_p(uint32_t t, int32_t p) {
        ts_[t].p = p;
        ps_[size_t(p)].holder = int32_t(t);
    }

    void release_p(uint32_t t) {
        int32_t p = ts_[t].p;
        if (p < 0) return;
        ts_[t].p = -1;
        ps_[size_t(p)].holder = -1;
        if (ps_[size_t(p)].waiters >= 0) wake_waiters(key_of_p(p));
    }

    // Takes the next event of another thread although it is stamped later.
    void pull(uint32_t t) {
        leave(t);
        step(t, true);
        queue(t);
    }

    bool ends_slice(uint32_t t, uint32_t g) const {
        if (over(t) || plan_.number[index_of(t)] != g || head(t).ns > last_ + kPullLimit) return false;
        kind k = head(t).kind;
        return k == kind::block || k == kind::yield || k == kind::preempt || k == kind::lost || k == kind::end;
    }

    // The end of what runs on the thread is not in its list: what it was shows in what comes next.
    void close_slice(uint32_t t, int64_t ns) {
        uint32_t g = ts_[t].runs;
        g_now& now = gs_[g];
        size_t next = plan_.g_begin[g] + now.done;
        bool more = next < plan_.g_begin[g + 1];
        const traced_goroutine* known = nullptr;
        if (auto at = w_.goroutines.find(plan_.ids[g]); at != w_.goroutines.end()) known = &at->second;
        ts_[t].runs = 0;
        now.thread = -1;
        if (now.life == g_life::outside) {
            insert(kind::lost, t, g, ts_[t].p, ns);
            set_life(g, g_life::runnable);
        } else if (more ? w_.events[plan_.of_g[next]].kind == kind::ready : known && known->last_state == 2) {
            event& e = insert(kind::block, t, g, ts_[t].p, ns);
            if (!more) {
                e.reason = known->last_reason;
                e.a = known->last_object;
            }
            set_life(g, g_life::waiting);
        } else if (!more && known && known->last_state == 3) {
            insert(kind::end, t, g, ts_[t].p, ns);
            set_life(g, g_life::ended);
        } else {
            insert(kind::yield, t, g, ts_[t].p, ns);
            set_life(g, g_life::runnable);
        }
    }

    void make_startable(uint32_t t, uint32_t g, int64_t ns) {
        g_now& now = gs_[g];
        if ((now.life == g_life::running || now.life == g_life::outside) && now.thread >= 0) {
            uint32_t there = uint32_t(now.thread);
            if (there != t && ends_slice(there, g))
                pull(there);
            else
                close_slice(there, ns);
        }
        if (now.life == g_life::unborn || now.life == g_life::ended) insert(kind::create, t, g, -1, ns);
        if (now.life == g_life::waiting) insert(kind::ready, t, g, -1, ns);
        now.life = g_life::runnable;
    }

    void free_p(int32_t p, int64_t ns) {
        int32_t holder = ps_[size_t(p)].holder;
        if (holder < 0) return;
        uint32_t t = uint32_t(holder), g = ts_[t].runs;
        if (!over(t) && head(t).ns <= last_ + kPullLimit) {
            kind k = head(t).kind;
            if ((k == kind::p_drop && g == 0) || (k == kind::call_begin && plan_.number[index_of(t)] == g)) pull(t);
            if (ps_[size_t(p)].holder < 0) return;
        }
        bool comes_back = g != 0 && !over(t) && plan_.number[index_of(t)] == g &&
                          (head(t).kind == kind::start || head(t).kind == kind::lost);
        if (comes_back) return lose_p(t, ns);
        if (g != 0) close_slice(t, ns);
        insert(kind::p_drop, t, 0, p, ns);
        release_p(t);
    }

    // The thread has lost its processor, and no retake has said so yet.
    void lose_p(uint32_t t, int64_t ns) {
        for (uint32_t u = 0; u < ts_.size(); u++)
            if (u != t && !over(u) && head(u).kind == kind::retake && head(u).p == ts_[t].p &&
                head(u).ns <= last_ + kPullLimit) {
                pull(u);
                if (ts_[t].p < 0) return;
            }
        uint32_t g = ts_[t].runs;
        bool running = gs_[g].life == g_life::running;  // or it came back, and has lost the next one too
        insert(running ? kind::retake : kind::p_drop, t, running ? g : 0, ts_[t].p, ns);
        release_p(t);
        set_life(g, g_life::outside);
    }

    // The record names the processor; who ran on it is a guess.
    void retake(uint32_t t, event e) {
        if (e.p < 0 || ps_[size_t(e.p)].holder < 0) return;  // a later record has told it already
        uint32_t victim = uint32_t(ps_[size_t(e.p)].holder);
        // What it did since its last reading of the clock was before: afterwards it was outside.
        while (victim != t && !over(victim) && is_vague(head(victim).kind) &&
               ps_[size_t(e.p)].holder == int32_t(victim))
            pull(victim);
        if (ps_[size_t(e.p)].holder != int32_t(victim)) return;
        uint32_t g = ts_[victim].runs;
        if (g == 0 || gs_[g].life != g_life::running) return;
        e.g = plan_.ids[g];
        emit(e);
        release_p(victim);
        set_life(g, g_life::outside);
    }

    // The thread holds p from now on.
    void hold(uint32_t t, int32_t p, int64_t ns) {
        if (p < 0 || ts_[t].p == p) return;
        if (ts_[t].p >= 0) {
            insert(kind::p_drop, t, 0, ts_[t].p, ns);
            release_p(t);
        }
        free_p(p, ns);
        insert(kind::p_take, t, 0, p, ns);
        invented_--;  // a start tells it well enough
        take_p(t, p);
    }

    void run_on(uint32_t t, uint32_t g) {
        ts_[t].runs = g;
        gs_[g].thread = int32_t(t);
        set_life(g, g_life::running);
    }

    void start(uint32_t t, event e, uint32_t g) {
        g_now& now = gs_[g];
        bool goes_on = ts_[t].runs == g && e.by == e.g;
        if (goes_on && now.life == g_life::running && ts_[t].p >= 0) lose_p(t, e.ns);
        if (ts_[t].runs != 0 && (ts_[t].runs != g || now.life == g_life::running) && !goes_on) close_slice(t, e.ns);
        if (ts_[t].runs != g) make_startable(t, g, e.ns);
        hold(t, e.p, e.ns);
        if (e.p < 0) e.p = ts_[t].p;
        emit(e);
        run_on(t, g);
    }

    // Before an event that only a running goroutine can have written.
    void be_running(uint32_t t, const event& e, uint32_t g) {
        g_now& now = gs_[g];
        if (ts_[t].runs == g && now.life == g_life::running) return;
        if (ts_[t].runs != g) {
            if (ts_[t].runs != 0) close_slice(t, e.ns);
            make_startable(t, g, e.ns);
        }
        if (ts_[t].p < 0 && e.p >= 0 && ps_[size_t(e.p)].holder < 0) hold(t, e.p, e.ns);
        insert(kind::start, t, g, ts_[t].p, e.ns);
        run_on(t, g);
    }

    void stop(uint32_t t, const event& e, uint32_t g, g_life life) {
        be_running(t, e, g);
        emit(e);
        ts_[t].runs = 0;
        gs_[g].thread = -1;
        set_life(g, life);
    }

    void come_back(uint32_t t, const event& e, uint32_t g) {
        if (ts_[t].runs != g) be_running(t, e, g);
        if (e.kind == kind::call_end) {
            if (gs_[g].life != g_life::outside) {
                insert(kind::call_begin, t, g, ts_[t].p, e.ns);
                release_p(t);
                set_life(g, g_life::outside);
            }
            return emit(e);
        }
        if (ts_[t].p >= 0) lose_p(t, e.ns);
        emit(e);
        ts_[t].runs = 0;
        gs_[g].thread = -1;
        set_life(g, g_life::runnable);
    }

    void drop_p(uint32_t t, event e) {
        if (ts_[t].p < 0) return;  // the call_begin before it has said so
        uint32_t g = ts_[t].runs;
        if (g != 0 && !over(t) && head(t).kind == kind::call_begin && plan_.number[index_of(t)] == g) return;
        if (g != 0) close_slice(t, e.ns);
        e.p = ts_[t].p;
        emit(e);
        release_p(t);
    }

    void take(uint32_t t, const event& e) {
        if (e.p < 0 || ts_[t].p == e.p) return;
        uint32_t g = ts_[t].runs;
        if (ts_[t].p >= 0 && g != 0 && gs_[g].life == g_life::running) {
            lose_p(t, e.ns);
        } else if (ts_[t].p >= 0) {
            insert(kind::p_drop, t, 0, ts_[t].p, e.ns);
            release_p(t);
        }
        free_p(e.p, e.ns);
        emit(e);
        take_p(t, e.p);
    }

    void ready(uint32_t, const event& e, uint32_t g) {
        g_now& now = gs_[g];
        if (now.life == g_life::running && now.thread >= 0) {
            // Its thread goes on with something else: the end of the slice was lost there.
            uint32_t there = uint32_t(now.thread);
            bool other = !over(there) && head(there).kind == kind::start && plan_.number[index_of(there)] != g;
            if (other) {
                insert(kind::block, there, g, ts_[there].p, e.ns);
                ts_[there].runs = 0;
                now.thread = -1;
                now.life = g_life::waiting;
            }
        }
        if (now.life != g_life::waiting) return;  // it says nothing new
        emit(e);
        set_life(g, g_life::runnable);
    }

    void apply(uint32_t t, const event& e, uint32_t g) {
        switch (e.kind) {
            case kind::start:
                return g != 0 ? start(t, e, g) : void();
            case kind::block:
                return g != 0 ? stop(t, e, g, g_life::waiting) : void();
            case kind::yield:
            case kind::preempt:
                return g != 0 ? stop(t, e, g, g_life::runnable) : void();
            case kind::end:
                return g != 0 ? stop(t, e, g, g_life::ended) : void();
            case kind::lost:
            case kind::call_end:
                return g != 0 ? come_back(t, e, g) : void();
            case kind::ready:
                return g != 0 ? ready(t, e, g) : void();
            case kind::p_take:
                return take(t, e);
            case kind::p_drop:
                return drop_p(t, e);
            case kind::steal:
            case kind::poll:
                return emit(e);
            case kind::call_begin:
                if (g == 0) return;
                be_running(t, e, g);
                emit(e);
                release_p(t);
                return set_life(g, g_life::outside);
            case kind::create:
                if (g == 0 || gs_[g].life != g_life::unborn) return;
                if (uint32_t by = ts_[t].runs; by != 0 && gs_[by].life == g_life::outside) be_running(t, e, by);
                emit(e);
                return set_life(g, g_life::runnable);
            case kind::retake:
                return retake(t, e);
            default:
                if (g != 0) be_running(t, e, g);
                return emit(e);
        }
    }

    trace_window& w_;
    order_plan plan_;
    std::vector<g_now> gs_;
    std::vector<t_now> ts_;
    std::vector<p_now> ps_;
    heap next_;   // by stamp: threads whose next event is to be tried
    heap stuck_;  // by the moment at which what they wait for must be missing
    std::vector<event> out_;
    int64_t last_ = std::numeric_limits<int64_t>::min();
    uint64_t invented_ = 0;
};

}  // namespace

uint64_t put_in_order(trace_window& w) {
    std::erase_if(w.events, [&](const event& e) { return e.thread >= w.threads.size(); });
    return merger(w).run();
}

}  // namespace insp

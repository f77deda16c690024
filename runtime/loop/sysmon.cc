// SPDX-License-Identifier: BSL-1.0
#include "runtime/loop/sysmon.h"

#include <algorithm>
#include <cstring>

#include "runtime/base/fatal.h"
#include "runtime/loop/deadlock.h"
#include "runtime/loop/schedtrace.h"
#include "runtime/loop/start.h"
#include "runtime/netpoll/netpoll.h"
#include "runtime/park/park.h"
#include "runtime/sched/handshake.h"
#include "runtime/sched/idle.h"
#include "runtime/sched/trace.h"
#include "runtime/sched/victims.h"
#include "runtime/timer/timer_heap.h"

namespace gossamer::rt {

namespace {

constexpr int64_t kShortestNap = 20'000;
constexpr int64_t kLongestNap = 10'000'000;
constexpr int64_t kRescueNap = 2'000'000;  // while a P is idle: a G that nobody serves waits no longer than this
constexpr int64_t kTimerNap = 1'000'000;   // while nobody waits for the next timer
constexpr int64_t kSlice = 10'000'000;
constexpr int64_t kStill =
    50'000;  // a thread whose CPU clock stands still so long is asleep (measured: 94 % of looks against 0.6 %)
constexpr unsigned kEagerLooks = 50;
// While events are recorded: what they have no clock reading of their own for is no further off. A thousand looks a second are 5 % of a server's time
// (measured: echo), so they are for who computes long enough to need them.
constexpr int64_t kClockNap = 1'000'000, kCalmClockNap = 5'000'000;
constexpr int64_t kShowNap = 5'000'000;         // how old what the box says of the whole may be
constexpr int64_t kTrimPeriod = 4'000'000'000;  // stacks that nobody wanted for so long lose their pages
constexpr unsigned kIdleLooks = 8;              // looks at an idle world before sysmon sleeps for good

// What the last looks at a P have shown.
struct view {
    M* m = nullptr;
    uint32_t tick = 0;
    int64_t since = 0;   // when this slice was first seen
    uint32_t turn = 0;   // picks of any kind, at the last look
    bool still = false;  // no pick between the last two looks
    int64_t cpu = -1;    // the holder's CPU clock at `cpu_at`
    int64_t cpu_at = 0;
    int64_t asked_at = 0;  // when it was asked to yield; 0: not
    int64_t moved = 0;     // the last look that saw a pick
};

view views[kMaxProcs];
int64_t recording_since = 0;  // 0: nothing is recorded

void take_p(M* victim, P* p, void*) {
    victim->old_p = p;
    victim->p = nullptr;
    victim->attention.fetch_or(kTaken);
    p->m.store(nullptr);
}

bool retake(M* m, P* p) {
    if (!seize(m, p, take_p, nullptr)) return false;
    count(event::retake);
    if (M* self = current_m(); recording(self)) [[unlikely]] {
        const G* g = m->curg;  // a guess: it may have come back
        trace_plain(self, box::kind::retake, g != nullptr ? g->id.load(relaxed) : 0,
                    p->id);  // pairs with nothing: a guess
    }
    start_m(p, false);  // also when nothing is queued: somebody must watch the network and the timers
    return true;
}

bool network_unwatched(int64_t now) {
    return netpoll_active() && netpoll_waiters() != 0 && !sched.someone_polls.load() &&
           now - sched.last_poll.load() > kRescueNap;
}

// True when the look changed something.
bool look_at(P* p, int64_t now, bool wanted) {
    M* m = p->m.load();
    view& v = views[p->id];
    if (m == nullptr) {  // idle; or on its way from one M to another, and then its slice goes on
        if (p->status.load() != p_status::held) v.m = nullptr;
        return false;
    }
    uint32_t tick = p->tick.load();
    uint32_t turn = p->turn.load();
    if (tick != v.tick || v.m == nullptr) {
        v = {m, tick, now, turn, false, -1, 0, 0, now};
        return false;
    }
    if (m != v.m) {  // the slice is the P's: it goes on when the P changes hands
        v.m = m;
        v.cpu = -1;
        v.asked_at = 0;
    }
    v.still = turn == v.turn;
    if (!v.still) v.moved = now;
    v.turn = turn;
    // A stall that began before the recording is none: the window would not hold what led to it.
    uint64_t most = the_box()->wanted.stall_ns.load();
    if (most != 0 && recording_since != 0 && v.moved > recording_since && now - v.moved > int64_t(most))
        freeze_recorder(box::cause::stall, m->curg != nullptr ? m->curg->id.load() : 0);
    bool retired = p->id >= sched.procs.load();
    bool due = p->next_deadline.load() <= now;
    bool waiting = wanted || retired || due || p->has_queued();
    bool outside = m->in_runtime.load() == 0;
    if (due && (m->attention.load() & kVisit) == 0) m->attention.fetch_or(kVisit);
    if (outside) {
        int64_t cpu = os::thread_cpu_ns(m->cpu_clock);
        if (v.cpu < 0 || cpu != v.cpu) {
            v.cpu = cpu;
            v.cpu_at = now;
        } else if (now - v.cpu_at >= kStill) {
            return retake(m, p);
        }
    }
    if (!waiting || now - v.since < kSlice) return false;
    if (v.asked_at == 0) {
        m->attention.fetch_or(kYield);
        count(event::preemption);
        v.asked_at = now;
        return true;
    }
    if (outside && now - v.asked_at >= kStill) return retake(m, p);
    return false;
}

// Invariant 3 of sched/idle.h: what the fast paths leave lying.
bool rescue(int64_t now) {
    if (sched.idle_ps.load() == 0 || sched.spinning.load() != 0) return false;
    bool stuck = sched.global.size() != 0 || network_unwatched(now);
    int64_t due = kNoDeadline;
    unsigned n = sched.ps_made.load();
    for (unsigned i = 0; i < n && !stuck; i++) {
        P* p = p_at(i);
        // A next slot is stuck when nothing was picked since the last look; a ring when it is there at all.
        stuck = p->queued() != 0 || (p->next.load() != nullptr && views[i].m != nullptr && views[i].still);
        int64_t d = p->next_deadline.load();
        if (d < due) due = d;
    }
    // A due timer has the sleeper in netpoll; without one it needs an M.
    if (!stuck && due <= now && !sched.someone_polls.load()) stuck = true;
    if (stuck) wake_one();
    return stuck;
}

int64_t until_next_deadline(int64_t now) {
    int64_t earliest = kNoDeadline;
    unsigned n = sched.ps_made.load();
    for (unsigned i = 0; i < n; i++) {
        int64_t d = p_at(i)->next_deadline.load();
        if (d < earliest) earliest = d;
    }
    return earliest == kNoDeadline ? kNoDeadline : earliest - now;
}

// For who looks at the box.
void show_state() {
    box::header* h = the_box();
    h->idle_procs.store(sched.idle_ps.load());
    h->searching.store(sched.spinning.load());
    h->blocking.store(sched.blocking.load());
    h->global_queue.store(sched.global.size());
    h->looks.store(h->looks.load() + 1);
    renew_box_clock();
}

// Until somebody takes a P from the idle list; with memory left to give back, for a period.
void sleep_for_good() {
    sched.sysmon_asleep.store(true);
    full_fence();
    show_state();
    check_deadlock();                                // a thread that parks after this look sees sysmon_asleep
    if (sched.idle_ps.load() >= sched.procs.load())  // who takes a P after this look sees sysmon_asleep
    {
        int64_t most = warm_central_stacks() != 0 ? kTrimPeriod : INT64_MAX;
        if (int64_t line = next_sched_line(); line != INT64_MAX)
            most = std::min(most, std::max<int64_t>(line - now_ns(), 1));
        sched.sysmon_note.sleep(most == INT64_MAX ? -1 : most);
    }
    sched.sysmon_asleep.store(false);
}

void sysmon_main(void*) {
    M* m = attach_thread();
    sched.plain_threads.fetch_sub(1);
    m->stand_in->status.store(g_status::dead);  // no goroutine in anybody's eyes: it never parks
    os::set_timer_slack_ns(1);
    learn_topology(sched.procs.load());
    unsigned topology_for = sched.procs.load();
    int64_t nap = kShortestNap, last_trim = now_ns(), last_shown = 0;
    unsigned calm = 0, idle = 0;
    bool trimming = false, someone_computes = false;
    for (;;) {
        int64_t sleep = nap, left = until_next_deadline(now_ns());
        bool some_idle = sched.idle_ps.load() != 0, all_idle = sched.idle_ps.load() >= sched.procs.load();
        if (all_idle)
            sleep = kLongestNap;
        else if (some_idle && sleep > kRescueNap)
            sleep = kRescueNap;
        // Whoever runs goroutines looks at the timers itself, unless one computes for long.
        if (left < sleep && !sched.someone_polls.load()) sleep = std::min(sleep, std::max(left, kTimerNap));
        bool records = tend_recorder();
        if (records) sleep = std::min(sleep, someone_computes ? kClockNap : kCalmClockNap);
        os::nap_ns(sleep);
        int64_t now = now_ns();
        recording_since = !records ? 0 : recording_since != 0 ? recording_since : now;
        if (now - last_shown > kShowNap) {
            last_shown = now;
            show_state();
        }
        tend_sched_lines(now);
        follow_cpus(now);
        bool did = false;
        bool wanted = sched.global.size() != 0 || (!some_idle && network_unwatched(now));
        unsigned n = sched.ps_made.load();
        someone_computes = false;
        for (unsigned i = 0; i < n; i++) {
            did |= look_at(p_at(i), now, wanted);
            someone_computes |= views[i].m != nullptr && views[i].still;
        }
        {
            in_runtime scope;
            did |= rescue(now);
            if (network_unwatched(now) && now - sched.last_poll.load() > kSlice) {
                sched.last_poll.store(now);
                G* list = nullptr;
                if (netpoll(0, &list) != 0) {
                    ready_batch(list);
                    did = true;
                }
            }
        }
        bool period_over = now - last_trim >= kTrimPeriod;
        if (period_over || trimming) trimming = trim_stacks(period_over) >= kTrimMost;
        if (period_over) last_trim = now;
        if (topology_for != sched.procs.load()) learn_topology(topology_for = sched.procs.load());
        calm = did ? 0 : calm + 1;
        nap = did ? kShortestNap : calm > kEagerLooks && nap < kLongestNap ? nap * 2 : nap;
        if (nap > kLongestNap) nap = kLongestNap;
        idle = sched.idle_ps.load() >= sched.procs.load() && sched.global.size() == 0 ? idle + 1 : 0;
        if (idle > kIdleLooks && !trimming) {
            sleep_for_good();
            nap = kShortestNap;
            calm = idle = 0;
        }
    }
}

}  // namespace

void start_sysmon() {
    if (int failed = os::start_thread(sysmon_main, nullptr, "gossamer-sysmon"))
        fatal("start_sysmon: cannot start the monitor thread: %s", strerror(failed));
}

}  // namespace gossamer::rt

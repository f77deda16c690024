// SPDX-License-Identifier: BSL-1.0
// runq: the owner of a P goes in and out of the runtime, puts and takes; others seize its M and take half. runtime/sched/runq.h, handshake.h, current.h.
#include <doctest/doctest.h>

#include "runtime/sched/handshake.h"
#include "runtime/sched/runq.h"
#include "tests/model/support.h"
#include "tests/model/world.h"

using namespace gossamer;
using namespace gossamer::rt;

namespace {

constexpr unsigned kGs = 4;

struct queue_world {
    G gs[kGs];
    unsigned taken[kGs] = {};  // how often each was taken; of the threads, added up at the end
    G* last_of_owner = nullptr;
};

struct hands {
    unsigned took[kGs] = {};
    unsigned order[kGs] = {};
    unsigned n = 0;
    void take(queue_world& w, G* g) {
        if (g == nullptr) return;
        auto i = unsigned(g - w.gs);
        took[i]++;
        order[n++] = i;
    }
};

struct loot {
    g_batch gs;
};
void take_loot(M*, P* p, void* arg) { take_half(p, true, &static_cast<loot*>(arg)->gs); }

void try_steal(queue_world& w, M& victim, hands& h) {
    loot l;
    if (!seize(&victim, p_at(0), take_loot, &l)) return;
    for (unsigned i = 0; i < l.gs.count; i++) h.take(w, l.gs.gs[i]);
}

// An owner that makes its turns, and so many thieves.
void owner_and_thieves(unsigned thieves) {
    model::new_world(1);
    auto& w = model::make<queue_world>();
    M& m = model::scheduler_m(0);
    m.in_runtime.store(0);
    for (G& g : w.gs) g.status.store(g_status::runnable);
    put_tail(p_at(0), &w.gs[0]);
    put_tail(p_at(0), &w.gs[1]);
    auto& owner = model::make<hands>();
    auto& thief = model::make<hands>();
    auto& second = model::make<hands>();
    model::thread_on("owner", &m, [&w, &owner] {
        enter();
        put_next(p_at(0), &w.gs[2]);
        put_next(p_at(0), &w.gs[3]);  // number 2 goes to the ring's tail
        leave();
        enter();
        owner.take(w, get_next(p_at(0)));
        owner.take(w, get_head(p_at(0)));
        leave();
    });
    model::plain_thread("thief", [&w, &m, &thief] { try_steal(w, m, thief); });
    if (thieves == 2) model::plain_thread("second thief", [&w, &m, &second] { try_steal(w, m, second); });
    model::at_end([&w, &owner, &thief, &second] {
        hands left;
        while (G* g = get_head(p_at(0))) left.take(w, g);
        left.take(w, get_next(p_at(0)));
        for (unsigned i = 0; i < kGs; i++)
            model::require(owner.took[i] + thief.took[i] + second.took[i] + left.took[i] == 1,
                           "runq 1: each goroutine is taken once");
        for (hands* h : {&thief, &second})
            for (unsigned i = 1; i < h->n; i++)
                model::require(h->order[i - 1] < h->order[i], "runq 3: what leaves, leaves in queue order");
    });
}

void one_thief() { owner_and_thieves(1); }
void two_thieves() { owner_and_thieves(2); }

}  // namespace

TEST_CASE("run queue: an owner and a thief take each goroutine once, in order [runq 1 to 3, current 2, handshake 1]") {
    model::must_hold("run queue", {}, one_thief);
}

TEST_CASE("run queue: an owner and two thieves [handshake 2]") {
    model::must_hold("run queue, two thieves", {2, 1}, two_thieves);
}

TEST_CASE("run queue: planted bugs are found") {
    model::must_find(
        "run queue", {}, one_thief,
        {
            {"runtime/base/atomic.h", "std::atomic_signal_fence(", model::fault::skipped},
            {"runtime/sched/current.h", "m->in_runtime.store(depth + 1, relaxed);", model::fault::late},
            {"runtime/sched/current.h", "m->in_runtime.load(relaxed) - 1, release)", model::fault::relaxed},
            {"runtime/sched/handshake.cc", "in_runtime.load(acquire) == 0", model::fault::relaxed},
            {"runtime/sched/handshake.cc", "attention.fetch_or(kSeizing)", model::fault::skipped},
            {"runtime/sched/handshake.cc", "fetch_and(~kSeizing, release)", model::fault::relaxed},
        });
    model::must_find(
        "run queue, two thieves", {2, 1}, two_thieves,
        {{"runtime/os/lock.h", "!word_.compare_exchange_strong(free, 1, acquire, relaxed))", model::fault::blind}});
}

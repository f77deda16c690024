// SPDX-License-Identifier: BSL-1.0
// park: a goroutine stops on one M and is started by another thread; it runs on where it is found. park/park.cc, sched/mcall.cc, arch/jump.cc.
#include <doctest/doctest.h>

#include "runtime/sched/mcall.h"
#include "tests/model/support.h"
#include "tests/model/world.h"

using namespace gossamer;
using namespace gossamer::rt;

namespace {

struct park_world {
    atomic<G*> found{nullptr};  // published by the commit
    int before = 0;             // written before the wake, read after the park
    int rounds = 0;             // of the goroutine
    atomic<bool> over{false};
    bool sleeps = true;  // what the commit says
};
park_world* w;

bool publish(G* g, void*) {
    w->found.store(g, release);  // pairs with the wakers' load
    return true;
}
bool publish_or_not(G*, void*) { return false; }

// One park; then it ends.
void parks_once() {
    in_runtime scope;
    park(publish, nullptr, wait_reason::sleep);
    model::require(w->before == 1, "what the waker did is seen");
    w->rounds++;
    w->over.store(true);
}
void may_not_sleep() {
    in_runtime scope;
    park(publish_or_not, nullptr, wait_reason::sleep);
    w->rounds++;
    w->over.store(true);
}
// What park's header forbids: it can be found while it stands on its stack.
void publishes_too_early() {
    in_runtime scope;
    w->found.store(current_g(), release);  // pairs with the wakers' load
    park(nullptr, nullptr, wait_reason::sleep);
    w->rounds++;
    w->over.store(true);
}

G* wait_for_g() {
    G* g;
    while ((g = w->found.load(acquire)) == nullptr) model::spin();  // pairs with publish()
    return g;
}

// The loop of an M, without idleness.
void run_until_over(M& m) {
    while (!w->over.load()) {
        G* g = get_next(m.p);
        if (g == nullptr) g = get_head(m.p);
        if (g == nullptr) g = get_global(m.p, 1);
        if (g != nullptr)
            execute(&m, g);
        else
            model::spin();
    }
}

void one_goroutine(unsigned procs, void (*run)()) {
    model::new_world(procs);
    w = &model::make<park_world>();
    model::name(&w->found, "found");
    M& m = model::scheduler_m(0);
    G& g = model::goroutine(run);
    model::name(&g.status, "status");
    put_next(p_at(0), &g);
    model::thread_on("M 1", &m, [&m] { run_until_over(m); });
    model::at_end([&g] {
        model::require(w->rounds == 1, "park 4: it ran on once");
        model::require(g.status.load() == g_status::dead, "it ended");
    });
}

void waker_without_p() {
    one_goroutine(1, parks_once);
    model::plain_thread("waker", [] {
        G* g = wait_for_g();
        w->before = 1;
        in_runtime scope;
        ready(g);
    });
}

// The waker's own P gets it: it runs on on another thread, on the stack that the first has left.
void waker_with_p() {
    one_goroutine(2, parks_once);
    M& other = model::scheduler_m(1);
    model::thread_on("M 2", &other, [&other] {
        G* g = wait_for_g();
        w->before = 1;
        ready(g);
        run_until_over(other);
    });
}

void no_sleep() { one_goroutine(1, may_not_sleep); }

void too_early() {
    one_goroutine(2, publishes_too_early);
    M& other = model::scheduler_m(1);
    model::thread_on("M 2", &other, [&other] {
        ready(wait_for_g());
        run_until_over(other);
    });
}

// Two wakers without a word that decides: the second finds a goroutine that does not wait.
void two_wakers() {
    one_goroutine(1, parks_once);
    for (const char* who : {"waker", "second waker"})
        model::plain_thread(who, [] {
            G* g = wait_for_g();
            in_runtime scope;
            ready(g);
        });
}

}  // namespace

TEST_CASE("park: a goroutine is woken by a thread without a P, and by one with a P [park 1 to 4, mcall 1]") {
    model::must_hold("park, waker without a P", {4, 2}, waker_without_p);
    model::must_hold("park, waker with a P", {4, 2}, waker_with_p);
    model::must_hold("park, no sleep", {}, no_sleep);
}

TEST_CASE("park: what its header forbids is found broken") {
    CHECK(model::explore({2, 1}, too_early).broken != "");
    CHECK(model::explore({2, 1}, two_wakers).broken != "");
}

TEST_CASE("park: planted bugs are found") {
    using enum model::fault;
    model::must_find("park, waker with a P", {4, 2}, waker_with_p,
                     {
                         {"tests/model/park_model.cc",
                          "found.store("
                          "g, release)",
                          relaxed},
                         {"tests/model/park_model.cc",
                          "found.load("
                          "acquire)) == nullptr",
                          relaxed},
                     });
    model::must_find("park, waker without a P", {4, 2}, waker_without_p,
                     {
                         {"runtime/park/park.cc", "g->status.store(g_status::waiting, release);", late, 1},
                         {"runtime/park/park.cc", "g->status.store(g_status::waiting, release);", skipped, 1},
                         {"runtime/sched/global_queue.cc", "size_.store(size_.load(relaxed) + n)", skipped},
                     });
}

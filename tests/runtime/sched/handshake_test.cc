// SPDX-License-Identifier: BSL-1.0
#include "runtime/sched/handshake.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "gossamer/go.h"
#include "gossamer/runtime.h"
#include "runtime/loop/start.h"
#include "tests/support/harness.h"

using namespace gossamer;
using namespace gossamer::rt;

namespace {

// A thread that enters and leaves the runtime as fast as it can, with a P that is nobody else's.
struct traveller {
    P p;
    M* m = nullptr;
    std::atomic<bool> ready{false}, stop{false};
    uint64_t inside = 0;  // written only between enter() and leave(), or by a seizer
    uint64_t entries = 0;
    std::thread thread;

    traveller() : thread([this] { travel(); }) {
        while (!ready.load()) std::this_thread::yield();
    }
    ~traveller() {
        stop = true;
        thread.join();
    }
    void travel() {
        m = attach_thread();
        m->p = &p;
        ready = true;
        while (!stop.load(std::memory_order_relaxed)) {
            enter();
            inside++;
            entries++;
            leave();
        }
        enter();
        m->p = nullptr;
        leave();
    }
};

}  // namespace

TEST_CASE("a seizer and the M it looks at are never both inside") {
    start_runtime();
    traveller t;
    uint64_t seized = 0;
    auto bump = [](M*, P*, void* arg) {
        auto* t = static_cast<traveller*>(arg);
        uint64_t was = t->inside;
        for (int i = 0; i < 100; i++) t->inside++;
        t->inside = was + 1;
    };
    for (int i = 0; i < 20'000; i++) seized += seize(t.m, &t.p, bump, &t) ? 1 : 0;
    t.stop = true;
    t.thread.join();
    t.thread = std::thread([] {});
    CHECK(t.inside == t.entries + seized);
}

TEST_CASE("an M that is inside the runtime, or holds another P, cannot be seized") {
    start_runtime();
    P p, other;
    M* m = attach_thread();
    enter();
    m->p = &p;
    auto never = [](M*, P*, void*) { FAIL("seized"); };
    CHECK_FALSE(seize(m, &p, never, nullptr));
    leave();
    CHECK_FALSE(seize(m, &other, never, nullptr));
    bool done = false;
    CHECK(seize(
        m, &p, [](M*, P*, void* d) { *static_cast<bool*>(d) = true; }, &done));
    CHECK(done);
    enter();
    m->p = nullptr;
    leave();
}

// SPDX-License-Identifier: BSL-1.0
#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <vector>

#include "gossamer/chan.h"
#include "gossamer/debug.h"
#include "gossamer/go.h"
#include "gossamer/runtime.h"
#include "gossamer/wait_group.h"
#include "runtime/base/event.h"
#include "runtime/sched/sched.h"
#include "tests/support/both.h"

using namespace gossamer;

TEST_CASE("each event of the runtime is one of the public counters, in the same order") {
    rt::start_runtime();
    rt::in_runtime scope;
    for (size_t e = 0; e < size_t(rt::event::kCount); e++) {
        constexpr uint64_t kMany = uint64_t{1} << 40;  // nothing else happens so often
        auto words = [] {
            runtime::counters c = runtime::metrics();
            std::array<uint64_t, sizeof c / 8> all;
            static_assert(sizeof all == sizeof c);
            memcpy(all.data(), &c, sizeof c);
            return all;
        };
        auto before = words();
        rt::count(rt::event(e), kMany);
        auto after = words();
        for (size_t i = 0; i < after.size(); i++)
            CHECK((after[i] - before[i] >= kMany && after[i] - before[i] < kMany + kMany / 2) == (i == e + 3));
    }
}

TEST_CASE("metrics can be asked for anywhere and tell of goroutines") {
    tests::both([] {
        runtime::counters before = runtime::metrics();
        chan<int> gate;
        wait_group wg;
        for (int i = 0; i < 10; i++) wg.go([&] { gate.recv(); });
        runtime::counters during = runtime::metrics();
        CHECK(during.goroutines_created - before.goroutines_created == 10);
        CHECK(during.goroutines_alive == runtime::num_goroutines());
        CHECK(during.threads >= 1);
        gate.close();
        wg.wait();
    });
}

TEST_CASE("goroutines() tells of each what it waits for, where, and who started it") {
    tests::both([] {
        chan<int> gate;
        wait_group wg;
        for (int i = 0; i < 3; i++)
            go({.name = "waits at the gate"}, [=, &wg] {
                wg.add(1);
                gate.recv();
                wg.done();
            });
        std::vector<runtime::goroutine> found;
        CHECK(tests::eventually([&] {
            found.clear();
            for (const runtime::goroutine& g : runtime::goroutines())
                if (g.name == "waits at the gate" && g.state == "chan receive") found.push_back(g);
            return found.size() == 3;
        }));
        for (const runtime::goroutine& g : found) {
            CHECK(g.waits);
            CHECK(g.object != nullptr);
            CHECK(g.object == found[0].object);
            CHECK(g.where != nullptr);
            CHECK(g.created_at != nullptr);  // a compiler may write the loop out: not one place then
            CHECK(g.creator_id == runtime::goroutine_id());
        }
        gate.close();
        wg.wait();
    });
}

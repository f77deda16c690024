// SPDX-License-Identifier: BSL-1.0
#include "runtime/sched/runq.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "runtime/sched/global_queue.h"
#include "runtime/sched/sched.h"

using namespace gossamer::rt;

namespace {
std::vector<std::unique_ptr<G>> make_gs(size_t n) {
    std::vector<std::unique_ptr<G>> gs;
    for (size_t i = 0; i < n; i++) gs.push_back(std::make_unique<G>());
    return gs;
}
}  // namespace

TEST_CASE("the ring is first in, first out, across its end") {
    auto p = std::make_unique<P>();
    auto gs = make_gs(kRingSize);
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < 100; i++) put_tail(p.get(), gs[i].get());
        CHECK(p->queued() == 100);
        for (size_t i = 0; i < 100; i++) CHECK(get_head(p.get()) == gs[i].get());
        CHECK(get_head(p.get()) == nullptr);
    }
}

TEST_CASE("the newest goroutine takes the next slot and sends the one before it to the tail [G3]") {
    auto p = std::make_unique<P>();
    auto gs = make_gs(3);
    for (auto& g : gs) put_next(p.get(), g.get());
    CHECK(get_next(p.get()) == gs[2].get());
    CHECK(get_next(p.get()) == nullptr);
    CHECK(get_head(p.get()) == gs[0].get());
    CHECK(get_head(p.get()) == gs[1].get());
}

TEST_CASE("half of the ring leaves in order, the older half; the next slot only when asked for and alone [C3]") {
    auto p = std::make_unique<P>();
    auto gs = make_gs(6);
    for (size_t i = 0; i < 5; i++) put_tail(p.get(), gs[i].get());
    p->next.store(gs[5].get());
    g_batch out;
    take_half(p.get(), true, &out);
    REQUIRE(out.count == 3);
    for (size_t i = 0; i < 3; i++) CHECK(out.gs[i] == gs[i].get());
    CHECK(p->next.load() == gs[5].get());
    get_head(p.get());
    get_head(p.get());
    take_half(p.get(), false, &out);
    CHECK(out.count == 0);
    take_half(p.get(), true, &out);
    REQUIRE(out.count == 1);
    CHECK(out.gs[0] == gs[5].get());
}

TEST_CASE("the global queue keeps the order of single goroutines and batches over many chunks") {
    global_queue q;
    auto gs = make_gs(3000);
    size_t put = 0, got = 0;
    G* out[400];
    auto take = [&](uint32_t most) {
        uint32_t n = q.pop_many(out, most);
        for (uint32_t i = 0; i < n; i++) REQUIRE(out[i] == gs[got++].get());
    };
    while (put < gs.size()) {
        G* batch[129];
        uint32_t n = 0;
        for (; n < 1 + put % 129 && put < gs.size(); n++) batch[n] = gs[put++].get();
        q.push_many(batch, n);
        if (put < gs.size()) q.push(gs[put++].get());
        take(uint32_t(put % 97));
        REQUIRE(q.size() == put - got);
    }
    while (!q.maybe_empty()) take(400);
    CHECK(got == gs.size());
    CHECK(q.pop_many(out, 400) == 0);
}

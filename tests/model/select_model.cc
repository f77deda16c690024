// SPDX-License-Identifier: BSL-1.0
// select: one waits in two channels, or two selects face each other. lib/select_core.cc, park/sudog.h, park/wait_queue.h.
#include <doctest/doctest.h>

#include "gossamer/select_core.h"
#include "lib/chan_ops.h"
#include "tests/model/support.h"
#include "tests/model/world.h"

using namespace gossamer;
using namespace gossamer::rt;

namespace {

struct select_world {
    chan_core* a = nullptr;
    chan_core* b = nullptr;
    int64_t got[4] = {};
    int64_t sent[4] = {};
    select_result taken[2] = {{kNoneReady, false}, {kNoneReady, false}};
    bool later = false;
};

select_world& with_channels() {
    model::new_world(0);
    auto& w = model::make<select_world>();
    w.a = core_of(make_chan(kElement<int64_t>, 0));
    w.b = core_of(make_chan(kElement<int64_t>, 0));
    model::name(&w.a->lk.word(), "lk of a");
    model::name(&w.b->lk.word(), "lk of b");
    return w;
}

void check_channels(select_world& w) {
    for (chan_core* c : {w.a, w.b}) {
        model::require(c->lk.word().load() == 0, "select: the locks are free in the end");
        model::require(c->receivers.empty() && c->senders.empty(), "select 3: none of its sudogs is in a queue");
    }
}

// Two senders, each on a channel of its own, against a select in both; then the other value is fetched.
void two_wakers() {
    select_world& w = with_channels();
    model::plain_thread("sends a", [&w] {
        w.sent[0] = 1;
        chan_send(w.a, &w.sent[0]);
    });
    model::plain_thread("sends b", [&w] {
        w.sent[1] = 2;
        chan_send(w.b, &w.sent[1]);
    });
    model::plain_thread("selects", [&w] {
        select_op ops[2] = {{w.a, &w.got[0], false}, {w.b, &w.got[1], false}};
        w.taken[0] = select_run(ops, 2, select_kind::blocking, select_order::in_order);
        unsigned other = 1 - w.taken[0].index;
        model::require(w.got[other] == 0, "select 1: exactly one case takes effect");
        w.later = chan_recv(other == 0 ? w.a : w.b, &w.got[other]);
    });
    model::at_end([&w] {
        check_channels(w);
        model::require(w.taken[0].ok && w.later && w.got[0] == 1 && w.got[1] == 2, "both values arrive, once");
    });
}

// Each selects: send on one, receive from the other. One meeting, on one channel, seen by both.
void face_to_face() {
    select_world& w = with_channels();
    model::plain_thread("left", [&w] {
        w.sent[0] = 1;
        select_op ops[2] = {{w.a, &w.sent[0], true}, {w.b, &w.got[0], false}};
        w.taken[0] = select_run(ops, 2, select_kind::blocking, select_order::in_order);
    });
    model::plain_thread("right", [&w] {
        w.sent[1] = 2;
        select_op ops[2] = {{w.a, &w.got[1], false}, {w.b, &w.sent[1], true}};
        w.taken[1] = select_run(ops, 2, select_kind::blocking, select_order::in_order);
    });
    model::at_end([&w] {
        check_channels(w);
        model::require(w.taken[0].ok && w.taken[1].ok && w.taken[0].index == w.taken[1].index,
                       "both took the same meeting");
        bool on_a = w.taken[0].index == 0;
        model::require(w.got[0] == (on_a ? 0 : 2) && w.got[1] == (on_a ? 1 : 0), "one value goes over");
    });
}

// A close on one channel, a send on the other.
void close_and_send() {
    select_world& w = with_channels();
    model::plain_thread("closes a", [&w] { chan_close(w.a); });
    model::plain_thread("sends b", [&w] {
        w.sent[1] = 2;
        chan_send(w.b, &w.sent[1]);
    });
    model::plain_thread("selects", [&w] {
        select_op ops[2] = {{w.a, &w.got[0], false}, {w.b, &w.got[1], false}};
        w.taken[0] = select_run(ops, 2, select_kind::blocking, select_order::in_order);
        if (w.taken[0].index == 0) w.later = chan_recv(w.b, &w.got[1]);
    });
    model::at_end([&w] {
        check_channels(w);
        model::require(w.got[0] == 0 && w.got[1] == 2, "the value arrives once");
        model::require(w.taken[0].ok == (w.taken[0].index == 1), "sudog 3: the outcome is the winner's");
    });
}

}  // namespace

TEST_CASE("select: two wakers, on two channels, one wins [select 1 to 4, sudog 2 to 4]") {
    model::must_hold("select, two wakers", {1, 1}, two_wakers);
}

TEST_CASE("select: two selects face each other [select 1, 2]") {
    model::must_hold("select, face to face", {2, 1}, face_to_face);
}

TEST_CASE("select: a close against a send [sudog 3]") {
    model::must_hold("select, close and send", {1, 1}, close_and_send);
}

TEST_CASE("select: planted bugs are found") {
    using enum model::fault;
    const char* claim = "s->g->select_claim.compare_exchange_strong(ticket, ticket + 1, acq_rel,";
    model::must_find("select, two wakers", {1, 1}, two_wakers,
                     {
                         {"runtime/park/sudog.h", claim, blind},
                         {"runtime/park/sudog.h", claim, split},
                     });
    model::must_find("select, close and send", {1, 1}, close_and_send, {{"runtime/park/sudog.h", claim, blind}});
    model::must_find("select, face to face", {2, 1}, face_to_face,
                     {{"runtime/park/wait_queue.h", "first_.store(second, relaxed);", skipped}});
}

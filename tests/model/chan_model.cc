// SPDX-License-Identifier: BSL-1.0
// chan: senders, receivers and a close on one channel, all of them threads. lib/chan_core.cc, lib/chan_ops.h, park.cc, note.cc.
#include <doctest/doctest.h>

#include "gossamer/panic.h"
#include "lib/chan_ops.h"
#include "tests/model/support.h"
#include "tests/model/world.h"

using namespace gossamer;
using namespace gossamer::rt;

namespace {

struct chan_world {
    chan_core* c = nullptr;
    int64_t got[3] = {};
    bool ok[3] = {};
    unsigned panics = 0;
    atomic<int> flag{0};
};

chan_world& with_channel(std::ptrdiff_t capacity) {
    model::new_world(0);
    auto& w = model::make<chan_world>();
    w.c = core_of(make_chan(kElement<int64_t>, capacity));
    model::name(&w.c->lk.word(), "lk");
    model::name(&w.c->count, "count");
    model::name(&w.c->closed, "closed");
    model::name(&w.c->parked_sender, "parked_sender");
    model::name(&w.c->parked_receiver, "parked_receiver");
    return w;
}

// The invariants of chan_core.cc that hold whenever lk is free.
void check_channel(chan_core* c) {
    model::require(c->lk.word().load() == 0, "chan: the lock is free in the end");
    model::require(c->receivers.empty() || c->senders.empty(), "chan 1: not both queues");
    model::require(c->count.load() == 0 || c->receivers.empty(), "chan 2: values, and a receiver waits");
    model::require(c->count.load() == c->capacity || c->closed.load() || c->senders.empty(),
                   "chan 2: room, and a sender waits");
    model::require(!c->closed.load() || (c->receivers.empty() && c->senders.empty()),
                   "chan 3: closed, and somebody waits");
    model::require((c->parked_sender.load() == nullptr) == c->senders.empty() &&
                       (c->parked_receiver.load() == nullptr) == c->receivers.empty(),
                   "chan 6: null only when the queue is empty");
}

void send(chan_world& w, int64_t value) { chan_send(w.c, &value); }

void one_to_one(std::ptrdiff_t capacity) {
    chan_world& w = with_channel(capacity);
    model::plain_thread("sender", [&w] {
        send(w, 1);
        send(w, 2);
    });
    model::plain_thread("receiver", [&w] {
        for (int i = 0; i < 2; i++) w.ok[i] = chan_recv(w.c, &w.got[i]);
    });
    model::at_end([&w] {
        check_channel(w.c);
        model::require(w.ok[0] && w.ok[1] && w.got[0] == 1 && w.got[1] == 2, "each value arrives once, in order");
    });
}
void unbuffered() { one_to_one(0); }
void one_place() { one_to_one(1); }

void two_senders() {
    chan_world& w = with_channel(1);
    model::plain_thread("first sender", [&w] { send(w, 1); });
    model::plain_thread("second sender", [&w] { send(w, 2); });
    model::plain_thread("receiver", [&w] {
        for (int i = 0; i < 2; i++) w.ok[i] = chan_recv(w.c, &w.got[i]);
    });
    model::at_end([&w] {
        check_channel(w.c);
        model::require(w.ok[0] && w.ok[1] && w.got[0] + w.got[1] == 3 && w.got[0] != w.got[1],
                       "each value arrives once");
    });
}

// A close against a receiver and a sender. Whatever was sent without a panic arrives.
void closing() {
    chan_world& w = with_channel(0);
    model::plain_thread("sender", [&w] {
        try {
            send(w, 1);
        } catch (const panic&) {
            w.panics++;
        }
    });
    model::plain_thread("receiver", [&w] { w.ok[0] = chan_recv(w.c, &w.got[0]); });
    model::plain_thread("closer", [&w] { chan_close(w.c); });
    model::at_end([&w] {
        check_channel(w.c);
        model::require(w.panics + w.ok[0] == 1, "chan 3: sent and received, or neither");
        model::require(!w.ok[0] || w.got[0] == 1, "the value arrives");
    });
}

// CH17: what was sent before this call began, by a clock that orders nothing, is there.
void trying() {
    chan_world& w = with_channel(1);
    model::plain_thread("sender", [&w] {
        send(w, 1);
        w.flag.store(1, relaxed);
    });
    model::plain_thread("receiver", [&w] {
        if (w.flag.load(relaxed) == 0) return;
        model::require(chan_try_recv(w.c, &w.got[0]) == try_outcome::done,
                       "CH17: not ready only if it was not at some instant");
        model::require(w.got[0] == 1, "the value is there");
    });
    model::at_end([&w] { check_channel(w.c); });
}

// The last of two handles goes while the other end is still inside the channel.
void letting_go() {
    chan_world& w = with_channel(1);
    w.c->refs.store(2);
    model::plain_thread("sender", [&w] {
        chan_handle h(w.c);
        send(w, 1);
    });
    model::plain_thread("receiver", [&w] {
        chan_handle h(w.c);
        w.ok[0] = chan_recv(w.c, &w.got[0]);
    });
    model::at_end([&w] {
        model::require(w.ok[0] && w.got[0] == 1, "the value arrives");
        model::require(model::freed(w.c), "the last handle frees the channel");
    });
}

}  // namespace

TEST_CASE("channel: without and with room, one sender and one receiver [chan 1, 2, 5, 6]") {
    model::must_hold("channel, unbuffered", {3, 1}, unbuffered);
    model::must_hold("channel, one place", {3, 1}, one_place);
}

TEST_CASE("channel: two senders, one receiver") { model::must_hold("channel, two senders", {2, 1}, two_senders); }

TEST_CASE("channel: a close against a sender and a receiver [chan 3, CH12]") {
    model::must_hold("channel, closing", {2, 1}, closing);
}

TEST_CASE("channel: what a try without the lock says [CH17]") { model::must_hold("channel, trying", {}, trying); }

TEST_CASE("channel: the last handle goes") { model::must_hold("channel, letting go", {3, 2}, letting_go); }

TEST_CASE("channel: planted bugs are found") {
    using enum model::fault;
    model::must_find("channel, unbuffered", {3, 2}, unbuffered,
                     {
                         {"runtime/os/lock.h", "word_.store(0, release)", relaxed},
                         {"runtime/os/lock.h", "!word_.compare_exchange_strong(free, 1, seq_cst, relaxed)", blind},
                         {"runtime/os/note.cc", "woken_.exchange(1, release)", relaxed},
                         {"runtime/os/note.cc", "woken_.exchange(1, release)", skipped},
                     });
    model::must_find("channel, trying", {}, trying,
                     {
                         {"runtime/os/lock.h", "!word_.compare_exchange_strong(free, 1, seq_cst, relaxed)", relaxed},
                         {"lib/chan_ops.h", "c->count.store(n + 1, release)", late},
                     });
    model::must_find(
        "channel, letting go", {3, 2}, letting_go,
        {
            {"lib/gossamer/chan_core.h", "c_->refs.fetch_sub(1, std::memory_order_acq_rel) == 1))", relaxed},
            {"lib/gossamer/chan_core.h", "c_->refs.fetch_sub(1, std::memory_order_acq_rel) == 1))", split},
            {"lib/gossamer/chan_core.h", "(c_->refs.load(std::memory_order_acquire) == 1", relaxed},
        });
}

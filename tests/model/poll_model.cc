// SPDX-License-Identifier: BSL-1.0
// poll: an operation that waits for a descriptor, the poller's edges, a deadline, a close. netpoll/poll_word.h, netpoll/poll_desc.cc; fd_mutex.
#include <doctest/doctest.h>

#include "tests/model/support.h"
#include "tests/model/world.h"

#include "runtime/netpoll/poll_desc.cc"  // its timer function and its count are its own

#include "runtime/netpoll/fd_mutex.h"

using namespace gossamer;
using namespace gossamer::rt;

namespace {

struct poll_world {
    poll_desc desc;
    atomic<int> data{0};  // in the kernel
    unsigned wakes = 0;
    poll_status told = poll_status::ready;
    bool over = false;
};

poll_world& a_descriptor() {
    model::new_world(0);
    g_waiters.store(0);
    auto& w = model::make<poll_world>();
    model::name(&w.desc.words[0], "poll word");
    model::name(&w.desc.flags, "flags");
    model::name(&w.data, "data");
    for (timer& t : w.desc.timers) {
        t.fire = expire;
        t.arg = &w.desc;
    }
    return w;
}

// As net/fd.cc reads: the kernel first, then the poller. So many pieces.
void read(poll_world& w, int pieces) {
    for (int i = 1; i <= pieces; i++)
        while (poll_check(&w.desc, direction::read) == poll_status::ready && w.data.load() < i)
            if ((w.told = poll_wait(&w.desc, direction::read)) != poll_status::ready) break;
    w.over = true;
}

// As epoll.cc: the kernel has data, and says so.
void edge(poll_world& w, int edges) {
    for (int i = 1; i <= edges; i++) {
        w.data.store(i);
        in_runtime scope;
        g_list woken;
        poll_event(&w.desc, 0, true, false, false, &woken);
        if (woken.count != 0) {
            poll_unblocked(woken.count);
            ready_batch(woken.first);
        }
    }
}

void check_poll(poll_world& w) {
    model::require(w.over, "the operation ends");
    model::require(g_waiters.load() == 0, "who waits is counted, and counted out");
}

void data_comes(int edges) {
    poll_world& w = a_descriptor();
    model::plain_thread("reader", [&w, edges] { read(w, edges); });
    model::plain_thread("poller", [&w, edges] { edge(w, edges); });
    model::at_end([&w] {
        check_poll(w);
        model::require(w.told == poll_status::ready, "nothing but data ended it");
    });
}
void one_edge() { data_comes(1); }
void two_edges() { data_comes(2); }

// Two wakers: the word decides who owns the wake (poll_word 2); a second ready() would be a broken invariant of park's.
void edge_and_close() {
    poll_world& w = a_descriptor();
    model::plain_thread("reader", [&w] { read(w, 1); });
    model::plain_thread("poller", [&w] { edge(w, 1); });
    model::plain_thread("closer", [&w] { poll_evict(&w.desc); });
    model::at_end([&w] { check_poll(w); });
}

void close_alone() {
    poll_world& w = a_descriptor();
    model::plain_thread("reader", [&w] { read(w, 1); });
    model::plain_thread("closer", [&w] { poll_evict(&w.desc); });
    model::at_end([&w] { check_poll(w); });
}

void deadline_alone() {
    poll_world& w = a_descriptor();
    model::plain_thread("reader", [&w] { read(w, 1); });
    model::plain_thread("deadline", [&w] { poll_set_deadline(&w.desc, direction::read, 1); });  // long past
    model::at_end([&w] { check_poll(w); });
}

struct fd_world {
    fd_mutex mu;
    int inside = 0;
    unsigned granted = 0, refused = 0, last = 0;
    atomic<unsigned> lasts{0};
};

// Two readers of one descriptor and a close.
void readers_and_close() {
    model::new_world(0);
    auto& w = model::make<fd_world>();
    for (const char* who : {"one reads", "two reads"})
        model::plain_thread(who, [&w] {
            if (w.mu.lock(direction::read) != admission::granted) return;
            model::require(w.inside++ == 0, "one reader");
            w.inside--;
            if (w.mu.unlock(direction::read)) w.lasts.fetch_add(1);
        });
    model::plain_thread("closes", [&w] {
        if (w.mu.close() && w.mu.release()) w.lasts.fetch_add(1);
    });
    model::at_end([&w] { model::require(w.lasts.load() == 1, "fd_mutex 2: exactly one says last"); });
}

}  // namespace

TEST_CASE("poll word: an edge against a reader about to sleep [poll_word 1, 2]") {
    model::must_hold("poll word, one edge", {}, one_edge);
    model::must_hold("poll word, two edges", {}, two_edges);
}

TEST_CASE("poll word: a close or a deadline against a reader about to sleep [poll_desc 2]") {
    model::must_hold("poll word, close", {}, close_alone);
    model::must_hold("poll word, deadline", {}, deadline_alone);
    model::must_hold("poll word, edge and close", {2, 1}, edge_and_close);
}

TEST_CASE("fd mutex: two readers and a close [fd_mutex 1 to 3]") {
    model::must_hold("fd mutex", {2, 1}, readers_and_close);
}

TEST_CASE("poll word, fd mutex: planted bugs are found") {
    using enum model::fault;
    model::must_find(
        "poll word, one edge", {}, one_edge,
        {
            {"runtime/netpoll/poll_word.h", "compare_exchange_strong(none, reinterpret_cast<uintptr_t>(g))", blind},
            {"runtime/netpoll/poll_word.h", "old == kNone ? kReady : kNone)", split},
        });
    model::must_find(
        "poll word, close", {}, close_alone,
        {
            {"runtime/netpoll/poll_desc.cc", "((desc->flags.load() & (kClosing | kExpired[i])) == 0", relaxed},
            {"runtime/netpoll/poll_desc.cc", "desc->flags.fetch_or(kClosing);", skipped},
        });
    model::must_find("poll word, edge and close", {2, 1}, edge_and_close,
                     {{"runtime/netpoll/poll_word.h", "if (word_.compare_exchange_weak(old, kNone)) return", blind}});
    model::must_find(
        "fd mutex", {2, 1}, readers_and_close,
        {
            {"runtime/netpoll/fd_mutex.h", "uint64_t old = word_.fetch_sub(kReference);", split},
            {"runtime/netpoll/fd_mutex.cc", "if (!word_.compare_exchange_weak(old, now)) continue;", blind},
        });
}

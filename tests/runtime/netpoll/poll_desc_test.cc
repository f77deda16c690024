// SPDX-License-Identifier: BSL-1.0
#include "runtime/netpoll/poll_desc.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "gossamer/chan.h"
#include "gossamer/go.h"
#include "gossamer/time.h"
#include "gossamer/wait_group.h"
#include "runtime/timer/timer_heap.h"
#include "tests/support/harness.h"

using namespace gossamer;
using namespace std::chrono_literals;
using rt::direction;
using rt::poll_desc;
using rt::poll_status;

namespace {

// Both ends of a Unix stream; ours is on the poller.
class polled_pair {
  public:
    polled_pair() {
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds_) == 0);
        REQUIRE(rt::poll_open(fds_[0], &desc_) == 0);
    }
    ~polled_pair() {
        rt::poll_evict(desc_);
        rt::poll_close(desc_);
        ::close(fds_[0]);
        ::close(fds_[1]);
    }
    poll_desc* desc() const { return desc_; }
    int ours() const { return fds_[0]; }
    void send() const { CHECK(::write(fds_[1], "x", 1) == 1); }
    int theirs() const { return fds_[1]; }

  private:
    int fds_[2];
    poll_desc* desc_ = nullptr;
};

int64_t in(std::chrono::nanoseconds d) { return rt::now_ns() + d.count(); }

// Waits until the read direction has something to read.
poll_status wait_readable(const polled_pair& p) {
    char byte;
    for (;;) {
        if (::recv(p.ours(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) >= 0) return poll_status::ready;
        if (poll_status s = rt::poll_wait(p.desc(), direction::read); s != poll_status::ready) return s;
    }
}

chan<poll_status> wait_in_background(const polled_pair& p) {
    chan<poll_status> out(1);
    go([&p, out] { out.send(wait_readable(p)); });
    return out;
}

}  // namespace

TEST_CASE("a G that waits is woken by data, whether it came before or after it slept [poll_word 1]") {
    tests::on_goroutine([] {
        for (int i = 0; i < 200; i++) {
            polled_pair p;
            chan<poll_status> out = wait_in_background(p);
            for (int k = 0; k < i % 4; k++) yield();
            p.send();
            CHECK(*out.recv() == poll_status::ready);
        }
    });
}

TEST_CASE("a plain thread that waits is woken by data") {
    polled_pair p;
    std::thread waiter([&] { CHECK(wait_readable(p) == poll_status::ready); });
    CHECK(tests::eventually([] { return rt::netpoll_waiters() > 0; }));
    p.send();
    waiter.join();
}

TEST_CASE("waiters are counted while they are parked, for deadlock detection") {
    tests::on_goroutine([] {
        unsigned before = rt::netpoll_waiters();
        polled_pair p;
        chan<poll_status> out = wait_in_background(p);
        CHECK(tests::eventually([&] { return rt::netpoll_waiters() == before + 1; }));
        p.send();
        CHECK(*out.recv() == poll_status::ready);
        CHECK(rt::netpoll_waiters() == before);
    });
}

TEST_CASE("closing wakes a G that waits, and no later wait sleeps [poll_desc 2]") {
    tests::on_goroutine([] {
        for (int i = 0; i < 100; i++) {
            polled_pair p;
            chan<poll_status> out = wait_in_background(p);
            for (int k = 0; k < i % 3; k++) yield();
            rt::poll_evict(p.desc());
            CHECK(*out.recv() == poll_status::closing);
            CHECK(wait_readable(p) == poll_status::closing);
            CHECK(!rt::poll_set_deadline(p.desc(), direction::read, in(1h)));
        }
    });
}

TEST_CASE(
    "moving a deadline later, or away, leaves no early expiry behind; moving it nearer takes effect [N5][poll_desc "
    "3]") {
    tests::on_goroutine([] {
        polled_pair p;
        auto set = [&](int64_t when) { CHECK(rt::poll_set_deadline(p.desc(), direction::read, when)); };
        set(in(10ms));
        int64_t later = in(40ms);
        set(later);
        CHECK(wait_readable(p) == poll_status::expired);
        CHECK(rt::now_ns() >= later);
        set(in(1h));
        set(in(5ms));
        CHECK(wait_readable(p) == poll_status::expired);
        set(in(5ms));
        set(0);
        chan<poll_status> out = wait_in_background(p);
        sleep(20ms);
        CHECK(out.len() == 0);
        p.send();
        CHECK(*out.recv() == poll_status::ready);
    });
}

TEST_CASE("a closed descriptor keeps no timer pending [poll_desc 3]") {
    tests::on_goroutine([] {
        unsigned before = rt::pending_timers();
        {
            polled_pair p;
            CHECK(rt::poll_set_deadline(p.desc(), direction::read, in(1h)));
            CHECK(rt::poll_set_deadline(p.desc(), direction::write, in(1h)));
            CHECK(rt::pending_timers() == before + 2);
        }
        CHECK(rt::pending_timers() == before);
    });
}

TEST_CASE("a deadline of one direction leaves the other alone [N6]") {
    tests::on_goroutine([] {
        polled_pair p;
        CHECK(rt::poll_set_deadline(p.desc(), direction::read, 1));
        CHECK(rt::poll_check(p.desc(), direction::read) == poll_status::expired);
        CHECK(rt::poll_check(p.desc(), direction::write) == poll_status::ready);
    });
}

TEST_CASE("an event of an earlier owner is dropped by its sequence [poll_desc 1]") {
    polled_pair p;
    uint32_t now = p.desc()->sequence.load();
    rt::g_list woken;
    while (p.desc()->words[0].take_edge()) {
    }
    rt::poll_event(p.desc(), (now + 1) & rt::kSequenceMask, true, true, true, &woken);
    CHECK(woken.first == nullptr);
    CHECK((p.desc()->flags.load() & rt::kHungUp) == 0);
    CHECK(!p.desc()->words[0].take_edge());
}

TEST_CASE("a descriptor that cannot be polled is refused with EPERM, one that is closed with EBADF") {
    int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    poll_desc* desc = nullptr;
    CHECK(rt::poll_open(file, &desc) == EPERM);
    ::close(file);
    CHECK(rt::poll_open(file, &desc) == EBADF);
    CHECK(desc == nullptr);
}

TEST_CASE("a hang-up stays known, so that no read is skipped after it") {
    tests::on_goroutine([] {
        unsigned before = rt::netpoll_waiters();
        polled_pair p;
        chan<poll_status> out = wait_in_background(p);
        // Only an event that somebody waits for is sure to be fetched.
        CHECK(tests::eventually([&] { return rt::netpoll_waiters() == before + 1; }));
        ::shutdown(p.theirs(), SHUT_WR);
        CHECK(*out.recv() == poll_status::ready);
        CHECK((p.desc()->flags.load() & rt::kHungUp) != 0);
    });
}

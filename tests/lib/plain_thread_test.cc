// SPDX-License-Identifier: BSL-1.0
// Every call works from a thread that is no goroutine, and blocks it as a thread (API.md: "any plain thread may call every function here").
// A test case runs on a plain thread; the other side is a goroutine or another plain thread.
#include <doctest/doctest.h>
#include <gossamer/chan.h>
#include <gossamer/cond.h>
#include <gossamer/context.h>
#include <gossamer/errgroup.h>
#include <gossamer/go.h>
#include <gossamer/go_local.h>
#include <gossamer/mutex.h>
#include <gossamer/net.h>
#include <gossamer/once.h>
#include <gossamer/panic.h>
#include <gossamer/runtime.h>
#include <gossamer/rw_mutex.h>
#include <gossamer/select.h>
#include <gossamer/semaphore.h>
#include <gossamer/time.h>
#include <gossamer/wait_group.h>

#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/harness.h"

using namespace gossamer;
using namespace std::chrono_literals;

namespace {

// Runs f on a plain thread of its own, so that two of them can meet.
std::jthread plain(auto f) { return std::jthread(std::move(f)); }

}  // namespace

TEST_CASE("a value goes from one plain thread to another over an unbuffered channel [CH3]") {
    chan<std::string> c;
    auto sender = plain([c] {
        for (int i = 0; i < 1000; ++i) c << std::to_string(i);
        c.close();
    });
    int next = 0;
    for (const std::string& s : c) CHECK(s == std::to_string(next++));
    CHECK(next == 1000);
}

TEST_CASE("plain threads and goroutines meet on one channel, each value once [CH3]") {
    constexpr int kEach = 2000;
    chan<int> c(4);
    std::atomic<long> sum = 0;
    std::atomic<int> got = 0;
    wait_group senders;
    senders.add(4);
    auto send_all = [&] {
        for (int i = 1; i <= kEach; ++i) c << i;
        senders.done();
    };
    auto receive_all = [&] {
        for (int v : c) sum += v, ++got;
    };
    std::vector<std::jthread> threads;
    wait_group receivers;
    for (int i = 0; i < 2; ++i) {
        threads.push_back(plain(send_all));
        go(send_all);
        threads.push_back(plain(receive_all));
        receivers.go(receive_all);
    }
    senders.wait();
    c.close();
    receivers.wait();
    threads.clear();
    CHECK(got == 4 * kEach);
    CHECK(sum == 4L * kEach * (kEach + 1) / 2);
}

TEST_CASE("a plain sender that is parked panics when a goroutine closes the channel [CH9]") {
    chan<int> c;
    std::atomic<bool> panicked = false;
    {
        auto sender = plain([&] {
            try {
                c << 1;
            } catch (const panic& p) {
                panicked = std::string(p.what()) == "send on closed channel";
            }
        });
        go([c] { c.close(); });
    }
    CHECK(panicked);
}

TEST_CASE("select on a plain thread takes what comes first and leaves no trace [SE9] [SE10]") {
    chan<int> a, b;
    chan<unit> quit;
    auto sender = plain([=] {
        for (int i = 0; i < 500; ++i) {
            a << i;
            b << i;
        }
        quit.close();
    });
    int from_a = 0, from_b = 0;
    for (bool more = true; more;) {
        switch (auto s = select(recv(a), recv(b), recv(quit)); s) {
            case 0:
                CHECK(*s.get<0>() == from_a++);
                break;
            case 1:
                CHECK(*s.get<1>() == from_b++);
                break;
            case 2:
                more = false;
                break;
        }
    }
    CHECK(from_a == 500);
    CHECK(from_b == 500);
}

TEST_CASE("two plain threads in select satisfy each other [SE9]") {
    chan<int> there, back;
    chan<unit> never;
    auto other = plain([=] {
        for (int i = 0; i < 1000; ++i) {
            int v = -1;
            switch (auto s = select(recv(there), recv(never)); s) {
                case 0:
                    v = *s.get<0>();
                    break;
                case 1:
                    break;
            }
            switch (select(send(back, v + 1), recv(never))) {
                case 0:
                    break;
                case 1:
                    break;
            }
        }
    });
    for (int i = 0; i < 1000; ++i) {
        switch (select(send(there, i), recv(never))) {
            case 0:
                break;
            case 1:
                FAIL("nobody sends on never");
                break;
        }
        CHECK(*back.recv() == i + 1);
    }
}

TEST_CASE("a plain thread sleeps at least as long as asked, and no longer than it must [TM1]") {
    auto start = std::chrono::steady_clock::now();
    sleep(20ms);
    CHECK(std::chrono::steady_clock::now() - start >= 20ms);
    sleep(0ms);
    sleep(-5ms);
}

TEST_CASE("timers reach a plain thread: after, timer, ticker, after_func [TM3] [TM8] [TM11]") {
    CHECK(after(1ms).recv().ok);
    timer t(1ms);
    CHECK(t.c.recv().ok);
    CHECK_FALSE(t.stop());
    ticker beat(1ms);
    for (int i = 0; i < 5; ++i) CHECK(beat.c.recv().ok);
    beat.stop();
    chan<unit> fired(1);
    auto f = after_func(1ms, [fired] { fired << unit{}; });
    CHECK(fired.recv().ok);
}

TEST_CASE("a mutex excludes plain threads and goroutines alike [MU1] [MM6]") {
    constexpr int kEach = 20000;
    mutex m;
    int counter = 0;  // plain on purpose: the mutex alone protects it
    auto work = [&] {
        for (int i = 0; i < kEach; ++i) {
            std::lock_guard hold(m);
            ++counter;
        }
    };
    wait_group done;
    done.go(work);
    done.go(work);
    { auto a = plain(work), b = plain(work); }
    done.wait();
    CHECK(counter == 4 * kEach);
}

TEST_CASE("a goroutine may unlock what a plain thread has locked [MU2]") {
    mutex m;
    m.lock();
    go([&] { m.unlock(); });
    m.lock();
    CHECK_FALSE(m.try_lock());
    m.unlock();
}

TEST_CASE("plain readers share a rw_mutex and a plain writer has it alone [RW1]") {
    rw_mutex m;
    chan<unit> inside, leave;
    auto read = [&] {
        std::shared_lock hold(m);
        inside << unit{};
        leave.recv();
    };
    auto a = plain(read);
    go(read);
    inside.recv();
    inside.recv();
    CHECK_FALSE(m.try_lock());
    leave << unit{};
    leave << unit{};
    std::unique_lock alone(m);
    CHECK_FALSE(m.try_lock_shared());
}

TEST_CASE("a plain thread waits for a wait group, a condition and a once [WG1] [CO1] [ON1]") {
    wait_group wg;
    std::atomic<int> ran = 0;
    for (int i = 0; i < 100; ++i) wg.go([&] { ++ran; });
    wg.wait();
    CHECK(ran == 100);

    mutex m;
    cond changed(m);
    bool ready = false;
    go([&] {
        std::lock_guard hold(m);
        ready = true;
        changed.signal();
    });
    m.lock();
    while (!ready) changed.wait();
    m.unlock();

    once first;
    std::atomic<int> calls = 0;
    {
        auto a = plain([&] { first.call([&] { ++calls; }); }), b = plain([&] { first.call([&] { ++calls; }); });
        first.call([&] { ++calls; });
    }
    CHECK(calls == 1);
}

TEST_CASE("a semaphore serves plain threads first come, first served [SM2]") {
    semaphore s(2);
    s.acquire(2);
    std::atomic<bool> got = false;
    {
        auto waiter = plain([&] {
            s.acquire(2);
            got = true;
            s.release(2);
        });
        CHECK_FALSE(got);
        s.release(2);
    }
    CHECK(got);
    CHECK(s.try_acquire(2));
    s.release(2);
}

TEST_CASE("a context ends for a plain thread that waits on it [CX2] [CX4]") {
    auto [by_hand, cancel] = with_cancel(background());
    go([cancel = cancel] { cancel(); });
    by_hand.done().recv();
    CHECK(by_hand.err().message() == "context canceled");

    auto [timed, stop] = with_timeout(background(), 2ms);
    timed.done().recv();
    CHECK(timed.err().message() == "context deadline exceeded");
    stop();
}

TEST_CASE("a plain thread waits for an errgroup and gets its first error [EG1]") {
    errgroup group;
    for (int i = 0; i < 20; ++i) group.go([i]() -> error { return i == 7 ? error("seven") : error(); });
    CHECK(group.wait().message() == "seven");
}

TEST_CASE("a plain thread serves and dials TCP against goroutines and against itself [N1]") {
    auto [listener, failed] = net::listen("tcp", "127.0.0.1:0");
    REQUIRE_FALSE(failed);
    auto client = plain([address = listener.addr().string()] {
        auto [c, err] = net::dial("tcp", address);
        if (err) return;
        if (c.write("hello").err || c.close_write()) return;
        std::array<std::byte, 16> answer;
        while (c.read(answer).n > 0) {
        }
        (void)c.close();
    });
    auto [c, err] = listener.accept();
    REQUIRE_FALSE(err);
    std::string heard;
    for (std::array<char, 3> piece;;) {
        auto [n, end] = c.read(std::as_writable_bytes(std::span(piece)));
        if (n == 0) break;
        heard.append(piece.data(), n);
    }
    CHECK(heard == "hello");
    (void)c.close();
    (void)listener.close();
}

TEST_CASE("yield, num_goroutines, procs and go_local answer on a plain thread [G12] [G13]") {
    yield();
    CHECK(runtime::procs() >= 1);
    CHECK(runtime::num_goroutines() >= 0);
    static go_local<int> mine;
    *mine = 5;
    {
        auto other = plain([] { CHECK(*mine == 0); });
    }
    CHECK(*mine == 5);
}

TEST_CASE("a plain thread's blocking send leaves the processors to the goroutines") {
    chan<int> c;
    std::atomic<bool> started = false;
    auto sender = plain([&] {
        started = true;
        c << 1;
    });
    // While the thread blocks, a thousand goroutines run on every processor there is.
    wait_group wg;
    std::atomic<int> ran = 0;
    for (int i = 0; i < 1000; ++i) wg.go([&] { ++ran; });
    wg.wait();
    CHECK(ran == 1000);
    CHECK(*c.recv() == 1);
    CHECK(started);
}

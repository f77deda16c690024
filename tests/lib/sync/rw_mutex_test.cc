// SPDX-License-Identifier: BSL-1.0
#include "gossamer/rw_mutex.h"

#include <doctest/doctest.h>

#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>

#include "gossamer/cond.h"
#include "gossamer/wait_group.h"
#include "tests/lib/sync/probe.h"

using gossamer::rw_mutex;
using gossamer::wait_group;
using gossamer::rt::wait_reason;

namespace {
constinit rw_mutex global_rw;
}

TEST_CASE("readers share, a writer is alone, and the standard library's guards work [RW1] [RW5]") {
    static_assert(std::is_trivially_destructible_v<rw_mutex>);
    rw_mutex& m = global_rw;
    {
        std::shared_lock one(m);
        std::shared_lock two(m);
        CHECK(m.try_lock_shared());
        m.unlock_shared();
        CHECK_FALSE(m.try_lock());
    }
    {
        std::unique_lock writer(m);
        CHECK_FALSE(m.try_lock_shared());
        CHECK_FALSE(m.try_lock());
    }
    CHECK(m.try_lock());
    m.unlock();
}

TEST_CASE("a writer that waits holds later readers back [RW2] [RW5]") {
    tests::on_goroutine([] {
        rw_mutex m;
        tests::probe writer, reader;
        std::string order;
        wait_group end;
        m.lock_shared();
        end.go([&] {
            writer.here();
            m.lock();
            order += 'w';
            m.unlock();
        });
        REQUIRE(writer.comes_to_sleep(wait_reason::rw_mutex_lock));
        CHECK_FALSE(m.try_lock_shared());
        end.go([&] {
            reader.here();
            m.lock_shared();
            order += 'r';
            m.unlock_shared();
        });
        REQUIRE(reader.comes_to_sleep(wait_reason::rw_mutex_rlock));
        m.unlock_shared();
        end.wait();
        CHECK(order == "wr");
    });
}

TEST_CASE("readers that waited for a writer go before the next writer [RW3] [RW7]") {
    tests::on_goroutine([] {
        rw_mutex m;
        std::mutex guard;  // never held over a sleep
        std::string order;
        auto note = [&](char c) {
            std::lock_guard hold(guard);
            order += c;
        };
        wait_group end;
        m.lock();
        tests::probe readers[3], second;
        end.go([&] {
            second.here();
            m.lock();
            note('W');
            m.unlock();
        });
        REQUIRE(second.comes_to_sleep(wait_reason::mutex_lock));
        for (tests::probe& p : readers) {
            end.go([&] {
                p.here();
                m.lock_shared();
                note('r');
                m.unlock_shared();
            });
            REQUIRE(p.comes_to_sleep(wait_reason::rw_mutex_rlock));
        }
        m.unlock();
        end.wait();
        CHECK(order == "rrrW");
    });
}

TEST_CASE("the reading side is a Lockable of its own, also for a condition [RW4] [CO3]") {
    tests::on_goroutine([] {
        rw_mutex m;
        rw_mutex::read_side side = m.rlocker();
        gossamer::cond changed(side);
        tests::probe p;
        bool ready = false;
        wait_group end;
        end.go([&] {
            p.here();
            std::lock_guard hold(side);
            changed.wait([&] { return ready; });
        });
        REQUIRE(p.comes_to_sleep(wait_reason::cond_wait));
        m.lock();
        ready = true;
        m.unlock();
        changed.broadcast();
        end.wait();
        CHECK(m.try_lock());
        m.unlock();
    });
}

TEST_CASE("any goroutine or thread may unlock either side [RW4]") {
    rw_mutex m;
    m.lock();
    tests::on_goroutine([&] { m.unlock(); });
    m.lock_shared();
    std::thread([&] { m.unlock_shared(); }).join();
    CHECK(m.try_lock());
    m.unlock();
}

TEST_CASE("readers never see a writer's half-done work, from goroutines and plain threads [RW1] [MM6]") {
    constexpr int kRounds = 5'000;
    rw_mutex m;
    long a = 0, b = 0;
    std::atomic<int> torn{0};
    std::atomic<int> reading{0}, writing{0};
    auto read = [&] {
        for (int i = 0; i < kRounds; i++) {
            std::shared_lock hold(m);
            reading++;
            if (a != b || writing.load() != 0) torn++;
            reading--;
        }
    };
    auto write = [&] {
        for (int i = 0; i < kRounds; i++) {
            std::unique_lock hold(m);
            if (writing++ != 0 || reading.load() != 0) torn++;
            a++;
            if (i % 64 == 0) gossamer::yield();
            b++;
            writing--;
        }
    };
    wait_group end;
    for (int i = 0; i < 6; i++) end.go(read);
    for (int i = 0; i < 2; i++) end.go(write);
    std::thread thread_reader(read), thread_writer(write);
    thread_reader.join();
    thread_writer.join();
    end.wait();
    CHECK(torn.load() == 0);
    CHECK(a == 3L * kRounds);
    CHECK(b == a);
}

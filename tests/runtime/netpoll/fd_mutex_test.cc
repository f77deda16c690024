// SPDX-License-Identifier: BSL-1.0
#include "runtime/netpoll/fd_mutex.h"

#include <doctest/doctest.h>

#include <atomic>
#include <vector>

#include "gossamer/chan.h"
#include "gossamer/go.h"
#include "gossamer/wait_group.h"
#include "tests/support/harness.h"

using namespace gossamer;
using rt::admission;
using rt::direction;
using rt::fd_mutex;

TEST_CASE("a close waits for the operations: the last one to leave is told [fd_mutex 1][fd_mutex 2]") {
    fd_mutex m;
    CHECK(m.lock(direction::read) == admission::granted);
    CHECK(m.lock(direction::write) == admission::granted);
    CHECK(m.acquire() == admission::granted);
    CHECK(m.close());
    CHECK(m.closed());
    CHECK(!m.close());
    CHECK(m.lock(direction::read) == admission::closed);
    CHECK(m.acquire() == admission::closed);
    CHECK(!m.release());
    CHECK(!m.unlock(direction::read));
    CHECK(!m.release());
    CHECK(m.unlock(direction::write));
}

TEST_CASE("a close with nobody inside frees at once [fd_mutex 2]") {
    fd_mutex m;
    CHECK(m.close());
    CHECK(m.release());
}

TEST_CASE("more operations than there is room for are refused, not miscounted [N14]") {
    fd_mutex m;
    for (uint64_t i = 0; i < fd_mutex::kMost; i++) {
        if (m.acquire() != admission::granted) FAIL("refused too early");
    }
    CHECK(m.acquire() == admission::crowded);
    CHECK(m.lock(direction::read) == admission::crowded);
    for (uint64_t i = 0; i < fd_mutex::kMost; i++) {
        if (m.release()) FAIL("an open descriptor has no last reference");
    }
    CHECK(m.close());
    CHECK(m.release());
}

TEST_CASE("each direction belongs to one at a time, and every waiter gets its turn [N1][fd_mutex 3]") {
    tests::on_goroutine([] {
        fd_mutex m;
        std::atomic<int> inside[2] = {0, 0};
        int turns[2] = {0, 0};  // plain: the lock guards them
        wait_group all;
        for (int i = 0; i < 16; i++) {
            all.go([&, d = i % 2] {
                for (int n = 0; n < 500; n++) {
                    if (m.lock(static_cast<direction>(d)) != admission::granted) break;
                    CHECK(inside[d].fetch_add(1) == 0);
                    turns[d]++;
                    if (n % 8 == 0) yield();
                    inside[d].fetch_sub(1);
                    CHECK(!m.unlock(static_cast<direction>(d)));
                }
            });
        }
        all.wait();
        CHECK(turns[0] == 4000);
        CHECK(turns[1] == 4000);
    });
}

TEST_CASE("a close sends all waiters away, and exactly one of all is the last [fd_mutex 2][fd_mutex 3]") {
    tests::on_goroutine([] {
        for (int round = 0; round < 42; round++) {
            fd_mutex m;
            std::atomic<int> last{0};
            wait_group all;
            for (int i = 0; i < 8; i++) {
                all.go([&, d = static_cast<direction>(i % 2)] {
                    while (m.lock(d) == admission::granted) {
                        yield();
                        if (m.unlock(d)) last++;
                    }
                });
            }
            for (int i = 0; i < round % 7; i++) yield();
            CHECK(m.close());
            if (m.release()) last++;
            all.wait();
            CHECK(last == 1);
        }
    });
}

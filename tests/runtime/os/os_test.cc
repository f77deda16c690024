// SPDX-License-Identifier: BSL-1.0
#include "runtime/os/os.h"

#include <doctest/doctest.h>

#include <thread>

#include "runtime/os/note.h"

using namespace gossamer::rt;

TEST_CASE("a wake before the sleep is kept, and one sleep takes one wake") {
    note n;
    n.wake();
    n.wake();
    CHECK(n.sleep(-1));
    CHECK_FALSE(n.sleep(1'000'000));
    std::thread waker([&] { n.wake(); });
    CHECK(n.sleep(-1));
    waker.join();
}

TEST_CASE("pages given back read as zero") {
    auto* p = static_cast<char*>(os::reserve(8 * os::kPage));
    REQUIRE(p != nullptr);
    p[0] = 7;
    p[4 * os::kPage] = 9;
    os::range both[] = {{p, os::kPage}, {p + 4 * os::kPage, os::kPage}};
    os::give_back(both, 2);
    CHECK(p[0] == 0);
    CHECK(p[4 * os::kPage] == 0);
    os::release(p, 8 * os::kPage);
}

TEST_CASE("a thread's CPU clock stands still while it sleeps and moves while it computes") {
    int64_t before = os::thread_cpu_ns(os::thread_cpu_clock());
    volatile uint64_t x = 0;
    while (os::thread_cpu_ns(os::thread_cpu_clock()) - before < 2'000'000) x = x + 1;
    int64_t busy = os::thread_cpu_ns(os::thread_cpu_clock());
    os::nap_ns(20'000'000);
    int64_t after = os::thread_cpu_ns(os::thread_cpu_clock());
    CHECK(busy - before >= 2'000'000);
    CHECK(after - busy < 10'000'000);
}

TEST_CASE("distances between CPUs are symmetric and zero to oneself") {
    unsigned char d[16];
    REQUIRE(os::cpu_distances(4, d));
    for (unsigned i = 0; i < 4; i++) {
        CHECK(d[i * 4 + i] == 0);
        for (unsigned j = 0; j < 4; j++) CHECK(d[i * 4 + j] == d[j * 4 + i]);
    }
}

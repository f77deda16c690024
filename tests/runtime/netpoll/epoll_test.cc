// SPDX-License-Identifier: BSL-1.0
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "gossamer/chan.h"
#include "gossamer/go.h"
#include "gossamer/select.h"
#include "gossamer/time.h"
#include "runtime/netpoll/poll_desc.h"
#include "tests/support/harness.h"

using namespace gossamer;
using namespace std::chrono_literals;

namespace {

std::chrono::nanoseconds process_cpu() {
    timespec ts;
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return std::chrono::seconds(ts.tv_sec) + std::chrono::nanoseconds(ts.tv_nsec);
}

// What the poller's timerfd has before it; zero when it is silent.
std::chrono::nanoseconds left_on_timer_fd() {
    for (auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
        std::ifstream info(entry.path());
        for (std::string line; std::getline(info, line);)
            if (long long s = 0, ns = 0; std::sscanf(line.c_str(), "it_value: (%lld, %lld)", &s, &ns) == 2)
                return std::chrono::seconds(s) + std::chrono::nanoseconds(ns);
    }
    return {};
}

}  // namespace

TEST_CASE("more ready descriptors than fit one batch are all woken") {
    tests::on_goroutine([] {
        constexpr int kPairs = 300;
        std::vector<std::array<int, 2>> fds(kPairs);
        std::vector<rt::poll_desc*> descs(kPairs);
        chan<int> woken(kPairs);
        for (int i = 0; i < kPairs; i++) {
            REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds[i].data()) == 0);
            REQUIRE(rt::poll_open(fds[i][0], &descs[i]) == 0);
            go([&, i] {
                char byte;
                while (::recv(fds[i][0], &byte, 1, MSG_DONTWAIT) != 1) {
                    if (rt::poll_wait(descs[i], rt::direction::read) != rt::poll_status::ready) break;
                }
                woken.send(i);
            });
        }
        for (auto& pair : fds) CHECK(::write(pair[1], "x", 1) == 1);
        int sum = 0;
        for (int i = 0; i < kPairs; i++) sum += *woken.recv();
        CHECK(sum == kPairs * (kPairs - 1) / 2);
        for (int i = 0; i < kPairs; i++) {
            rt::poll_evict(descs[i]);
            rt::poll_close(descs[i]);
            ::close(fds[i][0]);
            ::close(fds[i][1]);
        }
    });
}

TEST_CASE("a timer that is made while a thread sleeps in the poller is not late by the poller's sleep") {
    tests::on_goroutine([] {
        rt::netpoll_start();
        for (int i = 0; i < 20; i++) {
            auto start = std::chrono::steady_clock::now();
            sleep(2ms);
            CHECK(std::chrono::steady_clock::now() - start < tests::kLongestWait / 10);
        }
    });
}

TEST_CASE("a long sleep is given to the kernel exactly, not as the timeout of which epoll may take a thousandth more") {
    chan<int> quit;
    auto due = std::chrono::steady_clock::now() + 1000s;
    go([&] {
        timer t(due - std::chrono::steady_clock::now());
        select(recv(t.c), recv(quit));
        quit.send(0);
    });
    CHECK(tests::eventually([&] {
        auto left = left_on_timer_fd();  // first: what passes until the clock is read only adds
        auto late = std::chrono::steady_clock::now() + left - due;
        return late >= 0s && late < 100ms;  // the timeout's thousandth would be 1 s
    }));
    quit.send(0);
    quit.recv();
}

TEST_CASE("a look at the poller that meets the end of a long sleep passes it on to the sleeper") {
    std::atomic<bool> stop{false};
    std::thread onlooker([&] {
        unsigned found = 0;
        for (rt::G* list = nullptr; !stop;) found += rt::netpoll(0, &list);
        CHECK(found == 0);  // nobody waits for a descriptor
    });
    tests::on_goroutine([] {
        for (int i = 0; i < 20; i++) sleep(25ms);
    });
    stop = true;
    onlooker.join();
}

TEST_CASE("waiting on descriptors uses no CPU") {
    tests::on_goroutine([] {
        int fds[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
        rt::poll_desc* desc = nullptr;
        REQUIRE(rt::poll_open(fds[0], &desc) == 0);
        chan<rt::poll_status> out(1);
        go([&] {
            // The first wait may be told of the edge of the registration.
            while (rt::poll_wait(desc, rt::direction::read) == rt::poll_status::ready) {
            }
            out.send(rt::poll_status::closing);
        });
        sleep(50ms);
        auto before = process_cpu();
        sleep(300ms);
        CHECK(process_cpu() - before < 60ms);
        rt::poll_evict(desc);
        CHECK(*out.recv() == rt::poll_status::closing);
        rt::poll_close(desc);
        ::close(fds[0]);
        ::close(fds[1]);
    });
}

// SPDX-License-Identifier: BSL-1.0
// parked, sleepers, ticker_hog, block_sys and the echo server with a thread for every connection.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "perf/peers/std_thread/threads.h"
#include "perf/support/answers.h"
#include "perf/support/blockers.h"
#include "perf/support/process.h"

namespace perf {

namespace {

using namespace std::chrono_literals;

struct parked_figures {
    double bytes, create, wake;
};

parked_figures parked_once(bench& b, std::int64_t n) {
    parked_figures f{};
    channel c;
    std::atomic<std::int64_t> arrived = 0, woken = 0;
    wait_group group(n);
    std::int64_t before = rss_bytes();
    auto begin = clock::now();
    for (std::int64_t i = 0; i < n; i++) {
        spawn([&] {
            arrived++;
            if (!c.pop()) woken++;
            group.done();
        });
    }
    while (arrived < n) std::this_thread::yield();
    f.create = ns_since(begin);
    std::this_thread::sleep_for(50ms);
    f.bytes = static_cast<double>(rss_bytes() - before);
    begin = clock::now();
    c.close();
    group.wait();
    f.wake = ns_since(begin);
    check(b, woken, n, "tasks woken by close");
    return f;
}

constexpr std::int64_t kSleepsEach = 3;

void echo_connection(int fd) {
    char buffer[64];
    for (;;) {
        ssize_t n = ::read(fd, buffer, sizeof buffer);
        if (n <= 0 || ::write(fd, buffer, static_cast<std::size_t>(n)) != n) break;
    }
    ::close(fd);
}

}  // namespace

void parked(bench& b) {
    rss_bytes();
    parked_once(b, 100);
    parked_figures f = parked_once(b, b.n);
    auto n = static_cast<double>(b.n);
    emit(b, f.bytes / n, "bytes_per_task");
    emit(b, f.create / n, "ns_per_task_create");
    emit(b, f.wake / n, "ns_per_task_wake");
}

void sleepers(bench& b) {
    auto once = [](std::int64_t n) {
        std::vector<std::int64_t> late(static_cast<std::size_t>(n * kSleepsEach));
        wait_group group(n);
        for (std::int64_t i = 0; i < n; i++) {
            spawn([&, i] {
                for (std::int64_t k = i * kSleepsEach; k < (i + 1) * kSleepsEach; k++) {
                    auto d = sleep_length(k);
                    auto begin = clock::now();
                    std::this_thread::sleep_for(d);
                    late[static_cast<std::size_t>(k)] = (clock::now() - begin - d).count();
                }
                group.done();
            });
        }
        group.wait();
        return late;
    };
    once(100);
    auto cpu = cpu_time();
    std::vector<std::int64_t> late = once(b.n);
    cpu = cpu_time() - cpu;
    std::sort(late.begin(), late.end());
    check(b, late.front() < 0, false, "sleeps that ended early");
    emit(b, static_cast<double>(cpu.count()) / static_cast<double>(late.size()), "cpu_ns_per_sleep");
    emit(b, static_cast<double>(late[late.size() * 99 / 100]) / 1e3, "us_late_p99");
}

void ticker_hog(bench& b) {
    std::int64_t rounds = spin_rounds(b.n);
    std::atomic<int> running = b.procs;
    std::atomic<std::uint64_t> sink = 0;
    double gap = 0;
    std::atomic<bool> ticking = false;
    std::thread ticker([&] {
        auto last = clock::now(), next = last;
        ticking = true;
        while (running > 0) {
            next += 10ms;
            std::this_thread::sleep_until(next);
            gap = std::max(gap, ns_since(last));
            last = clock::now();
        }
    });
    while (!ticking) std::this_thread::yield();
    for (int i = 0; i < b.procs; i++) {
        spawn([&] {
            sink += spin(rounds);
            running--;
        });
    }
    ticker.join();
    emit(b, gap / 1e6, "ms");
}

void block_sys(bench& b) {
    auto once = [](std::int64_t n) {
        wait_group group(n);
        for (std::int64_t i = 0; i < n; i++) {
            spawn([&] {
                raw_nanosleep(50ms);
                group.done();
            });
        }
        group.wait();
    };
    once(1);
    auto begin = clock::now();
    once(b.n);
    emit(b, ns_since(begin) / 1e6, "ms");
}

void serve_echo(bench& b) {
    raise_file_limit();
    int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(static_cast<std::uint16_t>(b.n));
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0 || ::listen(listener, SOMAXCONN) != 0) {
        std::perror("serve_echo");
        std::_Exit(1);
    }
    for (;;) {
        int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) {
            std::perror("accept");
            std::_Exit(1);
        }
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        spawn([fd] { echo_connection(fd); });
    }
}

}  // namespace perf

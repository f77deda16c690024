// SPDX-License-Identifier: BSL-1.0
// stall: goroutines that want to run each millisecond, first undisturbed, then beside two bad neighbours on two processors: one sits in a
// plain read() that nobody announced, one computes and never calls the runtime. The monitor takes their processors away.
#include <gossamer/go.h>
#include <gossamer/runtime.h>
#include <gossamer/time.h>
#include <gossamer/wait_group.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "text.h"
#include "tour.h"

namespace tour {

namespace {

using namespace gossamer;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr int kPunctual = 20;
constexpr auto kNap = 1ms;
constexpr auto kCalm = 1s;
constexpr auto kTrouble = 3s;

struct pauses {
    nanoseconds median, p99, worst;
    size_t naps;
};

// How much later than asked for each of the punctual goroutines came back from each of its naps.
pauses watch(nanoseconds time) {
    std::array<std::vector<nanoseconds>, kPunctual> late;
    wait_group done;
    for (auto& mine : late) {
        done.go([&mine, end = clock::now() + time] {
            for (auto now = clock::now(); now < end;) {
                sleep(kNap);
                auto before = std::exchange(now, clock::now());
                mine.push_back(now - before - kNap);
            }
        });
    }
    done.wait();

    std::vector<nanoseconds> all;
    for (const auto& mine : late) all.insert(all.end(), mine.begin(), mine.end());
    std::sort(all.begin(), all.end());
    return {all[all.size() / 2], all[all.size() * 99 / 100], all.back(), all.size()};
}

// Reads one byte as any C library does: the thread sleeps in the kernel until somebody writes.
nanoseconds blocked_read(int fd) {
    auto start = clock::now();
    char byte;
    while (::read(fd, &byte, 1) < 0 && errno == EINTR) {
    }
    return clock::now() - start;
}

nanoseconds spin(const std::atomic<bool>& enough) {
    auto start = clock::now();
    while (!enough) {
    }
    return clock::now() - start;
}

}  // namespace

int stall() {
    headline("stall",
             "Two processors; one goroutine blocks in read(), one spins: code that never yields stalls nobody.");
    unsigned procs = runtime::set_procs(2);
    pauses calm = watch(kCalm);

    std::array<int, 2> pipe;
    if (::pipe(pipe.data()) != 0) {
        complain("stall", "no pipe: " + std::string(std::strerror(errno)));
        return kFailed;
    }
    std::atomic<bool> enough = false;
    nanoseconds blocked{}, spun{};
    wait_group neighbours;
    neighbours.go([&] { blocked = blocked_read(pipe[0]); });
    neighbours.go([&] { spun = spin(enough); });
    pauses trouble = watch(kTrouble);
    enough = true;
    if (::write(pipe[1], "!", 1) != 1) ::close(pipe[1]);  // the end of the pipe wakes the reader as well
    neighbours.wait();
    runtime::set_procs(static_cast<int>(procs));

    row("the blocking read() lasted", fixed(std::chrono::duration<double>(blocked).count(), 2), "s",
        "not announced to the runtime");
    row("the loop spun for", fixed(std::chrono::duration<double>(spun).count(), 2), "s",
        "not one call into the runtime");
    auto us = [](nanoseconds d) { return grouped(static_cast<uint64_t>(std::max<int64_t>(0, d.count() / 1000))); };
    row("worst pause of others, calm", us(calm.worst), "us",
        "median " + span(calm.median) + ", 99 % under " + span(calm.p99));
    row("worst pause beside the two", us(trouble.worst), "us",
        "median " + span(trouble.median) + ", 99 % under " + span(trouble.p99));
    remark("measured on " + grouped(trouble.naps) + " naps of 1 ms by " + std::to_string(kPunctual) +
           " goroutines; a fixed pool of two would stand still for " + span(kTrouble));
    return 0;
}

}  // namespace tour

// SPDX-License-Identifier: BSL-1.0
// parked: a million goroutines wait on one channel; closing it wakes them all.
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/wait_group.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <thread>

#include "text.h"
#include "tour.h"

namespace tour {

namespace {

using namespace gossamer;
using clock = std::chrono::steady_clock;

// What one parked goroutine may need at most; a machine with less memory gets fewer goroutines.
constexpr uint64_t kBytesEach = 6'000;

constexpr unsigned kShownEach = 50'000;

uint64_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    uint64_t total = 0, resident = 0;
    statm >> total >> resident;
    return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

uint64_t lines_of(const char* path) {
    std::ifstream file(path);
    uint64_t n = 0;
    for (std::string line; std::getline(file, line);) ++n;
    return n;
}

// The number behind a name in a file of "name: number" lines; 0 when it is not there.
uint64_t number_in(const char* path, const std::string& name) {
    std::ifstream file(path);
    uint64_t n = 0;
    for (std::string word; file >> word;)
        if (word == name) {
            file >> n;
            break;
        }
    return n;
}

uint64_t mappings_allowed() {
    std::ifstream file("/proc/sys/vm/max_map_count");
    uint64_t n = 65'530;
    file >> n;
    return n;
}

// What may still be used: the machine's free memory, or less where the control group (a container) allows less.
uint64_t available_bytes() {
    uint64_t free = number_in("/proc/meminfo", "MemAvailable:") * 1024;
    std::ifstream limit_file("/sys/fs/cgroup/memory.max"), used_file("/sys/fs/cgroup/memory.current");
    uint64_t limit = 0, used = 0;
    if (limit_file >> limit && used_file >> used) free = std::min(free, limit > used ? limit - used : 0);
    return free;
}

// Threads of the operating system, for comparison: started and joined one after the other.
std::chrono::nanoseconds one_thread() {
    constexpr int kThreads = 1'000;
    auto start = clock::now();
    for (int i = 0; i < kThreads; ++i) std::thread([] {}).join();
    return (clock::now() - start) / kThreads;
}

}  // namespace

int parked(unsigned n) {
    headline("parked",
             grouped(n) + " goroutines wait on one channel: cheap enough to give each request one of its own.");
    if (uint64_t room = available_bytes() / kBytesEach; room < n) {
        n = static_cast<unsigned>(std::max<uint64_t>(room, 1));
        remark("this machine has memory for " + grouped(n) + " of them");
    }
    auto thread = one_thread();

    chan<unit> gate;
    wait_group arrived, left;
    arrived.add(static_cast<int>(n));
    left.add(static_cast<int>(n));

    uint64_t before = resident_bytes();
    auto start = clock::now();
    progress line;
    for (unsigned i = 0; i < n; ++i) {
        if (i % kShownEach == 0) line.show(i, n, grouped(i) + " started");
        go([&arrived, &left, gate] {
            arrived.done();
            gate.recv();
            left.done();
        });
    }
    line.finish();
    arrived.wait();
    auto started = clock::now() - start;
    uint64_t memory = resident_bytes() - before;
    uint64_t threads = number_in("/proc/self/status", "Threads:");
    uint64_t mappings = lines_of("/proc/self/maps");

    start = clock::now();
    gate.close();
    left.wait();
    auto woken = clock::now() - start;

    row("start and park", grouped((started / n).count()), "ns each", span(started) + " for all");
    row("memory", grouped(memory / n), "bytes each", bytes(memory) + " for all");
    row("wake and end", grouped((woken / n).count()), "ns each", span(woken) + " for all");
    row("threads of the process", grouped(threads), "", "a std::thread: " + span(thread) + " to start and join");
    row("memory mappings", grouped(mappings), "", "of " + grouped(mappings_allowed()) + " that the kernel allows");
    return 0;
}

}  // namespace tour

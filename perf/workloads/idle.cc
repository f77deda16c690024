// SPDX-License-Identifier: BSL-1.0
// idle: what N tasks cost that sleep for an hour while nothing is due: processor time and context switches of the process over five
// seconds. Then the same with 1,000 silent TCP connections beside them, and with N tasks more that wait on a channel.

#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/net/conn.h>
#include <gossamer/net/dial.h>
#include <gossamer/runtime.h>
#include <gossamer/time.h>
#include <sys/resource.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

#include "perf/support/process.h"
#include "perf/workloads/rows.h"

namespace perf {

namespace {

using namespace std::chrono_literals;

constexpr auto kSettled = 6s;  // memory that nobody wants any more goes back for some seconds
constexpr auto kMeasured = 5s;
constexpr int kConnections = 1'000;

struct cost {
    double permille, switches;
};

long context_switches() {
    rusage u{};
    ::getrusage(RUSAGE_SELF, &u);
    return u.ru_nvcsw + u.ru_nivcsw;
}

cost measured() {
    gossamer::sleep(kSettled);
    auto start = clock::now();
    auto cpu = cpu_time();
    long switches = context_switches();
    gossamer::sleep(kMeasured);
    double took = ns_since(start);
    return {static_cast<double>((cpu_time() - cpu).count()) * 1e3 / took,
            static_cast<double>(context_switches() - switches) * 1e9 / took};
}

void all_there(std::atomic<std::int64_t>& arrived, std::int64_t n) {
    while (arrived < n) gossamer::sleep(1ms);
}

[[noreturn]] void die(const gossamer::error& err) {
    std::fprintf(stderr, "idle: %s\n", err.message().c_str());
    std::_Exit(1);
}

// Both ends: here somebody reads from one of them.
std::vector<gossamer::net::conn> silent_connections(std::atomic<std::int64_t>& arrived) {
    raise_file_limit();
    auto [listener, err] = gossamer::net::listen("tcp4", "127.0.0.1:0");
    if (err) die(err);
    std::vector<gossamer::net::conn> others;
    for (int i = 0; i < kConnections; i++) {
        auto [dialled, refused] = gossamer::net::dial("tcp4", listener.addr().string());
        if (refused) die(refused);
        auto [accepted, failed] = listener.accept();
        if (failed) die(failed);
        others.push_back(dialled);
        gossamer::go([c = accepted, &arrived] {
            std::array<char, 64> buffer;
            arrived++;
            (void)c.read(std::span(buffer));
        });
    }
    return others;
}

}  // namespace

void idle(bench& b) {
    static std::atomic<std::int64_t> arrived = 0;  // outlives the row: the tasks do
    for (std::int64_t i = 0; i < b.n; i++) {
        gossamer::go([] {
            arrived++;
            gossamer::sleep(1h);
        });
    }
    all_there(arrived, b.n);
    cost asleep = measured();
    emit(b, asleep.permille, "permille_asleep");
    emit(b, asleep.switches, "switches_per_s_asleep");

    auto connections = silent_connections(arrived);
    all_there(arrived, b.n + kConnections);
    cost network = measured();
    emit(b, network.permille, "permille_network");
    emit(b, network.switches, "switches_per_s_network");

    gossamer::chan<int> never;
    for (std::int64_t i = 0; i < b.n; i++) {
        gossamer::go([never] {
            arrived++;
            never.recv();
        });
    }
    all_there(arrived, 2 * b.n + kConnections);
    cost channel = measured();
    emit(b, channel.permille, "permille_channel");
    emit(b, channel.switches, "switches_per_s_channel");
    check(b, static_cast<std::int64_t>(gossamer::runtime::num_goroutines()), 2 * b.n + kConnections + 1, "tasks alive");
}

}  // namespace perf

// SPDX-License-Identifier: BSL-1.0
// quota: N ms in a cgroup v2 that may use half a core (cpu.max "50000 100000"): how long a task that ticks every 10 ms stands still beside two
// tasks that compute, and beside tasks that spawn and send; and how often and how long the kernel stopped the process for it.
// Without a cgroup v2 whose cpu.max we may set there is nothing to measure: then the row says so and ends with status 77.

#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/time.h>
#include <gossamer/wait_group.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "perf/support/blockers.h"
#include "perf/workloads/rows.h"

namespace perf {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr int kNotHere = 77;
constexpr auto kTick = 10ms;
constexpr int kLoads = 8;

// Where cgroup v2 is mounted; empty when it is not.
fs::path mount_of_cgroup2() {
    std::ifstream mounts("/proc/self/mountinfo");
    for (std::string line; std::getline(mounts, line);) {
        if (line.find(" - cgroup2 ") == std::string::npos) continue;
        std::istringstream words(line);
        std::string id, parent, device, root, where;
        words >> id >> parent >> device >> root >> where;
        return where;
    }
    return {};
}

fs::path own_group() {
    std::ifstream groups("/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);)
        if (line.starts_with("0::/")) return line.substr(4);
    return {};
}

// A group of half a core below our own one, or below the nearest above it that lets us; gone with this object.
class half_a_core {
  public:
    half_a_core() {
        fs::path top = mount_of_cgroup2();
        if (top.empty()) return;
        std::string name = "gossamer-quota-" + std::to_string(::getpid());
        for (fs::path inside = own_group();; inside = inside.parent_path()) {
            path_ = top / inside / name;
            if (::mkdir(path_.c_str(), 0755) == 0) {
                std::ofstream limit(path_ / "cpu.max", std::ios::in);  // never made: it is the kernel's or not there
                if (limit << "50000 100000" << std::flush) return;
                ::rmdir(path_.c_str());
            }
            path_.clear();
            if (inside.empty()) return;
        }
    }
    half_a_core(const half_a_core&) = delete;
    half_a_core& operator=(const half_a_core&) = delete;
    ~half_a_core() {
        if (!path_.empty()) ::rmdir(path_.c_str());
    }

    explicit operator bool() const { return !path_.empty(); }
    std::string processes() const { return path_ / "cgroup.procs"; }
    double stat(const char* name) const {
        std::ifstream stats(path_ / "cpu.stat");
        std::string key;
        for (double value = 0; stats >> key >> value;)
            if (key == name) return value;
        return -1;
    }

  private:
    fs::path path_;
};

// This program once more, with another row, in the group from its first instruction on; its figures go to our standard output. Its status.
int run_inside(const bench& b, const half_a_core& group, const char* row) {
    std::string self = fs::read_symlink("/proc/self/exe"), procs = std::to_string(b.procs), n = std::to_string(b.n),
                list = group.processes();
    pid_t child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        std::FILE* f = std::fopen(list.c_str(), "we");
        if (f == nullptr || std::fputs("0", f) < 0 || std::fclose(f) != 0) std::_Exit(kNotHere);
        ::execl(self.c_str(), self.c_str(), row, procs.c_str(), n.c_str(), nullptr);
        std::_Exit(127);
    }
    int status = 0;
    return child < 0 || ::waitpid(child, &status, 0) != child ? -1 : status;
}

struct stops {
    double periods, ms;
};

stops stops_of(const bench& b, const char* row) {
    int status = 0;
    stops s{};
    {
        half_a_core group;
        if (!group) {
            std::fprintf(stderr, "no cgroup v2 here whose cpu.max may be set\n");
            std::_Exit(kNotHere);
        }
        status = run_inside(b, group, row);
        s = {group.stat("nr_throttled"), group.stat("throttled_usec") / 1e3};
    }
    check(b, status, 0, "status of the run inside the group");
    return s;
}

// How much longer than the distance of its ticks a ticker stood still in `length`.
double stall_ms(std::chrono::milliseconds length) {
    gossamer::ticker ticker(kTick);
    ticker.c.recv();
    auto start = clock::now(), last = start;
    double gap = 0;
    while (last - start < length) {
        ticker.c.recv();
        gap = std::max(gap, ns_since(last));
        last = clock::now();
    }
    return std::max(gap / 1e6 - static_cast<double>(kTick.count()), 0.0);
}

// With so many tasks of `load(stop)` beside the ticker.
template <class Load>
double stall_beside(const bench& b, int tasks, Load load) {
    std::atomic<bool> stop = false;
    gossamer::wait_group group;
    for (int i = 0; i < tasks; i++) group.go([&] { load(stop); });
    double stall = stall_ms(std::chrono::milliseconds(b.n));
    stop = true;
    group.wait();
    return stall;
}

}  // namespace

void quota_hogs(bench& b) {
    double stall = stall_beside(b, 2, [](std::atomic<bool>& stop) {
        while (!stop) spin(1'000);
    });
    emit(b, stall, "ms_stall_hogs");
}

void quota_load(bench& b) {
    double stall = stall_beside(b, kLoads, [](std::atomic<bool>& stop) {
        gossamer::chan<int> answer;
        while (!stop) {
            gossamer::go([answer] { answer.send(1); });
            answer.recv();
        }
    });
    emit(b, stall, "ms_stall_load");
}

void quota(bench& b) {
    stops hogs = stops_of(b, "quota_hogs");
    emit(b, hogs.periods, "stops_hogs");
    emit(b, hogs.ms, "ms_stopped_hogs");
    stops load = stops_of(b, "quota_load");
    emit(b, load.periods, "stops_load");
    emit(b, load.ms, "ms_stopped_load");
}

}  // namespace perf

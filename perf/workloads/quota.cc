// SPDX-License-Identifier: BSL-1.0
// quota: N ms in a cgroup that may use half a core: how long a task that ticks every 10 ms stands still beside two
// tasks that compute, and beside tasks that spawn and send; and how often and how long the kernel stopped the process for it.
// Without a cgroup (v2 or v1) whose quota we may set there is nothing to measure: then the row says so and ends with status 77.

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

// One of the two ways in which Linux may have the cpu controller.
struct hierarchy {
    const char* type;        // of its mount
    const char* controller;  // in /proc/self/cgroup
    const char* limit;       // the file and what half a core is in it; the period is 100 ms by default
    const char* half;
    const char* stopped;  // in cpu.stat
    double stopped_unit;  // of a ms
};
constexpr hierarchy kHierarchies[] = {{"cgroup2", "", "cpu.max", "50000 100000", "throttled_usec", 1e3},
                                      {"cgroup", "cpu", "cpu.cfs_quota_us", "50000", "throttled_time", 1e6}};

bool lists(const std::string& words, const std::string& word) {
    return ("," + words + ",").find("," + word + ",") != std::string::npos;
}

// Where it is mounted; empty when it is not.
fs::path mount_of(const hierarchy& h) {
    std::ifstream mounts("/proc/self/mountinfo");
    for (std::string line; std::getline(mounts, line);) {
        std::istringstream words(line);
        std::string id, parent, device, root, where, word, source, options;
        words >> id >> parent >> device >> root >> where;
        while (words >> word && word != "-") {
        }
        words >> word >> source >> options;
        if (word == h.type && (*h.controller == 0 || lists(options, h.controller))) return where;
    }
    return {};
}

fs::path own_group(const hierarchy& h) {
    std::ifstream groups("/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
        size_t first = line.find(':'), second = line.find(':', first + 1);
        if (second != std::string::npos && lists(line.substr(first + 1, second - first - 1), h.controller))
            return line.substr(second + 2);
    }
    return {};
}

// A group of half a core below our own one, or below the nearest above it that lets us; gone with this object.
class half_a_core {
  public:
    half_a_core() {
        std::string name = "gossamer-quota-" + std::to_string(::getpid());
        for (const hierarchy& h : kHierarchies) {
            fs::path top = mount_of(h);
            if (top.empty()) continue;
            for (fs::path inside = own_group(h);; inside = inside.parent_path()) {
                path_ = top / inside / name;
                if (::mkdir(path_.c_str(), 0755) == 0) {
                    std::ofstream limit(path_ / h.limit, std::ios::in);  // never made: it is the kernel's or not there
                    kind_ = &h;
                    if (limit << h.half << std::flush) return;
                    ::rmdir(path_.c_str());
                }
                path_.clear();
                if (inside.empty()) break;
            }
        }
    }
    half_a_core(const half_a_core&) = delete;
    half_a_core& operator=(const half_a_core&) = delete;
    ~half_a_core() {
        if (!path_.empty()) ::rmdir(path_.c_str());
    }

    explicit operator bool() const { return !path_.empty(); }
    std::string processes() const { return path_ / "cgroup.procs"; }
    double stops() const { return stat("nr_throttled"); }
    double stopped_ms() const { return stat(kind_->stopped) / kind_->stopped_unit; }

  private:
    double stat(const std::string& name) const {
        std::ifstream stats(path_ / "cpu.stat");
        std::string key;
        for (double value = 0; stats >> key >> value;)
            if (key == name) return value;
        return -1;
    }

    fs::path path_;
    const hierarchy* kind_ = nullptr;
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
            std::fprintf(stderr, "no cgroup here whose quota may be set\n");
            std::_Exit(kNotHere);
        }
        status = run_inside(b, group, row);
        s = {group.stops(), group.stopped_ms()};
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

// SPDX-License-Identifier: BSL-1.0
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "runtime/os/os.h"

using gossamer::rt::os::cpus_under;

namespace {

struct fake_cgroup {
    std::string root, self;
    fake_cgroup(const char* group, const char* cpu_max) {
        char name[] = "/tmp/gossamer-cgroup-XXXXXX";
        REQUIRE(mkdtemp(name) != nullptr);
        root = name;
        mkdir((root + "/box").c_str(), 0700);
        self = root + "/self";
        std::ofstream(self) << "0::" << group << "\n";
        if (cpu_max != nullptr)
            std::ofstream(root + (std::string(group) == "/" ? "" : group) + "/cpu.max") << cpu_max << "\n";
    }
    ~fake_cgroup() {
        unlink((root + "/box/cpu.max").c_str());
        unlink((root + "/cpu.max").c_str());
        unlink(self.c_str());
        rmdir((root + "/box").c_str());
        rmdir(root.c_str());
    }
    unsigned cpus(unsigned affinity) const { return cpus_under(root.c_str(), self.c_str(), affinity); }
};

}  // namespace

TEST_CASE("a cgroup v2 quota cuts the number of procs: rounded up, below two only when it is less than one [RT2]") {
    CHECK(fake_cgroup("/box", "350000 100000").cpus(16) == 4);
    CHECK(fake_cgroup("/box", "110000 100000").cpus(16) == 2);
    CHECK(fake_cgroup("/box", "100000 100000").cpus(16) == 2);
    CHECK(fake_cgroup("/box", "99999 100000").cpus(16) == 1);
    CHECK(fake_cgroup("/box", "50000 100000").cpus(16) == 1);
    CHECK(fake_cgroup("/", "600000 100000").cpus(16) == 6);
    CHECK(fake_cgroup("/box", "6400000 100000").cpus(16) == 16);
}

TEST_CASE("a quota of more than can be counted in 64 bits is none [RT2]") {
    CHECK(fake_cgroup("/", "9223372036854775807 2").cpus(3) == 3);
    CHECK(fake_cgroup("/", "99999999999999999999 99999999999999999999").cpus(3) == 2);
    CHECK(fake_cgroup("/", "1 9223372036854775807").cpus(3) == 1);
}

TEST_CASE("without a quota the affinity mask decides [RT2]") {
    CHECK(fake_cgroup("/box", "max 100000").cpus(5) == 5);
    CHECK(fake_cgroup("/box", nullptr).cpus(5) == 5);
    CHECK(fake_cgroup("/box", "nonsense").cpus(5) == 5);
    CHECK(cpus_under("/nowhere", "/nowhere/self", 3) == 3);
    CHECK(fake_cgroup("/box", "50000 100000").cpus(1) == 1);
}

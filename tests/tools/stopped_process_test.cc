// SPDX-License-Identifier: BSL-1.0
// stopped_process: all threads of a process stand still at once, those too that were begun meanwhile, and go on afterwards.
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include <doctest/doctest.h>
#include "tools/gossamer/frame_rules.h"
#include "tools/gossamer/object_file.h"
#include "tools/gossamer/stopped_thread.h"

using namespace insp;

namespace {

const machine& own_machine() { return *find_machine(object_file::open("/proc/self/exe", "")->machine()); }

using counters = std::array<std::atomic<uint64_t>, 3>;

// A thread that ends when it has begun the next one.
void hand_on(counters& c) {
    c[2]++;
    std::thread(hand_on, std::ref(c)).detach();
}

[[noreturn]] void live(counters& c) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::thread([&c] {
        for (;;) c[0]++;
    }).detach();
    std::thread(hand_on, std::ref(c)).detach();
    for (;;) c[1]++;
}

class child {
  public:
    child() {
        void* shared = mmap(nullptr, sizeof(counters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        REQUIRE(shared != MAP_FAILED);
        counts = new (shared) counters{};
        pid = fork();
        if (pid == 0) live(*counts);
    }
    ~child() {
        kill(pid, SIGKILL);
        waitpid(pid, nullptr, 0);
        munmap(counts, sizeof(counters));
    }
    std::array<uint64_t, 3> read() const { return {(*counts)[0], (*counts)[1], (*counts)[2]}; }
    // All three have counted on from `then`.
    bool goes_on(const std::array<uint64_t, 3>& then) const {
        auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (std::chrono::steady_clock::now() < until) {
            std::array<uint64_t, 3> now = read();
            if (now[0] > then[0] && now[1] > then[1] && now[2] > then[2]) return true;
            usleep(1000);
        }
        return false;
    }
    pid_t pid = 0;
    counters* counts = nullptr;
};

}  // namespace

TEST_CASE("a stopped process does nothing until it is let go, in none of its threads") {
    child c;
    REQUIRE(c.goes_on({}));
    for (int turn = 0; turn < 20; turn++) {
        std::array<uint64_t, 3> then{};
        {
            stopped_process all(uint64_t(c.pid), own_machine());
            if (all.why().find("refused") != std::string::npos) {
                MESSAGE("skipped: " << all.why());
                return;
            }
            REQUIRE(all.why() == "");
            CHECK(all.threads().size() >= 2);
            then = c.read();
            usleep(2000);
            CHECK(c.read() == then);
            // Those of vectors too, in which pointers are moved.
            for (const stopped_process::thread& t : all.threads())
                CHECK((t.words.empty() || t.words.size() >= registers_of_kernel(own_machine()).words + 64));
            CHECK(all.release() >= 2'000'000);
        }
        CHECK(c.goes_on(then));
    }
}

TEST_CASE("a process that is traced by somebody else is waited for") {
    child c;
    REQUIRE(c.goes_on({}));
    pid_t other = fork();
    if (other == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) stopped_process(uint64_t(c.pid), own_machine());
    }
    int done = 0;
    for (int turn = 0; turn < 20; turn++) done += stopped_process(uint64_t(c.pid), own_machine()).why().empty();
    kill(other, SIGKILL);
    waitpid(other, nullptr, 0);
    CHECK(done > 0);
    CHECK(c.goes_on(c.read()));
}

TEST_CASE("a process that is not there cannot be stopped, nor one stop itself") {
    CHECK(stopped_process(0x3ffffffe, own_machine()).threads().empty());
    CHECK(stopped_process(uint64_t(getpid()), own_machine()).why() != "");
}

// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/profiles.h"

#include <doctest/doctest.h>

#include "tests/tools/random_window.h"
#include "tests/tools/small_window.h"

using namespace insp;
using namespace insp::testing;

namespace {

std::string label(const profile::sample& s, const char* key) {
    for (const profile::label& l : s.labels)
        if (l.key == key) return l.text;
    return "";
}

int64_t sum(const profile& p, size_t value) {
    int64_t n = 0;
    for (const profile::sample& s : p.samples) n += s.values[value];
    return n;
}

}  // namespace

TEST_CASE("a block profile has the stack that waited, and the time until it ran again") {
    trace_window w = small_window();
    profile p = block_profile(w);
    REQUIRE(p.samples.size() == 1);
    const profile::sample& s = p.samples[0];
    CHECK(s.pcs == std::vector<uint64_t>{kLockPc, kWorkerPc});
    CHECK(s.values == std::vector<int64_t>{1, 3600});
    CHECK(label(s, "reason") == "sync.Mutex.Lock");
    CHECK(label(s, "goroutine_name") == "worker");
    CHECK(label(s, "object") == "0x7f0000001000");
    CHECK(p.duration_ns == 10'000);
    CHECK(p.names(kWorkerPc, true)[0].function == "app::worker(int)");
}

TEST_CASE("a mutex profile blames who unlocked: where it locked when that is known, else where it began") {
    trace_window w = small_window();
    profile p = mutex_profile(w);
    REQUIRE(p.samples.size() == 1);
    CHECK(p.samples[0].pcs == std::vector<uint64_t>{kMainPc});
    CHECK(p.samples[0].leaf_is_exact);
    CHECK(label(p.samples[0], "place") == "start");
    CHECK(label(p.samples[0], "goroutine_name") == "main");
    CHECK(p.samples[0].values == std::vector<int64_t>{1, 3600});
    SUBCASE("it had waited for the same mutex itself") {
        // main waits before, and is woken by the worker.
        event block = w.events[3], ready = w.events[4], start = w.events[5];
        block.g = block.by = 1;
        block.stack = 0;
        block.pc = kGoPc;
        block.ns = 1'000'100;
        ready.g = 1;
        ready.by = 2;
        ready.ns = 1'000'200;
        start.g = 1;
        start.ns = 1'000'300;
        w.events.insert(w.events.begin(), {block, ready, start});
        p = mutex_profile(w);
        REQUIRE(p.samples.size() == 2);
        bool found = false;
        for (const profile::sample& s : p.samples)
            if (label(s, "place") == "lock") found = s.pcs == std::vector<uint64_t>{kGoPc};
        CHECK(found);
    }
    SUBCASE("waits for other things do not count") {
        w.events[3].reason = uint8_t(gossamer::rt::wait_reason::chan_receive);
        CHECK(mutex_profile(w).samples.empty());
        CHECK(block_profile(w).samples.size() == 1);
    }
}

TEST_CASE("a runnable profile has the time from ready to start, by the place that made the goroutine") {
    trace_window w = small_window();
    profile p = runnable_profile(w);
    REQUIRE(p.samples.size() == 2);
    CHECK(sum(p, 0) == 2);
    CHECK(sum(p, 1) == 500 + 600);
    for (const profile::sample& s : p.samples) {
        CHECK(s.pcs == std::vector<uint64_t>{kGoPc});
        CHECK((label(s, "since") == "created" || label(s, "since") == "made ready"));
        CHECK(label(s, "p") == "P1");
    }
}

TEST_CASE("frames of the runtime go at both ends and where they were inlined, and no stack becomes empty") {
    profile p;
    p.names = [](uint64_t pc, bool) -> std::vector<pc_name> {
        switch (pc) {
            case 1:
                return {{"gossamer::rt::park(int)", "", 0}};
            case 2:
                return {{"gossamer::detail::receive<int>()", "", 0}, {"gossamer::chan<int>::recv()", "", 0}};
            case 3:
                return {{"app::f()", "", 0}};
            case 4:
                return {{"app::g()", "", 0}, {"gossamer::detail::call<int>()", "", 0}};
            case 5:
                return {{"gossamer::run<int>()", "", 0}};
            default:
                return {};
        }
    };
    for (std::vector<uint64_t> pcs : {std::vector<uint64_t>{1, 1, 2, 3, 1, 4, 5, 1}, {1, 5}, {}, {9}}) {
        profile::sample s;
        s.pcs = pcs;
        p.samples.push_back(s);
    }
    profile q = p;
    tidy(p);
    CHECK(p.samples[0].pcs == std::vector<uint64_t>{2, 3, 1, 4});
    CHECK(p.samples[1].pcs == std::vector<uint64_t>{1, 5});
    CHECK(p.samples[2].pcs.empty());
    CHECK(p.samples[3].pcs == std::vector<uint64_t>{9});
    REQUIRE(p.names(2, true).size() == 1);
    CHECK(p.names(2, true)[0].function == "gossamer::chan<int>::recv()");
    CHECK(p.names(1, true).size() == 1);
    tidy(q, true);
    CHECK(q.samples[0].pcs == std::vector<uint64_t>{3, 1, 4});
}

TEST_CASE("profiles of any window can be made and written, also of one that is damaged or false") {
    auto check = [](const trace_window& w) {
        for (const profile& p : {block_profile(w), mutex_profile(w), runnable_profile(w)}) {
            for (const profile::sample& s : p.samples) {
                REQUIRE(s.values.size() == 2);
                CHECK(s.values[0] > 0);
                CHECK(s.values[1] >= 0);
            }
            std::string back;
            REQUIRE(gunzip(gzip(encode_profile(p)), back));
            CHECK(back == encode_profile(p));
        }
    };
    for (uint64_t seed = 1; seed <= 20; seed++) {
        window_options o;
        o.clock_skew_ns = seed % 3 ? 0 : 5000;
        o.holes = seed % 5;
        o.cut_beginning = seed % 7 == 0;
        CAPTURE(seed);
        trace_window w = random_window(seed, 2000, o);
        check(w);
        CHECK(!block_profile(w).samples.empty());
        CHECK(!runnable_profile(w).samples.empty());
    }
    for (uint64_t seed = 1; seed <= 100; seed++) {
        CAPTURE(seed);
        check(foreign_window(seed));
    }
}

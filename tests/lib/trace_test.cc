// SPDX-License-Identifier: BSL-1.0
#include "gossamer/trace.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "gossamer/chan.h"
#include "gossamer/wait_group.h"
#include "runtime/arch/cpu.h"
#include "runtime/sched/trace.h"
#include "tests/support/harness.h"

using namespace gossamer;
namespace box = rt::box;

namespace {

struct recorded {
    std::map<box::kind, int> count;
    std::string texts;
    std::map<uint64_t, int> starts, leaves;  // by goroutine, on all threads
    std::vector<std::vector<uint64_t>> block_stacks, create_stacks;
    int sites_in_stacks = 0;  // stacks of blocks that begin with the call that waits
    bool well_formed = true;  // groups inside blocks, a context at each block's begin, stamps never go back on a thread
};

// Every ring of a saved window, when none has wrapped, up to a moment: threads are switched off one after the other.
recorded read_window(const std::string& path, uint64_t end_ticks = UINT64_MAX) {
    std::vector<char> file;
    int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    file.resize(size_t(::lseek(fd, 0, SEEK_END)));
    REQUIRE(::pread(fd, file.data(), file.size(), 0) == ssize_t(file.size()));
    ::close(fd);
    auto* h = reinterpret_cast<const box::header*>(file.data());
    auto* regions = reinterpret_cast<const box::region*>(file.data() + h->regions_at);
    recorded all;
    for (uint32_t i = 0; i < h->region_count.load(); i++) {
        if (regions[i].kind != box::region_kind::ring) continue;
        auto* ring = reinterpret_cast<const box::trace_ring*>(file.data() + regions[i].offset);
        auto* records = reinterpret_cast<const box::record*>(ring + 1);
        uint64_t n = ring->position.load(), last = 0;
        bool of_this = true;
        REQUIRE(n <= ring->capacity);
        for (uint64_t at = 0; at < n; at++) {
            auto k = box::kind(records[at].head & 0xff);
            uint64_t high = records[at].head >> 8, g = records[at].body >> 24;
            if (k == box::kind::stack && of_this) {
                auto* pcs = reinterpret_cast<const uint64_t*>(&records[at + 1]);
                std::vector<uint64_t> stack(pcs, pcs + high);
                auto before = box::kind(records[at - 1].head & 0xff);
                if (before == box::kind::detail) all.sites_in_stacks += stack.front() == records[at - 1].body;
                (before == box::kind::detail ? all.block_stacks : all.create_stacks).push_back(stack);
                all.well_formed &=
                    before == box::kind::detail || before == box::kind::birth || before == box::kind::name_at;
            }
            if (k == box::kind::stack) {
                at += (high + 1) / 2;
                continue;
            }
            bool stamped = k != box::kind::pad && k != box::kind::detail && k != box::kind::birth &&
                           k != box::kind::name_at && k != box::kind::extra && k != box::kind::text;
            if (stamped && k != box::kind::context) of_this = high >= h->recorder_on.load() && high <= end_ticks;
            if (!of_this) {  // an earlier recording's, or too late
                if (k == box::kind::text) at += (high + sizeof(box::record) - 1) / sizeof(box::record);
                continue;
            }
            all.well_formed &= k < box::kind::kCount && (at % box::kBlockRecords != 0 || k == box::kind::context);
            all.count[k]++;
            if (stamped) {
                all.well_formed &= high >= last || k == box::kind::ready || k == box::kind::create;
                last = high;
            }
            if (k == box::kind::start) all.starts[g]++;
            if (k == box::kind::block || k == box::kind::yield || k == box::kind::preempt || k == box::kind::lost ||
                k == box::kind::end)
                all.leaves[g]++;
            if (k == box::kind::text) {
                auto* bytes = reinterpret_cast<const char*>(&records[at + 1]);
                all.texts.append(bytes, high) += '|';
                at += (high + sizeof(box::record) - 1) / sizeof(box::record);
            }
        }
    }
    return all;
}

struct temporary {
    std::string path = "/tmp/gossamer-trace-test-" + std::to_string(getpid());
    ~temporary() { ::unlink(path.c_str()); }
};

}  // namespace

TEST_CASE(
    "what is recorded adds up: who starts leaves, who waits is made ready, regions and logs are in it [D18, D19]") {
    temporary file;
    uint64_t end_ticks = 0;
    tests::on_goroutine([&] {
        REQUIRE(trace::start() == nullptr);
        CHECK(trace::enabled());
        CHECK(trace::start().message() == "trace: start: records already");
        trace::task load("load");
        {
            trace::region outer("outer region");
            trace::log("category", "a line", &load);
            trace::counter("height", 42);
            chan<int> c(0);
            wait_group wg;
            wg.go([&] {
                for (int i = 0; i < 1000; i++) c.send(i);
            });
            for (int i = 0; i < 1000; i++) CHECK(*c.recv() == i);
            wg.wait();
        }
        load.end();
        end_ticks = rt::arch::cycles();
        REQUIRE(trace::stop(file.path) == nullptr);
        CHECK_FALSE(trace::enabled());
        CHECK(trace::stop(file.path).message() == "trace: stop: nothing is being recorded");
        CHECK(trace::save(file.path).message() == "trace: save: nothing is being recorded");
    });
    recorded all = read_window(file.path, end_ticks);
    CHECK(all.well_formed);
    CHECK(all.count[box::kind::create] >= 1);
    CHECK(all.count[box::kind::birth] == all.count[box::kind::create]);
    CHECK(all.count[box::kind::detail] == all.count[box::kind::block]);
    CHECK(all.count[box::kind::block] >= 500);
    CHECK(all.count[box::kind::region_begin] == 1);
    CHECK(all.count[box::kind::region_end] == 1);
    CHECK(all.count[box::kind::task_begin] == 1);
    CHECK(all.count[box::kind::task_end] == 1);
    CHECK(all.texts.find(std::string("category\0a line|", 16)) != std::string::npos);
    CHECK(all.texts.find("outer region|") != std::string::npos);
    CHECK(all.texts.find("height|") != std::string::npos);
    // Whoever ran at the beginning left once more than it started, whoever runs at the end once less.
    for (auto& one : all.starts) {
        CAPTURE(one.first);
        CHECK(std::abs(one.second - all.leaves[one.first]) <= 1);
    }
}

TEST_CASE(
    "with stacks, each wait and each go() has the calls that led to it, and the recorder may be asked for them while "
    "it is on") {
    temporary file;
    tests::on_goroutine([&] {
        REQUIRE(trace::start({.stacks = true}) == nullptr);
        CHECK(rt::the_box()->recorder_level.load() == rt::kStacksLevel);
        trace::log("a create", "carries the reading before it");
        chan<int> c(0);
        wait_group wg;
        wg.go([&] {
            for (int i = 0; i < 500; i++) c.send(i);
        });
        for (int i = 0; i < 500; i++) CHECK(*c.recv() == i);
        wg.wait();
        REQUIRE(trace::stop(file.path) == nullptr);
    });
    recorded with = read_window(file.path);
    CHECK(with.well_formed);
    CHECK(int(with.block_stacks.size()) == with.count[box::kind::block]);
    CHECK(with.count[box::kind::block] >= 500);
    CHECK(int(with.create_stacks.size()) >= 1);
    CHECK(with.sites_in_stacks == with.count[box::kind::block]);
    for (auto& stack : with.block_stacks) {
        CHECK(stack.size() >= 2);
        CHECK(stack.size() <= 32);
    }

    tests::on_goroutine([&] {
        REQUIRE(trace::start() == nullptr);
        chan<int> c(0);
        wait_group wg;
        auto exchange = [&] {
            wg.go([&] { c.send(1); });
            c.recv();
            wg.wait();
        };
        exchange();
        rt::set_recorder(rt::kStacksLevel);
        exchange();
        rt::set_recorder(rt::kEventsLevel);
        exchange();
        CHECK(trace::enabled());
        REQUIRE(trace::stop(file.path) == nullptr);
    });
    recorded some = read_window(file.path);
    CHECK(some.well_formed);
    CHECK(some.create_stacks.size() >= 1);
    CHECK(int(some.create_stacks.size()) < some.count[box::kind::create]);
}

TEST_CASE("a larger ring is made where there is a smaller one; a size that cannot be is refused") {
    temporary file;
    tests::on_goroutine([&] {
        for (size_t bytes : {size_t(1), size_t(65535), (size_t(1) << 30) + 1})
            CHECK(trace::start({.ring_bytes = bytes}).message() ==
                  "trace: start: a ring of " + std::to_string(bytes) + " bytes: not 64 KiB to 1 GiB");
        CHECK_FALSE(trace::enabled());
        std::map<const rt::M*, uint64_t> had;
        for (size_t bytes : {size_t(8) << 20, size_t(0), size_t(64) << 10}) {  // a smaller wish leaves what there is
            REQUIRE(trace::start({.ring_bytes = bytes}) == nullptr);
            yield();
            {
                rt::in_runtime scope;
                const rt::M* m = rt::current_m();
                uint64_t has = m->ring->capacity * sizeof(box::record);
                CHECK(has >= bytes);
                CHECK(has >= had[m]);
                had[m] = has;
            }
            REQUIRE(trace::stop(file.path) == nullptr);
        }
    });
    recorded all = read_window(file.path);
    CHECK(all.well_formed);
}

TEST_CASE("a text that is too long is cut, an empty one is none") {
    temporary file;
    tests::on_goroutine([&] {
        REQUIRE(trace::start() == nullptr);
        for (int i = 0; i < 300; i++) {
            trace::region long_one(std::string(3000, 'x'));
            trace::region empty("");
        }
        REQUIRE(trace::stop(file.path) == nullptr);
    });
    recorded all = read_window(file.path);
    CHECK(all.well_formed);
    CHECK(all.count[box::kind::region_begin] == 600);
    CHECK(all.count[box::kind::region_end] == 600);
    CHECK(all.texts.find(std::string(1024, 'x') + '|') != std::string::npos);
    CHECK(all.texts.find(std::string(1025, 'x')) == std::string::npos);
}

TEST_CASE("a window that cannot be written is an error that names the file, and the recorder is off") {
    tests::on_goroutine([] {
        REQUIRE(trace::start() == nullptr);
        CHECK(trace::stop("/nonexistent/window").message() == "trace /nonexistent/window: no such file or directory");
        CHECK_FALSE(trace::enabled());
    });
}

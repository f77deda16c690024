// SPDX-License-Identifier: BSL-1.0
#include "runtime/debug/dump.h"

#include <doctest/doctest.h>
#include <gossamer/chan.h>
#include <gossamer/debug.h>
#include <gossamer/go.h>
#include <gossamer/mutex.h>
#include <gossamer/runtime.h>
#include <gossamer/wait_group.h>

#include <cstdlib>
#include <string>

#include "runtime/os/os.h"
#include "tests/lib/chan_peek.h"
#include "tests/support/harness.h"

using namespace gossamer;

namespace {

[[gnu::noinline]] void waits_in_a_function(chan<int> c) {
    c.recv();
    asm volatile("" : : : "memory");  // no tail call
}

// The paragraph of the dump whose first line has all of the text.
std::string paragraph(const std::string& dump, const std::string& text) {
    size_t at = dump.find(text);
    if (at == std::string::npos) return "";
    size_t begin = dump.rfind("\n\n", at);
    begin = begin == std::string::npos ? 0 : begin + 2;
    return dump.substr(begin, dump.find("\n\n", at) - begin);
}

}  // namespace

TEST_CASE("a parked goroutine is shown with reason, name, frames and creator [D5, D8, D9]") {
    chan<int> c;
    go({.name = "shown"}, waits_in_a_function, c);
    REQUIRE(tests::eventually(
        [] { return runtime::stack_dump().find("[chan receive] {name: shown}") != std::string::npos; }));
    std::string shown = paragraph(runtime::stack_dump(), "{name: shown}");
    CHECK(shown.starts_with("goroutine "));
    CHECK(shown.find("waits_in_a_function(gossamer::chan<int>)") != std::string::npos);
    CHECK(shown.find("\ncreated by ") != std::string::npos);
    CHECK(shown.find("gossamer::rt::") == std::string::npos);
    c.close();
}

TEST_CASE("who waits for a minute or more is shown with its age [D7]") {
    chan<int> c;
    go({.name = "old"}, [c] { c.recv(); });
    REQUIRE(tests::wait_for_receivers(c, 1));
    rt::stamp_waits(rt::os::now_ns() - 200'000'000'000);
    rt::stamp_waits(rt::os::now_ns());  // does not make it younger
    CHECK(runtime::stack_dump().find("[chan receive, 3 minutes] {name: old}") != std::string::npos);
    c.close();
    chan<int> again;
    go({.name = "new"}, [again] { again.recv(); });
    REQUIRE(tests::wait_for_receivers(again, 1));
    CHECK(runtime::stack_dump().find("[chan receive] {name: new}") != std::string::npos);
    again.close();
}

TEST_CASE("the caller comes first, as running, with its own frames [D13]") {
    tests::on_goroutine([] {
        std::string dump = runtime::stack_dump();
        CHECK(dump.starts_with("goroutine " + std::to_string(runtime::goroutine_id()) + " [running]"));
        CHECK(dump.find("stack_dump") != std::string::npos);
    });
}

TEST_CASE("a plain thread gets a dump too, and is told as one") {
    CHECK(runtime::stack_dump().find(" [running, plain thread]:") != std::string::npos);
}

TEST_CASE("each goroutine is shown once, whatever the others do meanwhile") {
    constexpr int kParked = 100;
    chan<int> gate;
    chan<unit> stop;
    wait_group group;
    for (int i = 0; i < kParked; i++) go({.name = "counted"}, [=] { gate.recv(); });
    for (int i = 0; i < 4; i++)
        group.go([=] {
            while (!stop.core()->closed.load()) yield();
        });
    auto parked = [] {
        std::string dump = runtime::stack_dump();
        int n = 0;
        for (size_t at = 0; (at = dump.find("[chan receive] {name: counted}", at)) != std::string::npos; at++) n++;
        return n == kParked;
    };
    CHECK(tests::eventually(parked));
    for (int i = 0; i < 20; i++) CHECK(parked());
    stop.close();
    group.wait();
    gate.close();
}

TEST_CASE("GOTRACEBACK is read in Go's words [D1]") {
    auto level = [](const char* text) {
        setenv("GOTRACEBACK", text, 1);
        rt::traceback_level l = rt::read_traceback_level();
        unsetenv("GOTRACEBACK");
        return l;
    };
    CHECK(rt::read_traceback_level() == rt::traceback_level::single);
    CHECK(level("none") == rt::traceback_level::none);
    CHECK(level("0") == rt::traceback_level::none);
    CHECK(level("all") == rt::traceback_level::all);
    CHECK(level("system") == rt::traceback_level::system);
    CHECK(level("crash") == rt::traceback_level::crash);
    CHECK(level("single") == rt::traceback_level::single);
    rt::traceback_level unknown;
    CHECK_FALSE(rt::parse_traceback_level("nonsense", &unknown));
    CHECK_FALSE(rt::parse_traceback_level("3", &unknown));
}

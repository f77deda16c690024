// SPDX-License-Identifier: BSL-1.0
#include "runtime/debug/stack_report.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>

#include "gossamer/chan.h"
#include "gossamer/debug.h"
#include "gossamer/go.h"
#include "gossamer/wait_group.h"
#include "tests/support/harness.h"

using namespace gossamer;

namespace {

[[gnu::noinline]] void use_bytes(std::size_t n) {
    auto* room = static_cast<volatile char*>(__builtin_alloca(n));
    for (std::size_t i = 0; i < n; i++) room[i] = 1;
}

struct line {
    std::size_t deepest = 0, of = 0, goroutines = 0;
};

// The line of the goroutines with that name.
line line_of(std::string_view name) {
    std::istringstream report(runtime::stack_report());
    for (std::string text; std::getline(report, text);) {
        std::istringstream words(text);
        line l;
        std::string found;
        if (words >> l.deepest >> l.of >> l.goroutines >> found && found == name) return l;
    }
    return {};
}

[[gnu::noinline]] void start_three(wait_group& all, int i) {
    go({.name = "shallow"}, [&] {
        use_bytes(100);
        all.done();
    });
    go({.name = "deep"}, [&, i] {
        use_bytes(i == 7 ? 100'000 : 5'000);
        yield();
        all.done();
    });
    go({.name = "large", .stack = 1 << 20}, [&] {
        use_bytes(500'000);
        all.done();
    });
}

struct watching {
    watching() { runtime::watch_stacks(true); }
    ~watching() { runtime::watch_stacks(false); }
};

// So much of its own a sanitizer adds to a frame or two.
constexpr std::size_t kSlack = 12 << 10;

}  // namespace

TEST_CASE("the report says how deep the goroutines of each place have been, the deepest first") {
    watching on;
    wait_group all;
    all.add(30);
    for (int i = 0; i < 10; i++) start_three(all, i);
    all.wait();
    CHECK(tests::eventually([] { return line_of("deep").deepest >= 100'000; }));  // it ends after done()
    line deep = line_of("deep"), shallow = line_of("shallow"), large = line_of("large");
    CHECK(deep.goroutines == 10);
    CHECK(deep.deepest < 100'000 + kSlack);
    CHECK(shallow.goroutines == 10);
    CHECK(shallow.deepest > 100);
    CHECK(shallow.deepest < kSlack);
    CHECK(large.deepest >= 500'000);
    CHECK(large.deepest < 500'000 + kSlack);
    CHECK(large.of > 1 << 20);
    std::string report = runtime::stack_report();
    INFO(report);
    CHECK(report.find(" large ") < report.find(" deep "));
    CHECK(report.find(" deep ") < report.find(" shallow "));
    // Where names are short of their namespace (-gline-tables-only), the place is go()'s own, with the file of the caller in its type.
    CHECK(
        (report.find("start_three(") != std::string::npos || report.find("stack_report_test.cc") != std::string::npos));
}

TEST_CASE("a stack that others have used deeply says nothing of who uses it next") {
    tests::on_goroutine([] {
        watching on;
        for (int round = 0; round < 20; round++) {  // one after the other, on the stacks that are there
            wait_group one;
            one.add(2);
            go({.name = "before"}, [&] {
                use_bytes(150'000);
                one.done();
            });
            go({.name = "after"}, [&] {
                use_bytes(200);
                one.done();
            });
            one.wait();
        }
        CHECK(tests::eventually([] { return line_of("after").goroutines == 20; }));
        CHECK(line_of("before").deepest > 150'000);
        CHECK(line_of("after").deepest < kSlack);
    });
}

TEST_CASE(
    "a goroutine that waits is in the report, as deep as it has been; off, the report stays and nobody is added") {
    chan<unit> gate, there;
    wait_group all;
    {
        watching on;
        all.add(1);
        go({.name = "waits"}, [&] {
            use_bytes(30'000);
            there.send({});
            gate.recv();
            all.done();
        });
        there.recv();
        CHECK(line_of("waits").deepest >= 30'000);
        CHECK(line_of("waits").deepest < 30'000 + kSlack);
    }
    gate.close();
    all.wait();
    all.add(1);
    go({.name = "unseen"}, [&] { all.done(); });
    all.wait();
    CHECK(line_of("waits").deepest >= 30'000);
    CHECK(line_of("unseen").goroutines == 0);
}

// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/sampler.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>

#include "box_builder.h"
#include "tools/gossamer/screen.h"

using namespace insp_test;
using insp::frame;

namespace {

constexpr int64_t kMs = 1'000'000, kStart = 6'000'000'000;

// Two processors, two threads that hold them, three goroutines; a file that the test changes between looks.
struct changing_box {
    box_builder b;
    uint64_t g1, g2, g3, m1, m2, p0, p1;
    std::string path = "/tmp/gossamer-sampler-test." + std::to_string(getpid());

    changing_box() {
        g1 = b.add_g({.id = 1, .status = running, .name = "worker"});
        g2 = b.add_g({.id = 2, .status = running, .name = "worker"});
        g3 = b.add_g({.id = 3, .status = waiting, .reason = 1, .name = "reader", .since = 5'000'000'000});
        b.add_g({.id = 4, .status = waiting, .reason = 7, .flags = 2, .name = "of the library"});
        m1 = b.add_m({.number = 1, .tid = 101, .curg = g1, .events = {5, 1}, .histogram = {0, 7}});
        m2 = b.add_m({.number = 2, .tid = 102, .curg = g2, .events = {2}});
        p0 = b.add_p({.id = 0, .status = 1, .m = m1, .queue = {g3, g3}, .turn = 10, .tick = 5});
        p1 = b.add_p({.id = 1, .status = 1, .m = m2, .turn = 10, .tick = 5});
        b.put(m1 + 8, p0);
        b.put(m2 + 8, p1);
        b.write(path);
    }
    ~changing_box() { unlink(path.c_str()); }

    template <class T>
    void set(uint64_t address, T value) {
        insp_test::overwrite(path, address, value);
    }
    void set_turn(uint64_t p, uint32_t turn) { set(p + 40, turn); }
    void set_tick(uint64_t p, uint32_t tick) { set(p + 44, tick); }
};

const insp::name_frame& row(const frame& f, std::string_view name) {
    for (const insp::name_frame& n : f.names)
        if (n.name == name) return n;
    FAIL("no row named " << std::string(name));
    return f.names.front();
}

}  // namespace

TEST_CASE("time goes to the goroutine that runs at each look, to its name, and to the processor") {
    changing_box box;
    auto t = insp::target::open(box.path);
    insp::sampler s(*t);
    s.look(kStart);
    for (int i = 1; i <= 4; i++) {
        if (i == 4) box.set(box.m1 + 16, uint64_t(0));  // the scheduler, in the last quarter
        s.look(kStart + i * 10 * kMs);
    }
    frame f = s.take(kStart + 40 * kMs);
    CHECK(f.looks == 5);
    CHECK(f.seconds == doctest::Approx(0.04));
    REQUIRE(f.processors.size() == 2);
    CHECK(f.processors[0].busy == doctest::Approx(0.75));
    CHECK(f.processors[0].seeking == doctest::Approx(0.25));
    CHECK(f.processors[0].running == 0);
    CHECK(f.processors[0].queued == 2);
    CHECK(f.processors[1].busy == doctest::Approx(1));
    CHECK(f.processors[1].running == 2);
    REQUIRE(f.goroutines.size() == 2);
    CHECK(f.goroutines[0].id == 2);
    CHECK(f.goroutines[0].share == doctest::Approx(1));
    CHECK(f.goroutines[1].share == doctest::Approx(0.75));
    CHECK(row(f, "worker").share == doctest::Approx(1.75));
    CHECK_FALSE(f.has_cpu);  // no such process: its threads have no clocks
}

TEST_CASE("slices and picks are differences, across 2^32 too; a turn that is set back is no pick") {
    changing_box box;
    auto t = insp::target::open(box.path);
    insp::sampler s(*t);
    box.set_tick(box.p0, UINT32_MAX - 1);
    box.set_turn(box.p0, 60);
    s.look(kStart);
    box.set_tick(box.p0, 8);
    box.set_turn(box.p0, 3);
    s.look(kStart + 1000 * kMs);
    frame f = s.take(kStart + 1000 * kMs);
    CHECK(f.processors[0].slices == doctest::Approx(10));
    CHECK(f.processors[0].picks == 0);

    box.set_turn(box.p0, 50'003);
    s.look(kStart + 2000 * kMs);
    f = s.take(kStart + 2000 * kMs);
    CHECK(f.processors[0].picks == doctest::Approx(50'000));
    CHECK(f.processors[0].slices == 0);
    CHECK(f.processors[1].picks == 0);
}

TEST_CASE("a goroutine whose thread has lost its processor is seen, and one in an announced call is not") {
    changing_box box;
    box.set(box.m1 + 8, uint64_t(0));   // M.p
    box.set(box.p0 + 16, uint64_t(0));  // P.m
    box.set(box.p0 + 8, uint8_t(0));
    box.set(box.m2 + 8, uint64_t(0));
    box.set(box.p1 + 16, uint64_t(0));
    box.set(box.p1 + 8, uint8_t(0));
    box.set(box.m2 + 43, uint8_t(1));  // M.blocking
    auto t = insp::target::open(box.path);
    insp::sampler s(*t);
    s.look(kStart);
    s.look(kStart + 10 * kMs);
    frame f = s.take(kStart + 10 * kMs);
    REQUIRE(f.goroutines.size() == 1);
    CHECK(f.goroutines[0].id == 1);
    CHECK(f.goroutines[0].processor == -1);
    CHECK(f.goroutines[0].share == doctest::Approx(1));
    CHECK(f.processors[0].busy == 0);
    CHECK_FALSE(f.processors[0].held);
    CHECK(f.threads == 2);
    CHECK(f.threads_outside == 1);
    CHECK(f.threads_blocking == 1);
}

TEST_CASE(
    "counters and waits are told as what was added, the table of goroutines by state, name and reason without the "
    "library's own") {
    changing_box box;
    auto t = insp::target::open(box.path);
    insp::sampler s(*t);
    s.look(kStart);
    box.set(box.m1 + 48, uint64_t(25));         // the first event
    box.set(box.m2 + 96 + 8 * 3, uint64_t(9));  // M.wait_histogram[3]
    s.look(kStart + 2000 * kMs);
    frame f = s.take(kStart + 2000 * kMs);
    REQUIRE(f.counters.size() == box_builder::kEvents);
    CHECK(f.counters[0].total == 27);
    CHECK(f.counters[0].rate == doctest::Approx(10));
    CHECK(f.counters[1].rate == 0);
    REQUIRE(f.waits.size() == box_builder::kBuckets);
    CHECK(f.waits[1] == 0);
    CHECK(f.waits[3] == 9);
    CHECK(s.wait_totals()[1] == 7);
    CHECK(f.total == 3);
    CHECK(f.running == 2);
    CHECK(f.waiting == 1);
    CHECK(f.system == 1);
    REQUIRE(f.reasons.size() == 1);
    CHECK(std::string(insp::reason_words(f.reasons[0].first)) == "chan receive");
    CHECK(row(f, "reader").waiting == 1);
    CHECK(row(f, "reader").oldest_ns == kStart + 2000 * kMs - 5'000'000'000);
    CHECK(row(f, "worker").total == 2);
}

TEST_CASE("the table is read once in the time that was asked for, at most") {
    changing_box box;
    auto t = insp::target::open(box.path);
    insp::sampler s(*t, 1000 * kMs);
    s.look(kStart);
    CHECK(s.take(kStart).waiting == 1);
    box.set(box.g3 + 89, uint8_t(runnable));
    frame f = s.take(kStart + 900 * kMs);
    CHECK(f.waiting == 1);
    CHECK(f.table_age_ns == 900 * kMs);
    f = s.take(kStart + 100'000 * kMs);
    CHECK(f.waiting == 0);
    CHECK(f.runnable == 1);
}

TEST_CASE("pointers to nowhere, torn queues and wild states are looked at without harm") {
    changing_box box;
    box.set(box.p0 + 16, uint64_t(0x10));       // P.m
    box.set(box.m2 + 16, box.g2 + 5);           // M.curg
    box.set(box.p1 + 32, uint32_t(4'000'000));  // P.head beyond P.tail
    box.set(box.g3 + 32, uint64_t(0x1234));     // G.name
    box.set(box.g1 + 89, uint8_t(77));          // G.status
    auto t = insp::target::open(box.path);
    insp::sampler s(*t);
    s.look(kStart);
    s.look(kStart + 10 * kMs);
    frame f = s.take(kStart + 10 * kMs);
    CHECK(f.processors[0].running == 0);
    CHECK(f.processors[1].queued <= 257);
    CHECK(f.total == 2);
    insp::view v;
    CHECK_FALSE(insp::draw(f, v, 0, 120).empty());
    CHECK_FALSE(insp::frame_as_json(f, v).empty());
}

TEST_CASE("a goroutine without a name is called after what it began with") {
    using insp::start_name;
    CHECK(start_name("void gossamer::detail::invoke_inline<gossamer::detail::call<tour::parked(unsigned "
                     "int)::{lambda()#1}> >(void*)") == "tour::parked::lambda#1");
    CHECK(start_name(
              "void gossamer::detail::invoke_boxed<gossamer::detail::call<gossamer::wait_group::go<tour::(anonymous "
              "namespace)::load("
              "tour::(anonymous namespace)::service const&, unsigned int)::{lambda()#2}>(tour::(anonymous "
              "namespace)::load("
              "tour::(anonymous namespace)::service const&, unsigned int)::{lambda()#2}&&)::{lambda()#1}> >(void*)") ==
          "tour::load::lambda#2");
    CHECK(start_name("void gossamer::detail::invoke_inline<gossamer::detail::call<main::$_0> >(void*)") == "main::$_0");
    CHECK(start_name("void gossamer::detail::invoke_inline<gossamer::detail::call<outer(int)::{lambda(std::vector<int, "
                     "std::allocator<int> >)#2}::"
                     "operator()(std::vector<int, std::allocator<int> >) const::{lambda()#1}> >(void*)") ==
          "outer::lambda#2::lambda#1");
    CHECK(start_name("void gossamer::detail::invoke_inline<gossamer::detail::call<void (*)(gossamer::chan<long> "
                     "const&, long), gossamer::chan<long>, "
                     "long> >(void*)") == "");
    CHECK(start_name("main") == "");
    for (const char* cut :
         {"gossamer::detail::invoke_", "gossamer::detail::invoke_x<",
          "gossamer::detail::invoke_x<gossamer::detail::call<(", "gossamer::detail::invoke_x<{lambda",
          "gossamer::detail::invoke_x<gossamer::a<gossamer::a<", "gossamer::detail::invoke_x<'lambda"})
        start_name(cut);
}

TEST_CASE("nothing in a name is obeyed by a terminal") {
    CHECK(insp::printable("a\x1b[2Jb\nc") == "a?[2Jb?c");
    CHECK(insp::printable("gr\xc3\xbc\xc3\x9f") == "gr\xc3\xbc\xc3\x9f");
    CHECK(insp::printable("\xff\xc2\x9b\x7f") == "???");
}

TEST_CASE("numbers and times are short") {
    CHECK(insp::short_number(0) == "0");
    CHECK(insp::short_number(999) == "999");
    CHECK(insp::short_number(1200) == "1.2k");
    CHECK(insp::short_number(999'600) == "1.0M");
    CHECK(insp::short_time(950) == "950ns");
    CHECK(insp::short_time(1'500'000) == "1.5ms");
    CHECK(insp::short_time(59e9) == "59s");
    CHECK(insp::short_time(310e9) == "5m10s");
    CHECK(insp::short_time(7500e9) == "2h05m");
    CHECK(insp::with_separators(1'234'567) == "1,234,567");
    CHECK(insp::with_separators(999) == "999");
}

TEST_CASE("a quantile of the waits is the middle of its bucket") {
    std::vector<uint64_t> waits(40);
    CHECK(insp::wait_quantile(waits, 0.5) == 0);
    waits[10] = 99;
    waits[20] = 1;
    CHECK(insp::wait_quantile(waits, 0.5) == doctest::Approx(1448).epsilon(0.01));
    CHECK(insp::wait_quantile(waits, 0.99) == doctest::Approx(1448).epsilon(0.01));
    CHECK(insp::wait_quantile(waits, 1) == doctest::Approx(1448 * 1024).epsilon(0.01));
}

TEST_CASE("what is drawn fits the screen, whatever its size") {
    changing_box box;
    auto t = insp::target::open(box.path);
    insp::sampler s(*t);
    insp::view v;
    v.utf8 = true;
    v.program = "built-by-hand";
    s.look(kStart);
    for (int i = 1; i < 80; i++) {
        box.set(box.m2 + 96 + 8 * (i % 40), uint64_t(i));
        s.look(kStart + i * 10 * kMs);
        v.remember(s.take(kStart + i * 10 * kMs));
    }
    s.look(kStart + 1000 * kMs);
    frame f = s.take(kStart + 1000 * kMs);
    for (size_t rows : {1, 5, 12, 24, 30, 60, 200})
        for (size_t columns : {1, 10, 40, 80, 133, 300}) {
            std::vector<std::string> lines = insp::draw(f, v, rows, columns);
            CHECK(lines.size() <= rows);
            for (const std::string& line : lines) CHECK(insp::columns_of(line) <= columns);
        }
    std::string whole;
    for (const std::string& line : insp::draw(f, v, 0, 160)) whole += line + "\n";
    for (const char* part : {"built-by-hand", "P0", "P1", "worker", "reader", "chan receive 1"})
        CHECK(whole.find(part) != std::string::npos);
}

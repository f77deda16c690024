// SPDX-License-Identifier: BSL-1.0
// go_trace: every window becomes a file that Go's tools read.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "tests/tools/random_window.h"
#include "tools/gossamer/go_check.h"
#include "tools/gossamer/go_trace.h"
#include "tools/gossamer/target.h"

using namespace insp;
using gossamer::rt::box::kind;
using insp::testing::random_window;
using insp::testing::window_options;

namespace {

window_options options_of(uint64_t seed) {
    window_options o{.skewed = seed % 2 == 0, .clock_skew_ns = seed % 5 == 0 ? 500 : 0, .holes = unsigned(seed % 3)};
    o.cut_beginning = seed % 4 == 1;
    o.plain_thread = seed % 3 != 2;
    o.drop_after_call = seed % 6 == 3;
    if (seed % 7 == 0) o.procs = 16, o.threads = 24, o.goroutines = 200;
    return o;
}

uint64_t count_of(const trace_window& w, kind k) {
    return uint64_t(std::count_if(w.events.begin(), w.events.end(), [&](const event& e) { return e.kind == k; }));
}

go_check_result export_and_check(const trace_window& w, const go_trace_options& o, go_trace_report* report = nullptr) {
    std::string out;
    go_trace_report r = make_go_trace(w, o, out);
    if (report != nullptr) *report = r;
    go_check_result checked = check_go_trace(out);
    CHECK(checked.error == "");
    CHECK(checked.version == o.version);
    return checked;
}

bool go_is_here() { return std::system("go version >/dev/null 2>&1") == 0; }

}  // namespace

TEST_CASE("windows of all sorts become files in order, in each version") {
    for (uint64_t seed = 1; seed <= 90; seed++) {
        INFO("seed ", seed);
        trace_window w = random_window(seed, 1500, options_of(seed));
        put_in_order(w);
        go_trace_options o{.version = seed % 3 == 0 ? 23 : seed % 3 == 1 ? 25 : 26};
        o.wait_objects = seed % 2 == 1;
        if (seed % 4 == 0) o.most_events = 500;
        export_and_check(w, o);
    }
}

TEST_CASE("of a whole window nothing is left out") {
    for (uint64_t seed = 1; seed <= 20; seed++) {
        trace_window w = random_window(seed, 2000, {.skewed = true});
        put_in_order(w);
        go_trace_report report;
        go_check_result r = export_and_check(w, {}, &report);
        CHECK(report.left_out == 0);
        CHECK(report.cut == 0);
        CHECK(report.message() == "");
        CHECK(r.kinds["GoStart"] == count_of(w, kind::start));
        CHECK(r.kinds["GoBlock"] == count_of(w, kind::block));
        CHECK(r.kinds["GoUnblock"] == count_of(w, kind::ready));
        CHECK(r.kinds["GoCreate"] == count_of(w, kind::create));
        CHECK(r.kinds["GoDestroy"] == count_of(w, kind::end));
        CHECK(r.kinds["UserRegionEnd"] == count_of(w, kind::region_end));
        CHECK(r.kinds["UserTaskBegin"] == count_of(w, kind::task_begin));
        CHECK(r.kinds["ProcSteal"] == count_of(w, kind::retake));
    }
}

TEST_CASE("a cap keeps the end of the window, and says so") {
    trace_window w = random_window(4, 5000);
    put_in_order(w);
    go_trace_report report;
    go_check_result r = export_and_check(w, {.most_events = 1000}, &report);
    CHECK(report.cut == 4000);
    CHECK(report.events == 1000);
    CHECK(report.left_out == 0);
    CHECK(report.message().find("the first 4000 of 5000 events") != std::string::npos);
    CHECK(r.kinds["GoBlock"] < count_of(w, kind::block) / 3);
    CHECK(r.last_time - r.first_time < uint64_t(w.end_ns - w.begin_ns) / 2);
}

TEST_CASE("goroutines that never ran are there with the stack on which they wait") {
    trace_window w = random_window(5, 200);
    for (uint64_t id = 100'000; id < 100'500; id++) {
        traced_goroutine& g = w.goroutines[id];
        g.name = "sleeper";
        g.last_state = 2;
        g.last_stack = {0x500000, 0x500010 + id % 7};
    }
    w.names[0x500000] = {{"inner", "a.h", 1}, {"outer", "a.cc", 2}};
    put_in_order(w);
    go_trace_report report;
    go_check_result r = export_and_check(w, {}, &report);
    CHECK(report.parked >= 500);
    CHECK(r.goroutines >= 500);
}

TEST_CASE("names that are too long, stacks that are too deep and threads without a number become what Go can read") {
    trace_window w = random_window(6, 300);
    for (auto& [id, g] : w.goroutines) g.name = std::string(3000, 'n') + std::to_string(id % 3);
    for (size_t i = 1; i < w.stacks.size(); i++)
        for (uint64_t k = 0; k < 200; k++) w.stacks[i].push_back(0x700000 + k);
    for (uint64_t k = 0; k < 200; k++) w.names[0x700000 + k].assign(3, {std::string(2000, 'f'), "f.cc", 1});
    for (traced_thread& t : w.threads) t.tid = 0;
    w.texts[1] = std::string(5000, 't');
    put_in_order(w);
    export_and_check(w, {.version = 26});
}

TEST_CASE("an empty window is a file in order") {
    trace_window w;
    w.procs = 2;
    export_and_check(w, {});
    CHECK_THROWS_AS(export_and_check(w, {.version = 24}), error);
}

TEST_CASE("go tool trace reads it" * doctest::skip(!go_is_here())) {
    char path[] = "/tmp/gossamer_go_trace_XXXXXX";
    int fd = mkstemp(path);
    REQUIRE(fd >= 0);
    close(fd);
    for (uint64_t seed : {3, 4, 35}) {
        trace_window w = random_window(seed, 1500, options_of(seed));
        put_in_order(w);
        FILE* f = std::fopen(path, "wb");
        REQUIRE(f != nullptr);
        write_go_trace(w, {}, f);
        std::fclose(f);
        CHECK(std::system(("go tool trace -d=parsed " + std::string(path) + " >/dev/null").c_str()) == 0);
    }
    std::remove(path);
}

// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/perfetto.h"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>

#include "tests/tools/file_bytes.h"
#include "tests/tools/perfetto_reader.h"
#include "tests/tools/random_window.h"
#include "tests/tools/small_window.h"

using namespace insp;
using namespace insp::testing;

namespace {

std::string perfetto_of(const trace_window& w, const perfetto_options& options = {}) {
    return bytes_of([&](FILE* out) { write_perfetto(w, out, options); });
}

read_trace read_back(const trace_window& w, const perfetto_options& options = {}) {
    return perfetto_reader().run(perfetto_of(w, options));
}

bool has_arrow(const read_trace& t, const std::string& from, const std::string& to) {
    for (auto& a : t.arrows)
        if (a.first == from && a.second == to) return true;
    return false;
}

}  // namespace

TEST_CASE("numbers of every length, strings and nested messages come back from the wire") {
    std::string bytes, long_text(300, 'x');
    pb_writer w(bytes);
    size_t outer = w.begin(1);
    w.number(2, 0);
    w.number(3, 127);
    w.number(4, 128);
    w.number(5, uint64_t(-1));
    size_t inner = w.begin(6);
    w.string(7, long_text);
    w.fixed64(8, 0x0123456789abcdef);
    w.end(inner);
    w.end(outer);
    pb_reader file(bytes);
    pb_field f;
    REQUIRE(file.next(f));
    CHECK(f.number == 1);
    pb_reader message(f.bytes);
    for (uint64_t expected : {uint64_t(0), uint64_t(127), uint64_t(128), uint64_t(-1)}) {
        REQUIRE(message.next(f));
        CHECK(f.value == expected);
    }
    REQUIRE(message.next(f));
    pb_reader nested(f.bytes);
    REQUIRE(nested.next(f));
    CHECK(f.bytes == long_text);
    REQUIRE(nested.next(f));
    CHECK(f.value == 0x0123456789abcdef);
    CHECK_FALSE(nested.next(f));
    CHECK(nested.ok());
    CHECK_FALSE(file.next(f));
    for (size_t cut = 1; cut < bytes.size(); cut++) {
        pb_reader shortened(std::string_view(bytes).substr(0, cut));
        CHECK_FALSE(shortened.next(f));
        CHECK_FALSE(shortened.ok());
    }
}

TEST_CASE("the Perfetto trace of a small program shows who ran, waited, woke and marked what") {
    read_trace t = read_back(small_window());
    for (const std::string& c : t.complaints) FAIL_CHECK(c);
    CHECK(t.base_ns == 1'000'000);
    SUBCASE("on processors") {
        const read_slice* main = t.find("P0", "main");
        REQUIRE(main);
        CHECK(main->begin == 0);
        CHECK(main->end == 9000);
        CHECK(main->numbers.at("goroutine") == 1);
        const read_slice* worker = t.find("P1", "worker");
        REQUIRE(worker);
        CHECK(worker->begin == 1500);
        CHECK(worker->end == 2000);
        CHECK(worker->texts.at("left") == "sync.Mutex.Lock");
        CHECK(worker->numbers.at("waited to run (ns)") == 500);
        CHECK(worker->numbers.at("woken by") == 1);
    }
    SUBCASE("on goroutines") {
        const read_slice* waits = t.find("worker 2", "waiting: sync.Mutex.Lock");
        REQUIRE(waits);
        CHECK(waits->begin == 2000);
        CHECK(waits->end == 5000);
        CHECK(waits->numbers.at("object") == kMutex);
        CHECK(waits->stack ==
              std::vector<std::string>{"app::worker(int)", "app::critical(std::vector<int>&)", "app::inlined_lock()"});
        const read_slice* runnable = t.find("worker 2", "runnable");
        REQUIRE(runnable);
        CHECK(runnable->begin == 1000);
        CHECK(runnable->end == 1500);
    }
    SUBCASE("arrows") {
        CHECK(has_arrow(t, "P0", "P1"));
        CHECK(has_arrow(t, "main 1", "worker 2"));
        CHECK(t.arrows.size() == 4);  // go and ready, each between processors and between goroutines
        CHECK(t.find("P0", "ready worker"));
        const read_slice* go = t.find("P0", "go worker");
        REQUIRE(go);
        CHECK(go->stack == std::vector<std::string>{"app::start(int)"});
    }
    SUBCASE("what the user marked") {
        const read_slice* region = t.find("regions", "parse");
        REQUIRE(region);
        CHECK(region->begin == 6000);
        CHECK(region->end == 6500);
        const read_slice* task = t.find("request 77", "request");
        REQUIRE(task);
        CHECK(task->correlation == 77);
        CHECK(task->end == 6400);
        const read_slice* log = t.find("worker 2", "key");
        REQUIRE(log);
        CHECK(log->texts.at("value") == "value");
        CHECK(t.find("request 77", "key"));
        REQUIRE(t.counters.count("queue"));
        CHECK(t.counters["queue"] == std::vector<std::pair<uint64_t, int64_t>>{{6300, -5}});
    }
    SUBCASE("threads and counters") {
        const read_slice* held = t.find("M2", "P1");
        REQUIRE(held);
        CHECK(held->begin == 1400);
        CHECK(held->end == 7500);
        bool found = false;
        for (auto& [uuid, track] : t.tracks)
            if (track.is_thread && track.tid == 4712) found = track.pid == 4711;
        CHECK(found);
        CHECK(t.counters["runnable goroutines"].back().second == 0);
        CHECK(t.counters["processors without a goroutine"].back().second == 2);
    }
}

TEST_CASE("goroutines beyond the cap have no track of their own and are counted by name") {
    window_options o;
    o.goroutines = 200;
    o.plain_thread = false;
    trace_window w = random_window(5, 20'000, o);
    read_trace t = read_back(w, {.most_goroutines = 10});
    for (const std::string& c : t.complaints) FAIL_CHECK(c);
    std::map<std::string, int> below;
    size_t own = 0;
    for (auto& [uuid, track] : t.tracks)
        for (const char* name : {"worker ", "reader ", "app::serve ", "timer loop "})
            if (track.name.starts_with(name) && isdigit(track.name.back())) own++;
    CHECK(own == 10);
    bool summed = false;
    for (auto& [name, values] : t.counters)
        if (name.starts_with("worker (") && name.ends_with("more): running"))
            for (auto& v : values) summed |= v.second > 0;
    CHECK(summed);
}

TEST_CASE("the Perfetto trace of any window can be read, also of one that is damaged or false") {
    for (uint64_t seed = 1; seed <= 60; seed++) {
        window_options o;
        o.skewed = seed % 2;
        o.clock_skew_ns = seed % 3 ? 0 : 5000;
        o.holes = seed % 5;
        o.cut_beginning = seed % 7 == 0;
        o.drop_after_call = seed % 2;
        CAPTURE(seed);
        for (const std::string& c : read_back(random_window(seed, 1500, o)).complaints) FAIL_CHECK(c);
    }
    for (uint64_t seed = 1; seed <= 200; seed++) {
        CAPTURE(seed);
        for (const std::string& c : read_back(foreign_window(seed)).complaints) FAIL_CHECK(c);
    }
}

TEST_CASE("Perfetto's own definitions decode what is written") {
    if (std::system("command -v protoc >/dev/null 2>&1") != 0) {
        MESSAGE("skipped: no protoc (Debian: protobuf-compiler)");
        return;
    }
    scratch_file trace(perfetto_of(small_window())), decoded("");
    std::string command =
        std::string("protoc --decode=perfetto_subset.Trace -I " TESTS_TOOLS_DIR " perfetto_subset.proto < ") +
        trace.path() + " > " + decoded.path();
    REQUIRE(std::system(command.c_str()) == 0);
    std::string text = decoded.read();
    for (const char* words : {"primary_trace_clock: 3", "name: \"P1\"", "name: \"ready worker\"", "parent_uuid:",
                              "terminating_flow_ids:", "tid: 4712", "is_incremental: true", "str: \"app::worker(int)\"",
                              "correlation_id: 77", "counter_value: -5", "str: \"lock.h\"", "type: TYPE_SLICE_BEGIN"})
        CHECK_MESSAGE(text.find(words) != text.npos, words);
    // A field of no name in the definitions is printed by its number.
    for (size_t at = 0; (at = text.find('\n', at)) != text.npos; at++) {
        size_t word = text.find_first_not_of(" \n", at);
        CHECK_FALSE((word != text.npos && isdigit(text[word])));
    }
}

TEST_CASE("three million events become a Perfetto trace in seconds" *
          doctest::skip(std::getenv("GOSSAMER_MEASURE") == nullptr)) {
    window_options o;
    o.procs = 8;
    o.threads = 16;
    o.goroutines = 10'000;
    trace_window w = random_window(1, 3'000'000, o);
    FILE* out = std::fopen("/dev/null", "w");
    REQUIRE(out);
    auto begin = std::chrono::steady_clock::now();
    write_perfetto(w, out);
    double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    std::fclose(out);
    MESSAGE(w.events.size(), " events of ", w.goroutines.size(), " goroutines: ", took, " s");
    CHECK(took < 5);
}

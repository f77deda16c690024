// SPDX-License-Identifier: BSL-1.0
// From rings to events: by hand, after a copy to a file, and with damage of every kind.
#include "tools/gossamer/window.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <functional>
#include <random>

#include "tests/tools/ring_builder.h"
#include "tools/gossamer/box_writer.h"
#include "tools/gossamer/go_trace.h"
#include "tools/gossamer/replay_screen.h"

namespace {

using namespace insp;
using gossamer::rt::box::kind;
using namespace insp_test;

trace_window load(const box_builder& b) {
    scratch_file file(b);
    return load_window(*target::open(file.path()));
}

const event* find(const trace_window& w, kind k) {
    for (const event& e : w.events)
        if (e.kind == k) return &e;
    return nullptr;
}

bool says(const std::function<void()>& f, const std::string& words) {
    try {
        f();
    } catch (const error& e) {
        CHECK_MESSAGE(std::string(e.what()).find(words) != std::string::npos, e.what());
        return true;
    }
    return false;
}

}  // namespace

TEST_CASE("records become events that say who, where, what for and under which name") {
    trace_window w = load(small_box());
    REQUIRE(w.events.size() == 16);
    CHECK(w.threads.size() == 2);
    CHECK(w.threads[1].tid == 102);
    CHECK(w.begin_ns == 5'000'001'000);
    for (size_t i = 1; i < w.events.size(); i++) CHECK(w.events[i - 1].ns <= w.events[i].ns);

    const event* create = find(w, kind::create);
    REQUIRE(create != nullptr);
    CHECK(create->g == 2);
    CHECK(create->by == 1);
    CHECK(create->p == 0);
    CHECK(create->a == 0x5000);
    CHECK(create->pc == 0x6000);
    CHECK(create->ns == 5'000'001'100);
    CHECK(w.goroutines.at(2).name == "second");
    CHECK(w.goroutines.at(2).creator == 1);

    const event* block = find(w, kind::block);
    REQUIRE(block != nullptr);
    CHECK(block->g == 1);
    CHECK(block->reason == 1);
    CHECK(block->a == 0x77);
    CHECK(block->pc == 0x1234);
    CHECK(w.task_parents == std::unordered_map<uint64_t, uint64_t>{{8, 7}});
    REQUIRE(block->stack < w.stacks.size());
    CHECK(w.stacks[block->stack] == std::vector<uint64_t>{0x1f0, 0x1235, 0x201});
    CHECK(w.goroutines.at(1).last_state == 2);
    CHECK(w.goroutines.at(1).last_object == 0x77);
    CHECK(w.goroutines.at(1).last_stack == std::vector<uint64_t>{0x1234});

    CHECK(w.texts[find(w, kind::region_begin)->text] == "inside");
    CHECK(find(w, kind::region_end)->text == find(w, kind::region_begin)->text);
    CHECK(w.texts[find(w, kind::log)->text] == std::string("key\0value", 9));
    CHECK(find(w, kind::log)->a == 7);
    CHECK(find(w, kind::counter)->a == 42);
    CHECK(find(w, kind::start)->p == 1);
    CHECK(find(w, kind::ready)->by == 2);
    CHECK(find(w, kind::call_begin)->p == 1);
    CHECK(find(w, kind::call_end)->p == -1);
    for (const event& e : w.events)
        if (e.kind == kind::ready && e.g == 9) CHECK(e.by == 0);
    for (uint64_t pc : {0x1234, 0x6000, 0x5000, 0x201}) CHECK(!w.names.at(pc).empty());
    CHECK(w.goroutines.at(9).name == "goroutine");
}

TEST_CASE("what an earlier recording left in a ring is left out") {
    box_builder b = small_box();
    switch_on(b, 5'000'000);
    ring_builder r;
    r.at(kind::context, 0, 7, 1).at(kind::ready, 2000, 1);
    r.at(kind::ready, 5'000'100, 2).at(kind::yield, 5'000'200, 8);
    r.add_to(b, 3);
    trace_window w = load(b);
    REQUIRE(w.events.size() == 2);
    CHECK(w.events[0].g == 2);
    CHECK(w.events[0].by == 8);  // not 7, who ran when the recorder was switched off
}

TEST_CASE("of a ring that has wrapped only whole blocks count, and the window begins where the shortest does") {
    box_builder b = small_box();
    switch_on(b, 0);
    ring_builder r;
    for (int block = 0; block < 16; block++) {
        r.at(kind::context, 10'000 + block * 1000, 5, 1);
        r.at(kind::yield, 10'100 + block * 1000, 5).at(kind::start, 10'200 + block * 1000, 5, 1).end_block();
    }
    r.add_to(b, 3, 4096 * 3);
    trace_window w = load(b);
    CHECK(w.begin_ns == 5'000'012'100);  // two blocks may be half overwritten
    CHECK(w.events.front().ns == w.begin_ns);
    CHECK(w.events.size() == 28);
    CHECK(w.lost == 4096 * 2 + 512);
}

TEST_CASE("a block that makes no sense is skipped, and the next is read") {
    box_builder b;
    switch_on(b);
    ring_builder r;
    r.at(kind::context, 100, 1, 0).at(kind::yield, 200, 1).put(kind(200), 1, 1).at(kind::start, 300, 2, 0).end_block();
    r.at(kind::ready, 400, 1).end_block();  // no context
    r.at(kind::context, 500, 3, 0).at(kind::yield, 600, 3).at(kind::log, 700, 3, 5000).put(kind::extra, 0, 0);
    r.text("short").end_block();
    r.at(kind::context, 800, 4, 0).at(kind::end, 900, 4);
    r.add_to(b, 1);
    trace_window w = load(b);
    REQUIRE(w.events.size() == 3);
    CHECK(w.events[0].g == 1);
    CHECK(w.events[1].g == 3);
    CHECK(w.events[2].g == 4);
    CHECK(w.lost == 254 + 256 + 254);
}

TEST_CASE("a goroutine that ran all the time and left no record is there from the beginning") {
    box_builder b = small_box();
    uint64_t p = b.add_p({.id = 3, .status = 1});
    uint64_t g = b.add_g({.id = 50, .status = insp_test::running, .name = "hog"});
    b.add_m({.number = 4, .tid = 104, .p = p, .curg = g});
    ring_builder().add_to(b, 4);
    trace_window w = load(b);
    CHECK(w.events.front().kind == kind::start);
    CHECK(w.events.front().g == 50);
    CHECK(w.events.front().p == 3);
    CHECK(w.threads[w.events.front().thread].tid == 104);
}

TEST_CASE("a box in which nothing was recorded says how to switch the recorder on") {
    box_builder never;
    CHECK(says([&] { load(never); }, "switch it on with"));
    box_builder silent;
    switch_on(silent);
    ring_builder().add_to(silent, 1);
    CHECK(says([&] { load(silent); }, "no thread did anything"));
}

TEST_CASE("a box that was written to a file shows the same window") {
    box_builder b = small_box();
    scratch_file from(b), to(scratch_file::temporary());
    auto t = target::open(from.path());
    auto rings = copy_rings(*t);
    box_times times;
    times.since_ticks = whole_since(*t, rings);
    int fd = ::open(to.path().c_str(), O_RDWR | O_CREAT, 0600);
    write_box(*t, as_saved(rings), times, fd, to.path());
    close(fd);
    trace_window was = load_window(*t), is = load_window(*target::open(to.path()));
    REQUIRE(was.events.size() == is.events.size());
    for (size_t i = 0; i < is.events.size(); i++) {
        CHECK(was.events[i].ns == is.events[i].ns);
        CHECK(was.events[i].kind == is.events[i].kind);
        CHECK(was.events[i].g == is.events[i].g);
        CHECK(was.events[i].by == is.events[i].by);
    }
    CHECK(is.begin_ns == was.begin_ns);
    CHECK(is.lost == was.lost);
}

TEST_CASE("a disk that is full is an error in the name of the file") {
    int full = ::open("/dev/full", O_RDWR);
    if (full < 0) return;
    scratch_file from(small_box());
    auto t = target::open(from.path());
    CHECK(says([&] { write_box(*t, {}, {}, full, "there"); }, "there: cannot write"));
    close(full);
}

// INSP_DAMAGED=N: so many more than the usual number of them.
TEST_CASE("windows that are cut short or have flipped bits are read or refused, never more") {
    const char* wanted = std::getenv("INSP_DAMAGED");
    int cases = wanted != nullptr ? std::atoi(wanted) : 300;
    std::mt19937_64 random(7);
    box_builder whole = small_box();
    ring_builder long_one;
    for (int i = 0; i < 300; i++) {
        if (long_one.records_.size() % 256 == 0) long_one.at(kind::context, 2000 + i, 5, 1);
        long_one.at(kind::yield, 2000 + i, 5).at(kind::start, 2000 + i, 5, 1);
        if (long_one.records_.size() % 256 > 250) long_one.end_block();
    }
    long_one.add_to(whole, 3);
    uint64_t rings_begin = whole.bytes().size() - 3 * 70'000;
    int read = 0;
    for (int i = 0; i < cases; i++) {
        std::vector<char> bytes = whole.bytes();
        if (i % 5 == 0)
            bytes.resize(random() % bytes.size());
        else
            for (uint64_t n = 1 + random() % 30; n-- > 0;) {
                // Mostly in the rings, whose first records are used most.
                uint64_t at =
                    i % 2 == 0 ? rings_begin + random() % (bytes.size() - rings_begin) : random() % bytes.size();
                if (i % 3 == 0) at = bytes.size() - 3 * 69'632 + (random() % 3) * 69'632 + random() % 2000;
                bytes[at % bytes.size()] ^= char(1u << random() % 8);
            }
        scratch_file file(scratch_file::temporary());
        box_builder::write(file.path(), bytes);
        try {
            auto t = target::open(file.path());
            trace_window w = load_window(*t);
            put_in_order(w);
            std::string out;
            make_go_trace(w, {}, out);
            replay_state s(w);
            s.go_to(w.end_ns);
            state_as_text(w, s, 10);
            why_as_json(w, walk_back(w, 2, w.end_ns, 4));
            read++;
        } catch (const error&) {
        }
    }
    CHECK(read > cases / 10);
}

TEST_CASE(
    "why a goroutine ran late: since when it was ready, who woke it, who had the processor, and the same of the "
    "waker") {
    box_builder b;
    switch_on(b);
    b.head().procs = 1;
    ring_builder r;
    r.at(kind::context, 0, 0, 0).at(kind::start, 100, 1, 0).at(kind::create, 200, 2).at(kind::create, 200, 3);
    r.at(kind::block, 1000, 1, 1).put(kind::detail, 0xabc, 0);  // G1 waits
    r.at(kind::start, 1000, 2, 0).at(kind::ready, 2000, 1);     // G2 wakes it
    r.at(kind::yield, 3000, 2).at(kind::start, 3000, 3, 0);     // but G3 has the processor next
    r.at(kind::yield, 8000, 3).at(kind::start, 8000, 1, 0).at(kind::end, 9000, 1);
    r.add_to(b, 1);
    trace_window w = load(b);
    CHECK(put_in_order(w) == 0);
    int64_t begin = w.begin_ns;
    std::vector<why_step> why = walk_back(w, 1, begin + 8500, 8);
    REQUIRE(why.size() == 3);
    CHECK(why[0].has_run);
    CHECK(why[0].how == runnable_by::waking);
    CHECK(why[0].by == 2);
    CHECK(why[0].run_ns == begin + 8000);
    CHECK(why[0].runnable_ns >= begin + 1000);
    CHECK(why[0].runnable_ns <= begin + 3000);
    CHECK(why[0].object == 0xabc);
    REQUIRE(why[0].meanwhile.size() == 1);
    CHECK(why[0].meanwhile[0].by.at(0).g == 3);
    CHECK(why[0].meanwhile[0].by.at(0).ns == 5000);
    CHECK(why[1].g == 2);
    CHECK(why[1].how == runnable_by::creation);
    CHECK(why[2].g == 1);

    replay_state s(w);
    s.go_to(begin + 5000);
    CHECK(s.find(1)->life == replay_life::runnable);
    CHECK(s.find(2)->life == replay_life::runnable);
    CHECK(s.find(3)->life == replay_life::running);
    CHECK(s.processors().at(0).g == 3);
    s.go_to(w.end_ns);
    CHECK(s.find(1)->life == replay_life::ended);
}

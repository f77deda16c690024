// SPDX-License-Identifier: BSL-1.0
// From rings to events: by hand, after a copy to a file, and with damage of every kind.
#include "tools/gossamer/window.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <functional>
#include <random>

#include "tests/tools/box_builder.h"
#include "tools/gossamer/box_writer.h"
#include "tools/gossamer/go_trace.h"
#include "tools/gossamer/replay_screen.h"

namespace {

using namespace insp;
using gossamer::rt::box::kind;
using gossamer::rt::box::record;
using insp_test::box_builder;
using insp_test::scratch_file;

constexpr uint64_t kNoP = 0xffffff;
uint64_t ticks(int64_t ns) { return 1000 + uint64_t(2 * ns); }  // of the builder's clock; ns from its first reading

// A ring as the runtime writes it, but that the blocks are given one after the other.
class ring_builder {
  public:
    ring_builder& put(kind k, uint64_t high, uint64_t body) {
        records_.push_back({high << 8 | uint64_t(k), body});
        return *this;
    }
    ring_builder& at(kind k, int64_t ns, uint64_t g, uint64_t low = 0) { return put(k, ticks(ns), g << 24 | low); }
    ring_builder& text(std::string t) {
        put(kind::text, t.size(), 0);
        t.resize((t.size() + 15) / 16 * 16);
        for (size_t i = 0; i < t.size(); i += 16) {
            record r;
            std::memcpy(static_cast<void*>(&r), t.data() + i, 16);
            records_.push_back(r);
        }
        return *this;
    }
    ring_builder& end_block() {
        while (records_.size() % gossamer::rt::box::kBlockRecords != 0) records_.push_back({});
        return *this;
    }
    // `position`: when it is not the number of records: the ring has wrapped, and they are all of it.
    uint64_t add_to(box_builder& b, uint32_t number, uint64_t position = 0, uint64_t capacity = 4096) const {
        gossamer::rt::box::trace_ring head;
        head.position = position != 0 ? position : records_.size();
        head.capacity = capacity;
        head.tid = 100 + number;
        head.number = number;
        std::vector<char> bytes(sizeof head + capacity * sizeof(record));
        std::memcpy(bytes.data(), static_cast<const void*>(&head), sizeof head);
        if (!records_.empty())
            std::memcpy(bytes.data() + sizeof head, records_.data(), records_.size() * sizeof(record));
        return b.add_region(gossamer::rt::box::region_kind::ring, bytes.data(), bytes.size(), 0);
    }
    std::vector<record> records_;
};

void switch_on(box_builder& b, int64_t ns = 0) { b.head().recorder_on = ticks(ns); }

trace_window load(const box_builder& b) {
    scratch_file file(b);
    return load_window(*target::open(file.path()));
}

// Two threads, two goroutines, a bit of everything.
box_builder small_box() {
    box_builder b;
    switch_on(b, 1000);
    b.add_m({.number = 1, .tid = 101});
    b.add_m({.number = 2, .tid = 102});
    b.add_g({.id = 1, .status = insp_test::waiting, .reason = 1, .name = "first", .object = 0x77, .site = 0x1234});
    uint64_t name = b.add_string("second");
    ring_builder one, two;
    one.at(kind::context, 900, 1, 0);
    one.at(kind::create, 1100, 2).put(kind::birth, 0x5000, 0x6000).put(kind::name_at, name, 0);
    one.at(kind::region_begin, 1200, 1, 6).text("inside");
    one.at(kind::log, 1250, 1, 9).put(kind::extra, 7, 0).text(std::string("key\0value", 9));
    one.at(kind::counter, 1260, 1, 5).put(kind::extra, 0, 42).text("depth");
    one.at(kind::region_end, 1300, 1, 6).text("inside");
    one.at(kind::task_begin, 1310, 1, 4).put(kind::extra, 8, 7).text("part");
    one.at(kind::task_begin, 1320, 1, 5).put(kind::extra, 9, 0).text("whole");
    one.at(kind::block, 1400, 1, 1).put(kind::detail, 0x77, 0x1234);
    one.put(kind::stack, 3, 0).put(kind(0xf0), 1, 0x1235).put(kind(1), 2, 0x1236);
    one.at(kind::p_drop, 1500, 0, 0);
    two.at(kind::context, 0, 0, kNoP);
    two.at(kind::p_take, 1600, 0, 1).at(kind::start, 1700, 2, 1).at(kind::ready, 1800, 1);
    two.at(kind::ready, 1850, 9, 1).at(kind::call_begin, 1900, 2, 1).at(kind::call_end, 2000, 2);
    two.at(kind::lost, 2100, 2);
    one.add_to(b, 1);
    two.add_to(b, 2);
    return b;
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

// SPDX-License-Identifier: BSL-1.0
// go_check: takes what Go's own reader takes, and refuses what it refuses, with a reason and a place.
#include <doctest/doctest.h>

#include <fstream>
#include <functional>
#include <random>
#include <sstream>

#include "tools/gossamer/go_check.h"
#include "tools/gossamer/go_trace_tables.h"

using namespace insp;
using namespace insp::go;

namespace {

struct op_args {
    op what;
    std::vector<uint64_t> a;
};

// One processor, two goroutines, one block and one unblock, in parts that a test can spoil.
struct small_file {
    int version = 23;
    uint64_t generation = 1;
    std::vector<std::string> strings{"main", "worker", "chan receive", "region", "task"};
    std::vector<std::string> stacks;
    std::string sync;
    std::vector<op_args> events{
        {kProcStatus, {0, kProcRunning}},
        {kGoStatus, {1, 100, kRunning}},
        {kProcsChange, {1, 0}},
        {kGoCreate, {2, 1, 2}},
        {kGoBlock, {3, 2}},
        {kGoStart, {2, 1}},
        {kGoUnblock, {1, 1, 1}},
        {kGoDestroy, {}},
        {kGoStart, {1, 2}},
        {kRegionBegin, {0, 4, 0}},
        {kTaskBegin, {7, 0, 5, 0}},
        {kTaskEnd, {7, 0}},
        {kRegionEnd, {0, 4, 0}},
    };
    std::vector<op_args> second_thread;

    small_file() {
        stacks = {frames({{0x10, 2}}), frames({{0x20, 1}})};
        sync = sync_of(23);
    }

    static std::string frames(const std::vector<std::pair<uint64_t, uint64_t>>& list) {
        std::string s;
        put_number(s, list.size());
        for (auto [pc, function] : list) {
            put_number(s, pc);
            put_number(s, function);
            put_number(s, 0);
            put_number(s, 12);
        }
        return s;
    }

    static std::string sync_of(int version) {
        std::string s;
        if (version >= 25) s += char(kSync);
        s += char(kFrequency);
        put_number(s, 1'000'000'000);
        if (version >= 25) {
            s += char(kClock);
            for (uint64_t n : {1, 500, 600, 700}) put_number(s, n);
        }
        return s;
    }

    void batch(std::string& out, uint64_t thread, const std::string& payload) const {
        out += char(kBatch);
        put_number(out, generation);
        put_number(out, thread);
        put_number(out, 1000);
        put_number(out, payload.size());
        out += payload;
    }

    static std::string bytes_of(const std::vector<op_args>& list) {
        std::string s;
        for (const op_args& e : list) {
            s += char(e.what);
            put_number(s, 10);
            for (uint64_t a : e.a) put_number(s, a);
        }
        return s;
    }

    std::string bytes() const {
        std::string out = "go 1." + std::to_string(version) + " trace";
        out.resize(kHeaderBytes);
        if (!sync.empty()) batch(out, kNone, sync);
        std::string table(1, char(kStrings));
        for (size_t i = 0; i < strings.size(); i++) {
            table += char(kString);
            put_number(table, i + 1);
            put_number(table, strings[i].size());
            table += strings[i];
        }
        batch(out, kNone, table);
        batch(out, 100, bytes_of(events));
        if (!second_thread.empty()) batch(out, 200, bytes_of(second_thread));
        table.assign(1, char(kStacks));
        for (size_t i = 0; i < stacks.size(); i++) {
            table += char(kStack);
            put_number(table, i + 1);
            table += stacks[i];
        }
        batch(out, kNone, table);
        if (version >= 26) out += char(kEnd);
        return out;
    }
};

std::string whole(const std::string& path) {
    std::ifstream f(path, std::ios::binary);
    std::stringstream s;
    s << f.rdbuf();
    return s.str();
}

struct planted {
    const char* name;
    const char* part_of_error;
    std::function<void(small_file&)> spoil;
};

// events[i] of the good file, by what they are.
enum {
    kStatus1 = 1,
    kCreate2 = 3,
    kBlock1 = 4,
    kStart2 = 5,
    kUnblock1 = 6,
    kEnd2 = 7,
    kStart1 = 8,
    kRegion = 9,
    kTask = 10
};

void insert(small_file& f, int before, op_args e) { f.events.insert(f.events.begin() + before, std::move(e)); }

const planted kPlanted[] = {
    {"a version that does not exist", "version 1.24", [](small_file& f) { f.version = 24; }},
    {"no frequency", "no frequency", [](small_file& f) { f.sync.clear(); }},
    {"two frequencies", "two frequencies", [](small_file& f) { f.sync += f.sync; }},
    {"no clock snapshot", "no clock snapshot",
     [](small_file& f) {
         f.version = 25;
         f.sync = std::string(1, char(kSync)) + f.sync;
     }},
    {"a lone frequency in 1.25", "no frequency", [](small_file& f) { f.version = 25; }},
    {"generation 0", "generation 0", [](small_file& f) { f.generation = 0; }},
    {"a long string", "1024 at most", [](small_file& f) { f.strings.push_back(std::string(1025, 'x')); }},
    {"a deep stack", "128 at most",
     [](small_file& f) {
         f.stacks.push_back(small_file::frames(std::vector<std::pair<uint64_t, uint64_t>>(129, {1, 1})));
     }},
    {"a frame without its string", "there is no string 99",
     [](small_file& f) {
         f.stacks[0] = small_file::frames({{1, 99}});
     }},
    {"an event without its stack", "there is no stack 9", [](small_file& f) { f.events[kBlock1].a[1] = 9; }},
    {"an event without its string", "there is no string 77", [](small_file& f) { f.events[kBlock1].a[0] = 77; }},
    {"an unknown event", "there is no event 60",
     [](small_file& f) {
         insert(f, 4, {op(60), {}});
     }},
    {"an event of a later version", "there is no event 45",
     [](small_file& f) {
         f.version = 22;
         insert(f, 4, {kGoSwitch, {1, 1}});
     }},
    {"a start with sequence 0", "GoStart", [](small_file& f) { f.events[kStart2].a[1] = 0; }},
    {"a start with sequence 2", "GoStart", [](small_file& f) { f.events[kStart2].a[1] = 2; }},
    {"a start without a create", "not alive", [](small_file& f) { f.events[kStart2].a[0] = 3; }},
    {"a create of one that is alive", "already",
     [](small_file& f) {
         insert(f, kBlock1, {kGoCreate, {2, 1, 2}});
     }},
    {"an unblock of a runnable one", "runnable",
     [](small_file& f) {
         insert(f, kStart1, {kGoUnblock, {1, 2, 0}});
     }},
    {"status 5", "no status 5", [](small_file& f) { f.events[kStatus1].a[2] = 5; }},
    {"a status that does not fit", "this says waiting",
     [](small_file& f) {
         insert(f, 3, {kGoStatus, {1, kNone, kWaiting}});
     }},
    {"a processor told twice", "mentioned before",
     [](small_file& f) {
         insert(f, 1, {kProcStatus, {0, kProcRunning}});
     }},
    {"a block of nobody", "no goroutine is there",
     [](small_file& f) {
         insert(f, kStart2, {kGoBlock, {3, 0}});
     }},
    {"a create without a processor", "no processor",
     [](small_file& f) {
         f.second_thread = {{kGoCreate, {5, 0, 0}}};
     }},
    {"a log without a goroutine", "no goroutine is there",
     [](small_file& f) {
         insert(f, kStart2, {kLog, {0, 1, 1, 0}});
     }},
    {"a steal of a running processor", "not in a call",
     [](small_file& f) {
         f.second_thread = {{kProcSteal, {0, 1, 100}}};
     }},
    {"a steal from the wrong thread", "does not hold",
     [](small_file& f) {
         insert(f, kTask, {kGoSyscallBegin, {1, 0}});
         f.events.resize(kTask + 1);
         f.second_thread = {{kProcSteal, {0, 2, 300}}};
     }},
    {"a call that ends blocked with its processor", "still has its processor",
     [](small_file& f) {
         insert(f, kTask, {kGoSyscallBegin, {1, 0}});
         insert(f, kTask + 1, {kGoSyscallEndBlocked, {}});
     }},
    {"crossed regions", "innermost",
     [](small_file& f) {
         insert(f, kRegion, {kRegionBegin, {0, 4, 0}});
         insert(f, kRegion + 2, {kRegionEnd, {0, 5, 0}});
     }},
    {"the end of no stop of the world", "not stopped",
     [](small_file& f) {
         insert(f, 3, {kStwEnd, {}});
     }},
    {"a task that begins twice", "has begun already",
     [](small_file& f) {
         insert(f, kTask, {kTaskBegin, {7, 0, 5, 0}});
     }},
};

}  // namespace

TEST_CASE("the smallest file is in order, in each version") {
    for (int version : {22, 23, 25, 26}) {
        small_file f;
        f.version = version;
        f.sync = small_file::sync_of(version);
        go_check_result r = check_go_trace(f.bytes());
        CHECK(r.error == "");
        CHECK(r.ok);
        CHECK(r.version == version);
        CHECK(r.events == 13);
        CHECK(r.goroutines == 2);
        CHECK(r.processors == 1);
        CHECK(r.kinds["GoStart"] == 2);
    }
}

TEST_CASE("each planted error is refused, with the reason and the place") {
    for (const planted& p : kPlanted) {
        small_file f;
        p.spoil(f);
        std::string bytes = f.bytes();
        go_check_result r = check_go_trace(bytes);
        INFO(p.name, ": ", r.error);
        CHECK(!r.ok);
        CHECK(r.error.find(p.part_of_error) != std::string::npos);
        CHECK(r.offset <= bytes.size());
    }
}

TEST_CASE("what is wrong with the bytes is refused") {
    std::string good = small_file().bytes();
    auto error_of = [](const std::string& bytes) { return check_go_trace(bytes).error; };
    CHECK(error_of("").find("not an execution trace") != std::string::npos);
    CHECK(error_of("\x1f\x8b gzip, as pprof writes it").find("not an execution trace") != std::string::npos);
    CHECK(error_of(good.substr(0, kHeaderBytes)).find("nothing behind the header") != std::string::npos);
    CHECK(error_of(good + "x").find("where a batch should begin") != std::string::npos);
    CHECK(error_of(good + char(kEnd)).find("where a batch should begin") != std::string::npos);
    std::string large = good;
    large += char(kBatch);
    put_number(large, 1);
    put_number(large, 1);
    put_number(large, 1);
    put_number(large, 65537);
    CHECK(error_of(large).find("65536 at most") != std::string::npos);
    std::string skipped = good;
    small_file third;
    third.generation = 3;
    CHECK(error_of(good + third.bytes().substr(kHeaderBytes)).find("generation 3 behind 1") != std::string::npos);
    small_file f26;
    f26.version = 26;
    f26.sync = small_file::sync_of(26);
    std::string open = f26.bytes();
    open.pop_back();
    CHECK(error_of(open).find("no end") != std::string::npos);
}

TEST_CASE("a goroutine cannot appear in a later generation by its status") {
    small_file first, second;
    second.generation = 2;
    second.events = {{kProcStatus, {0, kProcRunning}}, {kGoStatus, {1, 100, kRunning}}};
    CHECK(check_go_trace(first.bytes() + second.bytes().substr(kHeaderBytes)).ok);
    second.events.push_back({kGoStatus, {9, kNone, kWaiting}});
    go_check_result r = check_go_trace(first.bytes() + second.bytes().substr(kHeaderBytes));
    CHECK(r.error.find("from nowhere") != std::string::npos);
}

TEST_CASE("the sequences put right what the stamps have wrong") {
    small_file f;
    f.events = {
        {kProcStatus, {0, kProcRunning}}, {kGoStatus, {1, 100, kRunning}}, {kGoBlock, {3, 0}}, {kGoStart, {1, 2}}};
    // 200's events are stamped like those before the block.
    f.second_thread = {{kGoUnblock, {1, 1, 0}}};
    CHECK(check_go_trace(f.bytes()).error == "");
}

TEST_CASE("a retaken processor and a call that ends on another are in order") {
    small_file f;
    f.events = {{kProcStatus, {0, kProcRunning}},
                {kGoStatus, {1, 100, kRunning}},
                {kGoSyscallBegin, {1, 0}},
                {kGoSyscallEndBlocked, {}},
                {kProcStart, {1, 1}},
                {kGoStart, {1, 1}}};
    f.second_thread = {{kProcStatus, {1, kProcIdle}}, {kProcSteal, {0, 2, 100}}, {kProcStart, {0, 3}}};
    CHECK(check_go_trace(f.bytes()).error == "");
}

TEST_CASE("files that Go has read are in order") {
    for (const char* name : {"small_go123.trace", "small_go126.trace"}) {
        std::string bytes = whole(std::string(TESTS_TOOLS_DIR "/golden/") + name);
        REQUIRE(!bytes.empty());
        go_check_result r = check_go_trace(bytes);
        CHECK(r.error == "");
        CHECK(r.events > 50);
    }
}

TEST_CASE("flipped and cut bytes never do worse than an error") {
    std::string good = whole(TESTS_TOOLS_DIR "/golden/small_go126.trace");
    std::mt19937_64 rng(1);
    unsigned refused = 0;
    for (int i = 0; i < 2000; i++) {
        std::string bytes = good;
        if (i % 4 == 0) bytes.resize(rng() % bytes.size());
        for (unsigned k = 0; k <= rng() % 4 && !bytes.empty() && i % 4 != 0; k++)
            bytes[rng() % bytes.size()] ^= char(1 + rng() % 255);
        go_check_result r = check_go_trace(bytes);
        CHECK(r.ok == r.error.empty());
        CHECK(r.offset <= bytes.size());
        refused += !r.ok;
        if (i % 4 == 0) CHECK(!r.ok);
    }
    CHECK(refused > 1000);
}

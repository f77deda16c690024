// SPDX-License-Identifier: BSL-1.0
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "box_builder.h"
#include "tools/gossamer/commands.h"

using namespace insp_test;

namespace {

// What the command prints.
std::string ps(std::vector<std::string> words) {
    scratch_file out(scratch_file::temporary());
    std::fflush(stdout);
    int saved = dup(1);
    REQUIRE(std::freopen(out.path().c_str(), "w", stdout) != nullptr);
    std::string failed;
    try {
        insp::arguments args("ps", std::move(words));
        insp::ps_command.run(args);
    } catch (const insp::error& e) {
        failed = e.what();
    }
    std::fflush(stdout);
    dup2(saved, 1);
    close(saved);
    std::ifstream file(out.path());
    return failed + std::string(std::istreambuf_iterator<char>(file), {});
}

bool has(const std::string& text, const std::string& part) {
    bool found = text.find(part) != std::string::npos;
    if (!found) MESSAGE(text);
    return found;
}

box_builder crowd() {
    box_builder b;
    for (uint64_t i = 1; i <= 1200; i++)
        b.add_g({.id = i,
                 .status = waiting,
                 .reason = uint8_t(i % 3 == 0 ? 1 : 7),
                 .name = i == 1 ? "accept\x1b[31m" : nullptr,
                 .creator_id = 1,
                 .creator_pc = 0x401000,
                 .invoke = 0x10000 + i % 2,
                 .site = 0x402000,
                 .since = i == 600 ? 5'000'000'000 : 0});
    b.add_g({.id = 2000, .status = running, .flags = 2, .invoke = 0x10009});  // the library's own
    uint64_t m = b.add_m({.number = 1, .tid = 100});
    b.add_p({.id = 0, .status = 1, .m = m, .created = 5000});
    b.add_p({.id = 1, .status = 0});
    b.head().state = box::life::died;
    std::strcpy(b.head().why, "panic: it is over\nmore of it");
    return b;
}

}  // namespace

TEST_CASE("ps counts goroutines that do the same, most first") {
    box_builder b = crowd();
    scratch_file f(b);
    std::string text = ps({f.path(), "--by", "state"});
    CHECK(has(text, "/usr/bin/built-by-hand  pid 1073741808  died after 1.0s: panic: it is over\n"));
    CHECK(
        has(text, "processors: 1 busy, 1 idle   goroutines: 1,200 alive, 5,000 created   threads: 1 of the scheduler"));
    CHECK(has(text, "COUNT  LONGEST  STATE\n  800        -  sleep\n  400     1.0s  chan receive\n"));
    CHECK(ps({f.path(), "--by", "state", "--state", "Sleep"}).find("chan receive") == std::string::npos);
    std::string by_name = ps({f.path(), "--by", "name", "--system"});
    CHECK(has(by_name, "accept?[31m"));  // nothing that a terminal would obey
    CHECK(has(by_name, "0x10001"));
    CHECK(has(by_name, "0x10009"));
    CHECK(ps({f.path(), "--by", "name"}).find("0x10009") == std::string::npos);
}

TEST_CASE("ps says how many rows it left out") {
    box_builder b = crowd();
    scratch_file f(b);
    CHECK(has(ps({f.path(), "--by", "state", "--most", "1"}), "… and 1 more groups of 400 goroutines (--most)"));
    std::string list = ps({f.path(), "--list"});
    CHECK(has(list, "… and 1,100 more (--most)"));
    CHECK(std::count(list.begin(), list.end(), '\n') == 2 + 1 + 1 + 100 + 1);
    CHECK(has(ps({f.path(), "--name", "nobody"}), "no goroutines"));
    CHECK(has(ps({f.path(), "--list", "--name", "ACCEPT", "--most", "5"}), "in 1\n"));
}

TEST_CASE("ps --json is the same for programs") {
    box_builder b = crowd();
    scratch_file f(b);
    std::string text = ps({f.path(), "--json", "--by", "state"});
    CHECK(has(text, R"("life":"died","complete":true,"why":"panic: it is over?more of it")"));
    CHECK(has(text, R"({"count":400,"longest_wait_ns":1000000000,"state":"chan receive","example":3})"));
    CHECK(has(text, R"("groups_left_out":0})"));
    std::string list = ps({f.path(), "--json", "--list", "--most", "2"});
    CHECK(has(list, R"("goroutines_left_out":1198)"));
    CHECK(has(list, R"({"id":1,"state":"waiting","reason":"sleep","waits_ns":null,"name":"accept?[31m")"));
}

TEST_CASE("ps refuses what it does not know") {
    box_builder b = crowd();
    scratch_file f(b);
    CHECK(has(ps({f.path(), "--by", "colour"}), "\"colour\" is none of state, name, place, creator"));
    CHECK(has(ps({f.path(), "--by", "state", "--list"}), "one of the two"));
    CHECK(has(ps({}), "TARGET"));
    CHECK(has(ps({f.path(), "--tree"}), "--tree"));
}

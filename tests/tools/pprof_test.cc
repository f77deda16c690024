// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/pprof.h"

#include <doctest/doctest.h>

#include <map>

#include "tests/tools/file_bytes.h"
#include "tools/gossamer/protobuf.h"

using namespace insp;
using namespace insp::testing;

namespace {

profile example() {
    profile p;
    p.sample_types = {{"contentions", "count"}, {"delay", "nanoseconds"}};
    p.period_type = {"contentions", "count"};
    p.time_real_ns = 1'700'000'000'000'000'000;
    p.duration_ns = 2'000'000'000;
    p.mappings = {{0x400000, 0x500000, 0x1000, "/usr/bin/example", "abcdef0123"}};
    p.names = [](uint64_t pc, bool is_return) -> std::vector<pc_name> {
        CHECK(is_return);
        if (pc == 0x400100)
            return {{"app::inlined<int>(int)", "lock.h", 5}, {"app::critical(std::vector<int>&)", "app.cc", 30}};
        if (pc == 0x400200) return {{"app::worker(int)", "app.cc", 40}};
        return {};
    };
    profile::sample s;
    s.pcs = {0x400100, 0x400200};
    s.values = {2, 3'000'000};
    s.labels = {{"goroutine_name", "worker", 0, ""}, {"wait_ns", "", 1500, "nanoseconds"}};
    p.samples = {s, s};
    s.pcs = {0x600000};
    s.labels.clear();
    p.samples.push_back(s);
    return p;
}

// A profile as a reader sees it: strings looked up, locations by number.
struct read_profile {
    std::vector<std::string> strings;
    std::vector<std::vector<uint64_t>> stacks;
    std::vector<std::vector<int64_t>> values;
    std::vector<std::map<std::string, std::string>> labels;
    std::map<uint64_t, std::vector<std::pair<uint64_t, uint64_t>>> lines;  // of a location: function, line
    std::map<uint64_t, uint64_t> address, mapping;
    std::map<uint64_t, std::string> functions;
    std::string build_id;
    uint64_t time = 0, duration = 0, period = 0;
    std::string default_type;
};

read_profile read_back(const std::string& bytes) {
    read_profile out;
    pb_field f, g, h;
    for (pb_reader r(bytes); r.next(f);)
        if (f.number == 6) out.strings.emplace_back(f.bytes);
    auto text = [&](uint64_t i) { return i < out.strings.size() ? out.strings[i] : "string out of range"; };
    pb_reader r(bytes);
    while (r.next(f)) {
        uint64_t id = 0;
        pb_reader m(f.bytes);
        if (f.number == 2) {
            out.stacks.emplace_back();
            out.values.emplace_back();
            out.labels.emplace_back();
            while (m.next(g)) {
                if (g.number == 1) out.stacks.back().push_back(g.value);
                if (g.number == 2) out.values.back().push_back(int64_t(g.value));
                if (g.number != 3) continue;
                std::string key, value;
                for (pb_reader label(g.bytes); label.next(h);) {
                    if (h.number == 1) key = text(h.value);
                    if (h.number == 2) value = text(h.value);
                    if (h.number == 3) value = std::to_string(h.value);
                    if (h.number == 4) value += " " + text(h.value);
                }
                out.labels.back()[key] = value;
            }
        } else if (f.number == 4) {
            while (m.next(g)) {
                if (g.number == 1) id = g.value;
                if (g.number == 2) out.mapping[id] = g.value;
                if (g.number == 3) out.address[id] = g.value;
                if (g.number != 4) continue;
                std::pair<uint64_t, uint64_t> line;
                for (pb_reader l(g.bytes); l.next(h);) (h.number == 1 ? line.first : line.second) = h.value;
                out.lines[id].push_back(line);
            }
        } else if (f.number == 5) {
            while (m.next(g)) {
                if (g.number == 1) id = g.value;
                if (g.number == 2) out.functions[id] = text(g.value);
            }
        } else if (f.number == 3) {
            while (m.next(g))
                if (g.number == 6) out.build_id = text(g.value);
        }
        if (f.number == 9) out.time = f.value;
        if (f.number == 10) out.duration = f.value;
        if (f.number == 12) out.period = f.value;
        if (f.number == 14) out.default_type = text(f.value);
    }
    CHECK(r.ok());
    return out;
}

}  // namespace

TEST_CASE("a profile comes back as it was: stacks, inlined frames, labels, build-id") {
    profile p = example();
    merge_samples(p);
    REQUIRE(p.samples.size() == 2);
    read_profile r = read_back(encode_profile(p));
    REQUIRE(!r.strings.empty());
    CHECK(r.strings[0] == "");
    REQUIRE(r.stacks.size() == 2);
    REQUIRE(r.stacks[0].size() == 2);
    CHECK(r.values[0] == std::vector<int64_t>{4, 6'000'000});
    CHECK(r.labels[0]["goroutine_name"] == "worker");
    CHECK(r.labels[0]["wait_ns"] == "1500 nanoseconds");
    uint64_t leaf = r.stacks[0][0];
    CHECK(r.address[leaf] == 0x4000ff);  // within the call
    CHECK(r.mapping[leaf] == 1);
    REQUIRE(r.lines[leaf].size() == 2);
    CHECK(r.functions[r.lines[leaf][0].first] == "app::inlined<int>(int)");
    CHECK(r.functions[r.lines[leaf][1].first] == "app::critical(std::vector<int>&)");
    CHECK(r.lines[leaf][1].second == 30);
    uint64_t unknown = r.stacks[1][0];
    CHECK(r.mapping[unknown] == 0);
    CHECK(r.functions[r.lines[unknown][0].first] == "0x600000");
    CHECK(r.build_id == "abcdef0123");
    CHECK(r.time == 1'700'000'000'000'000'000);
    CHECK(r.duration == 2'000'000'000);
    CHECK(r.period == 1);
    CHECK(r.default_type == "delay");
}

TEST_CASE("the same samples in another order make the same bytes") {
    profile p = example(), q = example();
    std::swap(q.samples[0], q.samples[2]);
    std::swap(q.samples[1].labels[0], q.samples[1].labels[1]);
    merge_samples(p);
    merge_samples(q);
    CHECK(encode_profile(p) == encode_profile(q));
    CHECK(gzip(encode_profile(p)) == gzip(encode_profile(q)));
}

TEST_CASE("a sample with another number of values than there are types is left out, and sums do not run over") {
    profile p = example();
    p.samples[0].values = {1};
    p.samples[1].values = {INT64_MAX, 1};
    p.samples.push_back(p.samples[1]);
    merge_samples(p);
    read_profile r = read_back(encode_profile(p));
    REQUIRE(r.values.size() == 2);
    CHECK(r.values[0] == std::vector<int64_t>{INT64_MAX, 2});
}

TEST_CASE("gzip of nothing, of little and of much comes back, and foreign bytes are refused") {
    for (size_t length : {size_t(0), size_t(1), size_t(300'000)}) {
        std::string bytes, back;
        for (size_t i = 0; i < length; i++) bytes += char(i * i % 251);
        std::string packed = gzip(bytes);
        REQUIRE(gunzip(packed, back));
        CHECK(back == bytes);
        CHECK_FALSE(gunzip(packed.substr(0, packed.size() - 1), back));
    }
    std::string back;
    CHECK_FALSE(gunzip("no gzip", back));
    CHECK_FALSE(gunzip(gzip(std::string(100'000, 'x')), back, 10'000));
}

TEST_CASE("go tool pprof reads a profile and shows the C++ names whole") {
    std::string go = "go";
    if (std::system("command -v go >/dev/null 2>&1") != 0) go = "/usr/local/go/bin/go";
    if (std::system((go + " version >/dev/null 2>&1").c_str()) != 0) {
        MESSAGE("skipped: no go");
        return;
    }
    profile p = example();
    merge_samples(p);
    scratch_file file(gzip(encode_profile(p))), said("");
    auto pprof = [&](const std::string& options) {
        std::string command =
            "PPROF_TMPDIR=/tmp " + go + " tool pprof " + options + " " + file.path() + " > " + said.path() + " 2>&1";
        int status = std::system(command.c_str());
        std::string text = said.read();
        INFO(text);
        CHECK(status == 0);
        return text;
    };
    std::string top = pprof("-top");
    CAPTURE(top);
    CHECK(top.find("Type: delay") != top.npos);
    CHECK(top.find("Duration: 2s") != top.npos);
    CHECK(top.find("6ms") != top.npos);
    CHECK(top.find("app::inlined<int>(int) (inline)") != top.npos);
    CHECK(top.find("app::critical(std::vector<int>&)") != top.npos);
    CHECK(top.find("app::worker(int)") != top.npos);
    std::string tags = pprof("-tags");
    CAPTURE(tags);
    CHECK(tags.find("worker") != tags.npos);
    CHECK(tags.find("1.50us") != tags.npos);
    std::string raw = pprof("-raw");
    CAPTURE(raw);
    CHECK(raw.find("abcdef0123") != raw.npos);
    CHECK(raw.find("app.cc:30") != raw.npos);
}

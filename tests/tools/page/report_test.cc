// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/report.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace insp {

namespace {

using gossamer::rt::box::kind;

std::string page_of(const trace_window& w, const std::string& title = "title") {
    char* text = nullptr;
    size_t size = 0;
    FILE* to = open_memstream(&text, &size);
    write_report(w, title, to);
    std::fclose(to);
    std::string page(text, size);
    std::free(text);
    return page;
}

std::string attribute(const std::string& page, size_t from, const std::string& name) {
    size_t at = page.find(name + "=\"", from) + name.size() + 2;
    return page.substr(at, page.find('"', at) - at);
}

std::vector<uint8_t> bytes_of(const std::string& base64) {
    static const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::vector<uint8_t> bytes;
    uint32_t bits = 0;
    unsigned held = 0;
    for (char c : base64) {
        if (c == '=') break;
        size_t digit = digits.find(c);
        REQUIRE(digit != std::string::npos);
        bits = bits << 6 | uint32_t(digit);
        held += 6;
        if (held < 8) continue;
        held -= 8;
        bytes.push_back(uint8_t(bits >> held));
    }
    return bytes;
}

// A column of the page, decoded as the page does it.
std::vector<uint64_t> column(const std::string& page, const std::string& name) {
    size_t at = page.find("id=\"c-" + name + "\"");
    REQUIRE(at != std::string::npos);
    size_t width = std::stoul(attribute(page, at, "data-width")), count = std::stoul(attribute(page, at, "data-count"));
    size_t begin = page.find('>', at) + 1;
    std::vector<uint8_t> bytes = bytes_of(page.substr(begin, page.find('<', begin) - begin));
    REQUIRE(bytes.size() == width * count);
    std::vector<uint64_t> numbers(count);
    for (size_t i = 0; i < bytes.size(); i++) numbers[i / width] |= uint64_t(bytes[i]) << 8 * (i % width);
    return numbers;
}

event make(int64_t ns, kind k, uint64_t g, uint64_t by = 0) {
    event e;
    e.ns = ns;
    e.kind = k;
    e.g = g;
    e.by = by;
    return e;
}

trace_window two_goroutines() {
    trace_window w;
    w.program = "/usr/bin/example";
    w.procs = 2;
    w.begin_ns = 1'000'000'000'000;
    w.end_ns = w.begin_ns + 6'000'000'000;
    w.texts = {""};
    w.stacks = {{}};
    w.goroutines[7].name = "seven";
    w.goroutines[900'000].name = "late one";
    w.goroutines[900'000].creator = 7;
    w.events = {make(w.begin_ns + 10, kind::start, 7), make(w.begin_ns + 300, kind::create, 900'000, 7),
                make(w.begin_ns + 5'000'000'000, kind::start, 900'000)};
    w.events[0].p = 0;
    w.events[2].p = 1;
    return w;
}

TEST_CASE("events go into the page as steps in time and small numbers") {
    std::string page = page_of(two_goroutines());
    CHECK(column(page, "e-ns") == std::vector<uint64_t>{10, 290, 4'999'999'700});
    CHECK(column(page, "g-id") == std::vector<uint64_t>{0, 7, 900'000});
    CHECK(column(page, "e-g") == std::vector<uint64_t>{1, 2, 2});
    CHECK(column(page, "e-by") == std::vector<uint64_t>{0, 1, 0});
    CHECK(column(page, "e-p") == std::vector<uint64_t>{1, 0, 2});
    CHECK(column(page, "g-creator") == std::vector<uint64_t>{0, 0, 1});
    CHECK(page.find("\"span\":6000000000") != std::string::npos);
}

TEST_CASE("a column takes as many bytes as its greatest number needs") {
    trace_window w = two_goroutines();
    std::string page = page_of(w);
    CHECK(attribute(page, page.find("id=\"c-e-ns\""), "data-width") == "8");
    CHECK(attribute(page, page.find("id=\"c-e-g\""), "data-width") == "1");
    CHECK(attribute(page, page.find("id=\"c-g-id\""), "data-width") == "4");
    w.events[0].a = 0x7f00'1234'5678;
    CHECK(column(page_of(w), "value") == std::vector<uint64_t>{0, 0x7f00'1234'5678});
}

TEST_CASE("goroutines, texts, stacks and kinds that an event names and the window does not have become none") {
    trace_window w = two_goroutines();
    event e = make(w.begin_ns + 400, kind::block, 12345, 54321);
    e.text = 99;
    e.stack = 77;
    w.events.insert(w.events.begin() + 2, e);
    w.events.push_back(make(w.end_ns - 1, static_cast<kind>(200), 7));
    std::string page = page_of(w);
    CHECK(column(page, "g-id") == std::vector<uint64_t>{0, 7, 12345, 54321, 900'000});
    CHECK(column(page, "e-text")[2] == 0);
    CHECK(column(page, "e-stack")[2] == 0);
    CHECK(column(page, "e-kind").back() == 0);
    CHECK(page.find("(not known)") != std::string::npos);
}

TEST_CASE("places are written once and their frames in order") {
    trace_window w = two_goroutines();
    w.names[0x4010] = {{"inner", "a.cc", 3}, {"outer", "b.cc", 4}};
    w.events[1].pc = 0x4010;
    w.stacks.push_back({0x4010, 0x5020});
    w.events[1].stack = 1;
    std::string page = page_of(w);
    CHECK(column(page, "pc") == std::vector<uint64_t>{0, 0x4010, 0x5020});
    CHECK(column(page, "pc-first") == std::vector<uint64_t>{0, 0, 2, 2});
    CHECK(column(page, "f-line") == std::vector<uint64_t>{3, 4});
    CHECK(column(page, "s-first") == std::vector<uint64_t>{0, 0, 2});
    CHECK(column(page, "s-pc") == std::vector<uint64_t>{1, 2});
}

TEST_CASE("nothing that the traced program says can end an element of the page") {
    trace_window w = two_goroutines();
    size_t ends = 0, plain = 0;
    std::string clean = page_of(w);
    for (size_t at = 0; (at = clean.find("</script", at)) != std::string::npos; at++) plain++;
    w.program = w.goroutines[7].name = "</script><!-- <script>alert(1)";
    w.texts.push_back("</SCRIPT >");
    w.names[0x4010] = {{"</script", "</title>", 1}};
    w.events[1].pc = 0x4010;
    std::string page = page_of(w, "</title><b>&amp;");
    for (size_t at = 0; (at = page.find("</script", at)) != std::string::npos; at++) ends++;
    CHECK(ends == plain);
    CHECK(page.find("alert(1)") != std::string::npos);
    CHECK(page.find("<!-- <script>alert") == std::string::npos);
    CHECK(page.find("</SCRIPT") == std::string::npos);
    CHECK(page.find("<title>&lt;/title>&lt;b>&amp;amp;</title>") != std::string::npos);
}

TEST_CASE("names that are no UTF-8 do not spoil the page") {
    trace_window w = two_goroutines();
    w.goroutines[7].name = "bad \xff\xc3 name";
    std::string page = page_of(w);
    CHECK(page.find('\xff') == std::string::npos);
    CHECK(page.find("bad ?? name") != std::string::npos);
}

TEST_CASE("an empty window makes a whole page") {
    std::string page = page_of({});
    CHECK(column(page, "e-ns").empty());
    CHECK(page.find("</html>") != std::string::npos);
    CHECK(page.find("@DATA@") == std::string::npos);
}

}  // namespace

}  // namespace insp

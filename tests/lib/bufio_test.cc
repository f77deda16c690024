// SPDX-License-Identifier: BSL-1.0
#include "gossamer/bufio.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

using namespace gossamer;

namespace {

// One byte a read; then the error.
struct slow_reader {
    std::string_view left;
    error end = io::eof;
    io::result read(io::buffer b) {
        if (left.empty()) return {0, end};
        if (b.empty()) return {0, nullptr};
        *b.chars() = left[0];
        left.remove_prefix(1);
        return {1, nullptr};
    }
};
struct stuck_reader {
    io::result read(io::buffer) { return {0, nullptr}; }
};
struct failing_writer {
    int good;
    std::string got;
    io::result write(io::bytes b) {
        if (good-- == 0) return {0, error("full")};
        got.append(b.text());
        return {b.size(), nullptr};
    }
};

template <class R>
std::vector<std::string> tokens(R from, bufio::split_function split) {
    std::vector<std::string> all;
    bufio::scanner s(from, split);
    while (s.scan()) all.emplace_back(s.text());
    CHECK(!s.err());
    return all;
}
using strings = std::vector<std::string>;

}  // namespace

TEST_CASE("lines come without their ends, whatever the pieces; the last needs no end") {
    for (std::string text : {"a\r\n\nbc\nlast", "a\n\nbc\nlast\n"}) {
        CHECK(tokens(io::string_reader(text), bufio::lines) == strings{"a", "", "bc", "last"});
        CHECK(tokens(slow_reader{text}, bufio::lines) == strings{"a", "", "bc", "last"});
        slow_reader from{text};
        bufio::reader r(from, 16);
        strings all;
        for (;;) {
            auto [line, err] = r.read_line();
            if (err) {
                CHECK(err == io::eof);
                break;
            }
            all.push_back(line);
        }
        CHECK(all == strings{"a", "", "bc", "last"});
    }
    CHECK(tokens(io::string_reader(""), bufio::lines).empty());
}

TEST_CASE("words come without the space between them") {
    CHECK(tokens(slow_reader{"  one two\n\tthree "}, bufio::words) == strings{"one", "two", "three"});
    CHECK(tokens(io::string_reader(std::string(10'000, ' ') + "w"), bufio::words) == strings{"w"});
    CHECK(tokens(slow_reader{"abc"}, bufio::single_bytes) == strings{"a", "b", "c"});
}

TEST_CASE("a token that is too long ends the scan with an error; the limit can be moved") {
    std::string text = std::string(100, 'x') + "\nshort\n";
    io::string_reader from(text);
    bufio::scanner s(from);
    s.set_longest_token(50);
    CHECK(!s.scan());
    CHECK(s.err() == bufio::err_too_long);
    CHECK(!s.scan());
    io::string_reader again(text);
    bufio::scanner roomy(again);
    roomy.set_longest_token(200);
    CHECK(roomy.scan());
    CHECK(roomy.text().size() == 100);
    std::string long_line(60'000, 'y');
    CHECK(tokens(io::string_reader(long_line), bufio::lines) == strings{long_line});
}

TEST_CASE("a scan reports the reader's error after what was read, and a reader that is stuck") {
    slow_reader from{"a\nb", error("broken")};
    bufio::scanner s(from);
    CHECK(s.scan());
    CHECK(s.scan());
    CHECK(s.text() == "b");
    CHECK(!s.scan());
    CHECK(s.err().message() == "broken");
    stuck_reader stuck;
    bufio::scanner hung(stuck);
    CHECK(!hung.scan());
    CHECK(hung.err() == io::err_no_progress);
}

TEST_CASE("a split function that goes too far is caught") {
    io::string_reader from("abc");
    bufio::scanner s(from, [](std::string_view data, bool) {
        return bufio::split_result{data.size() + 1, {}, true, nullptr};
    });
    CHECK(!s.scan());
    CHECK(s.err() == bufio::err_advance_too_far);
}

TEST_CASE("a buffered reader peeks, skips, reads bytes and runs, and passes large reads on") {
    std::string text(100, 'x');
    text += "abc,def";
    io::string_reader from(text);
    bufio::reader r(from, 32);
    CHECK(r.peek(3).view == "xxx");
    CHECK(r.peek(33).err == bufio::err_buffer_full);
    CHECK(r.skip(90).n == 90);
    char room[64];
    CHECK(!io::read_full(r, std::span(room).first(10)).err);
    CHECK(r.read_byte().byte == 'a');
    CHECK(r.read_until(',').line == "bc,");
    auto [rest, err] = r.read_until(',');
    CHECK(rest == "def");
    CHECK(err == io::eof);
    CHECK(r.read_byte().err == io::eof);
    CHECK(r.skip(1).err == io::eof);
    CHECK(r.peek(1).err == io::eof);
    CHECK(r.read(room).err == io::eof);
}

TEST_CASE("a buffered writer gathers, flushes when full and remembers its error") {
    failing_writer to{3, ""};
    bufio::writer w(to, 16);
    CHECK(w.write("0123456789").n == 10);
    CHECK(to.got.empty());
    CHECK(w.buffered() == 10);
    CHECK(w.available() == 6);
    CHECK(w.write("abcdefghij").n == 10);
    CHECK(to.got == "0123456789abcdef");
    CHECK(!w.flush());
    CHECK(to.got == "0123456789abcdefghij");
    CHECK(!w.write_byte('!'));
    CHECK(!w.flush());
    CHECK(!w.flush());
    CHECK(w.write(std::string(40, 'z')).err.message() == "full");
    CHECK(w.flush().message() == "full");
    CHECK(w.write("x").err.message() == "full");
}

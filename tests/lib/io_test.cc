// SPDX-License-Identifier: BSL-1.0
#include "gossamer/io.h"

#include <doctest/doctest.h>
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/wait_group.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

#include "tests/support/harness.h"

using namespace gossamer;
using tests::on_goroutine;

namespace {

// Gives its pieces one by one, then its error.
struct pieces {
    std::vector<std::string> left;
    error end = io::eof;
    bool error_with_last = false;
    io::result read(io::buffer b) {
        if (left.empty()) return {0, end};
        size_t n = std::min(b.size(), left.front().size());
        std::copy_n(left.front().data(), n, b.chars());
        left.erase(left.begin());
        return {n, error_with_last && left.empty() ? end : error()};
    }
};

// Takes at most so many bytes of each write and says nothing of it.
struct short_writer {
    size_t most;
    io::result write(io::bytes b) { return {std::min(b.size(), most), nullptr}; }
};

static_assert(io::reader<pieces> && io::writer<io::string_writer> && !io::reader<short_writer>);

}  // namespace

TEST_CASE("bytes are made from literals, strings, arrays, spans and vectors") {
    char room[3] = {'a', 'b', 'c'};
    const char* text = "pointer";
    CHECK(io::bytes("lit").size() == 3);
    CHECK(io::bytes("a\0b").size() == 3);
    CHECK(io::bytes(room).size() == 3);
    CHECK(io::bytes(text).text() == "pointer");
    CHECK(io::bytes(std::string("s")).text() == "s");
    CHECK(io::bytes(std::string_view("view")).text() == "view");
    CHECK(io::bytes(std::vector<std::byte>(7)).size() == 7);
    CHECK(io::bytes(std::span<const unsigned char>()).empty());
    CHECK(io::bytes({room, 2}).text() == "ab");
    CHECK(io::buffer(room).from(1).size() == 2);
    std::array<std::byte, 5> bytes;
    CHECK(io::buffer(bytes).first(2).size() == 2);
    std::string s(4, 0);
    CHECK(io::buffer(s).chars() == s.data());
}

TEST_CASE("copy takes everything up to the end, and bytes that come with an error first") {
    for (bool together : {false, true}) {
        pieces from{{"one", "two", "three"}, io::eof, together};
        io::string_writer to;
        auto [n, err] = io::copy(to, from);
        CHECK(n == 11);
        CHECK(!err);
        CHECK(to.text() == "onetwothree");
    }
}

TEST_CASE("copy reports the reader's error and a short write") {
    error broken("broken");
    pieces from{{"abc"}, broken};
    io::string_writer to;
    auto [n, err] = io::copy(to, from);
    CHECK(n == 3);
    CHECK(err == broken);
    short_writer half{1};
    pieces again{{"abc"}};
    CHECK(io::copy(half, again).err == io::err_short_write);
}

TEST_CASE("copy_n takes so many and no more") {
    io::string_reader from("hello world");
    io::string_writer to;
    CHECK(!io::copy_n(to, from, 5).err);
    CHECK(to.text() == "hello");
    CHECK(from.len() == 6);
    CHECK(io::copy_n(to, from, 7).err == io::eof);
}

TEST_CASE("read_full tells an end at the start from one in the middle") {
    char room[6];
    io::string_reader whole("abcdef"), part("abc"), none("");
    CHECK(!io::read_full(whole, room).err);
    auto [n, err] = io::read_full(part, room);
    CHECK(n == 3);
    CHECK(err == io::err_unexpected_eof);
    CHECK(io::read_full(none, room).err == io::eof);
    CHECK(io::read_at_least(whole, room, 7).err == io::err_short_buffer);
}

TEST_CASE("read_all grows as it must") {
    std::string large(100'000, 'x');
    io::string_reader from(large);
    auto [data, err] = io::read_all(from);
    CHECK(!err);
    CHECK(data == large);
    pieces failing{{"abc"}, error("broken")};
    auto [some, failed] = io::read_all(failing);
    CHECK(some == "abc");
    CHECK(failed.message() == "broken");
}

TEST_CASE("a limited reader ends early") {
    io::string_reader from("abcdef");
    io::limit_reader four(from, 4);
    CHECK(io::read_all(four).data == "abcd");
    CHECK(from.len() == 2);
}

TEST_CASE("discard takes anything") {
    io::string_reader from("abcdef");
    CHECK(io::copy(io::discard, from).n == 6);
}

TEST_CASE("a pipe's write waits until readers took all of it [N33]") {
    on_goroutine([] {
        auto [r, w] = io::pipe();
        chan<io::result> done(1);
        go([w = w, done] { done.send(w.write("abcdef")); });
        char room[4];
        CHECK(r.read(room).n == 4);
        CHECK(done.len() == 0);
        CHECK(r.read(room).n == 2);
        CHECK(done.recv()->n == 6);
    });
}

TEST_CASE("concurrent writes into a pipe come one after the other [N33]") {
    on_goroutine([] {
        auto [r, w] = io::pipe();
        wait_group writers;
        for (char c : {'a', 'b', 'c'}) writers.go([c, w = w] { CHECK(w.write(std::string(1000, c)).n == 1000); });
        std::string got(3000, 0);
        CHECK(!io::read_full(r, got).err);
        writers.wait();
        CHECK(std::unique(got.begin(), got.end()) - got.begin() == 3);
    });
}

TEST_CASE(
    "closing the writing end of a pipe gives the reader the end, or the error given; the first close decides [N33]") {
    on_goroutine([] {
        auto [r, w] = io::pipe();
        w.close();
        w.close_with_error(error("late"));
        char room[1];
        CHECK(r.read(room).err == io::eof);
        CHECK(w.write("x").err == io::err_closed_pipe);
        auto [r2, w2] = io::pipe();
        chan<io::result> reader(1);
        go([r2 = r2, reader] {
            char byte[1];
            reader.send(r2.read(byte));
        });
        yield();
        w2.close_with_error(error("why"));
        CHECK(reader.recv()->err.message() == "why");
    });
}

TEST_CASE("closing the reading end of a pipe ends a write that waits, which tells how much was taken [N33]") {
    on_goroutine([] {
        auto [r, w] = io::pipe();
        chan<io::result> writer(1);
        go([w = w, writer] { writer.send(w.write("abc")); });
        char room[1];
        CHECK(r.read(room).n == 1);
        r.close();
        io::result out = *writer.recv();
        CHECK(out.n == 1);
        CHECK(out.err == io::err_closed_pipe);
        CHECK(r.read(room).err == io::err_closed_pipe);
        r.close_with_error(error("late"));
        CHECK(w.write("x").err == io::err_closed_pipe);
    });
}

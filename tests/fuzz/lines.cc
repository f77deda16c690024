// SPDX-License-Identifier: BSL-1.0
// What comes in pieces of any size: lines, words, delimiters, peeks and skips through a buffer of any size are those of the whole.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "gossamer/bufio.h"

using namespace gossamer;

namespace {

void must(bool cond) {
    if (!cond) std::abort();
}

// Gives the text in pieces whose sizes are `steps`, one after the other and again; 0: a read that gives nothing.
struct pieces {
    std::string_view text, steps;
    size_t step = 0;
    io::result read(io::buffer b) {
        if (text.empty()) return {0, io::eof};
        size_t n = steps.empty() ? b.size() : uint8_t(steps[step++ % steps.size()]) % 16u;
        n = std::min({n, b.size(), text.size()});
        std::memcpy(b.data(), text.data(), n);
        text.remove_prefix(n);
        return {n, nullptr};
    }
};

void scan(pieces from, bufio::split_function split, size_t longest) {
    std::string_view text = from.text;
    std::vector<std::string> tokens;
    bufio::scanner in(from, split);
    in.set_longest_token(longest);
    while (in.scan()) tokens.emplace_back(in.text());
    if (in.err()) {
        must(in.err() == bufio::err_too_long || in.err() == io::err_no_progress);
        return;
    }
    size_t i = 0;
    while (!text.empty()) {
        bufio::split_result one = split(text, true);
        if (one.found) must(i < tokens.size() && tokens[i++] == one.token);
        if (one.advance == 0) break;
        text.remove_prefix(one.advance);
    }
    must(i == tokens.size());
}

void read(pieces from, size_t size, std::string_view how) {
    std::string_view left = from.text;
    bufio::reader in(from, size);
    auto took = [&](std::string_view what) {
        must(left.starts_with(what));
        left.remove_prefix(what.size());
    };
    for (uint8_t c : how) {
        error err;
        switch (c % 6) {
            case 0: {
                bufio::byte_result b = in.read_byte();
                err = b.err;
                if (!err) took({&b.byte, 1});
                break;
            }
            case 1: {
                bufio::view_result v = in.peek(c);
                err = v.err;
                must(left.starts_with(v.view) && (err || v.view.size() == c));
                if (err == bufio::err_buffer_full) err = nullptr;
                break;
            }
            case 2: {
                io::result r = in.skip(c);
                err = r.err;
                must(r.n <= c && r.n <= left.size() && (err || r.n == c));
                left.remove_prefix(r.n);
                break;
            }
            case 3: {
                bufio::line_result l = in.read_until(char(c));
                err = l.err;
                must(err || (l.line.find(char(c)) == l.line.size() - 1));
                took(l.line);
                break;
            }
            case 4: {
                bufio::line_result l = in.read_line();
                err = l.err;
                must(l.line.find('\n') == l.line.npos);
                took(l.line);
                if (!err)
                    left.remove_prefix(left.starts_with("\r\n")                           ? 2
                                       : left.starts_with('\n') || left.starts_with('\r') ? 1
                                                                                          : 0);
                break;
            }
            default: {
                char room[64];
                io::result r = in.read({room, c % sizeof room});
                err = r.err;
                took({room, r.n});
            }
        }
        must(in.buffered() <= left.size());
        if (err) {
            must(err == io::err_no_progress || (err == io::eof && in.buffered() == left.size()));
            return;
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 3) return 0;
    std::string_view all(reinterpret_cast<const char*>(data), size);
    size_t steps = std::min<size_t>(data[0] % 16, size - 3), how = std::min<size_t>(data[1] % 32, size - 3 - steps);
    pieces from{all.substr(3 + steps + how), all.substr(3, steps)};
    for (bufio::split_function split : {bufio::lines, bufio::words, bufio::single_bytes})
        scan(from, split, 1 + data[2] * 40u);
    read(from, data[2], all.substr(3 + steps, how));
    return 0;
}

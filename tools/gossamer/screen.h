// SPDX-License-Identifier: BSL-1.0
// screen: draws a frame of `top` as lines of text, for a terminal or for a file. Nothing here reads or waits.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "tools/gossamer/sampler.h"

namespace insp {

enum class sort_by : uint8_t { cpu, wait, name, count };
const char* words(sort_by by);

// How it is to be drawn, and what is remembered from frame to frame.
struct view {
    sort_by by = sort_by::cpu;
    bool paused = false, help = false;
    bool colour = false;  // escape sequences for colours
    bool utf8 = false;    // else ASCII alone
    int64_t interval_ns = 0;
    std::string program;  // its name, without the folder
    uint32_t pid = 0;
    std::deque<std::vector<uint64_t>> heat;  // frame::waits of the last frames, oldest first
    void remember(const frame& f);
};

// rows 0: as many as it takes (plain). No line is wider than `columns`.
std::vector<std::string> draw(const frame& f, const view& v, size_t rows, size_t columns);
std::vector<std::string> draw_help(const view& v);
// One object, without a newline.
std::string frame_as_json(const frame& f, const view& v);

// A line under construction: counts columns, not bytes, and cuts at the edge.
class text_line {
  public:
    text_line(size_t columns, bool colour) : left_(columns), colour_(colour) {}
    // `style`: the numbers of an SGR sequence ("1", "38;5;45"); "" plain.
    text_line& add(std::string_view text, const char* style = "");
    text_line& right(std::string_view text, size_t width, const char* style = "");  // padded on the left
    text_line& left(std::string_view text, size_t width, const char* style = "");   // padded or cut on the right
    std::string take() { return std::move(text_); }

  private:
    size_t left_;
    bool colour_;
    std::string text_;
};

std::string short_number(double n);        // 950, 1.2k, 35k, 1.2M
std::string short_time(double ns);         // 950ns, 1.2us, 35ms, 1.2s, 5m10s, 2h05m, 3d04h
std::string with_separators(uint64_t n);   // 1,234,567
size_t columns_of(std::string_view utf8);  // characters

// The moment (in ns, a power of two's middle) below which the share q of the waits lie; 0 when there are none.
double wait_quantile(const std::vector<uint64_t>& waits, double q);

}  // namespace insp

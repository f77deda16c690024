// SPDX-License-Identifier: BSL-1.0
// screen_text: numbers and lines as people read them.
#include <cmath>
#include <cstdio>

#include "tools/gossamer/screen.h"
#include "tools/gossamer/utf8.h"

namespace insp {

std::string short_number(double n) {
    static constexpr const char* kUnits[] = {"", "k", "M", "G", "T", "P"};
    size_t unit = 0;
    while (n >= 999.5 && unit + 1 < std::size(kUnits)) {
        n /= 1000;
        unit++;
    }
    char text[32];
    bool is_fraction = unit != 0 ? n < 9.95 : n > 0 && n < 9.95 && n != std::floor(n);
    std::snprintf(text, sizeof text, is_fraction ? "%.1f%s" : "%.0f%s", n, kUnits[unit]);
    return text;
}

std::string short_time(double ns) {
    char text[32];
    if (ns >= 60e9) {
        auto seconds = static_cast<unsigned long long>(ns / 1e9);
        if (seconds < 3600)
            std::snprintf(text, sizeof text, "%llum%02llus", seconds / 60, seconds % 60);
        else if (seconds < 86400)
            std::snprintf(text, sizeof text, "%lluh%02llum", seconds / 3600, seconds / 60 % 60);
        else
            std::snprintf(text, sizeof text, "%llud%02lluh", seconds / 86400, seconds / 3600 % 24);
        return text;
    }
    static constexpr const char* kUnits[] = {"ns", "us", "ms", "s"};
    size_t unit = 0;
    while (ns >= 999.5 && unit + 1 < std::size(kUnits)) {
        ns /= 1000;
        unit++;
    }
    std::snprintf(text, sizeof text, ns < 9.95 && unit != 0 ? "%.1f%s" : "%.0f%s", ns, kUnits[unit]);
    return text;
}

std::string with_separators(uint64_t n) {
    std::string digits = std::to_string(n);
    for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
    return digits;
}

size_t columns_of(std::string_view text) {
    size_t n = 0;
    for (; !text.empty(); n++) {
        size_t bytes = utf8_length(text);
        text.remove_prefix(bytes == 0 ? 1 : bytes);
    }
    return n;
}

text_line& text_line::add(std::string_view text, const char* style) {
    if (left_ == 0 || text.empty()) return *this;
    bool styled = colour_ && *style != 0;
    if (styled) text_ += std::string("\x1b[") + style + "m";
    while (left_ > 0 && !text.empty()) {
        size_t bytes = utf8_length(text);
        if (bytes == 0) {
            text_ += '?';
            bytes = 1;
        } else {
            text_ += text.substr(0, bytes);
        }
        text.remove_prefix(bytes);
        left_--;
    }
    if (styled) text_ += "\x1b[0m";
    return *this;
}

text_line& text_line::right(std::string_view text, size_t width, const char* style) {
    size_t has = columns_of(text);
    if (has < width) add(std::string(width - has, ' '));
    return add(text, style);
}

text_line& text_line::left(std::string_view text, size_t width, const char* style) {
    size_t has = columns_of(text);
    if (has > width) {
        size_t bytes = 0, kept = 0;
        while (kept < width) {
            size_t n = utf8_length(text.substr(bytes));
            bytes += n == 0 ? 1 : n;
            kept++;
        }
        text = text.substr(0, bytes);
        has = width;
    }
    add(text, style);
    if (has < width) add(std::string(width - has, ' '));
    return *this;
}

double wait_quantile(const std::vector<uint64_t>& waits, double q) {
    uint64_t all = 0, below = 0;
    for (uint64_t n : waits) all += n;
    if (all == 0) return 0;
    auto wanted = uint64_t(std::ceil(q * double(all)));
    for (size_t i = 0; i < waits.size(); i++) {
        below += waits[i];
        if (below >= wanted && below != 0) return std::ldexp(1.4142, int(i));
    }
    return 0;
}

}  // namespace insp

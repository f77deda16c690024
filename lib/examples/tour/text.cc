// SPDX-License-Identifier: BSL-1.0
#include "text.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace tour {

namespace {

constexpr int kColumns = 100;
constexpr int kBar = 30;

constexpr std::string_view kBold = "\033[1m";
constexpr std::string_view kDim = "\033[2m";
constexpr std::string_view kPlain = "\033[0m";

// The text between two escape sequences on a terminal, the bare text elsewhere.
std::string styled(std::string_view style, std::string_view text) {
    if (!on_terminal()) return std::string(text);
    return std::string(style) + std::string(text) + std::string(kPlain);
}

std::string repeated(std::string_view piece, int times) {
    std::string s;
    for (int i = 0; i < times; ++i) s += piece;
    return s;
}

void print(const std::string& line) {
    std::fputs(line.c_str(), stdout);
    std::fflush(stdout);
}

// x in the largest unit that leaves at least one digit before the point, with three digits that count.
struct unit {
    double size;
    const char* name;
};
template <size_t N>
std::string in_unit(double x, const std::array<unit, N>& from_large) {
    const unit* u = from_large.data();
    while (u != &from_large.back() && x < u->size) ++u;
    double shown = x / u->size;
    int digits = u == &from_large.back() || shown >= 100 ? 0 : shown >= 10 ? 1 : 2;
    return fixed(shown, digits) + " " + u->name;
}

}  // namespace

bool on_terminal() {
    static const bool answer = ::isatty(STDOUT_FILENO) == 1;
    return answer;
}

void headline(std::string_view section, std::string_view what) {
    const char* dash = on_terminal() ? "─" : "-";
    std::string line = repeated(dash, 2) + " " + std::string(section) + " ";
    line += repeated(dash, kColumns - 4 - static_cast<int>(section.size()));
    print("\n" + styled(kBold, line) + "\n" + std::string(what) + "\n\n");
}

void row(std::string_view what, std::string_view value, std::string_view unit, std::string_view remark) {
    std::array<char, 64> left;
    std::snprintf(left.data(), left.size(), "  %-30.*s", static_cast<int>(what.size()), what.data());
    std::array<char, 32> figure;
    std::snprintf(figure.data(), figure.size(), "%12.*s ", static_cast<int>(value.size()), value.data());
    std::array<char, 32> of;
    std::snprintf(of.data(), of.size(), remark.empty() ? "%.*s" : "%-11.*s", static_cast<int>(unit.size()),
                  unit.data());
    std::string line = left.data() + styled(kBold, figure.data()) + of.data();
    if (!remark.empty()) line += " " + styled(kDim, remark);
    print(line + "\n");
}

void remark(std::string_view text) { print("  " + styled(kDim, text) + "\n"); }

void complain(std::string_view section, std::string_view text) {
    std::fflush(stdout);
    std::fprintf(stderr, "tour: %.*s: %.*s\n", static_cast<int>(section.size()), section.data(),
                 static_cast<int>(text.size()), text.data());
}

std::string grouped(uint64_t n) {
    std::string digits = std::to_string(n);
    for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<size_t>(at), ",");
    return digits;
}

std::string fixed(double x, int digits) {
    std::array<char, 64> buffer;
    std::snprintf(buffer.data(), buffer.size(), "%.*f", digits, x);
    return buffer.data();
}

std::string bytes(uint64_t n) {
    return in_unit(static_cast<double>(n), std::array<unit, 4>{{{1e9, "GB"}, {1e6, "MB"}, {1e3, "KB"}, {1, "B"}}});
}

std::string span(std::chrono::nanoseconds d) {
    return in_unit(static_cast<double>(d.count()),
                   std::array<unit, 4>{{{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}}});
}

void progress::show(uint64_t done, uint64_t total, std::string_view rest) {
    if (!on_terminal()) {
        auto now = std::chrono::steady_clock::now();
        if (now - last_line_ < std::chrono::seconds(1)) return;
        last_line_ = now;
        print("  " + std::string(rest) + "\n");
        return;
    }
    int full = total == 0 ? 0 : static_cast<int>(std::min<uint64_t>(kBar, done * kBar / total));
    print("\r  " + repeated("█", full) + styled(kDim, repeated("░", kBar - full)) + "  " + std::string(rest) +
          "\033[K");
    drawn_ = true;
}

void progress::finish() {
    if (drawn_) print("\r\033[K");
    drawn_ = false;
}

}  // namespace tour

// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/graph_text.h"

#include <algorithm>
#include <cstdio>

namespace insp {

std::string hex(uint64_t n) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(n));
    return text;
}

std::string plural(uint64_t n, const char* what) {
    std::string digits = std::to_string(n);
    for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
    return digits + " " + what + (n == 1 ? "" : "s");
}

std::string padded(std::string text, size_t width) {
    size_t columns = 0;
    for (char c : text) columns += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    if (columns < width) text.append(width - columns, ' ');
    return text;
}

std::string text_table::text() const {
    std::vector<size_t> widths;
    for (const auto& row : rows_)
        for (size_t i = 0; i < row.size(); i++) {
            if (widths.size() <= i) widths.push_back(0);
            size_t columns = 0;
            for (char c : row[i]) columns += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
            widths[i] = std::max(widths[i], columns);
        }
    std::string out;
    for (const auto& row : rows_) {
        for (size_t i = 0; i < row.size(); i++) out += i + 1 < row.size() ? padded(row[i], widths[i] + 2) : row[i];
        while (out.ends_with(' ')) out.pop_back();
        out += '\n';
    }
    return out;
}

std::string describer::label(const goroutine& g) {
    std::string id = "G" + std::to_string(g.id);
    return g.is_thread ? name(g) + " (" + id + ")" : id + " " + name(g);
}

}  // namespace insp

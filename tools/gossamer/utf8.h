// SPDX-License-Identifier: BSL-1.0
// utf8: names and logs come out of another process's memory and may be anything; the formats that we write take valid text only.
#pragma once

#include <string>
#include <string_view>

namespace insp {

// How many bytes the character at the front has; 0 when they are none.
inline size_t utf8_length(std::string_view s) {
    if (s.empty()) return 0;
    auto byte = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
    unsigned first = byte(0);
    if (first < 0x80) return 1;
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || s.size() < length) return 0;
    for (size_t i = 1; i < length; i++)
        if ((byte(i) & 0xc0) != 0x80) return 0;
    bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
    bool surrogate = first == 0xed && byte(1) >= 0xa0;
    bool too_large = first == 0xf4 && byte(1) >= 0x90;
    return overlong || surrogate || too_large ? 0 : length;
}

// The same text with a '?' for each byte that belongs to no character.
inline std::string valid_utf8(std::string_view s) {
    std::string out;
    out.reserve(s.size());
    while (!s.empty()) {
        size_t n = utf8_length(s);
        if (n == 0)
            out += '?';
        else
            out += s.substr(0, n);
        s.remove_prefix(n == 0 ? 1 : n);
    }
    return out;
}

}  // namespace insp

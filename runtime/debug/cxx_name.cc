// SPDX-License-Identifier: BSL-1.0
#include "runtime/debug/cxx_name.h"

namespace gossamer::rt {

std::string_view qualified(std::string_view function) {
    size_t begin = 0;
    int depth = 0;
    for (size_t i = 0; i < function.size(); i++) {
        char c = function[i];
        if (function.substr(i).starts_with("operator") ||
            (c == '(' && depth == 0 && !function.substr(i).starts_with("(anonymous")))
            break;
        if (c == '<' || c == '(')
            depth++;
        else if (c == '>' || c == ')')
            depth--;
        else if (c == ' ' && depth == 0)
            begin = i + 1;
    }
    return function.substr(begin);
}

}  // namespace gossamer::rt

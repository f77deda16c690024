// SPDX-License-Identifier: BSL-1.0
// names: what a goroutine is called on the screen when it has no name: the function or lambda that it began with, without what the library wraps it in.
#include <algorithm>

#include "tools/gossamer/probe.h"
#include "tools/gossamer/utf8.h"

namespace insp {

namespace {

// Behind the bracket that closes the one at `open`; the end when none does.
size_t behind_bracket(std::string_view s, size_t open) {
    int depth = 0;
    for (size_t i = open; i < s.size(); i++) {
        if (s[i] == '(' || s[i] == '<' || s[i] == '{') depth++;
        if (s[i] == '>' && i > 0 && s[i - 1] == '-') continue;  // ->
        if (s[i] == ')' || s[i] == '>' || s[i] == '}') depth--;
        if (depth == 0) return i + 1;
    }
    return s.size();
}

// The first of the template arguments that begin at `open` ('<').
std::string_view first_argument(std::string_view s, size_t open) {
    size_t at = open + 1;
    while (at < s.size() && s[at] != ',' && s[at] != '>') {
        bool opens = s[at] == '(' || s[at] == '<' || s[at] == '{';
        at = opens ? behind_bracket(s, at) : at + 1;
    }
    std::string_view argument = s.substr(open + 1, std::min(at, s.size()) - open - 1);
    while (argument.ends_with(' ')) argument.remove_suffix(1);
    return argument;
}

// Without parameters, template arguments and the names of nameless things.
std::string bare(std::string_view s) {
    std::string out;
    for (size_t i = 0; i < s.size();) {
        std::string_view rest = s.substr(i);
        if (rest.starts_with("(anonymous namespace)::")) {
            i += 23;
        } else if (rest.starts_with("::operator()")) {
            i += 12;
        } else if (rest.starts_with("{lambda") || rest.starts_with("{unnamed type")) {
            size_t end = behind_bracket(s, i), number = s.rfind('#', end);
            out += rest[1] == 'l' ? "lambda" : "type";
            if (number != std::string_view::npos && number > i) out += s.substr(number, end - 1 - number);
            i = end;
        } else if (rest.starts_with("'lambda")) {  // LLVM's way
            size_t end = s.find('\'', i + 1);
            std::string_view number = s.substr(i + 7, end == std::string_view::npos ? 0 : end - i - 7);
            out += "lambda#" + (number.empty() ? std::string("1") : std::string(number));
            i = end == std::string_view::npos ? s.size() : end + 1;
        } else if (s[i] == '(' || s[i] == '<') {
            i = behind_bracket(s, i);
            while (s.substr(i).starts_with(" const") || s.substr(i).starts_with("&")) i += s[i] == '&' ? 1 : 6;
        } else {
            out += s[i++];
        }
    }
    return out;
}

std::string callable_name(std::string_view type, int depth) {
    if (type.find("(*)") != std::string_view::npos && !type.starts_with("gossamer::"))
        return "";  // a pointer to a function: which one, the type does not tell
    // A wrapper of the library's (wait_group::go, errgroup::go, once): what it wraps says more.
    if (type.starts_with("gossamer::") && depth < 8) {
        size_t open = type.find('<');
        size_t parameters = type.find('(');
        if (open != std::string_view::npos && open < parameters) {
            std::string inner = callable_name(first_argument(type, open), depth + 1);
            if (!inner.empty()) return inner;
        }
    }
    return bare(type);
}

bool is_of_library(std::string_view function) {
    return function.starts_with("gossamer::") || function.find(" gossamer::") != std::string_view::npos ||
           function.starts_with("std::");
}

}  // namespace

std::string start_name(std::string_view demangled) {
    size_t invoke = demangled.find("gossamer::detail::invoke_");
    if (invoke == std::string_view::npos) return "";
    size_t open = demangled.find('<', invoke);
    if (open == std::string_view::npos) return "";
    std::string_view call = first_argument(demangled, open);
    if (call.starts_with("gossamer::detail::call<")) call = first_argument(call, call.find('<'));
    return callable_name(call, 0);
}

std::string printable(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        size_t n = utf8_length(text);
        unsigned char first = static_cast<unsigned char>(text[0]);
        bool obeyed =
            first < 0x20 || first == 0x7f || (n == 2 && first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0);
        if (n == 0 || obeyed)
            out += '?';
        else
            out += text.substr(0, n);
        text.remove_prefix(n == 0 ? 1 : n);
    }
    return out;
}

std::string name_of(const target& t, const origin& from) {
    if (from.name_at != 0)
        if (std::string name = t.read_string(from.name_at); !name.empty()) return printable(name);
    std::string start;
    if (from.invoke != 0) {
        const std::string& function = t.describe(from.invoke, false).back().function;
        start = start_name(function);
        bool is_wrapper = function.find("gossamer::detail::invoke_") != std::string::npos;
        if (start.empty() && !is_wrapper && !function.starts_with("0x")) start = bare(function);
    }
    if (start.empty() && from.creator_pc != 0)
        for (const code_frame& f : t.describe(from.creator_pc, true))
            if (!is_of_library(f.function) && !f.function.starts_with("0x")) {
                start = "go in " + bare(f.function);
                break;
            }
    if (!start.empty()) return printable(start);
    char text[32];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(from.invoke));
    return from.invoke != 0 ? text : "?";
}

}  // namespace insp

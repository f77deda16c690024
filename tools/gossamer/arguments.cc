// SPDX-License-Identifier: BSL-1.0
#include <charconv>

#include "tools/gossamer/commands.h"

namespace insp {

arguments::arguments(std::string command, std::vector<std::string> words)
    : command_(std::move(command)), words_(std::move(words)) {}

bool arguments::flag(std::string_view name) {
    for (auto w = words_.begin(); w != words_.end(); ++w)
        if (*w == name) {
            words_.erase(w);
            return true;
        }
    return false;
}

std::optional<std::string> arguments::value(std::string_view name) {
    for (auto w = words_.begin(); w != words_.end(); ++w) {
        if (*w == name) {
            if (w + 1 == words_.end())
                throw usage_error("gossamer: " + command_ + ": " + std::string(name) + " wants a value behind it");
            std::string v = w[1];
            words_.erase(w, w + 2);
            return v;
        }
        if (w->size() > name.size() && w->starts_with(name) && (*w)[name.size()] == '=') {
            std::string v = w->substr(name.size() + 1);
            words_.erase(w);
            return v;
        }
    }
    return std::nullopt;
}

uint64_t arguments::number(std::string_view name, uint64_t otherwise, uint64_t low, uint64_t high) {
    auto text = value(name);
    if (!text) return otherwise;
    uint64_t n = 0;
    auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), n);
    if (failed != std::errc{} || end != text->data() + text->size() || n < low || n > high)
        throw usage_error("gossamer: " + command_ + ": " + std::string(name) + " " + *text + ": not a number from " +
                          std::to_string(low) + " to " + std::to_string(high));
    return n;
}

int64_t arguments::duration_ns(std::string_view name, int64_t otherwise) {
    auto text = value(name);
    if (!text) return otherwise;
    static constexpr struct {
        std::string_view unit;
        double ns;
    } kUnits[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
    double n = 0;
    auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), n);
    std::string_view unit(end, size_t(text->data() + text->size() - end));
    if (failed == std::errc{} && n >= 0)
        for (auto& u : kUnits)
            if (unit == u.unit && n * u.ns < 9e18) return int64_t(n * u.ns);
    throw usage_error("gossamer: " + command_ + ": " + std::string(name) + " " + *text +
                      ": not a time such as 2s, 150ms, 20us, 5m");
}

std::string arguments::positional(std::string_view what) {
    auto word = optional_positional();
    if (!word) throw usage_error("gossamer: " + command_ + ": which " + std::string(what) + "?");
    return *word;
}

std::optional<std::string> arguments::optional_positional() {
    for (auto w = words_.begin(); w != words_.end(); ++w)
        if (w->empty() || (*w)[0] != '-' || *w == "-") {
            std::string word = *w;
            words_.erase(w);
            return word;
        }
    return std::nullopt;
}

void arguments::done() {
    if (!words_.empty()) throw usage_error("gossamer: " + command_ + ": what is \"" + words_.front() + "\"?");
}

}  // namespace insp

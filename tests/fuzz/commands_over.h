// SPDX-License-Identifier: BSL-1.0
// commands_over: a command of `gossamer` on a file, as its main() calls it. What it prints goes to nobody.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "tools/gossamer/commands.h"

namespace fuzz {

struct command_line {
    const insp::command& command;
    std::vector<std::string> words;  // "@" is the file
};

inline void run(const command_line& line, const std::string& path) {
    std::vector<std::string> words = line.words;
    std::replace(words.begin(), words.end(), std::string("@"), path);
    insp::arguments args(line.command.name, std::move(words));
    try {
        line.command.run(args);
    } catch (const insp::usage_error& e) {
        std::fprintf(stderr, "%s\n", e.what());
        std::abort();  // the line is wrong, and nothing has been fuzzed
    } catch (const insp::error&) {
        // The reason, for the user.
    }
}

}  // namespace fuzz

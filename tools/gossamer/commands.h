// SPDX-License-Identifier: BSL-1.0
// commands: what `gossamer NAME …` can be. Each command is a file of its own, cmd_NAME.cc, which defines its entry; main.cc lists them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/gossamer/target.h"

namespace insp {

// Wrong use: printed with the command's usage; exit status 2.
struct usage_error : error {
    using error::error;
};

// The words behind the command's name. Options may stand anywhere; "--name value" and "--name=value" are the same.
class arguments {
  public:
    arguments(std::string command, std::vector<std::string> words);
    // Each takes its option out; what is left at done() is refused by name.
    bool flag(std::string_view name);  // --json
    std::optional<std::string> value(
        std::string_view name);  // --at T; usage_error when nothing follows. "-o" is spelled "-o"
    uint64_t number(std::string_view name, uint64_t otherwise, uint64_t low, uint64_t high);
    int64_t duration_ns(std::string_view name, int64_t otherwise);  // 2s, 150ms, 20us, 5m, 1h
    std::string positional(std::string_view what);  // the next plain word; usage_error naming `what` when there is none
    std::optional<std::string> optional_positional();
    void done();  // usage_error when something is left
    const std::string& command() const { return command_; }

  private:
    std::string command_;
    std::vector<std::string> words_;
};

struct command {
    const char* name;
    const char* summary;          // one line for the table of --help
    const char* help;             // whole: usage, options, what the columns mean, an example
    int (*run)(arguments& args);  // returns the exit status; throws error
};

extern const command ps_command, stack_command, top_command, tree_command, wait_command, obj_command, stalls_command,
    leaks_command, record_command, snap_command, replay_command, prof_command, core2threads_command, check_command,
    metrics_command, report_command, export_command, tls_lint_command;

}  // namespace insp

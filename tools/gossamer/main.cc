// SPDX-License-Identifier: BSL-1.0
// gossamer: looks inside a program that runs on Gossamer, from outside: a process, the black box that one left, a saved window, a core.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <new>

#include "tools/gossamer/commands.h"

namespace {

// One a line, in the order of --help.
const std::initializer_list<const insp::command*> kCommands = {
    &insp::ps_command,      &insp::stack_command,    &insp::top_command,  &insp::stalls_command,
    &insp::tree_command,    &insp::wait_command,     &insp::obj_command,  &insp::leaks_command,
    &insp::metrics_command, &insp::record_command,   &insp::snap_command, &insp::export_command,
    &insp::replay_command,  &insp::report_command,   &insp::prof_command, &insp::core2threads_command,
    &insp::check_command,   &insp::tls_lint_command,
};

void print_help(FILE* to) {
    std::fputs(
        "usage: gossamer COMMAND [TARGET] [OPTION …]\n\n"
        "TARGET is a process id, the black box of a process that has died (/dev/shm/gossamer.UID.PID), a file that "
        "`snap` or `record` wrote, or a core.\n\n",
        to);
    for (const insp::command* c : kCommands) std::fprintf(to, "  %-13s %s\n", c->name, c->summary);
    std::fputs(
        "\ngossamer COMMAND --help says more. --json gives every answer as JSON. Exit status: 0 done, 1 not possible "
        "(the reason on stderr), 2 wrong use.\n",
        to);
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    std::string name = argc > 1 ? argv[1] : "";
    if (name.empty() || name == "--help" || name == "-h" || name == "help") {
        print_help(name.empty() ? stderr : stdout);
        return name.empty() ? 2 : 0;
    }
    for (const insp::command* c : kCommands) {
        if (name != c->name) continue;
        try {
            insp::running_command = name;
            insp::arguments args(name, {argv + 2, argv + argc});
            if (args.flag("--help") || args.flag("-h")) {
                std::fputs(c->help, stdout);
                return 0;
            }
            int status = c->run(args);
            if (std::fflush(stdout) != 0)
                throw insp::error("gossamer: " + name + ": cannot write the output: " + std::strerror(errno));
            return status;
        } catch (const insp::usage_error& e) {
            std::fprintf(stderr, "%s\n\n%s", e.what(), c->help);
            return 2;
        } catch (const insp::error& e) {
            std::fprintf(stderr, "%s\n", e.what());
            return 1;
        } catch (const std::bad_alloc&) {
            std::fprintf(stderr, "gossamer: %s: out of memory\n", name.c_str());
            return 1;
        }
    }
    std::fprintf(stderr, "gossamer: there is no command \"%s\"\n\n", name.c_str());
    print_help(stderr);
    return 2;
}

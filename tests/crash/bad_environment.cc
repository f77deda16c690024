// SPDX-License-Identifier: BSL-1.0
// Each environment variable with values that cannot be used: each ends its process at the start, named with its value.
#include <gossamer/go.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

int main() {
    constexpr struct {
        const char *name, *value;
    } kBad[] = {{"GOSSAMER_PROCS", "0"},         {"GOSSAMER_PROCS", "1025"},
                {"GOSSAMER_PROCS", "many"},      {"GOSSAMER_PROCS", "-1"},
                {"GOSSAMER_STACK", "16383"},     {"GOSSAMER_STACK", "2g"},
                {"GOSSAMER_STACK", "64kb"},      {"GOSSAMER_MAX_THREADS", "3"},
                {"GOSSAMER_SEED", "0"},          {"GOSSAMER_MAX_THREADS", "99999999999999999999"},
                {"GOSSAMER_SEED", "0x7"},        {"GOSSAMER_GUARDS", "none"},
                {"GOSSAMER_BOX", "yes"},         {"GOSSAMER_DEBUG", "schedtrace=0"},
                {"GOSSAMER_DEBUG", "gctrace=1"}, {"GOTRACEBACK", "full"},
                {"GOSSAMER_TRACE_STACKS", "2"},  {"GOSSAMER_TRACE_RING", "1k"}};
    for (auto& bad : kBad) {
        pid_t child = fork();  // before the runtime starts here
        if (child == 0) {
            setenv(bad.name, bad.value, 1);
            gossamer::run([] { std::puts("ran"); });
            return 0;
        }
        int status = 0;
        waitpid(child, &status, 0);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 2) {
            std::printf("%s=%s: status %d\n", bad.name, bad.value, status);
            return 1;
        }
    }
    return 0;
}

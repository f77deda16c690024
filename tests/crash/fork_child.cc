// SPDX-License-Identifier: BSL-1.0
// The child of a fork has none of the runtime's threads: its first call says so and does not hang; the parent goes on.
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

using namespace gossamer;

int main() {
    return run([] {
        chan<int> c(1);
        pid_t child = fork();
        if (child == 0) {
            c.send(1);
            _exit(0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        c.send(2);
        std::printf("parent received %d\n", *c.recv());
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    });
}

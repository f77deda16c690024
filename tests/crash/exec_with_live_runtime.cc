// SPDX-License-Identifier: BSL-1.0
// Goroutines start programs: by posix_spawn, by a fork whose child only execs, and by becoming another program while others run.
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "../support/everything.h"

using namespace gossamer;

static int wait_for(pid_t child) {
    int status = 0;
    return blocking([&] { return waitpid(child, &status, 0); }) == child && WIFEXITED(status) ? WEXITSTATUS(status)
                                                                                              : -1;
}

int main(int argc, char** argv) {
    if (argc > 1) {
        run([] { tests::do_everything(10, "the next image: "); });
        return 0;
    }
    return run([=] {
        chan<int> never;
        for (int i = 0; i < 1000; i++) go([=] { never.recv(); });
        go([] {
            for (;;) yield();
        });
        char sh[] = "/bin/sh", c[] = "-c", hello[] = "echo spawned says hello", also[] = "echo forked says hello";
        char* spawned[] = {sh, c, hello, nullptr};
        char* forked[] = {sh, c, also, nullptr};
        pid_t child;
        if (posix_spawn(&child, sh, nullptr, nullptr, spawned, nullptr) != 0 || wait_for(child) != 0) return 1;
        child = fork();
        if (child == 0) {
            execv(sh, forked);
            _exit(1);
        }
        if (wait_for(child) != 0) return 1;
        char image[] = "/proc/self/exe", word[] = "again";
        char* next[] = {argv[0], word, nullptr};
        execv(image, next);
        return 1;
    });
}

// SPDX-License-Identifier: BSL-1.0
// A channel that waits for a signal is no deadlock [DL3, SG1].
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

using namespace gossamer;

int main() {
    pid_t me = getpid();
    return run([=] {
        chan<int> c(1);
        signal::notify(c, SIGUSR1);
        if (fork() == 0) {    // the child touches no runtime
            usleep(500'000);  // what the test is about: longer than the monitor needs to look at a world at rest
            kill(me, SIGUSR1);
            _exit(0);
        }
        std::printf("%s\n", *c.recv() == SIGUSR1 ? "SIGUSR1" : "another signal");
        return 0;
    });
}

// SPDX-License-Identifier: BSL-1.0
// A thousand signals a second, to whichever thread, without SA_RESTART: EINTR reaches nobody [PR5].
#include <gossamer/go.h>
#include <sys/time.h>

#include <atomic>
#include <chrono>
#include <csignal>

#include "../support/everything.h"

static std::atomic<int> signals{0};

int main() {
    struct sigaction action = {};
    action.sa_handler = [](int) { signals++; };
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGALRM, &action, nullptr);
    itimerval every_ms{{0, 1000}, {0, 1000}};
    setitimer(ITIMER_REAL, &every_ms, nullptr);
    auto begin = std::chrono::steady_clock::now();
    gossamer::run([=] {
        do tests::do_everything();
        while (std::chrono::steady_clock::now() - begin < std::chrono::seconds(1));
    });
    tests::do_everything();  // the same on a plain thread
    std::printf("%s\n", signals > 200 ? "a storm" : "no storm");
    return 0;
}

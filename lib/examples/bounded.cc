// SPDX-License-Identifier: BSL-1.0
// Bounded parallelism: a thousand tasks, at most eight at a time, and the first error stops the rest.
#include <gossamer/errgroup.h>
#include <gossamer/error.h>
#include <gossamer/go.h>
#include <gossamer/time.h>

#include <atomic>
#include <chrono>
#include <cstdio>

using namespace gossamer;
using namespace std::chrono_literals;

constexpr int kLimit = 8;

int main() {
    return run([] {
        std::atomic<int> active = 0, most = 0, finished = 0;
        errgroup all;
        all.set_limit(kLimit);
        for (int i = 0; i < 1000; ++i) {
            all.go([&]() -> error {
                int now = ++active;
                int seen = most;
                while (now > seen && !most.compare_exchange_weak(seen, now)) {
                }
                sleep(100us);
                --active;
                ++finished;
                return {};
            });
        }
        error none = all.wait();
        std::printf("%d tasks, %s, at most %d at a time: %s\n", finished.load(),
                    none ? "with an error" : "without an error", kLimit, most <= kLimit ? "kept" : "broken");

        // The group's context ends with the first error: who has not started by then does not start.
        auto [group, ctx] = errgroup::with_context(background());
        group.set_limit(kLimit);
        for (int i = 0; i < 1000; ++i) {
            group.go([i, ctx = ctx]() -> error {
                if (ctx.err()) return ctx.err();
                if (i == 42) return errors::make("task {} failed", i);
                sleep(100us);
                return {};
            });
        }
        std::printf("the group ended with: %s\n", group.wait().message().c_str());
        return 0;
    });
}

// SPDX-License-Identifier: BSL-1.0
// A worker pool: jobs go in through one channel, results come out of another, in any order; each result knows its job.
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/wait_group.h>

#include <cstdio>
#include <map>

using namespace gossamer;

struct job {
    int number;
    unsigned long start;
};

struct result {
    job done;
    int steps;
};

// How many steps 3n+1 takes to come down to 1.
int collatz(unsigned long n) {
    int steps = 0;
    for (; n != 1; ++steps) n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    return steps;
}

int main() {
    return run([] {
        constexpr int kWorkers = 4;
        chan<job> jobs(16);
        chan<result> results(16);

        wait_group workers;
        for (int w = 0; w < kWorkers; ++w) {
            workers.go([=] {
                for (job j : jobs) results << result{j, collatz(j.start)};
            });
        }
        go([=] {
            for (int i = 0; i < 10; ++i) jobs << job{i, 27ul * (i + 1)};
            jobs.close();
        });
        go([&workers, results] {
            workers.wait();
            results.close();
        });

        std::map<int, result> sorted;
        for (const result& r : results) sorted.emplace(r.done.number, r);
        for (const auto& [number, r] : sorted)
            std::printf("job %d: %3lu comes down to 1 in %3d steps\n", number, r.done.start, r.steps);
        return 0;
    });
}

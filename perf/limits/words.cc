// SPDX-License-Identifier: BSL-1.0
// words: what one thread does in its own cache: an atomic add, a look at a word behind a call, a mutex, the smallest task.

#include <pthread.h>

#include <array>
#include <atomic>
#include <thread>

#include "perf/limits/costs.h"

namespace perf {

namespace {

struct alignas(64) line {
    std::atomic<std::int64_t> word = 0;
};

[[gnu::noinline]] bool is_empty(const line& l) { return l.word.load() == 0; }

// A task as small as one can be: what to call, with what; it lies in a cache line of its own until its turn comes.
struct alignas(64) record {
    void (*run)(void* arg);
    void* arg;
};

[[gnu::noinline]] void count_one(void* arg) { ++*static_cast<std::int64_t*>(arg); }

}  // namespace

void atomic_add(bench& b) {
    line l;
    per_op(b, b.n, "ns_per_add", [&] {
        for (std::int64_t i = 0; i < b.n; i++) l.word.fetch_add(1);
    });
    check(b, l.word, 2 * b.n, "sum");
}

void look(bench& b) {
    line l;
    std::int64_t empty = 0;
    per_op(b, b.n, "ns_per_look", [&] {
        for (std::int64_t i = 0; i < b.n; i++) empty += is_empty(l) ? 1 : 0;
    });
    check(b, empty, 2 * b.n, "looks at an empty word");
}

void mutex_pair(bench& b) {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    std::int64_t count = 0;
    // While a process has one thread only, the C library takes its mutexes without an atomic operation.
    std::atomic<bool> done = false;
    std::thread another([&] { done.wait(false); });
    per_op(b, b.n, "ns_per_pair", [&] {
        for (std::int64_t i = 0; i < b.n; i++) {
            ::pthread_mutex_lock(&mutex);
            count++;
            ::pthread_mutex_unlock(&mutex);
        }
    });
    done = true;
    done.notify_one();
    another.join();
    check(b, count, 2 * b.n, "count");
}

// A ring of 256, filled and emptied in turn.
void task(bench& b) {
    static std::array<record, 256> ring;
    std::int64_t rounds = (b.n + 255) / 256, ran = 0;
    b.n = rounds * 256;
    per_op(b, b.n, "ns_per_task", [&] {
        for (std::int64_t r = 0; r < rounds; r++) {
            for (record& t : ring) t = {count_one, &ran};
            asm volatile("" ::: "memory");  // the records are written: nobody calls from what is still in a register
            for (record& t : ring) t.run(t.arg);
        }
    });
    check(b, ran, 2 * b.n, "tasks run");
}

}  // namespace perf

// SPDX-License-Identifier: BSL-1.0
// Deadlocks over mutexes, while other goroutines run. Those in the cycle are called "dead", those who wait for them "behind".
#include <atomic>
#include <mutex>

#include "scenarios.h"

using namespace gossamer;

namespace {

// Counts those who hold their first lock; nobody goes on to the second before all do.
struct meeting {
    std::atomic<int> missing;
    void wait() {
        for (missing--; missing > 0;) yield();
    }
};

[[gnu::noinline]] void lock_both(mutex& first, mutex& second, meeting& all) {
    std::lock_guard a(first);
    all.wait();
    std::lock_guard b(second);
}

// Lives on the heap: the goroutines outlive the scenario.
template <int N>
struct table {
    mutex m[N];
    meeting all{N};
};

void pair() {
    auto* t = new table<2>;
    go({.name = "dead"}, [t] { lock_both(t->m[0], t->m[1], t->all); });
    go({.name = "dead"}, [t] { lock_both(t->m[1], t->m[0], t->all); });
    while (t->all.missing > 0) yield();
    for (int i = 0; i < 3; i++) go({.name = "behind"}, [t] { std::lock_guard hold(t->m[0]); });
}

void three() {
    auto* t = new table<3>;
    for (int i = 0; i < 3; i++) go({.name = "dead"}, [t, i] { lock_both(t->m[i], t->m[(i + 1) % 3], t->all); });
}

void double_lock() {
    auto* t = new table<1>;
    go({.name = "dead"}, [t] { lock_both(t->m[0], t->m[0], t->all); });
}

// A reader waits for a writer that waits for the reader's mutex.
void rw_pair() {
    struct both {
        rw_mutex data;
        mutex log;
        meeting all{2};
    };
    auto* b = new both;
    go({.name = "dead"}, [b] {
        std::unique_lock write(b->data);
        b->all.wait();
        std::lock_guard log(b->log);
    });
    go({.name = "dead"}, [b] {
        std::lock_guard log(b->log);
        b->all.wait();
        b->data.lock_shared();
    });
}

}  // namespace

const scenario kDeadlocked[] = {
    {"pair", pair}, {"three", three}, {"double_lock", double_lock}, {"rw_pair", rw_pair}, {nullptr, nullptr},
};

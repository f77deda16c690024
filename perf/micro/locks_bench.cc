// SPDX-License-Identifier: BSL-1.0
// locks_bench: what an uncontended std::mutex costs with libgossamer-locks and without: `locks_bench [ROUNDS]`. Both in one process, in short
// turns, so that a busy machine slows both; the median of the turns, and of their differences.
#include <dlfcn.h>
#include <pthread.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/os/os.h"

namespace {

constexpr int kPairs = 2000;

using lock_fn = int (*)(pthread_mutex_t*);

struct pair_of_calls {
    lock_fn lock, unlock;
};

[[gnu::noinline]] double turn(pair_of_calls calls, std::mutex& mutex, long& count) {
    int64_t began = gossamer::rt::os::now_ns();
    for (int i = 0; i < kPairs; i++) {
        calls.lock(mutex.native_handle());
        count++;
        calls.unlock(mutex.native_handle());
    }
    return double(gossamer::rt::os::now_ns() - began) / kPairs;
}

double median(std::vector<double>& of) {
    std::nth_element(of.begin(), of.begin() + long(of.size() / 2), of.end());
    return of[of.size() / 2];
}

lock_fn found_in(void* library, const char* name) {
    auto* fn = reinterpret_cast<lock_fn>(dlsym(library, name));
    if (fn != nullptr) return fn;
    std::fprintf(stderr, "locks_bench: no %s: %s\n", name, dlerror());
    std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
    int rounds = argc > 1 ? std::atoi(argv[1]) : 5000;
    void* libc = dlopen("libc.so.6", RTLD_NOW);
    pair_of_calls bare{found_in(libc, "pthread_mutex_lock"), found_in(libc, "pthread_mutex_unlock")};
    pair_of_calls counted{pthread_mutex_lock, pthread_mutex_unlock};
    if (bare.lock == counted.lock) {
        std::fprintf(stderr, "locks_bench: libgossamer-locks is not in front of libc\n");
        return 1;
    }
    // While a process has one thread only, the C library takes its mutexes without an atomic operation.
    std::mutex mutex, held;
    held.lock();
    std::thread another([&] { std::lock_guard wait(held); });
    long count = 0;
    std::vector<double> without, with, more;
    for (int i = 0; i < rounds; i++) {
        without.push_back(turn(bare, mutex, count));
        with.push_back(turn(counted, mutex, count));
        more.push_back(with.back() - without.back());
    }
    held.unlock();
    another.join();
    std::printf("ns_per_pair without=%.2f with=%.2f more=%.2f\n", median(without), median(with), median(more));
    return count == 2L * rounds * kPairs ? 0 : 1;
}

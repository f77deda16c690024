// SPDX-License-Identifier: BSL-1.0
// held [deadlock]: the classic deadlock of one processor: lock, wait, and a second goroutine that wants the lock. Prints what the unlock of an
// error-checking mutex said. With `deadlock` nobody ends the wait.
#include <gossamer.h>
#include <pthread.h>

#include <atomic>
#include <cstdio>
#include <cstring>

using namespace gossamer;

namespace {

struct checked {
    pthread_mutex_t mutex;
    int said = -1;
    checked() {
        pthread_mutexattr_t how;
        pthread_mutexattr_init(&how);
        pthread_mutexattr_settype(&how, PTHREAD_MUTEX_ERRORCHECK);
        pthread_mutex_init(&mutex, &how);
    }
};

// A guard as std::lock_guard is one: it refers to its mutex from the stack.
struct guard {
    checked& of;
    explicit guard(checked& c) : of(c) { pthread_mutex_lock(&of.mutex); }
    ~guard() { of.said = pthread_mutex_unlock(&of.mutex); }
};

[[gnu::noinline]] void wait_inside(recv_chan<int> until) { until.recv(); }

[[gnu::noinline]] void lock_and_wait(checked& c, send_chan<int> holds, recv_chan<int> until) {
    guard lock(c);
    holds << 1;
    wait_inside(until);
}

}  // namespace

int main(int argc, char** argv) {
    bool deadlock = argc > 1 && std::strcmp(argv[1], "deadlock") == 0;
    return run([=] {
        auto* c = new checked;  // not on a stack, and for a compiler not a known place either
        chan<int> until, holds(1);
        std::atomic<bool> wants = false;
        wait_group both;
        both.go([&] { lock_and_wait(*c, holds, until); });
        holds.recv();
        if (!deadlock) {
            both.go([&] {
                wants = true;
                pthread_mutex_lock(&c->mutex);
                pthread_mutex_unlock(&c->mutex);
            });
            while (!wants) yield();
            until << 1;
        }
        both.wait();
        std::printf("unlock: %s\n", c->said == 0 ? "fine" : std::strerror(c->said));
        return 0;
    });
}

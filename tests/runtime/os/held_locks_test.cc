// SPDX-License-Identifier: BSL-1.0
#include "runtime/os/held_locks.h"

#include <doctest/doctest.h>

#include <future>
#include <memory>
#include <mutex>
#include <thread>

using gossamer::rt::os::mutex_on_stack;

namespace {

// As far up as the frames of this file reach.
[[gnu::noinline]] const void* look_from_here() {
    return mutex_on_stack(static_cast<const char*>(__builtin_frame_address(0)) + 1024);
}

template <class Mutex>
[[gnu::noinline]] const void* look_under_guard(Mutex& mutex) {
    std::lock_guard lock(mutex);
    const void* found = look_from_here();
    asm volatile("" ::: "memory");
    return found;
}

}  // namespace

TEST_CASE("a locked mutex is found by the guard that refers to it, on the heap and on the stack") {
    auto on_heap = std::make_unique<std::mutex>();
    auto recursive = std::make_unique<std::recursive_mutex>();
    std::mutex on_stack;
    for (int i = 0; i < 3; i++) {
        CHECK(look_under_guard(*on_heap) == on_heap.get());
        CHECK(look_under_guard(*recursive) == recursive.get());
        CHECK(look_under_guard(on_stack) == &on_stack);
    }
    CHECK(look_from_here() == nullptr);
}

TEST_CASE("a mutex that is free, or another thread's, is not found, and words that point nowhere do no harm") {
    auto mutex = std::make_unique<std::mutex>();
    std::mutex* volatile keep = mutex.get();
    volatile uintptr_t nowhere[] = {0x1000, 0x7fff'ffff'f000, 0x5555'0000'0000, 0xdead'beef'0000, uintptr_t(-8), 8};
    CHECK(nowhere[0] == 0x1000);
    CHECK(look_from_here() == nullptr);
    std::promise<void> locked, done;
    std::thread other([&] {
        std::lock_guard lock(*keep);
        locked.set_value();
        done.get_future().wait();
    });
    locked.get_future().wait();
    CHECK(look_from_here() == nullptr);
    done.set_value();
    other.join();
}

TEST_CASE("without libgossamer-locks nobody counts") { CHECK(gossamer::rt::os::held_locks_here() == nullptr); }

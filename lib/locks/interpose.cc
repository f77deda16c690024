// SPDX-License-Identifier: BSL-1.0
// interpose: libgossamer-locks: counts the pthread mutexes, rwlocks and spin locks that each thread holds, by standing in front of libc's
// functions. The runtime reads the count when a goroutine leaves its stack (runtime/os/held_locks.h says what it makes of it).
// Called by / on: every thread of the process, any stack; also before main and in programs without goroutines. Part of libgossamer-locks alone,
//   which needs nothing of libgossamer.
// Invariants:
//   1 A lock is in its thread's table from the return of the call that took it until the call that gives it back. What waits inside a call
//     (pthread_cond_wait gives its mutex back and takes it again there) changes nothing: a thread in a call parks nobody.
//   2 The entry behind the newest is written before its lock is asked for. No other lock is taken on the thread until that call returns: a signal
//     handler may take none.
//   3 Who gives back what another thread took (misuse, but for a spin lock) leaves both tables as they are, unless the thread holds more locks than
//     are named.
// Not done: a table for each goroutine. A lock belongs to a thread; while one is held, thread and goroutine are the same.
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "runtime/base/atomic.h"
#include "runtime/os/held_locks.h"

namespace gossamer::locks {

namespace {

using rt::relaxed;

// Of this thread. Nobody else has its address but the runtime, which asks on each thread anew.
constinit thread_local rt::os::held_locks own [[gnu::tls_model("initial-exec")]] = {};

template <size_t N>
struct text {
    char s[N];
    constexpr text(const char (&t)[N]) {  // NOLINT: meant to be implicit, as a template's argument
        for (size_t i = 0; i < N; i++) s[i] = t[i];
    }
};

// The function of that name behind this library: libc's, or another interposer's. Looked up at its first call, with no test at the others.
template <text Name, class... Args>
struct next {
    static int look_up(Args... args) {
        auto* found = reinterpret_cast<int (*)(Args...)>(dlsym(RTLD_NEXT, Name.s));
        if (found == nullptr) {
            static constexpr char kWords[] = "libgossamer-locks: libc has no function called ";
            (void)!::write(2, kWords, sizeof kWords - 1);
            (void)!::write(2, Name.s, strlen(Name.s));
            (void)!::write(2, "\n", 1);
            abort();
        }
        function.store(found, relaxed);  // pairs with nothing: every thread finds the same
        return found(args...);
    }
    static inline constinit rt::atomic<int (*)(Args...)> function{look_up};

    static int call(Args... args) { return function.load(relaxed)(args...); }  // pairs with nothing, as above
};

// Before a lock is asked for: where it will be noted. Nothing need be kept over the call then (invariant 2).
[[gnu::always_inline]] inline void wanted(const volatile void* lock, const void* at, const void* frame) {
    uint32_t n = own.count < rt::os::kMostNoted ? own.count : rt::os::kMostNoted;
    own.of[n] = {const_cast<const void*>(lock), at, frame};
}

// `result` as it is. 0: it has the lock; EOWNERDEAD: likewise, from an owner that died.
[[gnu::always_inline]] inline int taken(int result) {
    if (result == 0 || result == EOWNERDEAD) [[likely]]
        own.count++;
    return result;
}

// The i-th is no longer held. Where more are held than can be named, one that is not moves up: a null.
void remove(uint32_t i, uint32_t noted) {
    for (; i + 1 < noted; i++) own.of[i] = own.of[i + 1];
    if (own.count > noted) own.of[noted - 1] = {};
    own.count--;
}

// Not the newest, or not taken here, or not named.
[[gnu::noinline]] void forget_older(const volatile void* lock) {
    uint32_t noted = own.count < rt::os::kMostNoted ? own.count : rt::os::kMostNoted;
    for (uint32_t i = noted; i > 0; i--)
        if (own.of[i - 1].lock == lock) return remove(i - 1, noted);
    if (own.count > noted) {
        own.count--;
        return;
    }
    for (uint32_t i = noted; i > 0; i--)
        if (own.of[i - 1].lock == nullptr) return remove(i - 1, noted);
}

[[gnu::always_inline]] inline void given_back(const volatile void* lock) {
    uint32_t last = own.count - 1;
    if (last < rt::os::kMostNoted && own.of[last].lock == lock) [[likely]] {
        own.count = last;
        return;
    }
    forget_older(lock);
}

}  // namespace

}  // namespace gossamer::locks

using gossamer::locks::given_back;
using gossamer::locks::next;
using gossamer::locks::taken;
using gossamer::locks::wanted;

#pragma GCC visibility push(default)
extern "C" {

const gossamer::rt::os::held_locks* gossamer_held_locks() { return &gossamer::locks::own; }

int pthread_mutex_lock(pthread_mutex_t* lock) noexcept {
    wanted(lock, __builtin_return_address(0), __builtin_dwarf_cfa());
    return taken(next<"pthread_mutex_lock", pthread_mutex_t*>::call(lock));
}
int pthread_mutex_trylock(pthread_mutex_t* lock) noexcept {
    wanted(lock, __builtin_return_address(0), __builtin_dwarf_cfa());
    return taken(next<"pthread_mutex_trylock", pthread_mutex_t*>::call(lock));
}
int pthread_mutex_timedlock(pthread_mutex_t* lock, const timespec* until) noexcept {
    wanted(lock, __builtin_return_address(0), __builtin_dwarf_cfa());
    return taken(next<"pthread_mutex_timedlock", pthread_mutex_t*, const timespec*>::call(lock, until));
}
int pthread_mutex_clocklock(pthread_mutex_t* lock, clockid_t clock, const timespec* until) noexcept {
    wanted(lock, __builtin_return_address(0), __builtin_dwarf_cfa());
    return taken(
        next<"pthread_mutex_clocklock", pthread_mutex_t*, clockid_t, const timespec*>::call(lock, clock, until));
}
int pthread_mutex_unlock(pthread_mutex_t* lock) noexcept {
    given_back(lock);
    return next<"pthread_mutex_unlock", pthread_mutex_t*>::call(lock);
}
int pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept {
    wanted(lock, __builtin_return_address(0), __builtin_dwarf_cfa());
    return taken(next<"pthread_rwlock_rdlock", pthread_rwlock_t*>::call(lock));
}
int pthread_rwlock_tryrdlock(pthread_rwlock_t* lock) noexcept {
    wanted(lock, __builtin_return_address(0), __builtin_dwarf_cfa());
    return taken(next<"pthread_rwlock_tryrdlock", pthread_rwlock_t*>::call(lock));
}
int pthread_rwlock_timedrdlock(pthread_rwlock_t* lock, const timespec* until) noexcept {
    wanted(lock, __builtin_return_address(0), __builtin_dwarf_cfa());
    return taken(next<"pthread_rwlock_timedrdlock", pthread_rwlock_t*, const timespec*>::call(lock, until));
}
int pthread_rwlock_clockrdlock(pthread_rwlock_t* lock, clockid_t clock, const timespec* until) noexcept {
    wanted(lock, __builtin_return_address(0), __builtin_dwarf_cfa());
    return taken(
        next<"pthread_rwlock_clockrdlock", pthread_rwlock_t*, clockid_t, const timespec*>::call(lock, clock, until));
}
int pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept {
    wanted(lock, __builtin_return_address(0), __builtin_dwarf_cfa());
    return taken(next<"pthread_rwlock_wrlock", pthread_rwlock_t*>::call(lock));
}
int pthread_rwlock_trywrlock(pthread_rwlock_t* lock) noexcept {
    wanted(lock, __builtin_return_address(0), __builtin_dwarf_cfa());
    return taken(next<"pthread_rwlock_trywrlock", pthread_rwlock_t*>::call(lock));
}
int pthread_rwlock_timedwrlock(pthread_rwlock_t* lock, const timespec* until) noexcept {
    wanted(lock, __builtin_return_address(0), __builtin_dwarf_cfa());
    return taken(next<"pthread_rwlock_timedwrlock", pthread_rwlock_t*, const timespec*>::call(lock, until));
}
int pthread_rwlock_clockwrlock(pthread_rwlock_t* lock, clockid_t clock, const timespec* until) noexcept {
    wanted(lock, __builtin_return_address(0), __builtin_dwarf_cfa());
    return taken(
        next<"pthread_rwlock_clockwrlock", pthread_rwlock_t*, clockid_t, const timespec*>::call(lock, clock, until));
}
int pthread_rwlock_unlock(pthread_rwlock_t* lock) noexcept {
    given_back(lock);
    return next<"pthread_rwlock_unlock", pthread_rwlock_t*>::call(lock);
}
int pthread_spin_lock(pthread_spinlock_t* lock) noexcept {
    wanted(lock, __builtin_return_address(0), __builtin_dwarf_cfa());
    return taken(next<"pthread_spin_lock", pthread_spinlock_t*>::call(lock));
}
int pthread_spin_trylock(pthread_spinlock_t* lock) noexcept {
    wanted(lock, __builtin_return_address(0), __builtin_dwarf_cfa());
    return taken(next<"pthread_spin_trylock", pthread_spinlock_t*>::call(lock));
}
int pthread_spin_unlock(pthread_spinlock_t* lock) noexcept {
    given_back(lock);
    return next<"pthread_spin_unlock", pthread_spinlock_t*>::call(lock);
}
}
#pragma GCC visibility pop

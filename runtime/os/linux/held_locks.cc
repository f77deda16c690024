// SPDX-License-Identifier: BSL-1.0
#include "runtime/os/held_locks.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>

#include "runtime/os/os.h"

// There when libgossamer-locks is linked in; when it is preloaded only the dynamic linker knows.
extern "C" [[gnu::weak]] const gossamer::rt::os::held_locks* gossamer_held_locks();

namespace gossamer::rt::os {

namespace {

using table_fn = const held_locks* (*)();

table_fn find_table() {
    if (gossamer_held_locks != nullptr) return gossamer_held_locks;
    auto* found = reinterpret_cast<table_fn>(dlsym(RTLD_DEFAULT, "gossamer_held_locks"));
    dlerror();  // that there is none is nobody's error
    return found;
}

constexpr size_t kMostLooked = 8192;  // words of a stack, from its innermost frame
constexpr unsigned kBatch = 64;

struct suspect {
    const void* address[kBatch];
    pthread_mutex_t copy[kBatch];
    unsigned count = 0;
};

// A pointer in user space to something that may be a mutex.
bool is_plausible(uintptr_t word) { return word % alignof(pthread_mutex_t) == 0 && word >> 12 != 0 && word >> 47 == 0; }

bool is_held(const pthread_mutex_t& m, int tid) {
    const auto& d = m.__data;
    constexpr int kKinds = 0x1ff;  // those of <pthread.h>, and glibc's own for elision and priorities
    return (d.__lock == 1 || d.__lock == 2) && d.__owner == tid && d.__nusers == 1 && (d.__kind & ~kKinds) == 0 &&
           d.__count < 1000;
}

// The first of them that is held. A pointer into nothing is passed over by the kernel, not by a fault.
const void* look(suspect& s, int tid) {
    iovec here[kBatch], there[kBatch];
    for (unsigned i = 0; i < s.count; i++) {
        here[i] = {&s.copy[i], sizeof s.copy[i]};
        there[i] = {const_cast<void*>(s.address[i]), sizeof s.copy[i]};
    }
    unsigned count = s.count;
    s.count = 0;
    for (unsigned next = 0; next < count;) {
        ssize_t n = process_vm_readv(getpid(), here + next, count - next, there + next, count - next, 0);
        unsigned whole = n <= 0 ? 0 : unsigned(size_t(n) / sizeof(pthread_mutex_t));
        for (unsigned i = next; i < next + whole; i++)
            if (is_held(s.copy[i], tid)) return s.address[i];
        next += whole + 1;
    }
    return nullptr;
}

}  // namespace

const held_locks* held_locks_here() {
    static const table_fn table = find_table();
    return table != nullptr ? table() : nullptr;
}

// A stack is read beyond the objects that the compiler knows of.
__attribute__((noinline, no_sanitize("address", "thread", "undefined"))) const void* mutex_on_stack(const void* top) {
    __builtin_unwind_init();  // what callers keep in registers, too
    auto* at = static_cast<const volatile uintptr_t*>(__builtin_frame_address(0)) - 16;
    auto* end = static_cast<const volatile uintptr_t*>(top);
    if (end - at > ptrdiff_t(kMostLooked)) end = at + kMostLooked;
    constexpr size_t kWords = sizeof(pthread_mutex_t) / sizeof(uintptr_t);
    int tid = int(thread_id());
    suspect s;
    uintptr_t last = 0;
    for (; at < end; at++) {
        uintptr_t word = *at;
        uint32_t low = uint32_t(word);
        if ((low == 1 || low == 2) && end - at >= ptrdiff_t(kWords)) {  // perhaps one that lies here itself
            uintptr_t words[kWords];
            for (size_t i = 0; i < kWords; i++) words[i] = at[i];
            pthread_mutex_t here;
            memcpy(&here, words, sizeof here);
            if (is_held(here, tid)) return const_cast<const uintptr_t*>(at);
        }
        if (word == last || !is_plausible(word)) continue;
        last = word;
        s.address[s.count++] = reinterpret_cast<const void*>(word);
        if (s.count == kBatch)
            if (const void* found = look(s, tid)) return found;
    }
    return look(s, tid);
}

}  // namespace gossamer::rt::os

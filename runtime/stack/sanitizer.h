// SPDX-License-Identifier: BSL-1.0
// sanitizer: tells ASan, TSan and valgrind of stacks and switches. Without them every function is empty and inlined away.
// Called by / on: stack/context.h around each switch.
#pragma once

#include <cstddef>

extern "C" {
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
void __sanitizer_start_switch_fiber(void** fake_stack_save, const void* bottom, size_t size);
}

namespace gossamer::rt {

#if defined(__SANITIZE_THREAD__)
#define GOSSAMER_TSAN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GOSSAMER_TSAN
#endif
#endif
#if defined(GOSSAMER_SANITIZED)  // told by the build
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GOSSAMER_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define GOSSAMER_SANITIZED
#endif
#endif

// What a tool must know of one place of execution: a stack, or an OS thread's own.
struct sanitizer_state {
#if defined(GOSSAMER_SANITIZED)
    void* fake_stack = nullptr;
    void* fiber = nullptr;
    const void* bottom = nullptr;
    size_t size = 0;
#endif
};

#if defined(GOSSAMER_SANITIZED)
void sanitizer_init_stack(sanitizer_state& s, const void* bottom, size_t size);
void sanitizer_init_thread(sanitizer_state& s, const void* bottom, size_t size);
// For memory that has just been mapped: ASan still holds against it what lay there before, the frames of a thread's stack say.
void sanitizer_new_memory(const void* base, size_t size);
// Inlined: TSan notes each entry and exit of a function for the fiber that runs, and the fiber changes within.
[[gnu::always_inline]] inline void sanitizer_before_switch(sanitizer_state& from, sanitizer_state& to);
void sanitizer_after_switch(sanitizer_state& self);
void sanitizer_forget_stack(sanitizer_state& s);
// Threads of the process that are the tool's own.
unsigned sanitizer_threads();

inline void sanitizer_before_switch(sanitizer_state& from, sanitizer_state& to) {
#if defined(GOSSAMER_TSAN)
    (void)from;
    // With synchronisation (flags 0): what two contexts do on one thread is in that thread's order.
    __tsan_switch_to_fiber(to.fiber, 0);
#else
    __sanitizer_start_switch_fiber(&from.fake_stack, to.bottom, to.size);
#endif
}
#else
// Only valgrind may be at work then; a few no-operations when it is not.
void sanitizer_init_stack(sanitizer_state&, const void* bottom, size_t size);
inline void sanitizer_init_thread(sanitizer_state&, const void*, size_t) {}
inline void sanitizer_new_memory(const void*, size_t) {}
inline void sanitizer_before_switch(sanitizer_state&, sanitizer_state&) {}
inline void sanitizer_after_switch(sanitizer_state&) {}
inline void sanitizer_forget_stack(sanitizer_state&) {}
inline unsigned sanitizer_threads() { return 0; }
#endif

}  // namespace gossamer::rt

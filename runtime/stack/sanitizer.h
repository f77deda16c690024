// SPDX-License-Identifier: BSL-1.0
// sanitizer: tells ASan, TSan and valgrind of stacks and switches. Without them every function is empty and inlined away.
// Called by / on: stack/context.h around each switch.
#pragma once

#include <cstddef>

namespace gossamer::rt {

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
void sanitizer_before_switch(sanitizer_state& from, sanitizer_state& to);
void sanitizer_after_switch(sanitizer_state& self);
void sanitizer_forget_stack(sanitizer_state& s);
#else
// Only valgrind may be at work then; a few no-operations when it is not.
void sanitizer_init_stack(sanitizer_state&, const void* bottom, size_t size);
inline void sanitizer_init_thread(sanitizer_state&, const void*, size_t) {}
inline void sanitizer_before_switch(sanitizer_state&, sanitizer_state&) {}
inline void sanitizer_after_switch(sanitizer_state&) {}
inline void sanitizer_forget_stack(sanitizer_state&) {}
#endif

}  // namespace gossamer::rt

// SPDX-License-Identifier: BSL-1.0
#include "runtime/stack/sanitizer.h"

#if defined(GOSSAMER_SANITIZED)
#if defined(__SANITIZE_THREAD__)
#define GOSSAMER_TSAN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GOSSAMER_TSAN
#endif
#endif

#if defined(GOSSAMER_TSAN)
#include <sanitizer/tsan_interface.h>
#else
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace gossamer::rt {

void sanitizer_init_stack(sanitizer_state& s, const void* bottom, size_t size) {
    s.bottom = bottom;
    s.size = size;
#if defined(GOSSAMER_TSAN)
    if (s.fiber == nullptr) s.fiber = __tsan_create_fiber(0);
#endif
}

void sanitizer_init_thread(sanitizer_state& s, const void* bottom, size_t size) {
    s.bottom = bottom;
    s.size = size;
#if defined(GOSSAMER_TSAN)
    s.fiber = __tsan_get_current_fiber();
#endif
}

void sanitizer_before_switch(sanitizer_state& from, sanitizer_state& to) {
#if defined(GOSSAMER_TSAN)
    (void)from;
    // No synchronisation by the switch itself: what the scheduler orders, it orders by its own atomics, which TSan sees.
    __tsan_switch_to_fiber(to.fiber, __tsan_switch_to_fiber_no_sync);
#else
    __sanitizer_start_switch_fiber(&from.fake_stack, to.bottom, to.size);
#endif
}

void sanitizer_after_switch(sanitizer_state& self) {
#if defined(GOSSAMER_TSAN)
    (void)self;
#else
    __sanitizer_finish_switch_fiber(self.fake_stack, nullptr, nullptr);
#endif
}

void sanitizer_forget_stack(sanitizer_state& s) {
#if defined(GOSSAMER_TSAN)
    if (s.fiber != nullptr) __tsan_destroy_fiber(s.fiber);
    s.fiber = nullptr;
#else
    __asan_unpoison_memory_region(const_cast<void*>(s.bottom), s.size);
    s.fake_stack = nullptr;
#endif
}

}  // namespace gossamer::rt

#else
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif

namespace gossamer::rt {

void sanitizer_init_stack(sanitizer_state&, const void* bottom, size_t size) {
#if defined(VALGRIND_STACK_REGISTER)
    VALGRIND_STACK_REGISTER(bottom, static_cast<const char*>(bottom) + size);
#else
    (void)bottom;
    (void)size;
#endif
}

}  // namespace gossamer::rt
#endif

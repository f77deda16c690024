// SPDX-License-Identifier: BSL-1.0
#include "runtime/stack/sanitizer.h"

#if defined(GOSSAMER_SANITIZED)
#if defined(GOSSAMER_TSAN)
#include <sanitizer/tsan_interface.h>
#else
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif

namespace gossamer::rt {

void sanitizer_init_stack(sanitizer_state& s, const void* bottom, size_t size) {
#if defined(GOSSAMER_TSAN)
    if (s.fiber == nullptr) s.fiber = __tsan_create_fiber(0);
#else
    // What only a parked goroutine knows is no leak, also when main returns before it. A stack is one for good.
    if (s.bottom == nullptr) {
        __lsan_register_root_region(bottom, size);
        sanitizer_new_memory(bottom, size);
    }
#endif
    s.bottom = bottom;
    s.size = size;
}

void sanitizer_new_memory(const void* base, size_t size) {
#if defined(GOSSAMER_TSAN)
    (void)base;
    (void)size;
#else
    __asan_unpoison_memory_region(base, size);
#endif
}

void sanitizer_init_thread(sanitizer_state& s, const void* bottom, size_t size) {
    s.bottom = bottom;
    s.size = size;
#if defined(GOSSAMER_TSAN)
    s.fiber = __tsan_get_current_fiber();
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

unsigned sanitizer_threads() {
#if defined(GOSSAMER_TSAN)
    return 1;  // flushes its memory in the background
#else
    return 0;
#endif
}

}  // namespace gossamer::rt

// What the tools cannot know of Boost.Lockfree's stacks: a node that another takes at the same moment is read, and the value thrown away
// when the tag has moved on; and a free node is reachable only through a pointer with that tag in its upper bits.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() { return "race:boost::lockfree\n"; }
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:boost::lockfree\nleak:gossamer::rt::new_chunk\n"; }

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

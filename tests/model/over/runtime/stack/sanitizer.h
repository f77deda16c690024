// SPDX-License-Identifier: BSL-1.0
// sanitizer: in place of runtime/stack/sanitizer.h: the compiler is told of ThreadSanitizer, but the checker answers its calls, and knows all switches.
#pragma once

#include <cstddef>

namespace gossamer::rt {

struct sanitizer_state {};

inline void sanitizer_init_stack(sanitizer_state&, const void*, size_t) {}
inline void sanitizer_init_thread(sanitizer_state&, const void*, size_t) {}
inline void sanitizer_new_memory(const void*, size_t) {}
inline void sanitizer_before_switch(sanitizer_state&, sanitizer_state&) {}
inline void sanitizer_after_switch(sanitizer_state&) {}
inline void sanitizer_forget_stack(sanitizer_state&) {}
inline unsigned sanitizer_threads() { return 0; }

}  // namespace gossamer::rt

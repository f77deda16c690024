// SPDX-License-Identifier: BSL-1.0
#include "runtime/base/wait_reason.h"

#include <cstddef>

namespace gossamer::rt {

const char* words(wait_reason why) {
    static constexpr const char* kWords[] = {
        "",
        "chan receive",
        "chan send",
        "chan receive (nil chan)",
        "chan send (nil chan)",
        "select",
        "select (no cases)",
        "sleep",
        "IO wait",
        "semacquire",
        "sync.Mutex.Lock",
        "sync.RWMutex.RLock",
        "sync.RWMutex.Lock",
        "sync.Cond.Wait",
        "sync.WaitGroup.Wait",
        "panicwait",
        "join",
    };
    static_assert(sizeof kWords / sizeof *kWords == size_t(wait_reason::kCount));
    return kWords[size_t(why)];
}

}  // namespace gossamer::rt

// SPDX-License-Identifier: BSL-1.0
#include "runtime/debug/uncaught.h"

#include "runtime/base/atomic.h"

namespace gossamer::rt {

namespace {
constinit atomic<panic_describer> registered{nullptr};
}

void set_panic_describer(panic_describer describer) {
    registered.store(describer, relaxed);  // pairs with nothing: a function's address, always the same
}

}  // namespace gossamer::rt

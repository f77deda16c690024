// SPDX-License-Identifier: BSL-1.0
// tls_flow: follows addresses of thread-locals through one function's machine code: where each is formed, which registers and stack slots hold it, whether
// it is still used after a call that may park. Addresses, not values; and what the code computes anew after the call is another address.
// What forms one: %fs:0 (the thread pointer), __tls_get_addr, and calls of which the caller says that they give one (errno's). Direct accesses, %fs:x, form none.
// What is a use: reading or writing through it, passing it to a call, returning it, storing it anywhere but in the frame.
// Not done: memory but for the frame's own 8-byte slots; what a callee does to the frame; tables of landing pads: code that nothing jumps to is entered
//   with what any call of the function may leave behind, which is what an exception finds.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/gossamer/relocatable.h"
#include "tools/gossamer/x86_code.h"

namespace insp {

struct call_target {
    std::string symbol;                   // empty: a pointer, or a place without a name
    const object_function* to = nullptr;  // in the same object
};

struct call_effect {
    bool parks = false;
    bool gives_address = false;  // of a thread-local, as its result
    bool ends = false;           // never returns
};

struct kept_address {
    std::string what;  // "errno", a thread-local's symbol, or "a thread_local"
    uint64_t formed_at, call_at, used_at;
    call_target call;
};

struct flow_result {
    std::vector<kept_address> kept;
    bool returns_address = false;
    std::vector<call_target> calls;  // tail calls among them
};

// The function with that number of o, and its part among the cold code.
flow_result follow_addresses(const relocatable& o, size_t function,
                             const std::function<call_effect(const call_target&)>& effect_of);

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
// panic_of: the words of the panic that a call ends in.
#pragma once

#include <string>

#include "gossamer/panic.h"

namespace tests {

// "no panic" when the call returns.
std::string panic_of(auto f) {
    try {
        f();
    } catch (const gossamer::panic& p) {
        return p.what();
    }
    return "no panic";
}

}  // namespace tests

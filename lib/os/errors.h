// SPDX-License-Identifier: BSL-1.0
// errors: an errno value as an error in Go's words.
#pragma once

#include <string>

#include "gossamer/error.h"

namespace gossamer::detail {

// "no such file or directory": strerror's words, begun small unless an acronym begins them.
std::string errno_text(int number);
// "call: words", carrying os::syscall_error.
error errno_error(const char* call, int number);

}  // namespace gossamer::detail

// SPDX-License-Identifier: BSL-1.0
// cxx_name: the parts of a demangled C++ function. Any thread; pure.
#pragma once

#include <string_view>

namespace gossamer::rt {

// From the qualified name on: without the return type that a template's has.
std::string_view qualified(std::string_view function);

}  // namespace gossamer::rt

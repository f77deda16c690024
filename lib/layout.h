// SPDX-License-Identifier: BSL-1.0
// layout: what readers of the box are told of the library's own objects.
#pragma once

namespace gossamer::rt {

class description;
// Runs when the runtime starts (go.cc sees to it).
void describe_library(description& d);
void describe_select(description& d);  // select_core.cc

}  // namespace gossamer::rt

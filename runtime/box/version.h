// SPDX-License-Identifier: BSL-1.0
// version: which Gossamer this is, as meson.build says.
#pragma once

namespace gossamer::rt {

extern const char kLibraryVersion[];

}  // namespace gossamer::rt

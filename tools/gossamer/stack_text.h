// SPDX-License-Identifier: BSL-1.0
// stack_text: the frames of a stack as people want them, in the words of Go's dumps: which of them are shown, and how. The same choice as the dumps that
// the runtime itself prints (runtime/debug/dump.cc).
#pragma once

#include <string>
#include <vector>

#include "tools/gossamer/json.h"
#include "tools/gossamer/target.h"

namespace insp {

// The frames of return addresses, innermost first. Without `everything`: the user's functions and the public ones they call, down to main.
std::vector<code_frame> visible_frames(const target& t, const std::vector<uint64_t>& pcs, bool everything);
// Who called go(): the user's function.
code_frame creator_frame(const target& t, uint64_t creator_pc);

// "f(int)\n\tfile.cc:12 +0x1d\n" for each; those in the middle of a very deep stack are only counted.
void add_frames(const std::vector<code_frame>& frames, std::string& text);
void add_frames(const std::vector<code_frame>& frames, json_writer& json);
// "\tfile.cc:12 +0x1d\n"
void add_place(const code_frame& f, std::string& text);

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
// frame_walk: the callers of a goroutine that is on its stack, fast enough to be asked for at each wait: some nanoseconds a frame.
// Called by / on: the recorder, on the stack that is walked; any thread.
// Invariants:
//   1 Frames are left by the rules that the compiler wrote for exceptions (.eh_frame), so nothing needs frame pointers. Of each return address the rule is
//     read once and kept, in one word: the caller's stack pointer is sp or fp plus a number, or a word of the frame; fp and the return address were saved so far below it.
//   2 Only words between the walker's own frame and the top of the stack are read. Whatever has another rule, or none (code that was made at run time, a
//     signal's frame), ends the walk: the stack is shorter, not wrong.
// The race that matters: two threads keep rules in the same slot. The key is the address xor the rule, so words of different rules are nobody's.
// Not done: frame pointers (our library and most programs have none); _Unwind_Backtrace (a microsecond a frame, even with the table at hand).
#pragma once

#include <cstdint>

namespace gossamer::rt {

// Where a walk begins: the registers of a frame, behind the call at pc.
struct frame_at {
    uintptr_t pc = 0, sp = 0, fp = 0;
};

// The caller of the function that this stands in. REQUIRES: that function is not inlined.
[[gnu::always_inline]] inline frame_at caller_frame() {
    return {reinterpret_cast<uintptr_t>(__builtin_return_address(0)),
            reinterpret_cast<uintptr_t>(__builtin_dwarf_cfa()),
            *static_cast<const uintptr_t*>(__builtin_frame_address(0))};
}

// Return addresses of the frames from `from` on, innermost first. Returns how many, at most `most`.
unsigned walk_frames(frame_at from, uintptr_t top, uint64_t* pcs, unsigned most);

// What was kept may be of a library that is gone. Any thread.
void forget_frame_rules();

}  // namespace gossamer::rt

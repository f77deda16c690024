// SPDX-License-Identifier: BSL-1.0
// saved_context: where Boost.Context's switch (1.81) leaves the registers of a context that is off its stack, and their DWARF numbers; for
// who walks the frames of a parked goroutine. tests/runtime/debug/traceback_test.cc finds out when a newer Boost lays them out otherwise.
#pragma once

#include <cstdint>

namespace gossamer::rt::arch {

struct saved_context {
    static constexpr unsigned kMostSaved = 10;
    uintptr_t pc = 0, sp = 0, fp = 0;
    uintptr_t saved[kMostSaved] = {};  // callee-saved registers, numbered by kDwarfSaved
};

#if defined(__x86_64__)
// jump_x86_64_sysv_elf_gas.S: control words, stack guard, r12 to r15, rbx, rbp, return address.
inline constexpr unsigned kContextWords = 9;
inline constexpr unsigned kFpWord = 7, kPcWord = 8, kSavedWords[] = {2, 3, 4, 5, 6};
inline constexpr int kDwarfFp = 6, kDwarfSp = 7, kDwarfPc = 16, kDwarfSaved[] = {12, 13, 14, 15, 3};
#else
// jump_arm64_aapcs_elf_gas.S: d8 to d15, x19 to x28, fp, lr, pc, one word of padding. The pc has no DWARF number.
inline constexpr unsigned kContextWords = 22;
inline constexpr unsigned kFpWord = 18, kPcWord = 20, kSavedWords[] = {8, 9, 10, 11, 12, 13, 14, 15, 16, 17};
inline constexpr int kDwarfFp = 29, kDwarfSp = 31, kDwarfPc = -1,
                     kDwarfSaved[] = {19, 20, 21, 22, 23, 24, 25, 26, 27, 28};
#endif
static_assert(sizeof kSavedWords / sizeof *kSavedWords == sizeof kDwarfSaved / sizeof *kDwarfSaved);

}  // namespace gossamer::rt::arch

// SPDX-License-Identifier: BSL-1.0
// core_notes: the notes of an ELF core that make a debugger see goroutines as threads: for each one that is off its stack the registers of its saved
// context, as the kernel writes them for a thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/gossamer/snapshot.h"
#include "tools/gossamer/unwind.h"

namespace insp {

// A note of the owner "CORE", padded.
void add_note(std::string& notes, uint32_t type, std::string_view content);
// The content of NT_PRSTATUS.
std::string thread_status(const machine& m, const registers& r, uint32_t tid);

struct goroutine_notes {
    std::string notes;
    uint64_t count = 0;   // goroutines in it
    uint64_t missed = 0;  // off their stacks, but not to be read
};
// A goroutine's thread id is kFirstTid plus its number: no thread of the kernel has such a one (they end at 2^22).
inline constexpr uint32_t kFirstTid = 100'000'000;
goroutine_notes make_goroutine_notes(const target& t, const snapshot& s, uint64_t most);

}  // namespace insp

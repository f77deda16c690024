// SPDX-License-Identifier: BSL-1.0
// leak_scan: all writable memory of the target, word by word, but for stretches that are left out. Pages that the process never touched are not
// touched either.
// Of a process that runs it is not of one moment: what moves from unread to read memory is missed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tools/gossamer/objects.h"
#include "tools/gossamer/snapshot.h"

namespace insp {

struct stretch {
    uint64_t low = 0, high = 0;
};

// Sorted and joined.
std::vector<stretch> join(std::vector<stretch> all);
// What is left of `whole` without `holes`. REQUIRES: both joined.
std::vector<stretch> without(const std::vector<stretch>& whole, const std::vector<stretch>& holes);
// What of `part` lies in `whole`. REQUIRES: likewise.
std::vector<stretch> within(const std::vector<stretch>& part, const std::vector<stretch>& whole);
bool contains(const std::vector<stretch>& joined, uint64_t address);

// Of a process: what it may write; of a core: its segments. Empty when there is no memory to be had.
std::vector<stretch> writable_memory(const target& t);

// All stacks that lie side by side with those of living goroutines, free ones included, and the runtime's structs of them: what lies in a free stack is
// rubbish, and the structs keep saved stack pointers.
struct slabs {
    std::vector<stretch> stacks, structs;
    std::vector<uint64_t> each;  // [i]: bytes of a stack in stacks[i]
    // The stack of a slab in which the address lies; empty: none.
    stretch stack_at(uint64_t address) const;
};
slabs find_slabs(const target& t, const snapshot& s);

// Calls fn(address of the first word, words, how many) for all of `where`. Returns the bytes read; `failed` is set when a part could not be.
using word_reader = std::function<void(uint64_t, const uint64_t*, size_t)>;
uint64_t read_words(const target& t, const std::vector<stretch>& where, const word_reader& fn, bool* failed);

// The registers of the threads of a core. False: it has none.
bool read_core_registers(const target& t, const word_reader& fn);

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
// holders: who holds the mutex that a goroutine waits for, told only when it is sure.
// The race that matters: a mutex notes its holder just after it was taken. One that is handed over to a waiter is locked, with the old holder's note, until
//   that waiter runs; and the old holder may wait for it again by then. So no holder is told of a mutex for which somebody waited last who does not wait any
//   more, nor for a goroutine that moved while we read. What is left, a thread that the kernel stops between two instructions, is for the caller:
//   what it concludes must hold over several looks (wait_print).
#pragma once

#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tools/gossamer/objects.h"

namespace insp {

class holders {
  public:
    holders(const target& t, const snapshot& s, const stack_map& stacks);
    // Goroutine id; 0: it waits for no mutex, or nobody is known for sure.
    uint64_t of(const goroutine& waiter) const;

  private:
    std::unordered_map<uint64_t, uint64_t> by_waiter_;  // ids
};

// The saved stack of a goroutine that waits, in one number; 0: cannot be read. While it stays the same, the goroutine has not run: a lock that waits keeps
// the time at which it began on its stack.
uint64_t wait_print(const target& t, const goroutine& g, const stack_map& stacks);
uint64_t print_of(const uint64_t* words, size_t n);

// The same wait, as far as the snapshots tell.
bool is_same_wait(const goroutine& a, const goroutine& b);

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
// rings: the recorder's rings, copied out of a target that may go on writing them.
// The race that matters: the thread overwrites its oldest records while they are copied. The position is read again afterwards; what lies within reach
//   of a writer at that position, and of one more group behind it, is dropped.
#pragma once

#include <cstdint>
#include <vector>

#include "tools/gossamer/target.h"

namespace insp {

// A trace_ring whose numbers make sense: its records lie in the region.
struct ring_head {
    uint64_t position = 0, capacity = 0, tid = 0;
    uint64_t lost = 0;  // records that were missing already when the ring was written to a file
    uint32_t number = 0;
    bool is_plain = false;
    // The oldest record that is there for certain: the first of a block, or 0.
    uint64_t oldest() const;
};

// False: the region holds no ring, or one that is damaged.
bool read_ring_head(const target& t, const box::region& r, ring_head* head);
// Appends records [from, to) to `out`, in their order; those that cannot be read are zeros. REQUIRES: to - from <= capacity.
void copy_records(const target& t, const box::region& r, const ring_head& head, uint64_t from, uint64_t to,
                  std::vector<box::record>& out);

// What a ring holds: whole blocks, the last one filled up with zeros.
struct ring_copy {
    uint64_t tid = 0;
    uint32_t number = 0;
    bool is_plain = false;
    bool has_wrapped = false;  // its oldest records were overwritten
    uint64_t lost = 0;
    std::vector<box::record> records;
};

// In the order of the file. Damaged ones are left out.
std::vector<ring_copy> copy_rings(const target& t);
// The moment since which all of them are whole, in ticks: since the recorder was switched on, or since the first record of the ring that goes back least.
uint64_t whole_since(const target& t, const std::vector<ring_copy>& rings);

inline box::kind kind_of(const box::record& r) { return static_cast<box::kind>(r.head & 0xff); }
// Records keep 56 bits of the counter: the rest is that of a moment nearby.
inline uint64_t ticks_of(const box::record& r, uint64_t nearby) {
    return nearby + uint64_t(int64_t(((r.head >> 8) - nearby) << 8) >> 8);
}

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
// box: the shared mapping in which the runtime keeps its Gs, Ps, Ms and rings: a file of /dev/shm that only the user may open. Readers need nothing from
// the process; a process that dies leaves it behind as its black box, and one that ends well removes it.
// Called by / on: start_runtime() opens it; slow paths of the floors above map regions; the monitor renews the header.
// Invariants:
//   1 Memory of the box is committed before it is used: a full /dev/shm makes map_region() and commit() fall back to memory of the process alone, which a
//     living process still shows to its readers; it never makes a store fail.
//   2 No descriptor is kept: programs close what they do not know. The file is opened anew by its name, and must be the same file.
//   3 A forked child works on a copy of its own.
// Locks: rank box, the last of all: regions are mapped under the locks of the tables that grow.
#pragma once

#include "runtime/box/layout.h"
#include "runtime/os/os.h"

namespace gossamer::rt {

// The header; never null: without a file (GOSSAMER_BOX=off, no /dev/shm) it is memory of the process alone.
box::header* the_box();

// Makes the file. Before the first region; idempotent. `wanted` false: no file.
void open_box(bool wanted);
// Address space for a region, zeroed, to be committed as it is used. Null when there is none left.
void* map_region(box::region_kind kind, size_t bytes, uint32_t stride);
// Memory for [p, p + bytes) of a region, in whole pages; a page that begins before p has it already. After it the bytes can be written, in the file or, for the rest of that region, outside of it.
void commit(void* p, size_t bytes);
// One object of a table that only grows: Ps and Ms. Zeroed memory of `bytes`, aligned to a cache line. Any thread; null when there is none.
void* new_slot(box::region_kind kind, uint32_t bytes);
// Adds text of the given kind (description, modules).
void add_text(box::region_kind kind, const char* text, size_t bytes);

// The process is about to die: the box stays, with these first words. Callable anywhere, allocates nothing.
void keep_box(const char* why);
// A copy of the box, in a file that readers take like the box itself; 0 or an errno value. ENOENT without a box. Allocates nothing.
int save_box(const char* to);
// In a forked child: private copies of all regions.
void copy_box_for_child();
// Renews the second reading of the clocks.
void renew_box_clock();
// The file's path; empty without one.
const char* box_path();

}  // namespace gossamer::rt

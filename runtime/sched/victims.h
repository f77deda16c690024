// SPDX-License-Identifier: BSL-1.0
// victims: in which order a thief visits the other Ps: the closest first (same core, same cache, same package), from a random start in each tier.
#pragma once

namespace gossamer::rt {

// Asks the machine who is close to whom; slow (milliseconds), so sysmon does it once after the start and after set_procs.
void learn_topology(unsigned procs);
// The i-th victim of P `own`, i in [0, procs).
unsigned victim(unsigned own, unsigned start, unsigned i, unsigned procs);

}  // namespace gossamer::rt

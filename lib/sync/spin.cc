// SPDX-License-Identifier: BSL-1.0
#include "lib/sync/spin.h"

#include "runtime/arch/cpu.h"
#include "runtime/os/os.h"
#include "runtime/sched/sched.h"

namespace gossamer::rt {

namespace {
constexpr unsigned kRounds = 4;
constexpr unsigned kPauses = 30;
}  // namespace

bool worth_spinning(unsigned rounds) {
    static const unsigned cpus = os::usable_cpus();
    if (rounds >= kRounds || cpus < 2) return false;
    // Guesses: pair with nothing.
    uint32_t at_rest = sched.idle_ps.load(relaxed) + sched.spinning.load(relaxed);  // pairs with nothing
    if (sched.procs.load(relaxed) <= at_rest + 1) return false;                     // pairs with nothing
    in_runtime scope;
    P* p = current_p();
    return p == nullptr || !p->has_queued();
}

void spin_round() {
    for (unsigned i = 0; i < kPauses; i++) arch::cpu_relax();
}

}  // namespace gossamer::rt

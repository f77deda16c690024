// SPDX-License-Identifier: BSL-1.0
// context_bench: what a switch costs between two contexts, among a thousand and among a hundred thousand, each on a stack of its own: the
// registers are the smaller part, the target's cold stack top is the larger.
// `context_bench [SWITCHES]`; mirrors runtime/stack/context.h.

#include "runtime/stack/context.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "perf/support/bench.h"

namespace {

using namespace gossamer::rt;

// Jumps back to whoever jumped here, for ever.
void bounce(transfer from) {
    for (;;) from = jump(from.fctx, nullptr);
}

void measure(perf::bench b, std::int64_t switches, unsigned contexts) {
    b.n = contexts;
    std::vector<void*> targets;
    while (targets.size() < contexts) {
        unsigned made = 0;
        stack* s = new_stacks(18, contexts, &made);
        if (s == nullptr) {
            perf::check(b, static_cast<std::int64_t>(targets.size()), contexts, "contexts that got a stack");
            return;
        }
        for (; s != nullptr && targets.size() < contexts; s = s->next) targets.push_back(make_context(s, bounce));
    }
    // There and back is two switches.
    std::int64_t rounds = std::max<std::int64_t>(switches / 2 / contexts, 1);
    perf::per_op(b, rounds * contexts * 2, "ns_per_switch", [&] {
        for (std::int64_t r = 0; r < rounds; r++) {
            for (void*& target : targets) target = jump(target, nullptr).fctx;
        }
    });
}

}  // namespace

int main(int argc, char** argv) {
    std::int64_t switches = argc > 1 ? std::atoll(argv[1]) : 20'000'000;
    perf::bench b{"switch", 1, 0, argv[0]};
    for (unsigned contexts : {1U, 1'000U, 100'000U}) measure(b, switches, contexts);
}

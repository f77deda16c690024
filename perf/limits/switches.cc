// SPDX-License-Identifier: BSL-1.0
// switches: Boost.Context's raw fcontext, two switches to each context: there and back.

#include <algorithm>
#include <boost/context/detail/fcontext.hpp>
#include <vector>

#include "perf/limits/costs.h"
#include "perf/limits/slab.h"

namespace perf {

namespace {

using namespace boost::context::detail;

void bounce(transfer_t from) {
    for (;;) from = jump_fcontext(from.fctx, nullptr);
}

void measure(bench& b, std::int64_t switches, std::int64_t contexts) {
    slab stacks(contexts);
    std::vector<fcontext_t> targets;
    for (std::int64_t i = 0; i < contexts; i++) {
        // Coloured, as the runtime does: frames of the same depth must not meet in one set of the cache.
        char* top = stacks.top(i) - i % 16 * 128;
        targets.push_back(make_fcontext(top, kStackBytes / 2, bounce));
    }
    std::int64_t rounds = std::max<std::int64_t>(switches / 2 / contexts, 1);
    std::int64_t came_back = 0;
    per_op(b, rounds * contexts * 2, "ns_per_switch", [&] {
        for (std::int64_t r = 0; r < rounds; r++) {
            for (fcontext_t& target : targets) {
                target = jump_fcontext(target, nullptr).fctx;
                came_back++;
            }
        }
    });
    check(b, came_back, 2 * rounds * contexts, "jumps that came back");
}

}  // namespace

void switch_warm(bench& b) { measure(b, b.n, 1); }
void switch_1k(bench& b) { measure(b, b.n, 1'000); }
void switch_cold(bench& b) { measure(b, b.n, b.n); }

}  // namespace perf

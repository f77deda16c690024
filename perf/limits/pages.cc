// SPDX-License-Identifier: BSL-1.0
// pages: the first touch of a page that the kernel has to find, clear and map.

#include <memory>

#include "perf/limits/costs.h"
#include "perf/limits/slab.h"

namespace perf {

namespace {

constexpr std::size_t kPage = 4096;

// The mapping is made, guarded and touched inside the measured time, and given back outside of it.
void measure(const bench& b, std::int64_t stacks, bool guards, std::size_t stride) {
    std::unique_ptr<slab> s;
    for (bool warm_up : {true, false}) {
        s.reset();
        auto start = clock::now();
        s = std::make_unique<slab>(stacks);
        if (guards) s->guard_all();
        volatile char* touched = s->top(0) - 1;
        for (std::int64_t i = 0; i < b.n; i++, touched += stride) *touched = 1;
        if (!warm_up) emit(b, ns_since(start) / static_cast<double>(b.n), "ns_per_page");
    }
}

}  // namespace

void page(bench& b) {
    std::int64_t bytes = (b.n + 1) * static_cast<std::int64_t>(kPage);
    measure(b, bytes / static_cast<std::int64_t>(kStackBytes) + 2, false, kPage);
}

void page_stack(bench& b) { measure(b, b.n, true, kStackBytes); }

}  // namespace perf

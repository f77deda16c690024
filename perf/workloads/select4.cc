// SPDX-License-Identifier: BSL-1.0
// select4: one consumer selects over 4 unbuffered channels, 4 producers, N items in all.

#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/select.h>

#include <algorithm>
#include <array>

#include "perf/support/answers.h"
#include "perf/workloads/rows.h"

namespace perf {

void select4(bench& b) {
    constexpr int kSides = 4;
    std::int64_t each = std::max<std::int64_t>(b.n / kSides, 1);
    b.n = each * kSides;
    per_op(b, b.n, "ns_per_item", [&] {
        std::array<gossamer::chan<int>, kSides> c;
        for (const auto& out : c) {
            gossamer::go([out, each] {
                for (int i = 0; i < each; i++) out.send(i);
            });
        }
        gossamer::chan<std::int64_t> total;
        gossamer::go([&b, c, total] {
            using gossamer::recv;
            std::int64_t sum = 0;
            for (std::int64_t i = 0; i < b.n; i++) {
                switch (auto s = gossamer::select(recv(c[0]), recv(c[1]), recv(c[2]), recv(c[3])); s) {
                    case 0:
                        sum += *s.template get<0>();
                        break;
                    case 1:
                        sum += *s.template get<1>();
                        break;
                    case 2:
                        sum += *s.template get<2>();
                        break;
                    case 3:
                        sum += *s.template get<3>();
                        break;
                }
            }
            total.send(sum);
        });
        check(b, *total.recv(), kSides * sum_below(each), "sum");
    });
}

}  // namespace perf

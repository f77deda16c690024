// SPDX-License-Identifier: BSL-1.0
#include "gossamer/select_any.h"

#include <vector>

#include "gossamer/panic.h"

namespace gossamer {

namespace detail {

[[gnu::cold]] void throw_not_chosen() { throw panic("select: get of a case that was not chosen"); }

}  // namespace detail

std::size_t select_any(std::span<select_case> cases) {
    constexpr std::size_t kMost = 65536;
    if (cases.empty()) rt::select_for_ever();
    if (cases.size() > kMost) throw panic("select_any: too many cases (max 65536)");

    std::size_t otherwise_at = cases.size();
    std::vector<rt::select_op> ops;
    ops.reserve(cases.size());
    for (select_case& c : cases) {
        if (c.body_->is_otherwise()) {
            if (otherwise_at != cases.size()) throw panic("select_any: more than one otherwise");
            otherwise_at = ops.size();
        }
        ops.push_back(c.body_->begin());
    }
    auto kind = otherwise_at == cases.size() ? rt::select_kind::blocking : rt::select_kind::trying;
    rt::select_result r = rt::select_run(ops.data(), static_cast<uint32_t>(ops.size()), kind, rt::select_order::random);
    if (r.index == rt::kNoneReady) return otherwise_at;
    cases[r.index].body_->settle(r.ok);
    return r.index;
}

}  // namespace gossamer

// SPDX-License-Identifier: BSL-1.0
// timers: arm and disarm in the plainest heap that knows where each of its timers stands: binary, in one array.

#include <utility>
#include <vector>

#include "perf/limits/costs.h"

namespace perf {

namespace {

struct deadline {
    std::int64_t when;
    std::size_t at;
};

class heap {
  public:
    void add(deadline* d) {
        d->at = items_.size();
        items_.push_back(d);
        rise(d->at);
    }

    void remove(deadline* d) {
        std::size_t hole = d->at;
        deadline* last = items_.back();
        items_.pop_back();
        if (last == d) return;
        items_[hole] = last;
        last->at = hole;
        rise(hole);
        sink(last->at);
    }

    std::size_t size() const { return items_.size(); }

  private:
    void exchange(std::size_t a, std::size_t b) {
        std::swap(items_[a], items_[b]);
        std::swap(items_[a]->at, items_[b]->at);
    }

    void rise(std::size_t i) {
        for (; i > 0 && items_[i]->when < items_[(i - 1) / 2]->when; i = (i - 1) / 2) exchange(i, (i - 1) / 2);
    }

    void sink(std::size_t i) {
        for (std::size_t child = 2 * i + 1; child < items_.size(); child = 2 * i + 1) {
            if (child + 1 < items_.size() && items_[child + 1]->when < items_[child]->when) child++;
            if (items_[i]->when <= items_[child]->when) return;
            exchange(i, child);
            i = child;
        }
    }

    std::vector<deadline*> items_;
};

// The smallest good pseudo-random sequence: the same deadlines in every run.
std::int64_t next_deadline(std::uint64_t& state) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::int64_t>(state >> 34) + 1;
}

void measure(bench& b, std::size_t pending) {
    std::uint64_t state = 1;
    std::vector<deadline> others(pending);
    heap h;
    for (deadline& d : others) {
        d.when = next_deadline(state);
        h.add(&d);
    }
    deadline one{};
    per_op(b, b.n, "ns_per_pair", [&] {
        for (std::int64_t i = 0; i < b.n; i++) {
            one.when = next_deadline(state);
            h.add(&one);
            h.remove(&one);
        }
    });
    check(b, static_cast<std::int64_t>(h.size()), static_cast<std::int64_t>(pending), "timers left");
}

}  // namespace

void timer_pair(bench& b) { measure(b, 0); }
void timer_pair_100k(bench& b) { measure(b, 100'000); }

}  // namespace perf

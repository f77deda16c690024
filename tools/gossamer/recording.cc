// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/recording.h"

#include <algorithm>

#include "tools/gossamer/rings.h"

namespace insp {

namespace {

constexpr uint64_t kBlock = box::kBlockRecords;
constexpr size_t kStretch = 1 << 16;  // records: a longer one is not made to grow, which would copy it

}  // namespace

recorder_switch::recorder_switch(target& t)
    : wanted_(t.control()),
      level_(wanted_.level.load()),
      ring_bytes_(wanted_.ring_bytes.load()),
      stall_ns_(wanted_.stall_ns.load()),
      runnable_ns_(wanted_.runnable_ns.load()) {}

void recorder_switch::restore() {
    wanted_.stall_ns.store(stall_ns_);
    wanted_.runnable_ns.store(runnable_ns_);
    wanted_.ring_bytes.store(ring_bytes_);
    wanted_.level.store(level_);
}

ring_follower::ring_follower(const target& t, uint64_t most_records) : t_(t), most_(most_records) {
    double fullest = 0;
    for (const box::region& r : t_.regions(box::region_kind::ring)) look_at(r, true, &fullest);
}

double ring_follower::poll() {
    double fullest = 0;
    for (const box::region& r : t_.regions(box::region_kind::ring)) look_at(r, false, &fullest);
    return fullest;
}

void ring_follower::look_at(const box::region& r, bool is_first_time, double* fullest) {
    ring_head head, after;
    if (!read_ring_head(t_, r, &head)) return;
    auto [at, is_new] = rings_.try_emplace(r.address);
    followed& f = at->second;
    if (is_new) {
        order_.push_back(r.address);
        // A block from its beginning, for that says who runs here.
        f.next = is_first_time ? head.position / kBlock * kBlock : 0;
    }
    f.about.tid = head.tid;
    f.about.number = head.number;
    f.about.is_plain = head.is_plain;
    if (head.position <= f.next || is_full()) return;
    *fullest = std::max(*fullest, double(head.position - f.next) / double(head.capacity));
    uint64_t from = std::max(f.next, head.oldest());
    copy_.clear();
    copy_records(t_, r, head, from, head.position, copy_);
    uint64_t good = from;
    if (read_ring_head(t_, r, &after)) good = std::max(good, after.oldest());
    if (good > f.next) {
        f.about.lost += good - f.next;
        lost_ += good - f.next;
        f.has_gap = true;
    }
    f.next = std::max(good, head.position);
    if (good >= head.position) return;
    records_ += head.position - good;
    append(f, good, copy_.begin() + ptrdiff_t(good - from));
}

// What has been copied, from the record `at` on.
void ring_follower::append(followed& f, uint64_t at, std::vector<box::record>::const_iterator from) {
    if (f.stretches.empty() || f.has_gap) f.stretches.emplace_back();
    f.has_gap = false;
    if (f.stretches.back().size() >= kStretch) {
        uint64_t of_old_block = std::min<uint64_t>((kBlock - at % kBlock) % kBlock, uint64_t(copy_.cend() - from));
        f.stretches.back().insert(f.stretches.back().end(), from, from + ptrdiff_t(of_old_block));
        from += ptrdiff_t(of_old_block);
        if (from == copy_.cend()) return;
        f.stretches.emplace_back();
    }
    f.stretches.back().insert(f.stretches.back().end(), from, copy_.cend());
}

std::vector<saved_ring> ring_follower::rings() const {
    std::vector<saved_ring> all;
    for (uint64_t address : order_) {
        const followed& f = rings_.at(address);
        saved_ring& s = all.emplace_back(f.about);
        for (const std::vector<box::record>& stretch : f.stretches) s.pieces.emplace_back(stretch);
    }
    return all;
}

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/rings.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <tuple>

namespace insp {

namespace {

constexpr uint64_t kMostCapacity = uint64_t{1} << 28;  // 4 GiB
constexpr uint64_t kRecord = sizeof(box::record);
// A group, the rest of the block that it did not fit in, and the one that follows at once.
constexpr uint64_t kReach = 2 * box::kBlockRecords;

uint64_t block_above(uint64_t at) { return (at + box::kBlockRecords - 1) / box::kBlockRecords * box::kBlockRecords; }

}  // namespace

uint64_t ring_head::oldest() const {
    return position + kReach > capacity ? block_above(position + kReach - capacity) : 0;
}

bool read_ring_head(const target& t, const box::region& r, ring_head* head) {
    box::trace_ring ring;
    if (r.bytes < sizeof ring || !t.read(r.address, static_cast<void*>(&ring), sizeof ring)) return false;
    head->position = ring.position.load();
    head->capacity = ring.capacity;
    head->tid = ring.tid;
    head->number = ring.number;
    head->is_plain = ring.plain != 0;
    head->lost = ring.lost;
    uint64_t there = t.is_live() ? r.bytes : r.in_file;
    return std::has_single_bit(ring.capacity) && ring.capacity >= 4 * box::kBlockRecords &&
           ring.capacity <= kMostCapacity && there >= sizeof ring + std::min(ring.capacity, head->position) * kRecord &&
           head->position < uint64_t{1} << 60;
}

void copy_records(const target& t, const box::region& r, const ring_head& head, uint64_t from, uint64_t to,
                  std::vector<box::record>& out) {
    while (from < to) {
        uint64_t slot = from & (head.capacity - 1);
        uint64_t n = std::min(to - from, head.capacity - slot);
        size_t at = out.size();
        out.resize(at + n);
        if (!t.read(r.address + sizeof(box::trace_ring) + slot * kRecord, out.data() + at, n * kRecord))
            std::fill(out.begin() + ptrdiff_t(at), out.end(), box::record{});
        from += n;
    }
}

namespace {

// Blocks of [from, to) that are no holes: a file may claim more than anybody has written.
void copy_blocks(const target& t, const box::region& r, const ring_head& head, uint64_t from, uint64_t to,
                 ring_copy& copy) {
    uint64_t data_from = 0, data_to = 0;
    for (uint64_t b = from; b < to; b += box::kBlockRecords) {
        uint64_t at = sizeof(box::trace_ring) + (b & (head.capacity - 1)) * kRecord;
        if (at < r.in_file && (at < data_from || at >= data_to)) {
            std::tie(data_from, data_to) = t.data(r, at);
            if (data_from > at) data_from = std::min(data_from, r.in_file);
        }
        uint64_t end = std::min(b + box::kBlockRecords, to);
        bool is_hole = at < r.in_file && at + (end - b) * kRecord <= data_from;
        if (is_hole) {
            copy.lost += end - b;
            continue;
        }
        copy_records(t, r, head, b, end, copy.records);
    }
    copy.records.resize(block_above(copy.records.size()));
}

bool copy_ring(const target& t, const box::region& r, ring_copy* copy) {
    ring_head head, after;
    if (!read_ring_head(t, r, &head)) return false;
    copy->tid = head.tid;
    copy->number = head.number;
    copy->is_plain = head.is_plain;
    copy->lost = head.lost;
    uint64_t oldest = head.oldest();
    copy_blocks(t, r, head, oldest, head.position, *copy);
    // Of a process that stands still this changes nothing.
    if (read_ring_head(t, r, &after) && after.oldest() > oldest) {
        uint64_t gone = std::min<uint64_t>(after.oldest() - oldest, copy->records.size());
        copy->records.erase(copy->records.begin(), copy->records.begin() + ptrdiff_t(gone));
        oldest = after.oldest();
    }
    copy->has_wrapped = oldest != 0;
    copy->lost += oldest;
    return true;
}

}  // namespace

std::vector<ring_copy> copy_rings(const target& t) {
    std::vector<ring_copy> all;
    for (const box::region& r : t.regions(box::region_kind::ring)) {
        ring_copy copy;
        if (copy_ring(t, r, &copy)) all.push_back(std::move(copy));
    }
    return all;
}

uint64_t whole_since(const target& t, const std::vector<ring_copy>& rings) {
    const box::header& h = t.head();
    uint64_t since = h.recorder_on.load(), now = h.tsc_1.load();
    int64_t latest = t.now_ns();
    for (const ring_copy& r : rings) {
        if (!r.has_wrapped) continue;
        for (size_t i = 0; i < r.records.size(); i += box::kBlockRecords) {
            if (kind_of(r.records[i]) != box::kind::context) continue;  // damaged
            uint64_t ticks = ticks_of(r.records[i + 1], now);           // the context's own may be 0
            if (kind_of(r.records[i + 1]) == box::kind::pad || t.ns_of(ticks) > latest) continue;
            if (int64_t(ticks - since) > 0) since = ticks;
            break;
        }
    }
    return since;
}

}  // namespace insp

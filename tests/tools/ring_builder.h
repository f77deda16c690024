// SPDX-License-Identifier: BSL-1.0
// ring_builder: the recorder's rings by hand, in a box by hand.
#pragma once

#include "tests/tools/box_builder.h"

namespace insp_test {

inline constexpr uint64_t kNoP = 0xffffff;
inline uint64_t ticks(int64_t ns) {
    return 1000 + uint64_t(2 * ns);
}  // of the builder's clock; ns from its first reading

// A ring as the runtime writes it, but that the blocks are given one after the other.
class ring_builder {
  public:
    ring_builder& put(box::kind k, uint64_t high, uint64_t body) {
        records_.push_back({high << 8 | uint64_t(k), body});
        return *this;
    }
    ring_builder& at(box::kind k, int64_t ns, uint64_t g, uint64_t low = 0) { return put(k, ticks(ns), g << 24 | low); }
    ring_builder& text(std::string t) {
        put(box::kind::text, t.size(), 0);
        t.resize((t.size() + 15) / 16 * 16);
        for (size_t i = 0; i < t.size(); i += 16) {
            box::record r;
            std::memcpy(static_cast<void*>(&r), t.data() + i, 16);
            records_.push_back(r);
        }
        return *this;
    }
    ring_builder& end_block() {
        while (records_.size() % box::kBlockRecords != 0) records_.push_back({});
        return *this;
    }
    // `position`: when it is not the number of records: the ring has wrapped, and they are all of it.
    uint64_t add_to(box_builder& b, uint32_t number, uint64_t position = 0, uint64_t capacity = 4096) const {
        box::trace_ring head;
        head.position = position != 0 ? position : records_.size();
        head.capacity = capacity;
        head.tid = 100 + number;
        head.number = number;
        std::vector<char> bytes(sizeof head + capacity * sizeof(box::record));
        std::memcpy(bytes.data(), static_cast<const void*>(&head), sizeof head);
        if (!records_.empty())
            std::memcpy(bytes.data() + sizeof head, records_.data(), records_.size() * sizeof(box::record));
        return b.add_region(box::region_kind::ring, bytes.data(), bytes.size(), 0);
    }
    std::vector<box::record> records_;
};

inline void switch_on(box_builder& b, int64_t ns = 0) { b.head().recorder_on = ticks(ns); }

// Two threads, two goroutines, a bit of everything.
inline box_builder small_box() {
    box_builder b;
    using box::kind;
    switch_on(b, 1000);
    b.add_m({.number = 1, .tid = 101});
    b.add_m({.number = 2, .tid = 102});
    b.add_g({.id = 1, .status = waiting, .reason = 1, .name = "first", .object = 0x77, .site = 0x1234});
    uint64_t name = b.add_string("second");
    ring_builder one, two;
    one.at(kind::context, 900, 1, 0);
    one.at(kind::create, 1100, 2).put(kind::birth, 0x5000, 0x6000).put(kind::name_at, name, 0);
    one.at(kind::region_begin, 1200, 1, 6).text("inside");
    one.at(kind::log, 1250, 1, 9).put(kind::extra, 7, 0).text(std::string("key\0value", 9));
    one.at(kind::counter, 1260, 1, 5).put(kind::extra, 0, 42).text("depth");
    one.at(kind::region_end, 1300, 1, 6).text("inside");
    one.at(kind::task_begin, 1310, 1, 4).put(kind::extra, 8, 7).text("part");
    one.at(kind::task_begin, 1320, 1, 5).put(kind::extra, 9, 0).text("whole");
    one.at(kind::block, 1400, 1, 1).put(kind::detail, 0x77, 0x1234);
    one.put(kind::stack, 3, 0).put(kind(0xf0), 1, 0x1235).put(kind(1), 2, 0x1236);
    one.at(kind::p_drop, 1500, 0, 0);
    two.at(kind::context, 0, 0, kNoP);
    two.at(kind::p_take, 1600, 0, 1).at(kind::start, 1700, 2, 1).at(kind::ready, 1800, 1);
    two.at(kind::ready, 1850, 9, 1).at(kind::call_begin, 1900, 2, 1).at(kind::call_end, 2000, 2);
    two.at(kind::lost, 2100, 2);
    one.add_to(b, 1);
    two.add_to(b, 2);
    return b;
}

}  // namespace insp_test

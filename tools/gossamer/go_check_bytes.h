// SPDX-License-Identifier: BSL-1.0
// go_check_bytes: the lower half of go_check: bytes to batches, tables and events.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "tools/gossamer/go_trace_format.h"

namespace insp::go {

// What is wrong, and where. Does not leave check_go_trace().
struct refusal {
    std::string error;
    uint64_t offset;
};

// A piece of the file that is read from the front; every look is checked.
class cursor {
  public:
    cursor(std::string_view bytes, size_t at, size_t end) : bytes_(bytes), at_(at), end_(end) {}
    size_t at() const { return at_; }
    size_t left() const { return end_ - at_; }
    bool done() const { return at_ == end_; }
    uint8_t byte(const char* what) {
        if (done()) throw refusal{std::string("cut short: no ") + what, at_};
        return uint8_t(bytes_[at_++]);
    }
    uint64_t number(const char* what) {
        size_t begin = at_;
        uint64_t n = 0;
        for (unsigned shift = 0; shift < 70; shift += 7) {
            uint8_t b = byte(what);
            if (shift == 63 && b > 1) break;
            n |= uint64_t(b & 0x7f) << shift;
            if (b < 0x80) return n;
        }
        throw refusal{std::string(what) + " is a number of more than 64 bits", begin};
    }
    cursor take(uint64_t bytes, const char* what) {
        if (bytes > left()) throw refusal{std::string("cut short within ") + what, at_};
        cursor piece(bytes_, at_, at_ + size_t(bytes));
        at_ += size_t(bytes);
        return piece;
    }

  private:
    std::string_view bytes_;
    size_t at_, end_;
};

// Ids that exist; mostly small and dense.
class id_set {
  public:
    bool add(uint64_t id) {
        if (has(id)) return false;
        count_++;
        if (id >= kDense) return sparse_.insert(id).second;
        if (id >= dense_.size()) dense_.resize(size_t(id) + 1 + dense_.size() / 2);
        return dense_[size_t(id)] = true;
    }
    bool has(uint64_t id) const {
        return id < kDense ? id < dense_.size() && dense_[size_t(id)] : sparse_.count(id) != 0;
    }
    uint64_t size() const { return count_; }

  private:
    static constexpr uint64_t kDense = 1 << 22;
    std::vector<bool> dense_;
    std::unordered_set<uint64_t> sparse_;
    uint64_t count_ = 0;
};

struct batch {
    uint64_t thread, time;
    cursor payload;
};

// All batches of a generation, by what is in them.
struct generation {
    uint64_t number = 0;
    size_t offset = 0;
    std::vector<batch> strings, stacks, samples, sync, events;
};

// What an event's arguments are: "gts" and so on. n: number; s: string; k: stack.
struct event_shape {
    const char* name;  // null: unknown
    const char* arguments;
    int since;  // version
};
const event_shape& shape_of(uint8_t what);

// The generation's tables, checked.
struct known_ids {
    id_set strings, stacks;
    double ns_per_unit = 1;
    uint64_t samples = 0;
};
known_ids read_tables(const generation& gen, int version);

}  // namespace insp::go

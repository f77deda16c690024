// SPDX-License-Identifier: BSL-1.0
// numbering: small numbers 1, 2, … for goroutine ids, in the order in which they are first asked for. Asked for each event of a window: open addressing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace insp {

class numbering {
  public:
    // Of id 0: 0.
    uint32_t operator()(uint64_t id) {
        if (id == 0) return 0;
        if (id == last_id_) return last_;
        if (ids_.size() * 2 > slots_.size()) grow();
        size_t at = find(id);
        if (slots_[at] == 0) {
            slots_[at] = uint32_t(ids_.size());
            ids_.push_back(id);
        }
        last_id_ = id;
        return last_ = slots_[at];
    }

    bool has(uint64_t id) const { return id != 0 && slots_[find(id)] != 0; }

    size_t size() const { return ids_.size(); }  // the largest number and one
    uint64_t id(uint32_t number) const { return ids_[number]; }
    std::vector<uint64_t> take_ids() { return std::move(ids_); }

  private:
    size_t find(uint64_t id) const {
        size_t at = (id * 0x9e3779b97f4a7c15) >> 20 & (slots_.size() - 1);
        while (slots_[at] != 0 && ids_[slots_[at]] != id) at = (at + 1) & (slots_.size() - 1);
        return at;
    }
    void grow() {
        slots_.assign(slots_.size() * 4, 0);
        for (uint32_t n = 1; n < ids_.size(); n++) slots_[find(ids_[n])] = n;
    }

    std::vector<uint64_t> ids_{0};
    std::vector<uint32_t> slots_ = std::vector<uint32_t>(1 << 12);
    uint64_t last_id_ = 0;
    uint32_t last_ = 0;
};

}  // namespace insp

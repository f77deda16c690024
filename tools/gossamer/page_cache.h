// SPDX-License-Identifier: BSL-1.0
// page_cache: reads small things of a target that lie close together, a page with each system call. What it has read it keeps: it is to be made anew
// when memory may have changed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <unordered_map>

#include "tools/gossamer/target.h"

namespace insp {

class page_cache {
  public:
    explicit page_cache(const target& t) : t_(t) {}
    bool read(uint64_t address, void* to, size_t bytes) {
        auto* out = static_cast<char*>(to);
        while (bytes != 0) {
            size_t n = std::min<size_t>(bytes, kPage - address % kPage);
            const page* p = find(address / kPage);
            if (p != nullptr)
                std::memcpy(out, p->bytes + address % kPage, n);
            else if (!t_.read(address, out, n))  // a page of a core may be there in part
                return false;
            address += n;
            out += n;
            bytes -= n;
        }
        return true;
    }

  private:
    static constexpr uint64_t kPage = 4096;
    static constexpr size_t kMost = 16384;  // pages
    struct page {
        char bytes[kPage];
    };
    // Null: it cannot be had whole.
    const page* find(uint64_t number) {
        if (number == last_number_) return last_;
        auto at = pages_.find(number);
        if (at == pages_.end()) {
            if (pages_.size() >= kMost) pages_.clear();
            auto fresh = std::make_unique<page>();
            if (!t_.read(number * kPage, fresh->bytes, kPage)) fresh.reset();
            at = pages_.emplace(number, std::move(fresh)).first;
        }
        last_number_ = number;
        return last_ = at->second.get();
    }

    const target& t_;
    std::unordered_map<uint64_t, std::unique_ptr<page>> pages_;
    uint64_t last_number_ = UINT64_MAX;
    const page* last_ = nullptr;
};

}  // namespace insp

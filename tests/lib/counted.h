// SPDX-License-Identifier: BSL-1.0
// counted: a value that counts its live objects and cannot be copied, for channels that must neither lose nor double one.
#pragma once

#include <atomic>
#include <utility>

namespace tests {

struct counted {
    static inline std::atomic<int> live{0};
    explicit counted(int v) : value(v) { live++; }
    counted(counted&& o) noexcept : value(std::exchange(o.value, -1)) { live++; }
    counted& operator=(counted&& o) noexcept {
        value = std::exchange(o.value, -1);
        return *this;
    }
    ~counted() { live--; }
    int value;
};

}  // namespace tests

// SPDX-License-Identifier: BSL-1.0
// random: a small generator, one per P or per frame; not for secrets.
#pragma once

#include <cstdint>

namespace gossamer::rt {

class random32 {
  public:
    explicit constexpr random32(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u | 1) {}
    uint32_t next() {  // xorshift64*: period 2^64-1 (Vigna 2014)
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return uint32_t((state_ * 0x2545f4914f6cdd1du) >> 32);
    }
    // Uniform in [0, n) but for a bias below 2^-32 * n (Lemire 2019). REQUIRES: n > 0.
    uint32_t below(uint32_t n) { return uint32_t((uint64_t(next()) * n) >> 32); }

  private:
    uint64_t state_;
};

}  // namespace gossamer::rt

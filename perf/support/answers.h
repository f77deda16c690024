// SPDX-License-Identifier: BSL-1.0
// answers: what the rows must come to, computed without tasks, and the numbers that all runtimes share.

#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace perf {

inline std::int64_t fib_plain(std::int64_t n) {
    std::int64_t a = 0, next = 1;
    for (; n > 0; n--) {
        std::int64_t sum = a + next;
        a = next;
        next = sum;
    }
    return a;
}

// Tasks that fork-join fib(n) starts: one for every call with n > 1.
inline std::int64_t fib_tasks(std::int64_t n) { return std::max<std::int64_t>(fib_plain(n + 1) - 1, 1); }

inline int nth_prime(std::int64_t count) {
    std::vector<int> primes;
    for (int v = 2; static_cast<std::int64_t>(primes.size()) < count; v++) {
        bool composite = false;
        for (int p : primes) {
            if (p * p > v) break;
            if (v % p == 0) {
                composite = true;
                break;
            }
        }
        if (!composite) primes.push_back(v);
    }
    return primes.back();
}

// Sum of 0 .. n-1.
inline std::int64_t sum_below(std::int64_t n) { return n * (n - 1) / 2; }

inline std::int64_t power_of_ten_from(std::int64_t n) {
    std::int64_t p = 1;
    while (p < n) p *= 10;
    return p;
}

// The fixed pseudo-random 1..1000 ms of sleep number i.
inline std::chrono::milliseconds sleep_length(std::int64_t i) {
    auto x = static_cast<std::uint32_t>(static_cast<std::uint32_t>(i) * 2654435761U + 12345U);
    x ^= x >> 15;
    x *= 2246822519U;
    x ^= x >> 13;
    return std::chrono::milliseconds(1 + x % 1000);
}

}  // namespace perf

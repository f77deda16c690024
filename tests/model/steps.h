// SPDX-License-Identifier: BSL-1.0
// steps: what one thread does to one word, as the checker sees it. Outside of an execution they act on the memory alone.
#pragma once

#include <atomic>
#include <cstdint>

namespace gossamer::model {

struct place {
    const char* file;
    unsigned line;
    static constexpr place current(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
        return {file, line};
    }
};

// A word begins here; what was at this address before, on a stack, was another.
void born(const void* word);
uint64_t load(const void* word, unsigned size, std::memory_order o, place at);
void store(void* word, unsigned size, uint64_t value, std::memory_order o, place at);
uint64_t change(void* word, unsigned size, uint64_t (*step)(uint64_t old, void* arg), void* arg, std::memory_order o,
                place at);
bool compare_exchange(void* word, unsigned size, uint64_t* expected, uint64_t desired, std::memory_order won,
                      std::memory_order lost, place at);
void fence(std::memory_order o, place at);
void compiler_fence(place at);
bool heavy_fence(place at = place::current());  // false: a plant took it away
void relax();

}  // namespace gossamer::model

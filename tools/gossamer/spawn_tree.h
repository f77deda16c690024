// SPDX-License-Identifier: BSL-1.0
// spawn_tree: who created whom, with siblings that look alike put together. Plain structs, for cmd_tree.cc and its tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace insp {

struct spawn_node {
    uint64_t id = 0;
    uint64_t creator = 0;  // 0: not a goroutine
    uint32_t index = 0;    // the caller's
    std::string look;      // those of one creator that look alike are put together
};

struct spawn_branch {
    static constexpr uint32_t kEnded = UINT32_MAX;
    uint64_t id = 0;         // the first of them
    uint32_t index = 0;      // of the first of them; kEnded: a creator that is no more
    size_t count = 0;        // how many look alike; 0: ended
    size_t descendants = 0;  // of all of them
    std::vector<spawn_branch> children;
};

// Roots first those without a creator, then ended creators; each by id.
std::vector<spawn_branch> grow_tree(std::vector<spawn_node> nodes);

}  // namespace insp

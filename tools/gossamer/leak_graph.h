// SPDX-License-Identifier: BSL-1.0
// leak_graph: which of a set of waiting goroutines nobody can wake any more. Plain structs: leaks.cc fills them in from a target, tests by hand.
// Nodes are waiters (a blocked goroutine, with its room: its stack and its start closure) and places (what they wait for). The rest of the process is the
// outside. A room is open when its goroutine can be woken or somebody outside of the set has a pointer into it: then whatever lies in it can be used.
// A place is alive when somebody who is not stuck can use it. A waiter is woken when one of its places is alive.
// Not done: following pointers through the heap. What lies there counts as outside, so a leak may be missed, but nobody is called leaked wrongly.
#pragma once

#include <cstdint>
#include <vector>

namespace insp {

struct leak_place {
    // A channel: how many handles there are. 0: not counted.
    uint64_t handles = 0;
    bool outside = false;   // its address was seen outside of all rooms
    bool is_alive = false;  // it wakes by itself (a timer, closed, about to act), or anybody may use it
    int64_t holder = -1;    // a mutex: the waiter that holds it, which alone decides
    int64_t room = -1;      // it lies in the room of this waiter (a wait group in a frame)
};

struct leak_mention {
    uint32_t place = 0;
    uint32_t words = 0;  // how often its address stands in the room
};

struct leak_waiter {
    std::vector<uint32_t> places;        // wakes when one of them is alive; none: never
    std::vector<leak_mention> mentions;  // what lies in its room
    std::vector<uint32_t> reaches;       // rooms of other waiters into which a word of its room points
    bool is_alive = false;
    bool outside = false;  // somebody outside points into its room
};

struct leak_graph {
    std::vector<leak_place> places;
    std::vector<leak_waiter> waiters;
};

// [i]: nobody can wake waiters[i]. The largest such set.
std::vector<bool> find_stuck(const leak_graph& graph);

}  // namespace insp

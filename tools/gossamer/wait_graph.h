// SPDX-License-Identifier: BSL-1.0
// wait_graph: who waits for whom, and what cannot move any more. Plain structs: objects.cc fills them in from a target, tests by hand.
// A waiter of kind all_of goes on when everyone it points at has acted (the holder of a mutex); of kind any_of when one of them has (those who could use
// the other end of a channel). So for all_of a cycle is a deadlock; for any_of it takes a knot: a set out of which no edge leads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace insp {

struct wait_edge {
    uint64_t to = 0;       // goroutine id
    uint64_t object = 0;   // over which
    bool certain = false;  // read from the object (a mutex knows its holder); else concluded
};

enum class wait_kind : uint8_t {
    moves,   // runs, will run, or waits for what comes from outside: time, network, a thread, somebody unknown
    all_of,  // goes on when all of its edges have acted
    any_of,  // goes on when one of them has; without edges: never
};

struct wait_node {
    uint64_t id = 0;
    wait_kind kind = wait_kind::moves;
    std::vector<wait_edge> edges;
};

class wait_graph {
  public:
    wait_node& add(uint64_t id, wait_kind kind);  // a second call for the same id changes the kind
    void connect(uint64_t from, wait_edge edge);  // REQUIRES: both ends were added
    const wait_node* find(uint64_t id) const;
    const std::vector<wait_node>& nodes() const { return nodes_; }
    size_t index(uint64_t id) const { return by_id_.at(id); }

  private:
    std::vector<wait_node> nodes_;
    std::unordered_map<uint64_t, size_t> by_id_;
};

struct deadlock {
    bool certain = false;           // a cycle over known holders; else it rests on conclusions
    std::vector<uint64_t> members;  // certain: each waits for the next, the last for the first; else by id
    std::vector<uint64_t> behind;   // those who wait for a member and so will never go on either; by id
};

// Certain ones first, larger ones first.
std::vector<deadlock> find_deadlocks(const wait_graph& graph);

struct chain_step {
    uint64_t id = 0;
    const wait_edge* edge = nullptr;  // to the next step; null at the end
    size_t others = 0;                // further edges of this node, not followed
};
struct chain {
    std::vector<chain_step> steps;
    bool returns = false;  // the last step's edge leads back to one that is listed
};
// Follows the first certain edge, else the first.
chain follow(const wait_graph& graph, uint64_t id);

}  // namespace insp

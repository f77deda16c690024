// SPDX-License-Identifier: BSL-1.0
// leak_rooms: from a target to a leak_graph: the blocked goroutines, what they wait for, and what lies in their stacks and closures.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "tools/gossamer/holders.h"
#include "tools/gossamer/leak_graph.h"
#include "tools/gossamer/leak_scan.h"
#include "tools/gossamer/objects.h"
#include "tools/gossamer/stopped_thread.h"

namespace insp {

// Whether a blocked goroutine may be leaked at all: it waits for a channel, a select or something of sync; a system goroutine or a thread does not count.
bool may_leak(const goroutine& g);

class leak_rooms {
  public:
    // `candidates`: indexes into s.goroutines.
    leak_rooms(const target& t, const snapshot& s, const stack_map& stacks, std::vector<uint32_t> candidates);
    // Everything but the rooms: marks what is mentioned there. Returns false when it is not whole. `stopped`: the process, when it stands still; null: a
    // core, or a process that runs, of which this is a guess.
    bool search_outside(const stopped_process* stopped, uint64_t* bytes);
    leak_graph graph;  // waiters[i] is candidates[i]

  private:
    struct room {
        stretch stack;                // from the saved stack pointer up
        uint64_t user_low = 0;        // pointers below that are the runtime's own
        stretch closure, box;         // box: a closure too large for the G
        std::vector<uint64_t> words;  // of the stack; empty: to be read again
    };
    void find_room(uint32_t w);
    void find_user_part(room& r, const goroutine& g, const std::vector<uint64_t>& words);
    stretch boxed_closure(const goroutine& g, uint64_t first_word);
    void add_places(uint32_t w);
    uint32_t place_at(uint64_t address);
    void read_rooms();
    void note(uint32_t w, const uint64_t* words, size_t n);
    void search(const uint64_t* words, size_t n);
    int64_t place_of(uint64_t word) const;  // -1: none
    int64_t room_of(uint64_t word) const;   // -1: none
    bool search_closures();
    bool search_stacks(const slabs& all, const std::vector<uint64_t>& in_use, uint64_t* bytes);
    bool search_running(const stopped_process& stopped);
    void add_dead_frames(std::vector<stretch>& to) const;
    bool is_g(uint64_t word) const;
    void search_unborn(uint64_t word, uint64_t creator);
    void is_being_woken(uint64_t word);

    const target& t_;
    const snapshot& s_;
    const stack_map& stacks_;
    object_reader objects_;
    holders holders_;
    page_cache memory_cache_;
    std::vector<uint32_t> candidates_;
    std::vector<room> rooms_;
    std::unordered_map<uint64_t, uint32_t> place_by_address_;
    std::unordered_map<uint64_t, uint32_t> waiter_by_id_;
    std::unordered_map<uint64_t, bool> boxed_;  // by start function
    struct span {
        uint64_t low, high;
        uint32_t room;
    };
    std::vector<span> spans_;                                        // what of the rooms can be pointed at, by address
    std::vector<stretch> memory_;                                    // of the target
    std::vector<box::region> gs_;                                    // where Gs lie
    std::unordered_map<uint64_t, uint64_t> living_;                  // address of a G: id
    size_t kept_ = 0;                                                // words of stacks
    std::vector<uint64_t> filter_ = std::vector<uint64_t>(1 << 14);  // a bit for each hash of a place
    uint64_t low_ = UINT64_MAX, high_ = 0;                           // of all that is looked for
};

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
// objects: what goroutines wait for: channels, mutexes, rw_mutexes, selects, wait groups, conditions, semaphores, as they lie in the target's memory.
// What the description does not name, or what cannot be read, is left out: the optionals are empty then.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "tools/gossamer/page_cache.h"
#include "tools/gossamer/snapshot.h"

namespace insp {

enum class object_kind : uint8_t { none, channel, select, mutex, rw_mutex, cond, wait_group, semaphore };
const char* words(object_kind kind);  // "channel", "mutex", …
object_kind kind_of_wait(uint8_t reason);
// No object at all: a nil channel, a select without cases.
bool waits_for_ever(uint8_t reason);

struct channel_facts {
    std::optional<uint64_t> count, capacity, handles;
    std::optional<bool> closed;
    std::optional<bool> is_timer;
};
// Whose stack an address lies in.
class stack_map {
  public:
    struct range {
        uint64_t low = 0, high = 0;
        uint64_t id = 0;  // goroutine; of a plain thread: that of its stand-in
    };
    stack_map() = default;
    stack_map(const target& t, const snapshot& s);
    explicit stack_map(std::vector<range> ranges);
    // By what mutex.holder keeps: bits 13 to 44 of an address. 0: nobody's.
    uint64_t find_page(uint32_t page) const;
    const range* find(uint64_t address) const;     // null: nobody's
    const range* of(uint64_t goroutine_id) const;  // null: none known
    const std::vector<range>& ranges() const { return ranges_; }

  private:
    std::vector<range> ranges_;  // by address
    std::unordered_map<uint64_t, size_t> by_id_;
    std::vector<std::pair<uint32_t, size_t>> by_page_;  // of each range's lowest address
};

struct mutex_facts {
    bool locked = false;
    uint64_t holder = 0;        // goroutine id; 0: its stack is nobody's, or not known
    bool holder_known = false;  // the version tells holders, and it is locked
};
// Reads objects as they are when it first looks at their page; to be made anew for another look.
class object_reader {
  public:
    explicit object_reader(const target& t);
    channel_facts channel(uint64_t core);
    // The channels in which a goroutine waits by a select. Empty when they cannot be read.
    std::vector<uint64_t> select_channels(const goroutine& g);
    // REQUIRES: the address of a mutex, or of a rw_mutex for that of its writers.
    std::optional<mutex_facts> mutex(uint64_t address, const stack_map& stacks);
    std::optional<mutex_facts> writers_mutex(uint64_t rw_mutex, const stack_map& stacks) {
        return mutex(rw_mutex + writers_.offset, stacks);
    }
    // Of a rw_mutex: who read or wait to.
    std::optional<int64_t> readers(uint64_t rw_mutex);
    // An unsigned number of the field's own size, at most 8 bytes.
    std::optional<uint64_t> number(uint64_t object, field f);

  private:
    const target& t_;
    page_cache memory_;
    field count_, capacity_, refs_, closed_, type_, source_, n_, waiting_, size_, place_, owner_, state_, holder_,
        writers_, readers_;
};

struct waited_object {
    uint64_t address = 0;
    object_kind kind = object_kind::none;
    std::vector<uint32_t> waiters;  // indexes into snapshot::goroutines; who waits longest first
    size_t by_select = 0;           // how many of them wait by a select
    size_t senders = 0;             // of a channel: how many want to send
    int64_t longest_ns = -1;        // -1: not known
    int64_t total_ns = 0;           // of all whose wait is known
    channel_facts channel;
    std::optional<mutex_facts> mutex;  // of a rw_mutex: its writers'
    std::optional<int64_t> readers;    // of a rw_mutex: they hold it or wait for it
};

// Every object that somebody waits for, most waiters first. A goroutine in a select stands at each of its channels.
std::vector<waited_object> read_objects(const target& t, const snapshot& s, const stack_map& stacks);
// The one with the largest sum of waiting; null: none is known.
const waited_object* find_convoy(const std::vector<waited_object>& objects);

}  // namespace insp

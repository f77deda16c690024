// SPDX-License-Identifier: BSL-1.0
// recording: the recorder of a live process, switched on from outside, and its rings read again and again, so that more can be kept than they hold.
// Invariant: whatever happens to this program but SIGKILL, the process's settings are put back to what they were.
#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

#include "tools/gossamer/box_writer.h"
#include "tools/gossamer/target.h"

namespace insp {

// What others may have asked the runtime for, remembered.
class recorder_switch {
  public:
    // Throws error when the box cannot be written.
    explicit recorder_switch(target& t);
    recorder_switch(const recorder_switch&) = delete;
    recorder_switch& operator=(const recorder_switch&) = delete;
    ~recorder_switch() { restore(); }
    box::control& wanted() { return wanted_; }
    bool was_on() const { return level_ != 0; }
    void restore();

  private:
    box::control& wanted_;
    uint32_t level_, ring_bytes_;
    uint64_t stall_ns_, runnable_ns_;
};

class ring_follower {
  public:
    // What is written from now on, in any ring. Keeps at most so many records.
    ring_follower(const target& t, uint64_t most_records);
    // Copies what is new. How full the fullest ring was since the last time: 1 and more means that records were lost.
    double poll();
    uint64_t records() const { return records_; }
    uint64_t lost() const { return lost_; }  // for want of speed
    bool is_full() const { return records_ >= most_; }
    std::vector<saved_ring> rings() const;

  private:
    struct followed {
        saved_ring about;
        uint64_t next = 0;                              // the record to copy next
        bool has_gap = false;                           // before it
        std::list<std::vector<box::record>> stretches;  // each begins with a block
    };
    void append(followed& f, uint64_t at, std::vector<box::record>::const_iterator from);
    void look_at(const box::region& r, bool is_first_time, double* fullest);

    const target& t_;
    uint64_t most_, records_ = 0, lost_ = 0;
    std::unordered_map<uint64_t, followed> rings_;  // by address
    std::vector<uint64_t> order_;
    std::vector<box::record> copy_;
};

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
// sampler: what a process did between two frames, from many short looks at its processors: who ran, for how long, how much it switched, how long goroutines
// waited to run. Reads the box, and /proc for CPU times; the process does nothing for it.
// How it errs: time is given to whoever runs at the moment of the look. A goroutine that runs for less than the distance of two looks is seen in
// proportion to its share, so shares are right in the mean and a single short one may be missed.
// Two kinds of time: `share` is that on a thread of the scheduler, whether the kernel lets that thread run or not; `cpu` is what the thread used of a CPU.
#pragma once

#include <deque>
#include <memory>
#include <unordered_map>

#include "tools/gossamer/probe.h"
#include "tools/gossamer/snapshot.h"
#include "tools/gossamer/thread_clock.h"

namespace insp {

int64_t steady_ns();  // the monotonic clock, which is the target's too

struct processor_frame {
    uint32_t id = 0;
    bool held = false;      // at the last look
    uint64_t running = 0;   // goroutine at the last look; 0: none
    std::string_view name;  // of it
    uint64_t tid = 0;       // of the thread that holds it
    double busy = 0;        // share of the interval in which a goroutine ran
    double seeking = 0;     // share in which it was held without one: the scheduler picks, searches, steals
    uint32_t queued = 0;    // at the last look
    double mean_queued = 0;
    double picks = 0;                           // per second
    double slices = 0, created = 0, ended = 0;  // per second
};

struct goroutine_frame {
    uint64_t id = 0;
    std::string_view name;
    double share = 0, cpu = 0;  // of one processor, of one CPU
    int32_t processor = -1;     // where it was seen last; -1: on a thread that has lost its processor
};

struct name_frame {
    std::string_view name;
    double share = 0, cpu = 0;
    uint64_t total = 0, running = 0, runnable = 0, waiting = 0;
    int64_t oldest_ns = 0;  // longest known wait; 0: none known
};

struct counter_frame {
    std::string_view name;
    uint64_t total = 0;
    double rate = 0;  // per second
};

struct frame {
    std::shared_ptr<const void> texts;  // keeps the names in it
    int64_t at_ns = 0;                  // its end
    double seconds = 0;                 // its length; 0: the first look only
    uint64_t looks = 0;
    int64_t uptime_ns = 0;
    double cpu = -1;       // CPUs used by the process; -1: not known
    bool has_cpu = false;  // of goroutines and names; else their cpu is their share
    uint32_t procs = 0, idle_procs = 0, searching = 0, blocking = 0, global_queue = 0;
    uint32_t threads = 0, threads_parked = 0, threads_blocking = 0,
             threads_outside = 0;  // of the scheduler; outside: lost their processor in a call
    std::vector<processor_frame> processors;
    std::vector<goroutine_frame> goroutines;  // that ran; most time first
    std::vector<name_frame> names;            // in no order
    std::vector<counter_frame> counters;
    std::vector<uint64_t> waits;  // [i]: sampled waits for a processor of 2^i to 2^(i+1) ns in the interval
    // Of the last scan of the table, `table_age_ns` ago; -1: none yet.
    int64_t table_age_ns = -1;
    uint64_t total = 0, running = 0, runnable = 0, waiting = 0, system = 0;
    std::vector<std::pair<uint8_t, uint64_t>> reasons;  // of those that wait, most first
};

class sampler {
  public:
    // The table of goroutines is read when the last reading is `refresh_ns` old; a large one less often, so that it takes 1 % of a CPU at most.
    explicit sampler(const target& t, int64_t refresh_ns = 1'000'000'000);
    // What runs now, for the time since the last look.
    void look(int64_t now);
    // Closes the interval since the last take().
    frame take(int64_t now);
    // Totals since the program began, by [i] as in frame::waits.
    std::vector<uint64_t> wait_totals() { return probe_.wait_histogram(); }
    probe& words() { return probe_; }

  private:
    struct use {
        uint64_t id = 0;
        origin from;
        int64_t ns = 0, cpu_ns = 0;
        int32_t processor = -1;
    };
    struct place {  // of one processor, since the last take()
        uint32_t turn = 0, tick = 0;
        uint64_t created = 0, ended = 0;
        uint64_t picks = 0, slices = 0, born = 0, died = 0;
        int64_t busy_ns = 0, seeking_ns = 0, seen_ns = 0;
        double queued_ns = 0;
        processor_look last;
        uint64_t running = 0, tid = 0;
        origin from;
        bool seen = false;
    };
    struct group {
        uint64_t running = 0, runnable = 0, waiting = 0;
        int64_t oldest_since = 0;
    };

    struct worker {  // a thread of the scheduler, at the last look
        uint64_t ran = 0;
        int64_t at = 0;
    };

    void note_processor(const processor_look& p, int64_t passed);
    void note_run(uint64_t g, uint64_t tid, int32_t processor, int64_t passed);
    int64_t cpu_since_last_look(uint64_t tid, int64_t passed);
    void find_outsiders(int64_t now);
    void scan(int64_t now);
    void scan_if_due(int64_t now);
    uint32_t text_of(const origin& from);
    void put_processors(frame& f);
    void put_uses(frame& f);
    void put_names(frame& f, int64_t now);
    void put_counts(frame& f);
    void put_state(frame& f, int64_t now);

    const target& t_;
    probe probe_;
    int64_t refresh_ns_;
    int64_t last_look_ = 0, began_ = 0, next_scan_ = 0, scanned_ = 0;
    uint64_t looks_ = 0;
    std::vector<place> places_;        // by id
    std::vector<uint64_t> outsiders_;  // Ms that run a goroutine without a processor, as of the last search
    int64_t next_search_ = 0;
    thread_clocks clocks_;
    bool clocks_work_ = false;
    std::unordered_map<uint64_t, worker> workers_;  // by tid
    std::unordered_map<uint64_t, use> uses_;
    // Names, each once, by number.
    std::shared_ptr<std::deque<std::string>> texts_ = std::make_shared<std::deque<std::string>>();
    std::unordered_map<std::string_view, uint32_t> text_ids_;
    std::unordered_map<origin, uint32_t, origin_hash> names_;
    std::unordered_map<origin, group, origin_hash> groups_;
    uint64_t reasons_[256] = {};
    uint64_t system_ = 0;
    std::vector<uint64_t> counters_, waits_;
    uint64_t cpu_ticks_ = 0;
    bool has_cpu_ = false;
};

// CPU time of a process in clock ticks, all threads; false when it cannot be read.
bool read_cpu_ticks(uint32_t pid, uint64_t* ticks);

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
// probe: looks at single words of Ps, Ms and Gs where they lie, without a copy of the state. What top, metrics and stalls read by: a look at all
// processors costs about a microsecond for each, and the target nothing.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "tools/gossamer/target.h"

namespace insp {

struct processor_look {
    uint32_t id = 0;
    bool held = false, retired = false;
    uint64_t m = 0;        // address of the M that holds it; 0: nobody
    uint32_t turn = 0;     // picks of any kind
    uint32_t tick = 0;     // slices begun
    uint32_t queued = 0;   // goroutines that wait for it: ring and next slot
    int64_t deadline = 0;  // of its next timer; 0: none
    uint64_t created = 0, ended = 0;
};

struct thread_look {
    uint64_t address = 0;  // of the M; 0: this is no M
    uint32_t number = 0;
    uint64_t tid = 0;
    bool is_plain = false, parked = false, searching = false, blocking = false;
    uint32_t in_runtime = 0;
    uint64_t p = 0;  // address of the P that it holds
    uint64_t g = 0;  // address of the G that runs on it
};

// What names a goroutine that has no name: many have the same.
struct origin {
    uint64_t name_at = 0;
    uint64_t invoke = 0;
    uint64_t creator_pc = 0;
    bool operator==(const origin&) const = default;
};
struct origin_hash {
    size_t operator()(const origin& o) const {
        return size_t((o.name_at * 0x9e3779b97f4a7c15ull ^ o.invoke) * 0xff51afd7ed558ccdull ^ o.creator_pc >> 1);
    }
};

enum class g_word : uint8_t { dead, fresh, runnable, running, waiting };

struct goroutine_look {
    uint64_t id = 0;
    origin from;
    int64_t waits_since = 0;
    g_word status = g_word::dead;
    uint8_t reason = 0;
    uint8_t flags = 0;
    bool is_thread() const { return (flags & 1) != 0; }
    bool is_system() const { return (flags & 2) != 0; }
};

// The name as the user gave it; else what the start function tells; else where it was started. Never empty, nothing in it that a terminal would obey.
std::string name_of(const target& t, const origin& from);
// "tour::serve λ2" out of "void gossamer::detail::invoke_inline<gossamer::detail::call<tour::serve(int)::{lambda(int)#2}> >(void*)"; "" when it does not tell.
std::string start_name(std::string_view demangled);
// Bytes that a terminal would obey, or that are no UTF-8, become '?'.
std::string printable(std::string_view text);

class probe {
  public:
    // Throws error when the box has no such fields: another kind of file, or a version too far away.
    explicit probe(const target& t);

    const std::vector<processor_look>&
    processors();  // by id, without those that were never made; good until the next call
    std::vector<thread_look> threads();
    thread_look thread_at(uint64_t m);
    goroutine_look goroutine_at(uint64_t g);
    processor_look processor_at(uint64_t p);
    // Sums over all threads, by the names of the events ("steal", "wake"), in the order of the description.
    const std::vector<std::string>& counter_names() const { return event_names_; }
    std::vector<uint64_t> counters();
    std::vector<uint64_t> wait_histogram();

    // fn(const goroutine_look&) for each that is not dead.
    template <class F>
    void for_each_goroutine(F fn) {
        renew_regions();
        for (const box::region& r : gs_) {
            uint64_t done = 0, slots = r.bytes / r.stride;
            auto visit = [&](uint64_t first, uint64_t last) {
                first = std::max(first, done);
                last = std::min(last, slots);
                if (first >= last) return;
                done = last;
                const std::byte* g = bytes_of(r.address + first * r.stride, (last - first) * r.stride, table_copy_);
                for (; g != nullptr && first < last; first++, g += r.stride) {
                    if (g_status(g) == g_word::dead) continue;
                    goroutine_look look = read_goroutine(g);
                    if (look.id != 0 && look.status != g_word::dead) fn(look);
                }
            };
            // Not the holes of the file: a look there would give the target memory.
            auto [begin, end] = t_.data(r, 0);
            for (; begin < end; std::tie(begin, end) = t_.data(r, end))
                visit(begin / r.stride, (end + r.stride - 1) / r.stride);
            if (r.in_file < r.bytes) visit(r.in_file / r.stride, slots);
        }
    }

  private:
    struct stretch {
        uint64_t address = 0;
        uint32_t stride = 0, count = 0;
    };
    // Where the words of the runtime's structs lie.
    struct {
        field turn, tick, head, tail, next, m, status, id, deadline, created, ended;
        uint32_t bytes = 0;  // that must be there for all of them
    } p_;
    struct {
        field number, tid, is_thread, parked, spinning, blocking, in_runtime, p, curg, events, waits;
        uint32_t bytes = 0;
    } m_;
    struct {
        field id, status, reason, flags, name, invoke, creator_pc, wait_since;
        uint32_t bytes = 0;
    } g_;

    field need(const char* name, uint32_t* end);
    field want(const char* name, uint32_t* end);
    void read_event_names();
    void renew_regions();
    std::vector<stretch> stretches_of(box::region_kind kind, uint32_t least) const;
    // The bytes where they lie, or a copy of them when they are not in the file; null when they cannot be had.
    const std::byte* bytes_of(uint64_t address, size_t bytes, std::vector<std::byte>& copy) const;
    static uint64_t word(const std::byte* at, field f) {
        uint64_t v = 0;
        std::memcpy(&v, at + f.offset, f.bytes);  // little-endian, as every machine that Gossamer runs on
        return v;
    }
    g_word g_status(const std::byte* g) const {
        uint64_t s = word(g, g_.status);
        return s > uint64_t(g_word::waiting) ? g_word::dead : g_word(s);
    }
    goroutine_look read_goroutine(const std::byte* g) const;
    processor_look read_processor(const std::byte* p) const;
    thread_look read_thread(uint64_t address, const std::byte* m) const;
    template <class F>
    void for_each_thread(F fn);

    const target& t_;
    uint32_t regions_seen_ = UINT32_MAX;
    std::vector<stretch> ps_, ms_;
    std::vector<box::region> gs_;
    std::vector<processor_look> looks_;
    std::vector<std::byte> copy_, table_copy_;
    std::vector<std::string> event_names_;
    std::vector<uint32_t> event_index_;
};

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
// go_trace_tables: the parts of a Go trace below its events: numbers, batches, and the tables of strings and stacks, in which each is written once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tools/gossamer/events.h"
#include "tools/gossamer/go_trace_format.h"

namespace insp::go {

inline void put_number(std::string& out, uint64_t n) {
    char bytes[10];
    unsigned used = 0;
    for (; n >= 0x80; n >>= 7) bytes[used++] = char(n | 0x80);
    bytes[used++] = char(n);
    out.append(bytes, used);
}

// Why a goroutine waits (rt::wait_reason), in the words that the viewers know: whatever else they call unspecified.
const char* go_reason(uint8_t reason);

// A batch of generation 1 around a payload.
void put_batch(std::string& out, uint64_t thread, uint64_t time, std::string_view payload);

// The events of one thread: fills batches and appends the full ones to `out`.
class event_stream {
  public:
    explicit event_stream(uint64_t thread) : thread_(thread) {}
    uint64_t thread() const { return thread_; }

    template <class... Args>
    void put(std::string& out, uint64_t time, op what, Args... args) {
        static_assert(sizeof...(Args) <= 5);
        if (payload_.size() + kMostEvent > kMostBatch) flush(out);
        if (payload_.empty()) {
            first_ = last_ = time;
            payload_.reserve(4096);
        }
        char bytes[kMostEvent];
        char* at = bytes;
        *at++ = char(what);
        at = number(at, time - last_);
        ((at = number(at, uint64_t(args))), ...);
        payload_.append(bytes, size_t(at - bytes));
        last_ = time;
    }
    void flush(std::string& out);

  private:
    static constexpr size_t kMostEvent = 1 + 6 * 10;
    static char* number(char* at, uint64_t n) {
        for (; n >= 0x80; n >>= 7) *at++ = char(n | 0x80);
        *at++ = char(n);
        return at;
    }

    uint64_t thread_;
    uint64_t first_ = 0, last_ = 0;
    std::string payload_;
};

class tables {
  public:
    explicit tables(const trace_window& w) : w_(w), of_list_(w.stacks.size()) {}

    uint64_t string(std::string_view text);  // cut at 1024 bytes; "": 0
    // Ids of stacks; 0: none.
    uint64_t stack_of_list(uint32_t index);  // trace_window::stacks
    uint64_t stack_of_pc(uint64_t pc);
    uint64_t stack_of_name(const std::string& name);      // one frame, named so: what the viewers call a goroutine
    uint64_t stack_of_parked(const traced_goroutine& g);  // where it waits, and its name as the outermost

    void write(std::string& out, uint64_t time);  // both, as batches

  private:
    struct frames {
        std::string bytes;
        size_t count = 0;
    };
    const frames& frames_of(uint64_t pc);
    void put_frames(frames& to, uint64_t pc);
    void put_name_frame(frames& to, const std::string& name);
    uint64_t stack(const frames& f);

    const trace_window& w_;
    std::unordered_map<std::string, uint64_t> strings_;
    std::vector<const std::string*> string_list_;       // [id - 1]: keys of strings_
    std::unordered_map<std::string, uint64_t> stacks_;  // by their bytes
    std::vector<const std::string*> stack_list_;
    std::vector<uint64_t> of_list_;
    std::unordered_map<uint64_t, frames> of_pc_;
    std::unordered_map<uint64_t, uint64_t> of_single_;
    std::unordered_map<std::string, uint64_t> of_name_;
    std::unordered_map<std::string, uint64_t> name_pcs_;
};

}  // namespace insp::go

// SPDX-License-Identifier: BSL-1.0
// target: what is looked at: a process, the black box it left, a saved window, or a core file with its box. Reads memory, finds fields by the
// description, names addresses. Nothing is written to it but through control().
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/box/layout.h"

namespace insp {

namespace box = gossamer::rt::box;

// What the user is told, whole: "gossamer: ps 4711: no such process". Exit status 1.
struct error : std::runtime_error {
    using std::runtime_error::runtime_error;
};
// Throws error "gossamer: COMMAND TARGET: fact"; the command is the one that main() runs.
[[noreturn]] void fail(const std::string& target, const std::string& fact);
extern std::string running_command;

// Every moment that a target tells of is within this of zero, whatever it says: two of them can be subtracted, and a minute more.
constexpr int64_t kMostNs = 4'000'000'000'000'000'000;
inline int64_t possible_ns(int64_t ns) { return std::clamp(ns, -kMostNs, kMostNs); }

// One field of a struct of the runtime, as the description tells.
struct field {
    uint32_t offset = 0;
    uint32_t bytes = 0;
    bool there() const { return bytes != 0; }
};

struct code_frame {
    std::string function;  // demangled, never empty ("0x7f…" when nothing is known)
    std::string file;      // "" when not known
    int line = 0;
    uint64_t pc = 0;
    bool inlined = false;  // into the frame behind it
    uint64_t offset = 0;   // of the pc from the start of the function; of the object when not even that is known
    std::string object;    // path of the ELF file; "" when the pc lies in none
};

class target {
  public:
    // `what`: a pid in decimal, or a path of a box, window or core. Throws error: no such process, not a Gossamer process, of another user,
    // wrong version, cut short.
    static std::unique_ptr<target> open(const std::string& what);
    ~target();

    const box::header& head() const;
    bool is_live() const;             // a process that runs
    const std::string& name() const;  // as it was given to open()
    uint32_t pid() const;

    // The i-th region; addresses of the process in it that lie in the file can be read by at().
    std::vector<box::region> regions(box::region_kind kind) const;
    // Memory of the process: the file's part without a copy. Null when it does not lie in the file.
    const std::byte* at(uint64_t address, size_t bytes) const;
    // From wherever: file, process, core, or the program's own read-only data. False when it cannot be had.
    bool read(uint64_t address, void* to, size_t bytes) const;
    // The first stretch of the region's bytes in the file, from `from` on, that is not a hole; both ends are offsets in the region. Looking at a hole
    // through at() would give the target memory for it.
    std::pair<uint64_t, uint64_t> data(const box::region& r, uint64_t from) const;
    // A terminated string of at most 255 bytes; "" when it cannot be read.
    std::string read_string(uint64_t address) const;
    // Likewise, kept as long as the target: names, of which many goroutines share one.
    std::string_view kept_string(uint64_t address) const;
    // Field "G.id"; there() is false when this version has none.
    field find_field(std::string_view struct_and_field) const;
    // The counters of a thread: name, index into M.events.
    const std::vector<std::pair<std::string, uint32_t>>& events() const;

    // Ticks to nanoseconds of the monotonic clock, and those to the real one.
    int64_t ns_of(uint64_t ticks) const;
    int64_t real_ns_of(int64_t monotonic_ns) const;
    int64_t now_ns() const;  // monotonic; of what has ended: the last moment that it told

    // Names an address: innermost inlined function first, at least one. A return address names the call before it.
    const std::vector<code_frame>& describe(uint64_t pc, bool is_return_address) const;
    // Return addresses of a goroutine that is off its stack, innermost first; empty when the stack cannot be read or moved meanwhile.
    // `running`: through the thread `tid` that runs it (stops that thread for some microseconds), else 0.
    std::vector<uint64_t> unwind(uint64_t g_address, unsigned most, uint64_t tid = 0) const;

    // The word that switches the recorder, writable. Throws error when the process has ended or the file may not be written.
    box::control& control();

    struct inside;  // target_inside.h
    inside& contents() const { return *in_; }

  private:
    target();
    std::unique_ptr<inside> in_;
};

}  // namespace insp

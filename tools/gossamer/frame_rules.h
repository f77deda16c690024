// SPDX-License-Identifier: BSL-1.0
// frame_rules: from a frame to its caller by the rules that the compiler wrote down (CFI), each looked up once for an address. Nearly all have the same
// shape: the caller's stack pointer is a register plus a number, and what was saved lies so far below it. The others are evaluated anew each time.
#pragma once

#include <elfutils/libdw.h>

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "tools/gossamer/symbols.h"

namespace insp {

// What there is to know of a kind of processor. DWARF numbers; saved context as in runtime/arch/saved_context.h (Boost.Context 1.81's layout).
struct machine {
    unsigned elf_machine;
    unsigned registers;                        // numbers below that one are followed
    unsigned sp, fp, return_column;            // return_column: whose rule tells the return address
    unsigned context_words, fp_word, pc_word;  // of the saved context
    unsigned saved_count, saved_words[10], saved_registers[10];
};
const machine* find_machine(unsigned elf_machine);  // null: not known

struct registers {
    uint64_t pc = 0;
    std::array<uint64_t, 33> value{};
    uint64_t known = 0;              // bit per register
    bool is_return_address = false;  // pc is that of the instruction behind a call
    void set(unsigned r, uint64_t v) {
        value[r] = v;
        known |= uint64_t(1) << r;
    }
    bool has(unsigned r) const { return r < value.size() && (known >> r & 1) != 0; }
};

// Reads a word of the stack; false when it is not there.
using read_word = bool (*)(void* arg, uint64_t address, uint64_t* word);

class frame_rules {
  public:
    explicit frame_rules(symbols& names) : names_(names) {}
    ~frame_rules();
    frame_rules(const frame_rules&) = delete;
    frame_rules& operator=(const frame_rules&) = delete;

    enum class outcome { stepped, ended, unreadable };
    // Makes r the caller's. ended: the outermost frame, or no rule is known. unreadable: a word could not be read; r is as it was.
    template <class Read>
    outcome step(const machine& m, registers& r, const Read& read);

  private:
    enum class shape : uint8_t { unknown, end, simple, slow };
    struct rule {
        shape what = shape::unknown;
        uint8_t cfa_register = 0;
        uint8_t count = 0;            // of restored
        bool ra_in_register = false;  // not saved (yet): in return_column
        int32_t cfa_offset = 0, ra_offset = 0;
        struct {
            uint8_t number;
            int32_t offset;  // from the CFA
        } restored[8];
        Dwarf_Frame* frame = nullptr;  // slow
        bool is_signal = false;
    };
    const rule& find(const machine& m, uint64_t pc);
    void make(const machine& m, uint64_t pc, rule& to);
    outcome step_slowly(const machine& m, const rule& by, registers& r, read_word read, void* arg);

    symbols& names_;
    std::unordered_map<uint64_t, rule> rules_;
};

template <class Read>
frame_rules::outcome frame_rules::step(const machine& m, registers& r, const Read& read) {
    const rule& by = find(m, r.pc - (r.is_return_address ? 1 : 0));
    if (by.what == shape::slow)
        return step_slowly(
            m, by, r,
            [](void* arg, uint64_t address, uint64_t* word) { return (*static_cast<const Read*>(arg))(address, word); },
            const_cast<Read*>(&read));
    if (by.what != shape::simple || !r.has(by.cfa_register)) return outcome::ended;
    uint64_t cfa = r.value[by.cfa_register] + uint64_t(int64_t(by.cfa_offset));
    uint64_t pc = 0, words[8];
    if (by.ra_in_register) {
        if (!r.has(m.return_column)) return outcome::ended;
        pc = r.value[m.return_column];
    } else if (!read(cfa + uint64_t(int64_t(by.ra_offset)), &pc)) {
        return outcome::unreadable;
    }
    for (unsigned i = 0; i < by.count; i++)
        if (!read(cfa + uint64_t(int64_t(by.restored[i].offset)), &words[i])) return outcome::unreadable;
    // A caller's frame lies above, but for one that has none of its own (a leaf whose return address is in a register).
    bool is_above = cfa > r.value[m.sp] || (by.ra_in_register && cfa == r.value[m.sp] && pc != r.pc);
    if (!is_above || pc == 0) return outcome::ended;
    for (unsigned i = 0; i < by.count; i++) r.set(by.restored[i].number, words[i]);
    r.set(m.sp, cfa);
    r.pc = pc;
    r.is_return_address = true;
    return outcome::stepped;
}

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/core_notes.h"

#include <elf.h>

#include <cstring>
#include <unordered_set>

#include "tools/gossamer/stopped_thread.h"

namespace insp {

namespace {

// struct elf_prstatus of a 64-bit Linux: where the thread id and the registers stand.
constexpr size_t kTidAt = 32, kRegistersAt = 112;
constexpr uint32_t kTids = 2'000'000'000;  // thread ids are 31 bits

void put(std::string& to, size_t at, const void* bytes, size_t n) { std::memcpy(to.data() + at, bytes, n); }

}  // namespace

void add_note(std::string& notes, uint32_t type, std::string_view content) {
    constexpr char kOwner[8] = "CORE";
    Elf64_Nhdr header = {5, uint32_t(content.size()), type};
    notes.append(reinterpret_cast<const char*>(&header), sizeof header);
    notes.append(kOwner, sizeof kOwner);
    notes.append(content);
    notes.append((4 - content.size() % 4) % 4, '\0');
}

std::string thread_status(const machine& m, const registers& r, uint32_t tid) {
    const register_set& set = registers_of_kernel(m);
    std::string s(kRegistersAt + set.words * 8 + 8, '\0');
    put(s, kTidAt, &tid, sizeof tid);
    auto put_word = [&](unsigned place, uint64_t word) { put(s, kRegistersAt + place * 8, &word, sizeof word); };
    for (unsigned i = 0; i < m.registers; i++)
        if (r.has(i) && set.place[i] != register_set::kNowhere) put_word(set.place[i], r.value[i]);
    put_word(set.pc, r.pc);
    // In no system call that a debugger might want to restart; and the segments of every 64-bit program.
    if (m.elf_machine == EM_X86_64) {
        put_word(15, ~uint64_t(0));
        put_word(17, 0x33);
        put_word(18, 0x202);
        put_word(20, 0x2b);
    }
    return s;
}

goroutine_notes make_goroutine_notes(const target& t, const snapshot& s, uint64_t most) {
    goroutine_notes out;
    const machine* m = caches_of(t).kind;
    if (m == nullptr)
        fail(t.name(), "stacks of this kind of processor are not understood, or the program's file cannot be had");
    std::unordered_set<uint32_t> used;
    for (const goroutine& g : s.goroutines) {
        if (g.is_thread || g.context == 0 || g.state == g_state::running || g.state == g_state::fresh) continue;
        if (out.count == most) break;
        registers r;
        if (!parked_registers(t, g.address, r)) {
            out.missed++;
            continue;
        }
        auto tid = uint32_t(kFirstTid + g.id % kTids);
        while (!used.insert(tid).second) tid = tid < kFirstTid + kTids - 1 ? tid + 1 : kFirstTid;
        add_note(out.notes, NT_PRSTATUS, thread_status(*m, r, tid));
        out.count++;
    }
    return out;
}

}  // namespace insp

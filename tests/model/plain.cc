// SPDX-License-Identifier: BSL-1.0
// plain: memory that is no atomic. The compiler calls us for each access of the code under test, as -fsanitize=thread does; ThreadSanitizer
// itself is not linked. Two accesses that are not ordered, one of them a write, are a race.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "tests/model/engine.h"

namespace gossamer::model {

namespace {

// What is known of one byte.
struct cell {
    uint16_t written = 0;  // the writer's clock
    uint8_t writer = 0;
    bool freed = false;
    uint16_t read[kThreads] = {};
};
struct line {
    uintptr_t key = 0;
    unsigned execution = 0;
    cell bytes[8];
};
constexpr size_t kLines = 1 << 14;
line lines[kLines];
unsigned execution = 1;

constexpr size_t kArenaBytes = 4 << 20;
alignas(4096) char arena[kArenaBytes];
size_t arena_used = 0;

line& line_at(uintptr_t key) {
    size_t i = (key * 0x9E3779B97F4A7C15u) >> (64 - 14);
    for (size_t tried = 0; tried < kLines; tried++, i = (i + 1) % kLines) {
        line& l = lines[i];
        if (l.execution == execution && l.key == key) return l;
        if (l.execution == execution) continue;
        l = {};
        l.key = key;
        l.execution = execution;
        return l;
    }
    fprintf(stderr, "model: the checker has room for %zu words of plain memory\n", kLines);
    abort();
}

[[gnu::noinline]] void race(const char* what, const void* at, unsigned other, void* pc) {
    if (!the.replaying) fail(std::string("a race on plain memory: ") + what + " of " + the.actors[other].name);
    char text[200];
    auto known = the.names.find(at);
    if (the.tracing) trace(what, nullptr, known != the.names.end() ? known->second : "", {"", 0});
    snprintf(text, sizeof text, "a race on plain memory: %s of %s", what, the.actors[other].name);
    (void)pc;
    fail(text);
}

void access(const void* at, size_t bytes, bool write, bool frees, void* pc) {
    if (!the.under_test || !the.running) return;
    own_code scope;
    actor& a = the.me();
    uint16_t clock = a.now.clock[the.current];
    auto begin = reinterpret_cast<uintptr_t>(at), end = begin + bytes;
    while (begin < end) {
        line& l = line_at(begin >> 3);
        for (; begin < end && begin >> 3 == l.key; begin++) {
            cell& c = l.bytes[begin & 7];
            if (c.freed) fail("use after free");
            if (c.written > a.now.clock[c.writer])
                race(write ? "a write over a write" : "a read beside a write", at, c.writer, pc);
            if (!write) {
                c.read[the.current] = clock;
                continue;
            }
            for (unsigned t = 0; t < the.actors.size(); t++)
                if (c.read[t] > a.now.clock[t]) race("a write beside a read", at, t, pc);
            c.written = clock;
            c.writer = uint8_t(the.current);
            c.freed = frees;
        }
    }
}

bool in_arena(const void* p) { return p >= arena && p < arena + kArenaBytes; }

void* take(size_t bytes, size_t align) {
    if (!the.under_test) return aligned_alloc(align < 16 ? 16 : align, (bytes + align + 15) / align * align);
    return allocate(bytes, align);
}

void give_back(void* p) {
    if (p == nullptr) return;
    if (!in_arena(p)) return free(p);
    size_t bytes;
    memcpy(&bytes, static_cast<char*>(p) - sizeof bytes, sizeof bytes);
    access(p, bytes, true, true, __builtin_return_address(0));
}

}  // namespace

void forget_plain() { execution++; }
void forget_arena() { arena_used = 0; }

// Behind its size; never given out twice in one execution.
void* allocate(size_t bytes, size_t align) {
    if (align < 16) align = 16;
    size_t at = (arena_used + sizeof bytes + align - 1) / align * align;
    if (at + bytes > kArenaBytes) {
        fprintf(stderr, "model: the arena of %zu bytes is too small\n", kArenaBytes);
        abort();
    }
    arena_used = at + bytes;
    memcpy(arena + at - sizeof bytes, &bytes, sizeof bytes);
    return arena + at;
}

bool freed(const void* made) {
    auto at = reinterpret_cast<uintptr_t>(made);
    return line_at(at >> 3).bytes[at & 7].freed;
}

}  // namespace gossamer::model

using gossamer::model::give_back;
using gossamer::model::take;

void* operator new(size_t n) { return take(n, 16); }
void* operator new[](size_t n) { return take(n, 16); }
void* operator new(size_t n, const std::nothrow_t&) noexcept { return take(n, 16); }
void* operator new[](size_t n, const std::nothrow_t&) noexcept { return take(n, 16); }
void* operator new(size_t n, std::align_val_t a) { return take(n, size_t(a)); }
void* operator new[](size_t n, std::align_val_t a) { return take(n, size_t(a)); }
void operator delete(void* p) noexcept { give_back(p); }
void operator delete[](void* p) noexcept { give_back(p); }
void operator delete(void* p, size_t) noexcept { give_back(p); }
void operator delete[](void* p, size_t) noexcept { give_back(p); }
void operator delete(void* p, std::align_val_t) noexcept { give_back(p); }
void operator delete[](void* p, std::align_val_t) noexcept { give_back(p); }
void operator delete(void* p, size_t, std::align_val_t) noexcept { give_back(p); }
void operator delete[](void* p, size_t, std::align_val_t) noexcept { give_back(p); }

extern "C" {
using gossamer::model::access;
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void** p, void*) { access(p, sizeof *p, true, false, __builtin_return_address(0)); }
void __tsan_vptr_read(void** p) { access(p, sizeof *p, false, false, __builtin_return_address(0)); }
void __tsan_read1(void* p) { access(p, 1, false, false, __builtin_return_address(0)); }
void __tsan_read2(void* p) { access(p, 2, false, false, __builtin_return_address(0)); }
void __tsan_read4(void* p) { access(p, 4, false, false, __builtin_return_address(0)); }
void __tsan_read8(void* p) { access(p, 8, false, false, __builtin_return_address(0)); }
void __tsan_read16(void* p) { access(p, 16, false, false, __builtin_return_address(0)); }
void __tsan_write1(void* p) { access(p, 1, true, false, __builtin_return_address(0)); }
void __tsan_write2(void* p) { access(p, 2, true, false, __builtin_return_address(0)); }
void __tsan_write4(void* p) { access(p, 4, true, false, __builtin_return_address(0)); }
void __tsan_write8(void* p) { access(p, 8, true, false, __builtin_return_address(0)); }
void __tsan_write16(void* p) { access(p, 16, true, false, __builtin_return_address(0)); }
void __tsan_unaligned_read2(void* p) { access(p, 2, false, false, __builtin_return_address(0)); }
void __tsan_unaligned_read4(void* p) { access(p, 4, false, false, __builtin_return_address(0)); }
void __tsan_unaligned_read8(void* p) { access(p, 8, false, false, __builtin_return_address(0)); }
void __tsan_unaligned_read16(void* p) { access(p, 16, false, false, __builtin_return_address(0)); }
void __tsan_unaligned_write2(void* p) { access(p, 2, true, false, __builtin_return_address(0)); }
void __tsan_unaligned_write4(void* p) { access(p, 4, true, false, __builtin_return_address(0)); }
void __tsan_unaligned_write8(void* p) { access(p, 8, true, false, __builtin_return_address(0)); }
void __tsan_unaligned_write16(void* p) { access(p, 16, true, false, __builtin_return_address(0)); }
void __tsan_read_range(void* p, unsigned long n) { access(p, n, false, false, __builtin_return_address(0)); }
void __tsan_write_range(void* p, unsigned long n) { access(p, n, true, false, __builtin_return_address(0)); }
void* __tsan_memcpy(void* to, const void* from, unsigned long n) {
    access(from, n, false, false, __builtin_return_address(0));
    access(to, n, true, false, __builtin_return_address(0));
    return memcpy(to, from, n);
}
void* __tsan_memset(void* to, int v, unsigned long n) {
    access(to, n, true, false, __builtin_return_address(0));
    return memset(to, v, n);
}
// The standard library's own counts, of shared_ptr.
int __tsan_atomic32_fetch_add(volatile int* at, int by, int) {
    int old = *at;
    *at = old + by;
    return old;
}
}

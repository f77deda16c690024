// SPDX-License-Identifier: BSL-1.0
#include "runtime/sched/stack_watch.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <unordered_map>

#include "runtime/os/lock.h"

namespace gossamer::rt {

namespace {

constexpr uint64_t kPaint = 0x7374616b6d61726b;
constexpr size_t kOwnFrames = 2048;  // of the painter and of what it calls

struct watched {
    void* creator_pc;
    const char* name;
};

lock table_lock{lock_rank::stack_slab};

struct tables {
    std::unordered_map<stack*, watched> live;
    std::unordered_map<void*, stack_use> uses;
};
// Made at first use and never destroyed: goroutines may still end while the process exits. Under table_lock.
tables& table() {
    static auto* t = new tables;
    return *t;
}

// Of others' frames, and of what was one.
__attribute__((no_sanitize("thread"), no_sanitize("address"))) uint64_t read_word(const volatile uint64_t* word) {
    return *word;
}
__attribute__((no_sanitize("thread"), no_sanitize("address"))) void paint_word(volatile uint64_t* word) {
    *word = kPaint;
}

// Calls f(begin, end) for each page of [from, to) that is in memory, upwards, until it says stop.
template <class F>
[[gnu::always_inline]] inline void for_each_resident(char* from, char* to, F f) {
    auto* page = reinterpret_cast<char*>(reinterpret_cast<uintptr_t>(from) / os::kPage * os::kPage);
    while (page < to) {
        unsigned char there[64];
        size_t n = std::min<size_t>(64, (size_t(to - page) + os::kPage - 1) / os::kPage);
        if (mincore(page, n * os::kPage, there) != 0) return;
        for (size_t i = 0; i < n; i++, page += os::kPage)
            if ((there[i] & 1) != 0 && !f(std::max(page, from), std::min(page + os::kPage, to))) return;
    }
}

char* first_word(const stack* s) { return s->low() + (s->guarded ? 0 : 64); }  // a canary stands at the low end

// Bytes from the lowest word that was written to the top. Others run on while it looks.
size_t depth(const stack* s) {
    const char* lowest = s->top();
    for_each_resident(first_word(s), s->top(), [&](char* from, char* to) {
        for (char* at = from; at < to; at += sizeof(uint64_t))
            if (uint64_t found = read_word(reinterpret_cast<uint64_t*>(at)); found != kPaint && found != 0) {
                lowest = at;
                return false;
            }
        return true;
    });
    return size_t(s->top() - lowest);
}

// REQUIRES: table_lock.
void note_depth(const watched& w, const stack* s) {
    stack_use& use = table().uses.at(w.creator_pc);
    if (size_t deep = depth(s); deep > use.most) {
        use.most = deep;
        use.name = w.name;
        use.bytes = size_t(s->top() - s->low());
    }
}

}  // namespace

constinit atomic<bool> stacks_watched{false};

void begin_watch(stack* s, const G* g) {
    char* end = static_cast<char*>(__builtin_frame_address(0)) - kOwnFrames;
    for_each_resident(first_word(s), end, [](char* from, char* to) {
        for (char* at = from; at + sizeof(uint64_t) <= to; at += sizeof(uint64_t))
            paint_word(reinterpret_cast<uint64_t*>(at));
        return true;
    });
    lock_guard guard(table_lock);
    if (!stacks_watched.load()) return;
    table().live[s] = {g->creator_pc, g->name};
    stack_use& use = table().uses.try_emplace(g->creator_pc, stack_use{g->creator_pc, g->name, 0, 0, 0}).first->second;
    use.goroutines++;
}

void end_watch(stack* s) {
    lock_guard guard(table_lock);
    auto found = table().live.find(s);
    if (found == table().live.end()) return;
    note_depth(found->second, s);
    table().live.erase(found);
}

void watch_stacks(bool on) {
    lock_guard guard(table_lock);
    if (stacks_watched.exchange(on) == on) return;
    if (on)
        table() = {};
    else
        for (auto& [s, w] : table().live) note_depth(w, s);
    table().live.clear();
}

stack_use* stack_uses(size_t* count) {
    lock_guard guard(table_lock);
    for (auto& [s, w] : table().live) note_depth(w, s);
    *count = table().uses.size();
    auto* all = static_cast<stack_use*>(malloc(*count * sizeof(stack_use)));
    if (all == nullptr || *count == 0) return free(all), *count = 0, nullptr;
    size_t n = 0;
    for (auto& [pc, use] : table().uses) all[n++] = use;
    std::sort(all, all + n, [](const stack_use& a, const stack_use& b) { return a.most > b.most; });
    return all;
}

}  // namespace gossamer::rt

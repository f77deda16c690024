// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/holders.h"

#include "runtime/base/wait_reason.h"

namespace insp {

using gossamer::rt::wait_reason;

namespace {

constexpr uint8_t kWaiting = 4;  // rt::g_status::waiting
constexpr uint64_t kMostStack = 8 << 20;

bool waits_for_mutex(const goroutine& g) {
    auto why = wait_reason(g.reason);
    return g.state == g_state::waiting && g.object != 0 &&
           (why == wait_reason::mutex_lock || why == wait_reason::rw_mutex_rlock);
}

}  // namespace

holders::holders(const target& t, const snapshot& s, const stack_map& stacks) {
    object_reader objects(t);
    std::unordered_map<uint64_t, uint64_t> holder_of;  // by the object that is waited for
    std::vector<const goroutine*> waiters;
    for (const goroutine& g : s.goroutines) {
        if (!waits_for_mutex(g)) continue;
        waiters.push_back(&g);
        auto [at, is_new] = holder_of.try_emplace(g.object, 0);
        if (!is_new) continue;
        auto m = wait_reason(g.reason) == wait_reason::mutex_lock ? objects.mutex(g.object, stacks)
                                                                  : objects.writers_mutex(g.object, stacks);
        if (m) at->second = m->holder;
    }
    if (waiters.empty()) return;
    // Afterwards: who does not wait now, and what it waited for last.
    field status = t.find_field("G.status"), object = t.find_field("G.wait_object");
    std::unordered_set<uint64_t> in_motion;
    std::unordered_set<const goroutine*> moved;
    for (const goroutine& g : s.goroutines) {
        uint8_t now = 0;
        uint64_t last = 0;
        bool known = status.bytes == 1 && object.bytes == 8 && t.read(g.address + object.offset, &last, sizeof last) &&
                     t.read(g.address + status.offset, &now, sizeof now);
        if (!known || now != kWaiting || last != g.object) moved.insert(&g);
        if (known && now != kWaiting && last != 0) in_motion.insert(last);
    }
    for (const goroutine* g : waiters)
        if (uint64_t holder = holder_of[g->object]; holder != 0 && !in_motion.contains(g->object) && !moved.contains(g))
            by_waiter_.emplace(g->id, holder);
}

uint64_t holders::of(const goroutine& waiter) const {
    auto at = by_waiter_.find(waiter.id);
    return at != by_waiter_.end() ? at->second : 0;
}

uint64_t print_of(const uint64_t* words, size_t n) {
    uint64_t h = n;
    for (size_t i = 0; i < n; i++) h = (h ^ words[i]) * 0x9E3779B97F4A7C15u + (h >> 29);
    return h | 1;
}

uint64_t wait_print(const target& t, const goroutine& g, const stack_map& stacks) {
    const stack_map::range* r = stacks.of(g.id);
    if (g.is_thread) return 1;  // its stack is in use by the thread itself
    if (r == nullptr || g.context < r->low || g.context >= r->high || r->high - g.context > kMostStack) return 0;
    std::vector<uint64_t> words((r->high - g.context) / 8);
    return t.read(g.context, words.data(), words.size() * 8) ? print_of(words.data(), words.size()) : 0;
}

bool is_same_wait(const goroutine& a, const goroutine& b) {
    return a.id == b.id && a.address == b.address && b.state == g_state::waiting && a.object == b.object &&
           a.reason == b.reason && a.context == b.context && a.site_pc == b.site_pc;
}

}  // namespace insp

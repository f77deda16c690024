// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/waits.h"

#include <time.h>

#include <algorithm>

#include "runtime/base/wait_reason.h"
#include "tools/gossamer/holders.h"

namespace insp {

using gossamer::rt::wait_reason;

namespace {

constexpr size_t kMostMentions = 200'000;  // goroutines whose stacks are read for channels
constexpr size_t kMostEdges = 64;          // of one goroutine over channels
constexpr uint64_t kMostStack = 1 << 20;
constexpr int kLooks = 5;  // at a deadlock, so far apart
constexpr long kNap = 20'000'000;

class builder {
  public:
    builder(const target& t, const snapshot& s, wait_report& r)
        : t_(t), s_(s), r_(r), stacks_(t, s), objects_(t), holders_(t, s, stacks_) {}

    void build(bool may_stop) {
        for (const goroutine& g : s_.goroutines)
            if (!g.is_system) r_.graph.add(g.id, wait_kind::moves);
        for (const goroutine& g : s_.goroutines)
            if (!g.is_system) add_waiter(g);
        add_closures();
        r_.has_channels = s_.goroutines.size() <= kMostMentions;
        if (r_.has_channels && !channel_waiters_.empty()) add_mentions();
        leak_options options;
        options.may_stop = may_stop;
        leak_report leaks = look_for_leaks(t_, s_, options);
        r_.why_inexact = may_stop || !t_.is_live() ? leaks.why_inexact : "the process was not to be stopped";
        for (const leak& l : leaks.leaks)
            if (l.certain && r_.graph.find(l.id)->kind == wait_kind::moves && waits_for_channel(s_.goroutines[l.index]))
                make_stuck(l.id, leaks);
    }

  private:
    static bool waits_for_channel(const goroutine& g) {
        object_kind kind = kind_of_wait(g.reason);
        return kind == object_kind::channel || kind == object_kind::select || waits_for_ever(g.reason);
    }

    // What could wake it is stuck too; words of others in whose stacks the channel stands are old ones.
    void make_stuck(uint64_t id, const leak_report& leaks) {
        std::vector<wait_edge>& edges = r_.graph.add(id, wait_kind::any_of).edges;
        std::erase_if(edges, [&](const wait_edge& e) {
            return !std::binary_search(leaks.leaks.begin(), leaks.leaks.end(), leak{e.to, 0, true, 0},
                                       [](const leak& a, const leak& b) { return a.id < b.id; });
        });
    }

    void add_waiter(const goroutine& g) {
        if (uint64_t holder = holders_.of(g); holder != 0 && r_.graph.find(holder) != nullptr) {
            r_.graph.add(g.id, wait_kind::all_of);
            r_.graph.connect(g.id, {holder, g.object, true});
            return;
        }
        if (g.state != g_state::waiting || g.object == 0 || g.is_thread) return;
        if (wait_reason(g.reason) == wait_reason::wait_group_wait) group_waiters_[g.object].push_back(g.id);
        object_kind kind = kind_of_wait(g.reason);
        if (kind == object_kind::channel) channel_waiters_[g.object].push_back(g.id);
        if (kind == object_kind::select)
            for (uint64_t core : objects_.select_channels(g)) channel_waiters_[core].push_back(g.id);
    }

    // Who has a wait group in its closure is likely to call done() on it.
    void add_closures() {
        if (group_waiters_.empty()) return;
        field closure = t_.find_field("G.closure");
        for (const goroutine& g : s_.goroutines) {
            uint64_t words[8];
            if (g.is_system || g.is_thread || closure.bytes != sizeof words) continue;
            if (!t_.read(g.address + closure.offset, words, sizeof words)) continue;
            std::sort(words, words + 8);
            for (uint64_t* w = words; w != std::unique(words, words + 8); w++) {
                auto waiters = group_waiters_.find(*w);
                if (*w == 0 || waiters == group_waiters_.end()) continue;
                for (uint64_t id : waiters->second) {
                    if (id == g.id) continue;
                    r_.graph.add(id, wait_kind::all_of);
                    r_.graph.connect(id, {g.id, *w, false});
                }
            }
        }
    }

    void add_mentions() {
        field closure = t_.find_field("G.closure");
        std::vector<uint64_t> words, found;
        for (const goroutine& g : s_.goroutines) {
            const stack_map::range* range = g.is_system || g.is_thread ? nullptr : stacks_.of(g.id);
            words.assign(closure.bytes / 8, 0);
            if (g.is_system || g.is_thread || closure.bytes > 4096) continue;
            if (!t_.read(g.address + closure.offset, words.data(), words.size() * 8)) words.clear();
            if (range != nullptr && range->low <= g.context && g.context < range->high &&
                range->high - g.context <= kMostStack) {
                size_t n = words.size();
                words.resize(n + (range->high - g.context) / 8);
                if (!t_.read(g.context, words.data() + n, (words.size() - n) * 8)) words.resize(n);
            }
            found.clear();
            for (uint64_t w : words)
                if (w != 0 && channel_waiters_.contains(w)) found.push_back(w);
            std::sort(found.begin(), found.end());
            found.erase(std::unique(found.begin(), found.end()), found.end());
            for (uint64_t core : found) mention(core, g);
        }
    }
    void mention(uint64_t core, const goroutine& g) {
        for (uint64_t id : channel_waiters_[core]) {
            const wait_node* n = r_.graph.find(id);
            // Who waits at the same end does not help; one end is known only without select.
            bool same_end = id == g.id || (g.state == g_state::waiting && g.object == core &&
                                           s_.find(id)->object == core && s_.find(id)->reason == g.reason);
            if (same_end || n->edges.size() >= kMostEdges) continue;
            if (std::any_of(n->edges.begin(), n->edges.end(), [&](const wait_edge& e) { return e.to == g.id; }))
                continue;
            r_.graph.connect(id, {g.id, core, false});
        }
    }

    const target& t_;
    const snapshot& s_;
    wait_report& r_;
    stack_map stacks_;
    object_reader objects_;
    holders holders_;
    std::unordered_map<uint64_t, std::vector<uint64_t>> channel_waiters_, group_waiters_;
};

// A process that runs was read piece by piece: a cycle is believed when nobody in it has moved and everyone waits for whom it waited for, look by look.
class watch {
  public:
    watch(const target& t, const snapshot& s, const std::vector<deadlock>& deadlocks) : t_(t), then_(s) {
        stack_map stacks(t, s);
        for (const deadlock& d : deadlocks)
            for (uint64_t id : d.members)
                if (d.certain) prints_.emplace(id, wait_print(t, *s.find(id), stacks));
    }
    void look_again(std::vector<deadlock>& deadlocks) {
        snapshot now = take_snapshot(t_);
        stack_map stacks(t_, now);
        holders held(t_, now, stacks);
        std::erase_if(deadlocks, [&](const deadlock& d) { return d.certain && !still_stands(now, stacks, held, d); });
    }

  private:
    bool still_stands(const snapshot& now, const stack_map& stacks, const holders& held, const deadlock& d) {
        for (size_t i = 0; i < d.members.size(); i++) {
            const goroutine* a = then_.find(d.members[i]);
            const goroutine* b = now.find(d.members[i]);
            if (a == nullptr || b == nullptr || !is_same_wait(*a, *b)) return false;
            if (held.of(*b) != d.members[(i + 1) % d.members.size()]) return false;
            if (uint64_t print = wait_print(t_, *b, stacks); print == 0 || print != prints_[b->id]) return false;
        }
        return true;
    }

    const target& t_;
    const snapshot& then_;
    std::unordered_map<uint64_t, uint64_t> prints_;  // by goroutine
};

}  // namespace

wait_report look_for_waits(const target& t, const snapshot& s, bool may_stop) {
    wait_report r;
    builder(t, s, r).build(may_stop);
    r.deadlocks = find_deadlocks(r.graph);
    auto is_alone = [](const deadlock& d) { return !d.certain && d.members.size() == 1 && d.behind.empty(); };
    for (const deadlock& d : r.deadlocks)
        if (is_alone(d)) r.alone.push_back(d.members[0]);
    std::erase_if(r.deadlocks, is_alone);
    if (!t.is_live()) return r;
    watch again(t, s, r.deadlocks);
    for (int look = 0; look < kLooks && !r.deadlocks.empty() && r.deadlocks[0].certain; look++) {
        timespec nap = {0, kNap};
        nanosleep(&nap, nullptr);
        again.look_again(r.deadlocks);
    }
    return r;
}

}  // namespace insp

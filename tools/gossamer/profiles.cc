// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/profiles.h"

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "tools/gossamer/phases.h"
#include "tools/gossamer/snapshot.h"
#include "tools/gossamer/symbols.h"

namespace insp {

namespace {

using gossamer::rt::box::kind;

// More objects than that say nothing as labels, and would keep equal stacks apart.
constexpr size_t kMostObjects = 1000;

profile empty_profile(const trace_window& w, const char* what) {
    profile p;
    p.sample_types = {{what, "count"}, {"delay", "nanoseconds"}};
    p.period_type = {what, "count"};
    p.time_real_ns = w.begin_real_ns;
    if (w.end_ns > w.begin_ns)
        p.duration_ns = int64_t(std::min<uint64_t>(uint64_t(w.end_ns) - uint64_t(w.begin_ns), INT64_MAX));
    p.comments = {w.program};
    p.names = [names = w.names](uint64_t pc, bool) {
        auto known = names.find(pc);
        return known == names.end() ? std::vector<pc_name>() : known->second;
    };
    return p;
}

std::vector<uint64_t> stack_of(const trace_window& w, const event& e) {
    if (e.stack != 0 && e.stack < w.stacks.size() && !w.stacks[e.stack].empty()) return w.stacks[e.stack];
    if (e.pc != 0) return {e.pc};
    return {};
}

int64_t passed(const event& from, const event& to) {
    return to.ns > from.ns ? int64_t(std::min<uint64_t>(uint64_t(to.ns) - uint64_t(from.ns), INT64_MAX)) : 0;
}

std::string hex(uint64_t n) {
    char digits[24];
    std::snprintf(digits, sizeof digits, "0x%llx", static_cast<unsigned long long>(n));
    return digits;
}

// The objects of all waits, unless they are too many to be told apart.
class object_labels {
  public:
    explicit object_labels(const trace_window& w) {
        for (const event& e : w.events)
            if (e.kind == kind::block && e.a != 0 && objects_.size() <= kMostObjects) objects_.insert(e.a);
    }
    uint64_t shown(uint64_t object) const { return objects_.size() <= kMostObjects ? object : 0; }
    void add(profile::sample& s, uint64_t object) const {
        if (shown(object) != 0) s.labels.push_back({"object", hex(object), 0, ""});
    }

  private:
    std::unordered_set<uint64_t> objects_;
};

bool is_mutex(uint8_t reason) {
    std::string_view words = reason_words(reason);
    return words.starts_with("sync.Mutex") || words.starts_with("sync.RWMutex");
}

// fn(the block, its number, the ready or null, the start) for each wait that is whole in the window.
template <class F>
void for_each_wait(const trace_window& w, const cast& who, F fn) {
    constexpr size_t kNone = SIZE_MAX;
    struct wait {
        size_t block = kNone, ready = kNone;
    };
    std::vector<wait> waits(who.members.size());
    for (size_t i = 0; i < w.events.size(); i++) {
        if (who.of_g[i] == kNobody) continue;
        wait& at = waits[who.of_g[i]];
        switch (w.events[i].kind) {
            case kind::block:
                at = {i, kNone};
                break;
            case kind::ready:
                at.ready = i;
                break;
            case kind::start:
                if (at.block != kNone) fn(at.block, at.ready == kNone ? nullptr : &w.events[at.ready], w.events[i]);
                [[fallthrough]];
            case kind::end:
                at = {};
                break;
            default:
                break;
        }
    }
}

// Where each goroutine has last waited for each mutex: a lock() in the function that will unlock it.
class lockers {
  public:
    void note(const event& block) { places_[{block.g, block.a}] = &block; }
    const event* find(uint64_t g, uint64_t object) const {
        auto at = places_.find({g, object});
        return at == places_.end() ? nullptr : at->second;
    }

  private:
    std::map<std::pair<uint64_t, uint64_t>, const event*> places_;
};

// Waits of one kind become one sample as they come: there may be a million of them.
class sums {
  public:
    sums(profile& p, const cast& who) : p_(p), names_(who.members.size()) {
        std::unordered_map<std::string_view, uint64_t> numbers;
        for (uint32_t g = 0; g < names_.size(); g++)
            names_[g] = numbers.try_emplace(who.name(g), numbers.size()).first->second;
    }
    uint64_t name(uint32_t g) const { return g == kNobody ? UINT64_MAX : names_[g]; }

    using key = std::array<uint64_t, 6>;  // all that the sample is made of
    template <class F>
    void add(const key& k, int64_t delay, F make) {
        auto [at, is_new] = known_.try_emplace(k, p_.samples.size());
        if (is_new) {
            p_.samples.push_back(make());
            p_.samples.back().values = {0, 0};
        }
        std::vector<int64_t>& values = p_.samples[at->second].values;
        values[0]++;
        if (__builtin_add_overflow(values[1], delay, &values[1])) values[1] = INT64_MAX;
    }

  private:
    struct hash {
        size_t operator()(const key& k) const {
            uint64_t h = 0;
            for (uint64_t word : k) h = (h ^ word) * 0x9e3779b97f4a7c15ull ^ h >> 29;
            return size_t(h ^ h >> 32);
        }
    };
    profile& p_;
    std::vector<uint64_t> names_;
    std::unordered_map<key, size_t, hash> known_;
};

const char* why_runnable(kind k) {
    switch (k) {
        case kind::create:
            return "created";
        case kind::ready:
            return "made ready";
        case kind::yield:
            return "gave way";
        case kind::preempt:
            return "slice over";
        default:
            return "call over";
    }
}

}  // namespace

profile block_profile(const trace_window& w) {
    profile p = empty_profile(w, "contentions");
    cast who(w);
    object_labels objects(w);
    sums waits(p, who);
    for_each_wait(w, who, [&](size_t number, const event*, const event& start) {
        const event& block = w.events[number];
        uint32_t g = who.of_g[number];
        waits.add({block.stack, block.pc, block.reason, objects.shown(block.a), waits.name(g)}, passed(block, start),
                  [&] {
                      profile::sample s;
                      s.pcs = stack_of(w, block);
                      s.labels = {{"reason", reason_words(block.reason), 0, ""},
                                  {"goroutine_name", std::string(who.name(g)), 0, ""}};
                      objects.add(s, block.a);
                      return s;
                  });
    });
    tidy(p);
    merge_samples(p);
    return p;
}

profile mutex_profile(const trace_window& w) {
    profile p = empty_profile(w, "contentions");
    cast who(w);
    object_labels objects(w);
    sums waits(p, who);
    lockers seen;
    for_each_wait(w, who, [&](size_t number, const event* ready, const event& start) {
        const event& block = w.events[number];
        if (!is_mutex(block.reason)) return;
        seen.note(block);
        if (!ready || ready->by == 0) return;
        uint32_t by = who.of_by[size_t(ready - w.events.data())];
        const traced_goroutine* known = who.members[by].known;
        const event* at = stack_of(w, *ready).empty() ? seen.find(ready->by, block.a) : ready;
        const char* place = at == ready ? "unlock" : at ? "lock" : "start";
        sums::key key = {0, 0, uint64_t(place[0]), objects.shown(block.a), waits.name(by)};
        if (at) {
            key[0] = at->stack;
            key[1] = at->pc;
        } else if (known) {
            key[1] = known->start_pc;
            key[5] = known->creator_pc;
        }
        waits.add(key, passed(block, start), [&] {
            profile::sample s;
            if (at) s.pcs = stack_of(w, *at);
            if (!at && known) {
                s.pcs = {known->start_pc};
                s.leaf_is_exact = true;
                if (known->creator_pc != 0) s.pcs.push_back(known->creator_pc);
            }
            s.labels = {{"place", place, 0, ""}, {"goroutine_name", std::string(who.name(by)), 0, ""}};
            objects.add(s, block.a);
            return s;
        });
    });
    tidy(p);
    merge_samples(p);
    return p;
}

profile runnable_profile(const trace_window& w) {
    profile p = empty_profile(w, "waits");
    cast who(w);
    sums waits(p, who);
    std::vector<const event*> since(who.members.size());
    std::vector<const event*> births(who.members.size());  // the stacks of go(), where the recorder took them
    auto make = [&](uint32_t g, const event& from, int32_t on) {
        profile::sample s;
        if (births[g]) s.pcs = stack_of(w, *births[g]);
        const traced_goroutine* known = who.members[g].known;
        if (s.pcs.empty() && known && known->creator_pc != 0) s.pcs = {known->creator_pc};
        if (s.pcs.empty() && known && known->start_pc != 0) {
            s.pcs = {known->start_pc};
            s.leaf_is_exact = true;
        }
        s.labels = {{"since", why_runnable(from.kind), 0, ""}, {"goroutine_name", std::string(who.name(g)), 0, ""}};
        if (on >= 0) s.labels.push_back({"p", "P" + std::to_string(on), 0, ""});
        return s;
    };
    for (size_t i = 0; i < w.events.size(); i++) {
        uint32_t g = who.of_g[i];
        if (g == kNobody) continue;
        const event& e = w.events[i];
        if (e.kind == kind::create) births[g] = &e;
        if (e.kind == kind::create || e.kind == kind::ready || e.kind == kind::yield || e.kind == kind::preempt ||
            e.kind == kind::lost) {
            since[g] = &e;
        } else if (e.kind == kind::block || e.kind == kind::end) {
            since[g] = nullptr;
        } else if (e.kind == kind::start && since[g]) {
            const event& from = *since[g];
            const traced_goroutine* known = who.members[g].known;
            uint64_t made_at = births[g] && births[g]->pc != 0 ? births[g]->pc : known ? known->creator_pc : 0;
            sums::key key = {births[g] ? births[g]->stack : 0,
                             made_at,
                             known ? known->start_pc : 0,
                             uint64_t(from.kind),
                             uint64_t(e.p),
                             waits.name(g)};
            waits.add(key, passed(from, e), [&] { return make(g, from, e.p); });
            since[g] = nullptr;
        }
    }
    tidy(p, true);
    merge_samples(p);
    return p;
}

void tidy(profile& p, bool hide_library) {
    using test = bool (*)(std::string_view);
    test inner = [](std::string_view f) { return is_runtime_function(f); };
    test outer = [](std::string_view f) { return is_runtime_function(f) || is_gossamer_function(f); };
    if (hide_library) inner = outer;
    struct about {
        bool inner, outer;  // the test holds for all frames of the address
    };
    std::unordered_map<uint64_t, about> known;
    auto look = [&](uint64_t pc) {
        auto [at, is_new] = known.try_emplace(pc, about{false, false});
        if (!is_new) return at->second;
        std::vector<pc_name> names = p.names(pc, true);
        auto all = [&](test t) {
            return !names.empty() &&
                   std::all_of(names.begin(), names.end(), [&](const pc_name& n) { return t(n.function); });
        };
        return at->second = {all(inner), all(outer)};
    };
    for (profile::sample& s : p.samples) {
        if (s.leaf_is_exact) continue;  // the function a goroutine begins with: there is nothing below it
        size_t begin = 0, end = s.pcs.size();
        while (begin < end && look(s.pcs[begin]).inner) begin++;
        while (begin < end && look(s.pcs[end - 1]).outer) end--;
        if (begin == end) continue;
        s.pcs.erase(s.pcs.begin() + ptrdiff_t(end), s.pcs.end());
        s.pcs.erase(s.pcs.begin(), s.pcs.begin() + ptrdiff_t(begin));
    }
    // Of one address, too: the inner ones, and what the rest was inlined into.
    p.names = [all = p.names, inner, outer](uint64_t pc, bool is_return) {
        std::vector<pc_name> names = all(pc, is_return), shown;
        for (const pc_name& n : names)
            if (!inner(n.function)) shown.push_back(n);
        bool has_user = std::any_of(shown.begin(), shown.end(), [&](const pc_name& n) { return !outer(n.function); });
        while (has_user && outer(shown.back().function)) shown.pop_back();
        return shown.empty() ? names : shown;
    };
}

}  // namespace insp

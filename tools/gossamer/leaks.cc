// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/leaks.h"

#include <time.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "tools/gossamer/leak_rooms.h"

namespace insp {

namespace {

std::vector<uint32_t> all_candidates(const snapshot& s) {
    std::vector<uint32_t> found;
    for (uint32_t i = 0; i < s.goroutines.size(); i++)
        if (may_leak(s.goroutines[i])) found.push_back(i);
    return found;
}

// Those of `which` that are stuck.
std::vector<uint32_t> keep_stuck(const leak_graph& graph, const std::vector<uint32_t>& which) {
    std::vector<bool> stuck = find_stuck(graph);
    std::vector<uint32_t> kept;
    for (size_t i = 0; i < which.size(); i++)
        if (stuck[i]) kept.push_back(which[i]);
    return kept;
}

using print_map = std::unordered_map<uint64_t, uint64_t>;  // goroutine to wait_print()

// First by the counts alone, which in a healthy program lets everyone go; then with the memory searched.
std::vector<uint32_t> look_once(const target& t, const snapshot& s, std::vector<uint32_t> candidates, bool backwards,
                                leak_report& report, print_map& prints) {
    stack_map stacks(t, s);
    leak_rooms rooms(t, s, stacks, candidates);
    std::vector<uint32_t> stuck = keep_stuck(rooms.graph, candidates);
    if (stuck.empty()) return stuck;
    if (!rooms.search_outside(backwards, &report.bytes)) {
        report.why_inexact = t.is_live()
                                 ? "the memory or the registers of the process cannot be read (ptrace is refused)"
                                 : "the memory of the process is not there";
        return {};
    }
    for (size_t i = 0; i < candidates.size(); i++) prints.emplace(s.goroutines[candidates[i]].id, rooms.prints[i]);
    return keep_stuck(rooms.graph, candidates);
}

// Indexes in `now` of those goroutines that still stand where they stood.
std::vector<uint32_t> still_there(const snapshot& then, const snapshot& now, const std::vector<uint32_t>& which) {
    std::vector<uint32_t> kept;
    for (uint32_t i : which)
        if (const goroutine* g = now.find(then.goroutines[i].id); g != nullptr && is_same_wait(then.goroutines[i], *g))
            kept.push_back(uint32_t(g - now.goroutines.data()));
    return kept;
}

// Those of `which` that have not run since the prints were taken, and whose mutex, if it is one, is still held by one of them.
std::vector<uint32_t> keep_unmoved(const target& t, const snapshot& now, std::vector<uint32_t> which,
                                   const print_map& prints) {
    stack_map stacks(t, now);
    holders held(t, now, stacks);
    std::erase_if(which, [&](uint32_t i) {
        auto then = prints.find(now.goroutines[i].id);
        return then == prints.end() || wait_print(t, now.goroutines[i], stacks) != then->second;
    });
    for (size_t before = which.size() + 1; before != which.size();) {
        before = which.size();
        std::unordered_set<uint64_t> ids;
        for (uint32_t i : which) ids.insert(now.goroutines[i].id);
        std::erase_if(which, [&](uint32_t i) {
            const goroutine& g = now.goroutines[i];
            object_kind kind = kind_of_wait(g.reason);
            bool by_holder = kind == object_kind::mutex || kind == object_kind::rw_mutex;
            return by_holder && !ids.contains(held.of(g));
        });
    }
    return which;
}

bool any_waits_for_mutex(const snapshot& s, const std::vector<uint32_t>& which) {
    return std::any_of(which.begin(), which.end(), [&](uint32_t i) {
        object_kind kind = kind_of_wait(s.goroutines[i].reason);
        return kind == object_kind::mutex || kind == object_kind::rw_mutex;
    });
}

// A process that runs: the search again, the other way round, then whether anybody has moved. Mutexes change hands faster than anything else: they get
// more looks. `stuck` is of `s` before and afterwards.
void look_again(const target& t, const snapshot& s, std::vector<uint32_t>& stuck, print_map& prints,
                leak_report& report) {
    auto rest = [](long ns) {
        timespec nap = {0, ns};
        nanosleep(&nap, nullptr);
    };
    rest(10'000'000);
    snapshot again = take_snapshot(t);
    print_map second;
    std::vector<uint32_t> left = look_once(t, again, still_there(s, again, stuck), true, report, second);
    stuck = still_there(again, s, left);
    int looks = any_waits_for_mutex(s, stuck) ? 5 : 1;
    for (int look = 0; look < looks && !stuck.empty(); look++) {
        if (looks > 1) rest(20'000'000);
        snapshot now = take_snapshot(t);
        std::vector<uint32_t> unmoved = keep_unmoved(t, now, still_there(s, now, stuck), prints);
        // What the others were thought to share with one that moved may be shared with the outside.
        if (unmoved.size() != stuck.size()) unmoved = look_once(t, now, std::move(unmoved), false, report, second);
        stuck = still_there(now, s, unmoved);
    }
}

int64_t waited(const snapshot& s, const goroutine& g) {
    return g.waits_since_ns > 0 && g.waits_since_ns <= s.taken_ns ? s.taken_ns - g.waits_since_ns : -1;
}

// What is there of memory may be only the box: then neither stacks nor channels can be read.
bool has_memory(const target& t, const snapshot& s, const std::vector<uint32_t>& candidates) {
    if (t.is_live()) return true;
    uint64_t word = 0;
    for (uint32_t i : candidates)
        if (t.read(s.goroutines[i].context, &word, sizeof word)) return true;
    return candidates.empty();
}

}  // namespace

leak_report look_for_leaks(const target& t, const snapshot& s, const leak_options& options) {
    leak_report report;
    std::vector<uint32_t> candidates = all_candidates(s);
    report.blocked = candidates.size();
    std::vector<uint32_t> stuck;
    print_map prints;
    if (!has_memory(t, s, candidates))
        report.why_inexact = "the memory of the process is not there";
    else
        stuck = look_once(t, s, candidates, false, report, prints);
    // A thread may be too deep in the kernel to be stopped, for once.
    if (t.is_live() && std::exchange(report.why_inexact, {}) != "")
        stuck = look_once(t, s, candidates, false, report, prints);
    if (t.is_live() && !stuck.empty()) look_again(t, s, stuck, prints, report);
    for (uint32_t i : stuck) {
        leak l{s.goroutines[i].id, i, true, waited(s, s.goroutines[i])};
        if (options.older_ns == 0 || l.waited_ns >= options.older_ns) report.leaks.push_back(l);
    }
    // Of a process that runs, long waits alone are no news: only who asks for an age gets them.
    if (report.why_inexact.empty() || (t.is_live() && options.older_ns == 0)) return report;
    int64_t least = options.older_ns != 0 ? options.older_ns : options.guess_ns;
    for (uint32_t i : candidates) {
        leak l{s.goroutines[i].id, i, false, waited(s, s.goroutines[i])};
        if (l.waited_ns >= least) report.leaks.push_back(l);
    }
    return report;
}

std::vector<leak> find_leaks(const target& t, const snapshot& s) { return look_for_leaks(t, s, {}).leaks; }

}  // namespace insp

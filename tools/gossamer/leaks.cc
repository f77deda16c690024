// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/leaks.h"

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "tools/gossamer/leak_rooms.h"
#include "tools/gossamer/thread_clock.h"
#include "tools/gossamer/unwind.h"

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

// First by the counts alone, which in a healthy program lets everyone go; then with the memory searched.
std::vector<uint32_t> look_once(const target& t, const snapshot& s, std::vector<uint32_t> candidates,
                                const stopped_process* stopped, leak_report& report, size_t* by_counts = nullptr) {
    stack_map stacks(t, s);
    leak_rooms rooms(t, s, stacks, candidates);
    std::vector<uint32_t> stuck = keep_stuck(rooms.graph, candidates);
    if (by_counts != nullptr) *by_counts = stuck.size();
    if (stuck.empty()) return stuck;
    if (!rooms.search_outside(stopped, &report.bytes)) {
        report.why_inexact =
            t.is_live() ? "some of its memory cannot be read" : "the memory of the process is not there";
        return {};
    }
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

bool any_waits_for_mutex(const snapshot& s, const std::vector<uint32_t>& which) {
    return std::any_of(which.begin(), which.end(), [&](uint32_t i) {
        object_kind kind = kind_of_wait(s.goroutines[i].reason);
        return kind == object_kind::mutex || kind == object_kind::rw_mutex;
    });
}

void rest(long ns) {
    timespec nap = {0, ns};
    nanosleep(&nap, nullptr);
}

// What each thread had used of its processor.
using cpu_readings = std::vector<std::pair<uint64_t, uint64_t>>;

uint64_t cpu_of(const target& t, uint64_t tid) { return thread_clocks(t.pid()).read(tid).ran; }

// Waits until each has used more of it than getting out of the kernel takes, or sleeps.
bool have_gone_on(const target& t, const cpu_readings& then) {
    constexpr uint64_t kEnough = 100'000;
    for (int round = 0; round < 1000; round++) {
        if (std::all_of(then.begin(), then.end(), [&](const auto& th) {
                return thread_state(t.pid(), th.first) != 'R' || cpu_of(t, th.first) >= th.second + kEnough;
            }))
            return true;
        rest(1'000'000);
    }
    return false;
}

// The same look at the process while it stands still: what is stuck then is so for ever. But a mutex notes its holder just after it was taken: a thread that
// stands between the two has it, and the note names somebody else. So locks are looked at once more, when each thread has gone on or sleeps.
void confirm(const target& t, const snapshot& s, std::vector<uint32_t>& stuck, leak_report& report) {
    // While the process stands still this one should not wait for a core. Refused for who is not root, and then it is as it was.
    setpriority(PRIO_PROCESS, 0, -10);
    cpu_readings ran;
    for (int look = 0; look < 2 && !stuck.empty(); look++) {
        if (!have_gone_on(t, ran)) {
            report.why_inexact = "a thread did not get a processor for a second";
            return stuck.clear();
        }
        stopped_process all(t.pid(), *caches_of(t).kind);
        if (!all.why().empty()) {
            report.why_inexact = "the process cannot be stopped to look at it: " + all.why();
            return stuck.clear();
        }
        snapshot now = take_snapshot(t);
        std::vector<uint32_t> left = look_once(t, now, still_there(s, now, stuck), &all, report);
        if (!any_waits_for_mutex(now, left)) look = 1;
        ran.clear();
        for (const stopped_process::thread& th : all.threads()) ran.emplace_back(th.tid, cpu_of(t, th.tid));
        report.stopped_ns = std::max(report.stopped_ns, all.release());
        stuck = still_there(now, s, left);
    }
    if (stuck.empty()) return;
    // Who goes on was not stuck: then something was not understood, and nothing of it is to be believed.
    rest(10'000'000);
    snapshot later = take_snapshot(t);
    if (still_there(s, later, stuck).size() == stuck.size()) return;
    report.why_inexact = "a goroutine that nobody could wake has gone on";
    stuck.clear();
}

// A process that runs. Old words that look like handles hide a leak now and then, and are written over soon: up to three looks, of which each is right.
std::vector<uint32_t> look_at_living(const target& t, const snapshot& s, const std::vector<uint32_t>& candidates,
                                     bool may_stop, leak_report& report) {
    std::vector<uint32_t> all;
    snapshot now = s;
    for (int round = 0; round < 3; round++) {
        size_t by_counts = 0;
        report.why_inexact.clear();
        std::vector<uint32_t> stuck = look_once(t, now, still_there(s, now, candidates), nullptr, report, &by_counts);
        if (!may_stop) return still_there(now, s, stuck);
        if (!stuck.empty()) confirm(t, now, stuck, report);
        stuck = still_there(now, s, stuck);
        std::vector<uint32_t> both;
        std::set_union(all.begin(), all.end(), stuck.begin(), stuck.end(), std::back_inserter(both));
        all = std::move(both);
        if (all.size() >= by_counts && report.why_inexact.empty()) break;
        rest(5'000'000);
        now = take_snapshot(t);
    }
    return all;
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
    if (!has_memory(t, s, candidates))
        report.why_inexact = "the memory of the process is not there";
    else if (t.is_live())
        stuck = look_at_living(t, s, candidates, options.may_stop, report);
    else
        stuck = look_once(t, s, candidates, nullptr, report);
    for (uint32_t i : stuck) {
        leak l{s.goroutines[i].id, i, options.may_stop || !t.is_live(), waited(s, s.goroutines[i])};
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

// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/live_profiles.h"

#include <algorithm>
#include <unordered_set>

#include "tools/gossamer/labels.h"
#include "tools/gossamer/leaks.h"
#include "tools/gossamer/probe.h"
#include "tools/gossamer/profiles.h"
#include "tools/gossamer/target_inside.h"
#include "tools/gossamer/thread_clock.h"
#include "tools/gossamer/unwind.h"

namespace insp {

namespace {

constexpr unsigned kMostFrames = 500;
// Beyond so many, what is different for each would make a sample of each: waits are rounded, objects of one goroutine left out.
constexpr size_t kManyGoroutines = 10'000;
constexpr uint8_t kJoin = 16;  // rt::wait_reason::join: a plain thread in run()

std::string hex(uint64_t n) {
    char digits[24];
    std::snprintf(digits, sizeof digits, "0x%llx", static_cast<unsigned long long>(n));
    return digits;
}

// The largest power of two that is not above it.
int64_t coarse(int64_t ns) {
    int64_t c = 1;
    while (c <= ns / 2) c *= 2;
    return ns <= 0 ? 0 : c;
}

// Goroutines of a snapshot as samples.
class photographer {
  public:
    photographer(const target& t, const snapshot& s) : t_(t), s_(s), labels_(t) {
        many_ = s.goroutines.size() > kManyGoroutines;
        std::unordered_set<uint64_t> once;
        for (const goroutine& g : s.goroutines)
            if (many_ && g.object != 0 && !once.insert(g.object).second) shared_.insert(g.object);
    }

    static bool is_meant(const goroutine& g) {
        // A plain thread does something of its own, or waits in run() for the main goroutine.
        bool idle_thread = g.is_thread && (g.state != g_state::waiting || g.reason == kJoin);
        return !g.is_system && !idle_thread;
    }

    std::vector<profile::sample> take(const std::vector<goroutine>& chosen) {
        all_stacks parked = unwind_parked(t_, chosen, kMostFrames);
        std::vector<profile::sample> samples;
        for (size_t i = 0; i < chosen.size(); i++) {
            const goroutine& g = chosen[i];
            profile::sample s;
            if (i < parked.of.size() && parked.of[i] < parked.chains.size()) s.pcs = parked.chains[parked.of[i]];
            if (s.pcs.empty()) look_at(g, s);
            s.values = {1};
            put_labels(g, s);
            samples.push_back(std::move(s));
        }
        return samples;
    }

  private:
    // Those that run, have moved, or have not begun.
    void look_at(const goroutine& g, profile::sample& s) {
        if (g.state == g_state::fresh) {
            s.leaf_is_exact = true;
            s.pcs = {g.invoke_pc};
            if (g.creator_pc != 0) s.pcs.push_back(g.creator_pc);
            return;
        }
        bool has_thread = g.thread >= 0 && size_t(g.thread) < s_.threads.size();
        s.pcs = unwind_goroutine(t_, g.address, kMostFrames, has_thread ? s_.threads[size_t(g.thread)].tid : 0).pcs;
        if (s.pcs.empty() && g.site_pc != 0) s.pcs = {g.site_pc};
    }

    void put_labels(const goroutine& g, profile::sample& s) {
        auto text = [&](const char* key, const std::string& value) {
            if (!value.empty()) s.labels.push_back({key, value, 0, ""});
        };
        text("goroutine_name", labels_.name(g, s_));
        text("state", labels::state(g));
        text("created_by", labels_.creator(g));
        if (g.object != 0 && (!many_ || shared_.count(g.object))) text("object", hex(g.object));
        int64_t waited = g.waits_since_ns != 0 ? s_.taken_ns - g.waits_since_ns : 0;
        if (g.state == g_state::waiting && waited > 0)
            s.labels.push_back({"wait_ns", "", many_ ? coarse(waited) : waited, "nanoseconds"});
    }

    const target& t_;
    const snapshot& s_;
    labels labels_;
    bool many_ = false;
    std::unordered_set<uint64_t> shared_;  // objects that several wait for
};

profile count_of(const target& t, const snapshot& s, const char* what) {
    profile p;
    p.sample_types = {{what, "count"}};
    p.period_type = {what, "count"};
    p.time_real_ns = s.taken_real_ns;
    p.comments = {t.head().exe};
    return p;
}

void finish(const target& t, profile& p) {
    p.names = [&t](uint64_t pc, bool is_return) { return names_by(t, pc, is_return); };
    tidy(p);
    merge_samples(p);
    put_mappings(t, p);
}

}  // namespace

profile goroutine_profile(const target& t) {
    snapshot s = take_snapshot(t);
    std::vector<goroutine> chosen;
    std::copy_if(s.goroutines.begin(), s.goroutines.end(), std::back_inserter(chosen), photographer::is_meant);
    profile p = count_of(t, s, "goroutine");
    p.samples = photographer(t, s).take(chosen);
    finish(t, p);
    return p;
}

profile leak_profile(const target& t, std::string* why_inexact) {
    snapshot s = take_snapshot(t);
    leak_report report = look_for_leaks(t, s, {});
    *why_inexact = report.why_inexact;
    std::vector<goroutine> chosen;
    for (const leak& l : report.leaks)
        if (l.index < s.goroutines.size()) chosen.push_back(s.goroutines[l.index]);
    profile p = count_of(t, s, "goroutineleak");
    p.samples = photographer(t, s).take(chosen);
    for (size_t i = 0, k = 0; i < report.leaks.size(); i++)
        if (report.leaks[i].index < s.goroutines.size())
            p.samples[k++].labels.push_back({"certain", report.leaks[i].certain ? "yes" : "no", 0, ""});
    finish(t, p);
    return p;
}

profile cpu_profile(const target& t, int64_t for_ns, int64_t period_ns, const std::function<bool(int64_t ns)>& wait,
                    cpu_counts* counts) {
    probe words(t);
    thread_clocks clocks(t.pid());
    std::unordered_map<uint64_t, uint64_t> ran;  // by tid: CPU time at the last look
    std::unordered_map<origin, std::string, origin_hash> names;
    profile p;
    p.sample_types = {{"samples", "count"}, {"cpu", "nanoseconds"}};
    p.period_type = {"cpu", "nanoseconds"};
    p.period = period_ns;
    p.comments = {t.head().exe};
    int64_t began = t.now_ns(), last = began;
    p.time_real_ns = t.real_ns_of(began);
    auto look = [&](int64_t now) {
        counts->looks++;
        for (const thread_look& m : words.threads()) {
            if (m.tid == 0 || m.parked) continue;
            thread_times times = clocks.read(m.tid);
            auto [before, is_new] = ran.try_emplace(m.tid, times.ran);
            uint64_t used = times.known ? times.ran - before->second : uint64_t(now - last);
            before->second = times.ran;
            if (is_new || used == 0 || used > uint64_t(INT64_MAX)) continue;
            goroutine_look g = m.g != 0 ? words.goroutine_at(m.g) : goroutine_look{};
            if (g.id == 0 || g.is_system()) {
                counts->own_ns += int64_t(used);
                continue;
            }
            unwound u = unwind_goroutine(t, m.g, kMostFrames, m.tid);
            counts->samples++;
            counts->unread += u.pcs.empty();
            counts->stopped_ns += u.stopped_ns;
            counts->longest_stop_ns = std::max(counts->longest_stop_ns, u.stopped_ns);
            profile::sample s;
            s.pcs = std::move(u.pcs);
            s.values = {1, int64_t(used)};
            auto [name, unnamed] = names.try_emplace(g.from);
            if (unnamed) name->second = name_of(t, g.from);
            s.labels = {{"goroutine_name", g.is_thread() ? "plain thread" : name->second, 0, ""}};
            if (m.p != 0) s.labels.push_back({"p", "P" + std::to_string(words.processor_at(m.p).id), 0, ""});
            p.samples.push_back(std::move(s));
        }
        last = now;
    };
    look(began);
    for (int64_t due = began + period_ns; t.is_live(); due += period_ns) {
        int64_t now = t.now_ns();
        if (now - began >= for_ns) break;
        // Late by more than a look: what was missed is in the next one's CPU time.
        if (due < now) due = now;
        if (due > now && !wait(due - now)) break;
        look(t.now_ns());
    }
    p.duration_ns = t.now_ns() - began;
    finish(t, p);
    return p;
}

std::vector<pc_name> names_by(const target& t, uint64_t pc, bool is_return_address) {
    std::vector<pc_name> names;
    for (const code_frame& f : t.describe(pc, is_return_address)) names.push_back({f.function, f.file, f.line});
    return names;
}

void put_mappings(const target& t, profile& p) {
    std::unordered_set<const module*> used;
    const std::vector<module>& modules = t.contents().modules;
    for (const profile::sample& s : p.samples)
        for (uint64_t pc : s.pcs) {
            auto behind = std::upper_bound(modules.begin(), modules.end(), pc,
                                           [](uint64_t a, const module& m) { return a < m.begin; });
            if (behind != modules.begin() && pc <= (behind - 1)->end) used.insert(&*(behind - 1));
        }
    p.mappings.clear();
    for (const module& m : modules) {
        if (!used.count(&m)) continue;
        std::string build_id = m.build_id;
        if (build_id.empty())
            if (object_file* file = symbols_of(t).find(m.begin).file) build_id = file->build_id();
        p.mappings.push_back({m.begin, m.end, m.offset, m.path, build_id});
    }
    // The first is taken for the program.
    std::stable_partition(p.mappings.begin(), p.mappings.end(),
                          [&](const profile::mapping& m) { return m.path == t.head().exe; });
}

}  // namespace insp

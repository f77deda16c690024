// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/perfetto.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "tools/gossamer/perfetto_packets.h"
#include "tools/gossamer/phases.h"
#include "tools/gossamer/snapshot.h"

namespace insp {

namespace {

using gossamer::rt::box::kind;
using track = perfetto_packets::track;

// A second set of arrows, between the tracks of goroutines, beside those between processors.
constexpr uint64_t kGoroutineFlow = uint64_t{1} << 63;
constexpr size_t kMostTasks = 4000, kMostUserCounters = 1000, kMostSums = 30, kMostOpenRegions = 64;
// Counters are written at most so often: more would be most of the file, and no screen is so wide.
constexpr uint64_t kCounterSteps = 50'000;

annotation number(const char* name, uint64_t value) { return {annotation::type::number, name, value}; }
annotation pointer(const char* name, uint64_t value) { return {annotation::type::pointer, name, value}; }
annotation text(const char* name, std::string_view words) { return {annotation::type::text, name, 0, words}; }

// A value that is shown over time.
struct gauge {
    uint64_t track = 0;
    int64_t now = 0;
    int64_t shown = -1;
};

class picture : public listener {
  public:
    picture(const trace_window& w, const cast& who, FILE* out, const perfetto_options& options)
        : w_(w), who_(who), packets_(w, out), about_(who.members.size()), shown_(who.busiest(options.most_goroutines)) {
        uint64_t length = w.end_ns > w.begin_ns ? uint64_t(w.end_ns) - uint64_t(w.begin_ns) : 0;
        counter_step_ = std::max<uint64_t>(length / kCounterSteps, 1000);
        process_ = packets_.add_track({.name = w.program, .kind = track::type::process});
        scheduler_ = packets_.add_track({.name = "scheduler", .parent = process_, .order_of_kids = 3, .rank = 0});
        runnable_ = add_gauge("runnable goroutines");
        idle_ = add_gauge("processors without a goroutine");
        calling_ = add_gauge("goroutines in blocking calls");
        gauges_[idle_].now = int64_t(w.procs);
        for (uint32_t p = 0; p < std::min<uint32_t>(w.procs, kMostProcessors); p++) processor_track(p);
        add_goroutine_tracks();
        add_thread_tracks();
    }

    void finish(uint64_t ns) {
        show_gauges(last_ns_);
        for (uint32_t g = 0; g < about_.size(); g++)
            while (!about_[g].regions.empty()) end_region(g, ns);
        for (auto& [task, t] : tasks_)
            if (t.open && t.track != 0) packets_.event(ns, pf::event::end, t.track);
        for (thread_state& t : threads_) end_on_thread(t, ns);
        packets_.finish();
    }

    void begin_phase(uint32_t g, phase what, uint64_t ns, const event* why) override {
        count(g, what, 1);
        if (what == phase::runnable) about_[g].runnable_since = ns;
        if (about_[g].track == 0) return;
        switch (what) {
            case phase::none:
                return;
            case phase::runnable:
                return packets_.event(ns, pf::event::begin, about_[g].track, {.name = "runnable"});
            case phase::running:
                return packets_.event(ns, pf::event::begin, about_[g].track,
                                      {.name = "running",
                                       .flow_end = about_[g].flow_shown ? about_[g].flow | kGoroutineFlow : 0,
                                       .notes = {number("woken by", about_[g].woken_by)}});
            case phase::calling:
                return packets_.event(ns, pf::event::begin, about_[g].track, {.name = "blocking call"});
            case phase::waiting:
                return begin_waiting(g, ns, why);
        }
    }

    void end_phase(uint32_t g, phase what, uint64_t, uint64_t ns, const event* why) override {
        count(g, what, -1);
        if (about_[g].track != 0) packets_.event(ns, pf::event::end, about_[g].track);
        // An arrow ends once; what begins now ends where it runs the next time.
        bool woken_now = why && (why->kind == kind::ready || why->kind == kind::create);
        if (what == phase::running && !woken_now) about_[g].forget_arrow();
    }

    void begin_run(uint32_t p, uint32_t g, uint64_t ns, const event* why) override {
        gauges_[idle_].now--;
        uint64_t waited = why && about_[g].runnable_since != kNever ? ns - about_[g].runnable_since : 0;
        packets_.event(ns, pf::event::begin, processor_track(p),
                       {.name = who_.name(g),
                        .flow_end = about_[g].flow,
                        .notes = {number("goroutine", who_.members[g].id), number("waited to run (ns)", waited),
                                  number("woken by", about_[g].woken_by)}});
        about_[g].runnable_since = kNever;
    }

    void end_run(uint32_t p, uint32_t, uint64_t, uint64_t ns, const event* why) override {
        gauges_[idle_].now++;
        std::string_view left = why ? why_it_left(*why) : "";
        packets_.event(ns, pf::event::end, processor_track(p), {.notes = {text("left", left)}});
    }

    void happen(size_t i, const event& e, uint32_t g, uint32_t by, uint64_t ns) override {
        if (ns != last_ns_ && ns - last_shown_ >= counter_step_) show_gauges(last_ns_);
        last_ns_ = ns;
        on_thread(e, g, ns);
        switch (e.kind) {
            case kind::ready:
            case kind::create:
                return wake(i, e, g, by, ns);
            case kind::steal:
                return packets_.event(ns, pf::event::instant, thread_track(e.thread),
                                      {.name = "steal", .notes = {number("goroutines", e.a)}});
            case kind::poll:
                return packets_.event(ns, pf::event::instant, place(e),
                                      {.name = "network", .notes = {number("goroutines", e.a)}});
            case kind::retake:
                return packets_.event(ns, pf::event::instant, place(e), {.name = "processor retaken by the monitor"});
            case kind::region_begin:
                return begin_region(e, g, ns);
            case kind::region_end:
                return end_region_named(e.text, g, ns);
            case kind::task_begin:
            case kind::task_end:
                return task(e, ns);
            case kind::log:
                return log(e, g, ns);
            case kind::counter:
                return user_counter(e, ns);
            default:
                return;
        }
    }

  private:
    static constexpr uint64_t kNever = UINT64_MAX;

    struct about {
        uint64_t track = 0;             // 0: it has none
        uint64_t regions_at = 0;        // track of its regions
        std::vector<uint32_t> regions;  // texts of those that are open, outermost first
        uint64_t runnable_since = kNever;
        uint64_t flow = 0;  // of the arrow that ends where it runs next
        uint64_t woken_by = 0;
        bool flow_shown = false;  // the arrow begins at a goroutine with a track
        void forget_arrow() {
            flow = woken_by = 0;
            flow_shown = false;
        }
        uint32_t sum = kNobody;  // which pair of gauges counts it, when it has no track
    };
    struct thread_state {
        uint64_t track = 0;
        int32_t p = -1;     // the slice that is open: it holds this processor
        bool call = false;  // or is in an announced call
    };
    struct task_state {
        uint64_t track = 0;
        bool open = false;
    };

    std::string_view words_of(uint32_t t) const {
        return t < w_.texts.size() ? std::string_view(w_.texts[t]) : std::string_view();
    }

    // --- tracks
    uint64_t processor_track(uint32_t p) {
        if (p >= processors_.size()) processors_.resize(p + 1);
        if (processors_[p] == 0)
            processors_[p] =
                packets_.add_track({.name = "P" + std::to_string(p), .parent = scheduler_, .rank = int64_t(p)});
        return processors_[p];
    }
    uint64_t thread_track(uint32_t thread) { return thread < threads_.size() ? threads_[thread].track : scheduler_; }
    // Where an event without a goroutine of its own is shown.
    uint64_t place(const event& e) {
        return e.p >= 0 && e.p < kMostProcessors ? processor_track(uint32_t(e.p)) : thread_track(e.thread);
    }

    void add_thread_tracks() {
        for (const traced_thread& t : w_.threads) {
            std::string name = t.is_plain ? "plain thread" : "M" + std::to_string(t.number);
            uint64_t at =
                packets_.add_track({.name = name, .parent = process_, .kind = track::type::thread, .tid = t.tid});
            threads_.push_back({at, -1, false});
        }
    }

    // Goroutines of one name have a track in common above their own, unless there is only one. Those without a track are counted by name.
    void add_goroutine_tracks() {
        std::map<std::string_view, std::vector<uint32_t>> by_name, rest;
        for (uint32_t g = 0; g < about_.size(); g++) (shown_[g] ? by_name : rest)[who_.name(g)].push_back(g);
        uint64_t all = packets_.add_track({.name = "goroutines", .parent = process_, .order_of_kids = 3, .rank = 1});
        int64_t rank = 0;
        for (auto& [name, members] : by_name) {
            uint64_t above = all;
            std::sort(members.begin(), members.end(),
                      [&](uint32_t x, uint32_t y) { return who_.members[x].id < who_.members[y].id; });
            if (members.size() > 1)
                above = packets_.add_track({.name = std::string(name) + " (" + std::to_string(members.size()) + ")",
                                            .parent = all,
                                            .order_of_kids = 3,
                                            .rank = rank++});
            for (uint32_t g : members)
                about_[g].track =
                    packets_.add_track({.name = std::string(name) + " " + std::to_string(who_.members[g].id),
                                        .parent = above,
                                        .rank = rank++});
        }
        add_sums(rest);
    }
    void add_sums(const std::map<std::string_view, std::vector<uint32_t>>& rest) {
        std::vector<std::pair<size_t, std::string_view>> order;
        for (auto& [name, members] : rest) order.emplace_back(members.size(), name);
        std::sort(order.begin(), order.end(),
                  [](auto& x, auto& y) { return x.first != y.first ? x.first > y.first : x.second < y.second; });
        uint32_t others = kNobody;
        for (size_t i = 0; i < order.size(); i++) {
            uint32_t sum = others;
            if (sum == kNobody) {
                bool last = i + 1 == kMostSums;
                std::string name =
                    last ? "goroutines of other names"
                         : std::string(order[i].second) + " (" + std::to_string(order[i].first) + " more)";
                sum = uint32_t(add_gauge(name + ": running"));
                add_gauge(name + ": runnable");
                if (last) others = sum;
            }
            for (uint32_t g : rest.at(order[i].second)) about_[g].sum = sum;
        }
    }

    // --- counters
    size_t add_gauge(const std::string& name) {
        gauges_.push_back({packets_.add_track({.name = name, .parent = process_, .kind = track::type::counter})});
        return gauges_.size() - 1;
    }
    void count(uint32_t g, phase what, int64_t change) {
        if (what == phase::runnable) gauges_[runnable_].now += change;
        if (what == phase::calling) gauges_[calling_].now += change;
        if (about_[g].sum == kNobody) return;
        if (what == phase::running) gauges_[about_[g].sum].now += change;
        if (what == phase::runnable) gauges_[about_[g].sum + 1].now += change;
    }
    void show_gauges(uint64_t ns) {
        for (gauge& c : gauges_)
            if (c.now != c.shown) {
                packets_.counter(ns, c.track, c.now);
                c.shown = c.now;
            }
        last_shown_ = ns;
    }
    void user_counter(const event& e, uint64_t ns) {
        auto [at, is_new] = user_counters_.try_emplace(e.text, 0);
        if (is_new && user_counters_.size() <= kMostUserCounters)
            at->second = packets_.add_track(
                {.name = std::string(words_of(e.text)), .parent = process_, .kind = track::type::counter});
        if (at->second != 0) packets_.counter(ns, at->second, int64_t(e.a));
    }

    // --- goroutines
    void begin_waiting(uint32_t g, uint64_t ns, const event* why) {
        std::string name = "waiting";
        if (!why) return packets_.event(ns, pf::event::begin, about_[g].track, {.name = name});
        name += std::string(": ") + reason_words(why->reason);
        packets_.event(
            ns, pf::event::begin, about_[g].track,
            {.name = name, .callstack = packets_.callstack(why->stack, why->pc), .notes = {pointer("object", why->a)}});
    }

    static std::string_view why_it_left(const event& e) {
        switch (e.kind) {
            case kind::block:
                return reason_words(e.reason);
            case kind::yield:
                return "gave way";
            case kind::preempt:
                return "slice over";
            case kind::end:
                return "ended";
            case kind::call_begin:
                return "blocking call";
            case kind::retake:
                return "processor retaken";
            default:
                return "";
        }
    }

    // The arrow begins at an instant of who woke, on its processor and on its own track.
    void wake(size_t i, const event& e, uint32_t g, uint32_t by, uint64_t ns) {
        if (g == kNobody) return;
        const char* verb = e.kind == kind::create ? "go " : "ready ";
        std::string name = verb + std::string(who_.name(g));
        about& a = about_[g];
        a.flow = i + 1;
        a.woken_by = e.by;
        a.flow_shown = a.track != 0 && by != kNobody && about_[by].track != 0;
        uint64_t stack = e.kind == kind::create ? packets_.callstack(e.stack, e.pc) : 0;
        packets_.event(ns, pf::event::instant, place(e),
                       {.name = name, .flow = a.flow, .callstack = stack, .notes = {number("goroutine", e.g)}});
        if (a.flow_shown)
            packets_.event(ns, pf::event::instant, about_[by].track,
                           {.name = name, .flow = a.flow | kGoroutineFlow, .notes = {number("goroutine", e.g)}});
    }

    // --- what the user marked. Regions are slices on a track under the goroutine's own, as they begin and end while it waits and runs.
    void begin_region(const event& e, uint32_t g, uint64_t ns) {
        if (g == kNobody || about_[g].track == 0 || about_[g].regions.size() >= kMostOpenRegions) return;
        about& a = about_[g];
        if (a.regions_at == 0) a.regions_at = packets_.add_track({.name = "regions", .parent = a.track});
        a.regions.push_back(e.text);
        packets_.event(ns, pf::event::begin, a.regions_at, {.name = name_or(e.text, "region")});
    }
    void end_region(uint32_t g, uint64_t ns) {
        packets_.event(ns, pf::event::end, about_[g].regions_at);
        about_[g].regions.pop_back();
    }
    // Those inside it that were not ended end with it. One that began before the window has no slice.
    void end_region_named(uint32_t name, uint32_t g, uint64_t ns) {
        if (g == kNobody) return;
        auto& open = about_[g].regions;
        size_t i = open.size();
        while (i > 0 && words_of(open[i - 1]) != words_of(name)) i--;
        if (i == 0) return;
        while (open.size() >= i) end_region(g, ns);
    }
    void task(const event& e, uint64_t ns) {
        if (e.kind == kind::task_end) {
            auto at = tasks_.find(e.a);
            if (at == tasks_.end() || !at->second.open) return;
            at->second.open = false;
            if (at->second.track != 0) packets_.event(ns, pf::event::end, at->second.track);
            return;
        }
        task_state& t = tasks_[e.a];
        if (t.open) return;
        t.open = true;
        if (t.track == 0 && tasks_.size() <= kMostTasks) {
            if (all_tasks_ == 0)
                all_tasks_ = packets_.add_track({.name = "tasks", .parent = process_, .order_of_kids = 2, .rank = 2});
            t.track = packets_.add_track(
                {.name = std::string(name_or(e.text, "task")) + " " + std::to_string(e.a), .parent = all_tasks_});
        }
        auto parent = w_.task_parents.find(e.a);
        if (t.track != 0)
            packets_.event(ns, pf::event::begin, t.track,
                           {.name = name_or(e.text, "task"),
                            .correlation = e.a,
                            .notes = {number("goroutine", e.g),
                                      number("parent", parent != w_.task_parents.end() ? parent->second : 0)}});
    }
    void log(const event& e, uint32_t g, uint64_t ns) {
        std::string_view words = words_of(e.text);
        size_t split = words.find('\0');
        std::string_view key = words.substr(0, split);
        std::string_view value = split == words.npos ? std::string_view() : words.substr(split + 1);
        if (key.empty()) key = "log";
        auto show = [&](uint64_t at) {
            packets_.event(ns, pf::event::instant, at,
                           {.name = key, .correlation = e.a, .notes = {text("value", value)}});
        };
        show(g != kNobody && about_[g].track != 0 ? about_[g].track : place(e));
        if (auto t = tasks_.find(e.a); t != tasks_.end() && t->second.track != 0) show(t->second.track);
    }
    std::string_view name_or(uint32_t name, const char* otherwise) const {
        return words_of(name).empty() ? std::string_view(otherwise) : words_of(name);
    }

    // --- threads: which processor each holds, and the calls in which it holds none
    void end_on_thread(thread_state& t, uint64_t ns) {
        if (t.p >= 0 || t.call) packets_.event(ns, pf::event::end, t.track);
        t.p = -1;
        t.call = false;
    }
    void hold(uint32_t thread, int32_t p, uint64_t ns) {
        thread_state& t = threads_[thread];
        if (t.p == p && !t.call) return;
        end_on_thread(t, ns);
        t.p = p;
        packets_.event(ns, pf::event::begin, t.track, {.name = "P" + std::to_string(p)});
    }
    void on_thread(const event& e, uint32_t g, uint64_t ns) {
        if (e.thread >= threads_.size()) return;
        thread_state& t = threads_[e.thread];
        switch (e.kind) {
            case kind::start:
            case kind::p_take:
                if (e.p >= 0) hold(e.thread, e.p, ns);
                return;
            case kind::p_drop:
                if (t.p >= 0 && !t.call) end_on_thread(t, ns);
                return;
            case kind::retake:
                for (thread_state& other : threads_)
                    if (other.p == e.p && !other.call) end_on_thread(other, ns);
                return;
            case kind::call_begin:
                end_on_thread(t, ns);
                t.call = true;
                return packets_.event(ns, pf::event::begin, t.track,
                                      {.name = "blocking call",
                                       .notes = {text("by", g == kNobody ? std::string_view() : who_.name(g)),
                                                 number("goroutine", e.g)}});
            case kind::call_end:
                if (t.call) end_on_thread(t, ns);
                return;
            default:
                return;
        }
    }

    const trace_window& w_;
    const cast& who_;
    perfetto_packets packets_;
    std::vector<about> about_;
    std::vector<bool> shown_;
    uint64_t process_ = 0, scheduler_ = 0, all_tasks_ = 0;
    std::vector<uint64_t> processors_;
    std::vector<thread_state> threads_;
    std::vector<gauge> gauges_;
    size_t runnable_ = 0, idle_ = 0, calling_ = 0;
    std::unordered_map<uint64_t, task_state> tasks_;
    std::unordered_map<uint32_t, uint64_t> user_counters_;
    uint64_t counter_step_ = 0, last_ns_ = 0, last_shown_ = 0;
};

}  // namespace

void write_perfetto(const trace_window& w, FILE* out, const perfetto_options& options) {
    cast who(w);
    picture p(w, who, out, options);
    p.finish(tell(w, who, p));
}

}  // namespace insp

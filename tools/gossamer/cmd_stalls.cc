// SPDX-License-Identifier: BSL-1.0
// stalls: which goroutines keep a thread for long without giving way, what they do there, and why nobody could have them stop.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <map>
#include <tuple>

#include "tools/gossamer/commands.h"
#include "tools/gossamer/json.h"
#include "tools/gossamer/sampler.h"
#include "tools/gossamer/screen.h"
#include "tools/gossamer/stack_text.h"
#include "tools/gossamer/stall_watch.h"

namespace insp {

namespace {

constexpr char kHelp[] =
    "usage: gossamer stalls TARGET [--over 10ms] [--for 5s] [--no-stacks] [--json]\n"
    "\n"
    "Watches from outside for goroutines that keep a thread for long without a call of the library: those that "
    "compute, calls\n"
    "of the kernel that block and were not announced, threads that the kernel gives no CPU. The first of each kind are "
    "told\n"
    "as they are found. At the end all of them, grouped by name and cause: how often and how long, on which "
    "processors,\n"
    "how many goroutines waited there meanwhile, why nobody had them stop, and the stacks as they were after once, "
    "twice,\n"
    "four times, … the limit; equal ones are counted.\n"
    "\n"
    "  --over T     how long a stall lasts at least: 1ms to 1h\n"
    "  --for T      how long to watch; ^C ends it with what was found until then\n"
    "  --no-stacks  do not stop threads for their stacks (some microseconds each)\n"
    "  --json       groups as JSON\n"
    "\n"
    "To wait for a channel, a lock, a timer or the network by the library is no stall, nor is a call inside\n"
    "gossamer::blocking(). No stack is taken of threads in epoll_wait and a few other calls that a stop would make "
    "fail.\n"
    "\n"
    "example: gossamer stalls 4711 --over 20ms --for 30s\n";

constexpr unsigned kMostFrames = 64;
constexpr size_t kMostSamples = 16, kMostIds = 1000, kMostStacks = 3;
constexpr uint64_t kMostTold = 3;  // of one kind, line by line

volatile std::sig_atomic_t interrupted = 0;

struct sample {
    stall_cause cause = stall_cause::unknown;
    kernel_look look;
    std::string call_text;  // while the process lives that can tell of its files
    std::vector<uint64_t> pcs;
};

struct stack_count {
    std::vector<uint64_t> pcs;
    uint64_t count = 0;
};

struct group {
    std::string name;
    stall_cause cause = stall_cause::unknown;
    int64_t call = -1;
    std::string call_text;  // with its arguments, of one of them
    uint64_t stalls = 0, samples = 0, lost = 0, seen_lost = 0;
    int64_t longest_ns = 0, total_ns = 0,
            lost_after_ns = 0;  // lost_after_ns: sum over seen_lost of how long they kept their processor
    uint32_t most_queued = 0;
    std::set<uint64_t> goroutines, tids;
    std::set<int32_t> processors;
    std::map<std::string, stack_count> stacks;
};

class collector : public stall_watch::listener {
  public:
    collector(const target& t, bool stacks, bool live) : t_(t), stacks_(stacks), live_(live) {}
    void use(stall_watch& watch) { watch_ = &watch; }

    void goes_on(stall& s, int64_t now) override {
        sample taken;
        taken.look = look_at_thread(t_.pid(), s.tid);
        taken.cause =
            judge(taken.look, s.in_runtime, s.g != 0, s.times_before, watch_->clocks().read(s.tid), now - s.since_ns);
        if (!watch_->still_stands(s)) return;
        bool may_stop = taken.cause == stall_cause::computes || taken.cause == stall_cause::runtime ||
                        (taken.cause == stall_cause::call && !syscall_minds_a_stop(taken.look.call));
        if (stacks_ && may_stop && s.g_address != 0) taken.pcs = t_.unwind(s.g_address, kMostFrames, s.tid);
        // What we have stopped goes on by another call, which says nothing of the first.
        auto& [caller, call] = calls_[s.tid];
        if (syscall_name(taken.look.call) != "restart_syscall") {
            caller = s.g;
            call = taken.look;
        } else if (caller == s.g && call.call >= 0) {
            taken.look = call;
        }
        if (taken.look.call >= 0) taken.call_text = printable(syscall_text(taken.look, t_.pid()));
        if (live_ && !open_.contains(s.m)) tell(s, taken, now);
        std::vector<sample>& samples = open_[s.m];
        if (samples.size() == kMostSamples) samples.erase(samples.begin());
        samples.push_back(std::move(taken));
    }

    void ended(const stall& s, int64_t now) override {
        std::vector<sample> samples = std::move(open_[s.m]);
        open_.erase(s.m);
        if (samples.empty()) return;
        const sample& last = samples.back();
        int64_t lasted = now - s.since_ns;
        std::string name = s.g != 0 ? name_of(t_, s.from) : "the scheduler";
        group& g = groups_[{name, last.cause, last.look.call}];
        if (g.stalls++ == 0) {
            g.name = name;
            g.cause = last.cause;
            g.call = last.look.call;
            g.call_text = last.call_text;
        }
        g.total_ns += lasted;
        g.longest_ns = std::max(g.longest_ns, lasted);
        g.most_queued = std::max(g.most_queued, s.most_queued);
        if (g.goroutines.size() < kMostIds) g.goroutines.insert(s.g);
        if (g.tids.size() < kMostIds) g.tids.insert(s.tid);
        if (s.processor >= 0) g.processors.insert(s.processor);
        if (s.lost_ns != 0) {
            g.lost++;
            g.seen_lost += !s.began_without;
            if (!s.began_without) g.lost_after_ns += s.lost_ns - s.since_ns;
        }
        for (sample& one : samples) {
            g.samples++;
            if (one.pcs.empty()) continue;
            stack_count& counted = g.stacks[key_of(one.pcs)];
            if (counted.count++ == 0) counted.pcs = std::move(one.pcs);
        }
    }

    std::vector<const group*> sorted() const {
        std::vector<const group*> all;
        for (auto& [key, g] : groups_) all.push_back(&g);
        std::sort(all.begin(), all.end(), [](auto* a, auto* b) { return a->total_ns > b->total_ns; });
        return all;
    }

  private:
    using group_key = std::tuple<std::string, stall_cause, int64_t>;

    // What computes is at another instruction each time: its function is what counts. Callers are equal when the calls are.
    std::string key_of(const std::vector<uint64_t>& pcs) const {
        std::string key = t_.describe(pcs[0], true).back().function;
        for (size_t i = 1; i < pcs.size(); i++) key += " " + std::to_string(pcs[i]);
        return key;
    }

    void tell(const stall& s, const sample& taken, int64_t now) {
        std::string name = s.g != 0 ? name_of(t_, s.from) : "the scheduler";
        uint64_t& told = told_[{name, taken.cause, taken.look.call}];
        if (++told > kMostTold) return;
        time_t seconds = time(nullptr);
        tm local{};
        localtime_r(&seconds, &local);
        char when[16];
        strftime(when, sizeof when, "%H:%M:%S", &local);
        std::string text = std::string(when) + "  " + short_time(double(now - s.since_ns)) + "  ";
        text += (s.g != 0 ? "G" + std::to_string(s.g) + " " : "") + name;
        text +=
            s.processor < 0 ? "  without P" : (s.lost_ns != 0 ? "  lost P" : "  on P") + std::to_string(s.processor);
        text += "  " + std::string(words(taken.cause));
        if (!taken.call_text.empty()) text += " " + taken.call_text;
        if (told == kMostTold) text += "  (more of these are only counted)";
        std::printf("%s\n", text.c_str());
        std::fflush(stdout);
    }

    const target& t_;
    bool stacks_, live_;
    stall_watch* watch_ = nullptr;
    std::unordered_map<uint64_t, std::pair<uint64_t, kernel_look>> calls_;  // by tid: the last seen, and of whom
    std::unordered_map<uint64_t, std::vector<sample>> open_;                // by M
    std::map<group_key, group> groups_;
    std::map<group_key, uint64_t> told_;
};

std::string listed(const std::set<uint64_t>& ids, const char* before) {
    std::string text;
    size_t n = 0;
    for (uint64_t id : ids) {
        if (n++ == 5) return text + " and " + std::to_string(ids.size() - 5) + " more";
        text += (n == 1 ? before : ", ") + std::to_string(id);
    }
    return text;
}

// The library's own where there is nothing else.
std::vector<code_frame> shown_frames(const target& t, const std::vector<uint64_t>& pcs) {
    std::vector<code_frame> frames = visible_frames(t, pcs, false);
    return frames.empty() ? visible_frames(t, pcs, true) : frames;
}

void print_group(const target& t, const group& g) {
    std::string text = g.name + ": " + std::to_string(g.stalls) + (g.stalls == 1 ? " stall, " : " stalls, ");
    text += short_time(double(g.total_ns)) + " in all, the longest " + short_time(double(g.longest_ns)) + ", " +
            words(g.cause);
    if (!g.call_text.empty()) text += " " + g.call_text;
    std::printf("\n%s\n", text.c_str());
    std::string who = g.goroutines.contains(0)
                          ? ""
                          : listed(g.goroutines, g.goroutines.size() == 1 ? "goroutine " : "goroutines ") + "; ";
    who += listed(g.tids, g.tids.size() == 1 ? "thread " : "threads ");
    const char* before = "; on P";
    for (int32_t p : g.processors) {
        who += before + std::to_string(p);
        before = ", P";
    }
    std::printf("  %s\n", who.c_str());
    if (g.most_queued != 0) std::printf("  up to %u goroutines waited for that processor\n", g.most_queued);
    if (g.lost != 0) {
        std::string lost =
            "  the monitor took the processor away in " + std::to_string(g.lost) + " of " + std::to_string(g.stalls);
        if (g.seen_lost != 0)
            lost += ", after " + short_time(double(g.lost_after_ns) / double(g.seen_lost)) + " in the mean";
        std::printf("%s\n", lost.c_str());
    }
    std::printf("  why it went on: %s\n", sentence(g.cause));
    std::vector<const stack_count*> stacks;
    for (auto& [key, s] : g.stacks) stacks.push_back(&s);
    std::sort(stacks.begin(), stacks.end(), [](auto* a, auto* b) { return a->count > b->count; });
    for (size_t i = 0; i < stacks.size() && i < kMostStacks; i++) {
        std::string frames;
        add_frames(shown_frames(t, stacks[i]->pcs), frames);
        std::printf("  seen %llu of %llu times:\n", static_cast<unsigned long long>(stacks[i]->count),
                    static_cast<unsigned long long>(g.samples));
        for (size_t at = 0; at < frames.size();) {
            size_t end = std::min(frames.find('\n', at), frames.size());
            bool is_place = frames[at] == '\t';
            std::string line = printable(std::string_view(frames).substr(at + is_place, end - at - is_place));
            std::printf("    %s%s\n", is_place ? "    " : "", line.c_str());
            at = end + 1;
        }
    }
    if (stacks.size() > kMostStacks) std::printf("  and %zu other stacks\n", stacks.size() - kMostStacks);
}

void put_group(const target& t, const group& g, json_writer& j) {
    j.begin_object()
        .key("name")
        .string(g.name)
        .key("cause")
        .string(words(g.cause))
        .key("why")
        .string(sentence(g.cause));
    j.key("call");
    if (g.call >= 0)
        j.begin_object()
            .key("number")
            .number(g.call)
            .key("name")
            .string(syscall_name(g.call))
            .key("text")
            .string(g.call_text)
            .end_object();
    else
        j.null();
    j.key("stalls").number(g.stalls).key("longest_ns").number(g.longest_ns).key("total_ns").number(g.total_ns);
    j.key("most_queued")
        .number(uint64_t(g.most_queued))
        .key("lost_processor")
        .number(g.lost)
        .key("samples")
        .number(g.samples);
    j.key("goroutines").begin_array();
    for (uint64_t id : g.goroutines) j.number(id);
    j.end_array().key("threads").begin_array();
    for (uint64_t tid : g.tids) j.number(tid);
    j.end_array().key("processors").begin_array();
    for (int32_t p : g.processors) j.number(int64_t(p));
    j.end_array().key("stacks").begin_array();
    for (auto& [key, s] : g.stacks) {
        j.begin_object().key("count").number(s.count).key("frames");
        add_frames(shown_frames(t, s.pcs), j);
        j.end_object();
    }
    j.end_array().end_object();
}

int run(arguments& args) {
    int64_t over = args.duration_ns("--over", 10'000'000);
    if (over < 1'000'000 || over > 3'600'000'000'000) throw usage_error("gossamer: stalls: --over: from 1ms to 1h");
    int64_t length = args.duration_ns("--for", 5'000'000'000);
    bool stacks = !args.flag("--no-stacks"), json = args.flag("--json");
    std::string what = args.positional("process");
    args.done();
    auto t = target::open(what);
    if (!t->is_live()) fail(what, "the process has ended; `gossamer ps` shows its last state");

    stall_watch watch(*t, over);
    collector found(*t, stacks, !json);
    found.use(watch);
    std::signal(SIGINT, [](int) { interrupted = 1; });
    std::signal(SIGTERM, [](int) { interrupted = 1; });
    int64_t began = steady_ns(), now = began, step = std::clamp<int64_t>(over / 5, 500'000, 50'000'000);
    uint64_t looks = 0;
    for (; now - began < length && interrupted == 0 && t->is_live(); now = steady_ns()) {
        watch.look(now, found);
        if (++looks % 1024 == 0) watch.clocks().forget_unused();
        int64_t rest = std::min(step, began + length - now);
        timespec nap{rest / 1'000'000'000, long(rest % 1'000'000'000)};
        clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, nullptr);
    }
    watch.finish(now, found);
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);

    std::vector<const group*> groups = found.sorted();
    uint64_t stalls = 0;
    for (const group* g : groups) stalls += g->stalls;
    if (json) {
        std::string out;
        json_writer j(out);
        j.begin_object().key("over_ns").number(over).key("watched_ns").number(now - began).key("looks").number(looks);
        j.key("stalls").number(stalls).key("groups").begin_array();
        for (const group* g : groups) put_group(*t, *g, j);
        j.end_array().end_object();
        std::printf("%s\n", out.c_str());
        return 0;
    }
    std::printf("%s%llu stall%s of %s or more in %s\n", stalls != 0 ? "\n" : "",
                static_cast<unsigned long long>(stalls), stalls == 1 ? "" : "s", short_time(double(over)).c_str(),
                short_time(double(now - began)).c_str());
    for (const group* g : groups) print_group(*t, *g);
    if (!t->is_live()) std::printf("\nthe process has ended\n");
    return 0;
}

}  // namespace

const command stalls_command = {"stalls", "goroutines that keep a thread for long: hogs, unannounced blocking calls",
                                kHelp, run};

}  // namespace insp

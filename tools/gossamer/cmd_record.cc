// SPDX-License-Identifier: BSL-1.0
// gossamer record: switches the recorder of a process on, waits, and writes what it said.
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <memory>
#include <optional>

#include "tools/gossamer/exporters.h"
#include "tools/gossamer/output_file.h"
#include "tools/gossamer/recording.h"
#include "tools/gossamer/screen.h"
#include "tools/gossamer/target_inside.h"
#include "tools/gossamer/ticks.h"
#include "tools/gossamer/window.h"

namespace insp {

namespace {

volatile std::sig_atomic_t interrupted = 0;

// From here on a Ctrl-C ends the recording, not the command.
void catch_signals() {
    struct sigaction a {};
    a.sa_handler = [](int) { interrupted = 1; };
    for (int s : {SIGINT, SIGTERM, SIGHUP}) sigaction(s, &a, nullptr);
}

int64_t now() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return int64_t(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

void sleep_ns(int64_t ns) {
    if (ns <= 0) return;
    timespec t{ns / 1'000'000'000, ns % 1'000'000'000};
    nanosleep(&t, nullptr);
}

// "64M", "1G", "65536"
std::optional<uint64_t> take_bytes(arguments& args, const char* name) {
    auto text = args.value(name);
    if (!text) return std::nullopt;
    uint64_t n = 0;
    auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), n);
    std::string_view unit(end, size_t(text->data() + text->size() - end));
    unsigned shift = unit == "K" ? 10 : unit == "M" ? 20 : unit == "G" ? 30 : 0;
    if (failed != std::errc{} || (shift == 0 && !unit.empty()) || n == 0 || n > (uint64_t{1} << 50) >> shift)
        throw usage_error("gossamer: record: " + std::string(name) + " " + *text +
                          ": not a size such as 65536, 512K, 64M or 1G");
    return n << shift;
}

struct wishes {
    int64_t for_ns = 0;  // 0: until somebody ends it
    uint64_t ring_bytes = 0, most_bytes = uint64_t{1} << 30;
    int64_t stall_ns = 0, runnable_ns = 0;
    bool stacks = false;
    std::optional<export_choice> format;
    std::string path;
    bool has_trigger() const { return stall_ns != 0 || runnable_ns != 0; }
};

// Larger than the runtime's own choice: this program may have to wait for its turn on a busy machine. Memory is taken as it is written.
constexpr uint64_t kRing = 16 << 20;

constexpr uint32_t kEventsLevel = 2, kStacksLevel = 3;  // of box::control::level

enum class ended { in_time, interrupted, by_trigger, target_gone, full };

class session {
  public:
    session(target& t, const wishes& w) : t_(t), w_(w), switch_(t) {}

    ended run() {
        box::control& c = switch_.wanted();
        box::header& h = *t_.contents().control_page;
        was_on_ = h.recorder_level.load() != 0;
        since_before_ = h.recorder_on.load();
        if (w_.ring_bytes != 0 || c.ring_bytes.load() == 0)
            c.ring_bytes.store(uint32_t(w_.ring_bytes != 0 ? w_.ring_bytes : kRing));
        if (w_.has_trigger()) {
            h.frozen.fired.store(box::cause::none);
            if (w_.stall_ns != 0) c.stall_ns.store(uint64_t(w_.stall_ns));
            if (w_.runnable_ns != 0) c.runnable_ns.store(uint64_t(w_.runnable_ns));
        } else {
            follower_.emplace(t_, w_.most_bytes / sizeof(box::record));
        }
        begin_ticks_ = ticks_now();
        if (!switch_.was_on() || w_.stacks) c.level.store(w_.stacks ? kStacksLevel : kEventsLevel);
        ended how = wait();
        finish();
        return how;
    }

    void write(int fd, const std::string& path) const {
        box_times times;
        times.until_end = !has_fired();
        times.end_ticks = end_ticks_;
        times.end_ns = end_ns_;
        if (follower_) {
            // Of a recorder that was on before only what was asked for counts.
            times.since_ticks = was_on_ ? begin_ticks_ : t_.head().recorder_on.load();
            write_box(t_, follower_->rings(), times, fd, path);
        } else {
            times.since_ticks = whole_since(t_, rings_);
            write_box(t_, as_saved(rings_), times, fd, path);
        }
    }

    bool came_on() const {
        return was_on_ || t_.head().recorder_on.load() != since_before_ || t_.head().recorder_level.load() != 0;
    }
    bool has_fired() const { return w_.has_trigger() && t_.head().frozen.fired.load() != box::cause::none; }
    uint64_t records() const {
        uint64_t n = follower_ ? follower_->records() : 0;
        for (const ring_copy& r : rings_) n += r.records.size();
        return n;
    }
    size_t threads() const { return follower_ ? follower_->rings().size() : rings_.size(); }
    uint64_t lost() const { return follower_ ? follower_->lost() : 0; }
    int64_t took() const { return end_ns_ - begin_ns_; }

  private:
    ended wait() {
        constexpr int64_t kShortest = 100'000, kLongest = 5'000'000, kComesOn = 200'000'000;
        int64_t nap = 1'000'000, asked = now();
        begin_ns_ = asked;
        bool counts = was_on_;
        for (;;) {
            sleep_ns(w_.for_ns != 0 ? std::clamp<int64_t>(begin_ns_ + w_.for_ns - now(), 0, nap) : nap);
            // The time runs since the recorder is on; a process that sleeps switches it on when it wakes.
            if (!counts && (came_on() || now() - asked > kComesOn)) {
                counts = true;
                begin_ns_ = now();
            }
            double fullest = follower_ ? follower_->poll() : 0;
            if (follower_ && fullest > 0.2) nap = std::max(nap / 2, kShortest);
            if (fullest < 0.05) nap = std::min(nap * 3 / 2, kLongest);
            if (interrupted != 0) return ended::interrupted;
            if (has_fired()) return ended::by_trigger;
            if (!t_.is_live()) return ended::target_gone;
            if (follower_ && follower_->is_full()) return ended::full;
            if (w_.for_ns != 0 && counts && now() - begin_ns_ >= w_.for_ns) return ended::in_time;
        }
    }

    // The recorder off again, and the last of what it has written.
    void finish() {
        constexpr int64_t kGoesOff = 50'000'000;
        read_clocks(&end_ticks_, &end_ns_);
        bool has_fired_now = has_fired();
        switch_.restore();
        int64_t since = now();
        while (!switch_.was_on() && !has_fired_now && t_.is_live() && t_.head().recorder_level.load() != 0 &&
               now() - since < kGoesOff) {
            if (follower_) follower_->poll();
            sleep_ns(200'000);
        }
        if (follower_)
            follower_->poll();
        else
            rings_ = copy_rings(t_);
        if (!has_fired_now) read_clocks(&end_ticks_, &end_ns_);
    }

    target& t_;
    const wishes& w_;
    recorder_switch switch_;
    std::optional<ring_follower> follower_;
    std::vector<ring_copy> rings_;
    bool was_on_ = false;
    uint64_t since_before_ = 0, begin_ticks_ = 0, end_ticks_ = 0;
    int64_t begin_ns_ = 0, end_ns_ = 0;
};

std::string default_path(const target& t, const wishes& w) {
    std::string exe = t.head().exe;
    std::string name = exe.substr(exe.rfind('/') + 1);
    if (name.empty()) name = "gossamer";
    return name + "." + std::to_string(t.pid()) + (w.format ? w.format->extension() : ".window");
}

wishes take_wishes(arguments& args) {
    wishes w;
    w.format = take_format(args);
    w.for_ns = args.duration_ns("--for", -1);
    w.stall_ns = args.duration_ns("--until-stall", 0);
    w.runnable_ns = args.duration_ns("--until-wait", 0);
    if (w.for_ns < 0) w.for_ns = w.has_trigger() ? 0 : 2'000'000'000;
    w.ring_bytes = take_bytes(args, "--ring").value_or(0);
    w.most_bytes = take_bytes(args, "--most").value_or(w.most_bytes);
    w.stacks = args.flag("--stacks");
    w.path = args.value("-o").value_or("");
    constexpr uint64_t kMostRing = 1 << 30, kLeastRing = 64 << 10, kMostOfAll = uint64_t{1} << 40;
    if (w.ring_bytes != 0 && (w.ring_bytes < kLeastRing || w.ring_bytes > kMostRing))
        throw usage_error("gossamer: record: --ring: from 64K to 1G");
    w.most_bytes = std::min(w.most_bytes, kMostOfAll);
    return w;
}

void tell(const session& s, const wishes& w, ended how, const std::string& target) {
    const char* why = "";
    switch (how) {
        case ended::in_time:
            why = w.has_trigger() ? ", and nothing fired" : "";
            break;
        case ended::interrupted:
            why = w.has_trigger() ? ", interrupted before anything fired" : ", interrupted";
            break;
        case ended::by_trigger:
            why = "; the trigger fired";
            break;
        case ended::target_gone:
            why = "; the process has ended";
            break;
        case ended::full:
            why = "; --most is reached";
            break;
    }
    std::fprintf(stderr, "gossamer: record %s: %s, %s records of %zu threads", target.c_str(),
                 short_time(double(s.took())).c_str(), with_separators(s.records()).c_str(), s.threads());
    if (s.lost() != 0) std::fprintf(stderr, ", %s lost (a larger --ring helps)", with_separators(s.lost()).c_str());
    std::fprintf(stderr, "%s\n", why);
}

void write_export(target& t, const session& s, const wishes& w, const std::string& path) {
    file_handle memory(memfd_create("window", MFD_CLOEXEC));
    std::string name = "/proc/self/fd/" + std::to_string(memory.get());
    if (!memory) cannot_write("a file in memory");
    s.write(memory.get(), path);
    auto saved = target::open(name);
    window_options o;
    o.memory = &t;
    trace_window window = load_window(*saved, o);
    export_window(window, *w.format, path);
}

int run(arguments& args) {
    wishes w = take_wishes(args);
    std::string what = args.positional("PID");
    args.done();
    auto t = target::open(what);
    if (!t->is_live())
        fail(what, "it does not run any more; `gossamer export` and `gossamer replay` read what it left");
    if (w.path.empty()) w.path = default_path(*t, w);
    std::optional<output_file> out;
    out.emplace(w.path);  // before anything is switched on
    // On a busy machine it must get a core before the rings are full. Refused for who is not root, and then it is as it was.
    setpriority(PRIO_PROCESS, 0, -10);
    catch_signals();
    session s(*t, w);
    ended how = s.run();
    tell(s, w, how, what);
    if (s.records() == 0)
        fail(what, s.came_on() ? "nothing happened in that time: nothing was recorded"
                               : "the process slept all the time, and so did its recorder: nothing was recorded");
    if (w.format) {
        out.reset();
        write_export(*t, s, w, w.path);
        return 0;
    }
    s.write(fileno(out->stream()), w.path);
    uint64_t bytes = out->keep();
    std::fprintf(stderr, "%s: %s bytes\n", w.path.c_str(), with_separators(bytes).c_str());
    return 0;
}

}  // namespace

const command record_command = {
    "record", "records what happens for a while, into a file",
    "usage: gossamer record PID [--for 2s] [-o FILE] [--go|--perfetto|--json] [OPTION …]\n\n"
    "Switches the recorder of a running process on, reads its rings while they are written, and switches it off again; "
    "whatever\n"
    "happens, it is left as it was. Costs the process about 15 ns a switch meanwhile. The file (NAME.PID.window) is "
    "TARGET of every\n"
    "other command: replay, report, export, prof, ps. Ctrl-C ends early and writes what there is; so does the end of "
    "the process.\n\n"
    "  --for T             how long; 2s when not given\n"
    "  --go, --perfetto, --json   this format at once, instead of the window; --version and --objects as in `export`\n"
    "  --until-stall T     wait until a processor makes no pick for so long, then save the rings as they are\n"
    "  --until-wait T      wait until a goroutine that is ready has not run for so long, likewise\n"
    "  --stacks            with the whole stack of each wait and each go(): some 60 ns more for each\n"
    "  --ring BYTES        of each thread, 64K to 1G; rings that are larger stay (16M)\n"
    "  --most BYTES        ends when so much was recorded (1G)\n"
    "  -o FILE\n\n"
    "example: gossamer record 4711 --for 5s -o slow.window && gossamer replay slow.window --at +2s\n",
    run};

}  // namespace insp

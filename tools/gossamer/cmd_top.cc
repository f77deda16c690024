// SPDX-License-Identifier: BSL-1.0
// top: what a process does now: its processors, who runs on them, how long goroutines wait for one, and by name how many there are.
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <ctime>

#include "tools/gossamer/commands.h"
#include "tools/gossamer/sampler.h"
#include "tools/gossamer/screen.h"
#include "tools/gossamer/terminal.h"

namespace insp {

namespace {

constexpr char kHelp[] =
    "usage: gossamer top TARGET [--interval 1s] [--times N] [--by cpu|wait|name|count] [--rate 100] [--plain] "
    "[--json]\n"
    "\n"
    "Shows what a process does, renewed each interval: on a terminal as a screen (h tells the keys, q ends it), "
    "elsewhere\n"
    "or with --plain as text. It reads the box and /proc: the process does nothing for it and is never stopped.\n"
    "\n"
    "  --interval T  time of a frame: 100ms to 1h\n"
    "  --times N     ends after N frames\n"
    "  --by WHAT     order of the table of names: CPU, how many wait, name, how many there are\n"
    "  --rate N      looks at each processor a second: 1 to 1000\n"
    "  --plain       text, also on a terminal\n"
    "  --json        one object a line for each frame\n"
    "\n"
    "A line for each processor: the share of the interval in which a goroutine ran on it (# in the bar; ~ where the\n"
    "scheduler looked for one), goroutines in its queue, picks and slices a second, and who runs there. Then the waits "
    "for a\n"
    "processor: a column for each interval, a row for two powers of two. Then goroutines by name, those that used the\n"
    "most CPU, and what the scheduler did a second.\n"
    "\n"
    "cpu      of one CPU, as the kernel counted it\n"
    "run      on a thread of the scheduler, whether the kernel let that thread run or not\n"
    "longest  the longest wait that is known\n"
    "on       processor; - when the monitor took it and the goroutine goes on without one\n"
    "name     as given to go(), else the function or lambda that the goroutine began with\n"
    "\n"
    "cpu and run are sampled: what runs for less than 10 ms may be missed. A large table of goroutines is read less "
    "often\n"
    "than the interval says, so that reading it takes 1 % of a CPU at most.\n"
    "\n"
    "example: gossamer top 4711 --plain --times 1\n";

struct options {
    int64_t interval_ns = 1'000'000'000;
    uint64_t times = 0;  // 0: until somebody ends it
    uint64_t rate = 100;
    bool plain = false, json = false;
};

constexpr int64_t kShortest = 100'000'000, kLongest = 3'600'000'000'000;

std::string base_name(const char* path) {
    const char* slash = std::strrchr(path, '/');
    std::string name = printable(slash != nullptr ? slash + 1 : path);
    return name.empty() ? "?" : name;
}

// The next look: not in step with a program that does things each 10 ms.
class rhythm {
  public:
    explicit rhythm(uint64_t rate) : period_(int64_t(1'000'000'000 / rate)) {}
    int64_t after(int64_t now) {
        seed_ = seed_ * 6364136223846793005ull + 1442695040888963407ull;
        return now + period_ * 3 / 4 + int64_t((seed_ >> 33) % uint64_t(period_ / 2 + 1));
    }

  private:
    int64_t period_;
    uint64_t seed_ = 1;
};

void sleep_until(int64_t when) {
    timespec t{when / 1'000'000'000, long(when % 1'000'000'000)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr) == EINTR) {
    }
}

int run_plain(const target& t, const options& o, view& v) {
    sampler s(t, o.interval_ns);
    rhythm looks(o.rate);
    s.look(steady_ns());
    for (uint64_t n = 0; o.times == 0 || n < o.times; n++) {
        int64_t end = steady_ns() + o.interval_ns;
        for (int64_t next = looks.after(steady_ns()); next < end; next = looks.after(steady_ns())) {
            sleep_until(next);
            s.look(steady_ns());
        }
        sleep_until(end);
        s.look(steady_ns());
        frame f = s.take(steady_ns());
        v.remember(f);
        std::string out;
        if (o.json) {
            out = frame_as_json(f, v) + "\n";
        } else {
            if (n != 0) out += "\n";
            for (const std::string& line : draw(f, v, 0, 160)) out += line + "\n";
        }
        bool written = std::fwrite(out.data(), 1, out.size(), stdout) == out.size() && std::fflush(stdout) == 0;
        if (!written) return 0;  // nobody reads any more; main() tells when it was something else
        if (!t.is_live()) {
            std::fprintf(stderr, "gossamer: top %s: the process has ended\n", t.name().c_str());
            return 0;
        }
    }
    return 0;
}

// What a key asks. False: the end.
bool obey(int key, view& v) {
    switch (key) {
        case 'q':
        case -1:
            return false;
        case 'p':
        case ' ':
            v.paused = !v.paused;
            break;
        case '1':
            v.by = sort_by::cpu;
            break;
        case '2':
            v.by = sort_by::wait;
            break;
        case '3':
            v.by = sort_by::name;
            break;
        case '4':
            v.by = sort_by::count;
            break;
        case '+':
            v.interval_ns = std::min(v.interval_ns * 2, kLongest);
            break;
        case '-':
            v.interval_ns = std::max(v.interval_ns / 2, kShortest);
            break;
        case 'h':
        case '?':
            v.help = true;
            break;
        default:
            break;
    }
    return true;
}

struct outcome {
    int signal = 0;
    bool ended = false;  // the process has
};

outcome run_screen(const target& t, const options& o, view& v) {
    sampler s(t);
    rhythm looks(o.rate);
    terminal screen;
    size_t rows = 24, columns = 80;
    screen.size(&rows, &columns);
    int64_t next_look = looks.after(steady_ns());
    s.look(steady_ns());
    frame shown = s.take(steady_ns());
    int64_t frame_began = steady_ns();
    uint64_t frames = 0;
    auto draw_now = [&] {
        std::vector<std::string> lines = v.help ? draw_help(v) : draw(shown, v, rows, columns);
        if (lines.size() > rows) lines.resize(rows);
        screen.show(lines);
    };
    draw_now();
    for (;;) {
        int64_t next_frame = frame_began + v.interval_ns;
        terminal::key k = screen.wait(std::min(next_look, next_frame) - steady_ns());
        if (k.signal != 0) return {k.signal, false};
        if (k.resized) screen.size(&rows, &columns);
        if (k.byte != 0 && v.help)
            v.help = false;
        else if (k.byte != 0 && !obey(k.byte, v))
            return {};
        if (k.byte == -1) return {};
        if (k.byte != 0 || k.resized) draw_now();
        int64_t now = steady_ns();
        if (now < next_look && now < next_frame) continue;
        s.look(now);
        next_look = looks.after(now);
        if (now < next_frame) continue;
        frame_began = now;
        frame f = s.take(now);
        v.remember(f);
        if (!t.is_live()) return {0, true};
        if (v.paused) continue;
        shown = std::move(f);
        draw_now();
        if (++frames == o.times) return {};
    }
}

int run(arguments& args) {
    options o;
    view v;
    o.interval_ns = args.duration_ns("--interval", o.interval_ns);
    if (o.interval_ns < kShortest || o.interval_ns > kLongest)
        throw usage_error("gossamer: top: --interval: from 100ms to 1h");
    o.times = args.number("--times", 0, 1, UINT32_MAX);
    o.rate = args.number("--rate", o.rate, 1, 1000);
    o.plain = args.flag("--plain");
    o.json = args.flag("--json");
    std::string by = args.value("--by").value_or("cpu");
    for (sort_by b : {sort_by::cpu, sort_by::wait, sort_by::name, sort_by::count})
        if (by == words(b)) {
            v.by = b;
            by.clear();
        }
    if (!by.empty()) throw usage_error("gossamer: top: --by " + by + ": cpu, wait, name or count");
    std::string what = args.positional("process");
    args.done();

    auto t = target::open(what);
    if (!t->is_live()) fail(what, "the process has ended; `gossamer ps` shows its last state");
    v.interval_ns = o.interval_ns;
    v.program = base_name(t->head().exe);
    v.pid = t->pid();
    if (o.plain || o.json || !terminal::is_there()) return run_plain(*t, o, v);

    v.colour = std::getenv("NO_COLOR") == nullptr;
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
        if (const char* value = std::getenv(name); value != nullptr && *value != 0) {
            std::string_view words(value);
            v.utf8 = words.ends_with("UTF-8") || words.ends_with("utf8") || words.ends_with("UTF8");
            break;
        }
    outcome end = run_screen(*t, o, v);
    if (end.signal != 0) raise(end.signal);  // the screen is as it was: now as if we had not caught it
    if (end.ended) std::printf("gossamer: top %s: the process has ended\n", t->name().c_str());
    return 0;
}

}  // namespace

const command top_command = {"top", "live screen: processors, queues, waits, who uses the CPU", kHelp, run};

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
// gossamer replay: a window, looked at as it was at any moment of it.
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "tools/gossamer/commands.h"
#include "tools/gossamer/replay_screen.h"
#include "tools/gossamer/window.h"

namespace insp {

namespace {

// "1.5s", "200ms"; false: it is none.
bool read_duration(std::string_view text, int64_t* ns) {
    static constexpr struct {
        std::string_view unit;
        double ns;
    } kUnits[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
    double n = 0;
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (failed != std::errc{} || n < 0) return false;
    std::string_view unit(end, size_t(text.data() + text.size() - end));
    for (const auto& u : kUnits)
        if (u.unit == unit && n * u.ns < 9e18) {
            *ns = std::llround(n * u.ns);
            return true;
        }
    return false;
}

// "14:03:05.25" on the day on which the window began, "2026-03-01 14:03:05", "2026-03-01T14:03:05.5"; local time. Nanoseconds since 1970.
bool read_calendar(const std::string& text, int64_t begin_real_ns, int64_t* real_ns) {
    time_t begin = time_t(begin_real_ns / 1'000'000'000);
    tm day{};
    localtime_r(&begin, &day);
    const char* rest = strptime(text.c_str(), "%Y-%m-%d", &day);
    if (rest != nullptr && (*rest == ' ' || *rest == 'T')) rest++;
    if (rest == nullptr) rest = text.c_str();
    rest = strptime(rest, "%H:%M:%S", &day);
    if (rest == nullptr) return false;
    double fraction = 0;
    if (*rest == '.') {
        auto [end, failed] = std::from_chars(rest, text.c_str() + text.size(), fraction);
        if (failed != std::errc{} || fraction >= 1) return false;
        rest = end;
    }
    if (*rest != 0) return false;
    day.tm_isdst = -1;
    time_t whole = mktime(&day);
    if (whole < 0) return false;
    *real_ns = int64_t(whole) * 1'000'000'000 + std::llround(fraction * 1e9);
    return true;
}

int64_t read_moment(const trace_window& w, const std::string& text) {
    int64_t n = 0;
    if (text.starts_with('+') && read_duration(std::string_view(text).substr(1), &n))
        n = w.begin_ns + n;
    else if (text.starts_with('-') && read_duration(std::string_view(text).substr(1), &n))
        n = w.end_ns - n;
    else if (read_calendar(text, w.begin_real_ns, &n))
        n = w.begin_ns + (n - w.begin_real_ns);
    else
        throw usage_error("gossamer: replay: --at " + text +
                          ": not +1.5s (from the beginning), -200ms (from the end) or 14:03:05.25");
    if (n < w.begin_ns || n > w.end_ns)
        throw error("gossamer: replay: --at " + text + ": the window is " + moment(w, w.end_ns).substr(1) + " long");
    return n;
}

int run(arguments& args) {
    bool json = args.flag("--json");
    auto at = args.value("--at");
    uint64_t why = args.number("--why", 0, 1, UINT64_MAX), step = args.number("--step", 0, 1, UINT64_MAX);
    uint64_t most = args.number("--most", 20, 1, 1'000'000);
    std::string what = args.positional("WINDOW");
    args.done();
    if (why != 0 && step != 0) throw usage_error("gossamer: replay: --why or --step, one at a time");
    auto t = target::open(what);
    trace_window w = load_window(*t);
    put_in_order(w);
    int64_t ns = at ? read_moment(w, *at) : w.end_ns;
    uint64_t g = why != 0 ? why : step;
    if (g != 0 && !w.goroutines.contains(g))
        fail(what, "there is no goroutine " + std::to_string(g) + " in the window");
    std::string out;
    if (why != 0) {
        std::vector<why_step> steps = walk_back(w, why, ns, 8);
        out = json ? why_as_json(w, steps) : why_as_text(w, steps);
    } else if (step != 0) {
        out = json ? steps_as_json(w, step, ns, most) : steps_as_text(w, step, ns, most);
    } else {
        replay_state s(w);
        s.go_to(ns);
        out = json ? state_as_json(w, s, most) : state_as_text(w, s, most);
    }
    std::fwrite(out.data(), 1, out.size(), stdout);
    return 0;
}

}  // namespace

const command replay_command = {
    "replay", "a window as it was at any moment: who ran, who waited, and why so long",
    "usage: gossamer replay WINDOW [--at T] [--why G | --step G] [--most N] [--json]\n\n"
    "Rebuilds the state at a moment of a recording: what each processor ran, who was runnable, who waited for what. "
    "WINDOW is a file of\n"
    "`record`, `snap`, trace::save() or GOSSAMER_TRACE, a black box, or a process whose recorder is on.\n\n"
    "  --at T      +1.5s from the beginning, -200ms from the end, or 14:03:05.25 of local time; the end when not "
    "given\n"
    "  --why G     why goroutine G ran so late before that moment: runnable since when, who woke it, what each "
    "processor ran\n"
    "              meanwhile; then the same of who woke it, as far back as the window goes\n"
    "  --step G    the events of goroutine G around that moment\n"
    "  --most N    groups of the state, or events before and behind (20)\n\n"
    "\">12ms\": it began before the window.\n\n"
    "example: gossamer replay slow.window --at +1.2s --why 17\n",
    run};

}  // namespace insp

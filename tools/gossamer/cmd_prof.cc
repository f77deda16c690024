// SPDX-License-Identifier: BSL-1.0
// gossamer prof: profiles for `go tool pprof`: of goroutines, waits, CPU, leaks.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include "tools/gossamer/commands.h"
#include "tools/gossamer/json.h"
#include "tools/gossamer/live_profiles.h"
#include "tools/gossamer/profiles.h"
#include "tools/gossamer/window.h"

namespace insp {

namespace {

constexpr int64_t kSecond = 1'000'000'000, kPeriod = 10'000'000;
constexpr uint32_t kWithStacks = 3;

constexpr const char* kKinds[] = {"goroutine", "block", "mutex", "runnable", "cpu", "leak"};

// Ctrl-C ends what is measured, not the program: what was found so far is written, and the recorder is put back.
class patience {
  public:
    patience() {
        sigemptyset(&set_);
        sigaddset(&set_, SIGINT);
        sigaddset(&set_, SIGTERM);
        sigaddset(&set_, SIGHUP);
        sigprocmask(SIG_BLOCK, &set_, &before_);
    }
    ~patience() { sigprocmask(SIG_SETMASK, &before_, nullptr); }
    patience(const patience&) = delete;
    patience& operator=(const patience&) = delete;
    // False when the user has had enough.
    bool wait(int64_t ns) {
        timespec t{time_t(ns / kSecond), long(ns % kSecond)};
        while (!over_) {
            if (sigtimedwait(&set_, nullptr, &t) > 0)
                over_ = true;
            else if (errno != EINTR)
                break;
        }
        return !over_;
    }

  private:
    sigset_t set_, before_;
    bool over_ = false;
};

// Switches the recorder on, and back to what it was.
class recording {
  public:
    recording(target& t) : t_(t), before_(t.control().level.load()) {
        if (before_ < kWithStacks) t.control().level.store(kWithStacks);
    }
    ~recording() {
        if (before_ < kWithStacks && t_.is_live()) t_.control().level.store(before_);
    }
    recording(const recording&) = delete;
    recording& operator=(const recording&) = delete;

  private:
    target& t_;
    uint32_t before_;
};

struct request {
    std::string kind, what, file;
    int64_t for_ns = 0;  // 0: not given
    bool json = false;
};

// Events before that moment go away.
void cut(trace_window& w, int64_t begin_ns) {
    if (begin_ns <= w.begin_ns) return;
    w.begin_real_ns += begin_ns - w.begin_ns;
    w.begin_ns = begin_ns;
    std::erase_if(w.events, [&](const event& e) { return e.ns < begin_ns; });
}

// Of a process: what happens from now on, or, when it records anyway and no time is given, what its rings hold.
trace_window window_of(target& t, const request& r) {
    if (!t.is_live() || (t.head().recorder_level.load() != 0 && r.for_ns == 0)) {
        trace_window w = load_window(t);
        put_in_order(w);
        return w;
    }
    patience user;
    int64_t from = t.now_ns();
    recording on(t);
    user.wait(r.for_ns != 0 ? r.for_ns : 2 * kSecond);
    trace_window w = load_window(t);
    put_in_order(w);
    cut(w, from);
    return w;
}

void print_json(const request& r, const profile& p) {
    std::string out;
    json_writer json(out);
    json.begin_object();
    json.key("kind").string(r.kind);
    json.key("time_ns").number(p.time_real_ns).key("duration_ns").number(p.duration_ns);
    json.key("types").begin_array();
    for (const profile::value_type& t : p.sample_types) {
        json.begin_object().key("type").string(t.type).key("unit").string(t.unit);
        json.end_object();
    }
    json.end_array().key("samples").begin_array();
    for (const profile::sample& s : p.samples) {
        json.begin_object().key("values").begin_array();
        for (int64_t v : s.values) json.number(v);
        json.end_array().key("labels").begin_object();
        for (const profile::label& l : s.labels) {
            json.key(l.key);
            l.text.empty() ? json.number(l.number) : json.string(l.text);
        }
        json.end_object().key("stack").begin_array();
        for (size_t i = 0; i < s.pcs.size(); i++) {
            bool is_return = i > 0 || !s.leaf_is_exact;
            for (const pc_name& n : p.names ? p.names(s.pcs[i], is_return) : std::vector<pc_name>()) {
                json.begin_object().key("function").string(n.function);
                json.key("file").string(n.file).key("line").number(int64_t(n.line));
                json.end_object();
            }
        }
        json.end_array().end_object();
        out += '\n';
    }
    json.end_array().end_object();
    out += '\n';
    std::fwrite(out.data(), 1, out.size(), stdout);
}

void write_file(const request& r, const profile& p) {
    std::string bytes = gzip(encode_profile(p));
    if (r.file == "-") {
        std::fwrite(bytes.data(), 1, bytes.size(), stdout);
        return;
    }
    FILE* f = std::fopen(r.file.c_str(), "we");
    if (f == nullptr) fail(r.what, r.file + ": " + std::strerror(errno));
    bool whole = std::fwrite(bytes.data(), 1, bytes.size(), f) == bytes.size();
    if ((std::fclose(f) != 0) || !whole) fail(r.what, r.file + ": " + std::strerror(errno));
}

std::string seconds(double ns) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g s", ns / kSecond);
    return text;
}

// "1000 goroutines", "12 contentions, 1.5 s"
std::string sums(const profile& p) {
    std::string text;
    for (size_t i = 0; i < p.sample_types.size(); i++) {
        double sum = 0;
        for (const profile::sample& s : p.samples) sum += double(s.values[i]);
        const profile::value_type& t = p.sample_types[i];
        if (i > 0) text += ", ";
        if (t.unit == "nanoseconds") {
            text += seconds(sum) + " of " + t.type;
        } else {
            std::string what = t.type == "goroutineleak" ? "leaked goroutine" : t.type;
            if (sum == 1 && what.ends_with('s')) what.pop_back();
            if (sum != 1 && !what.ends_with('s')) what += 's';
            text += std::to_string(int64_t(sum)) + " " + what;
        }
    }
    return text;
}

profile cpu(const target& t, const request& r) {
    if (!t.is_live()) fail(r.what, "it does not run, and CPU can only be measured while it does");
    patience user;
    cpu_counts counts;
    profile p = cpu_profile(
        t, r.for_ns != 0 ? r.for_ns : 10 * kSecond, kPeriod, [&](int64_t ns) { return user.wait(ns); }, &counts);
    if (counts.samples != 0)
        std::fprintf(stderr, "%llu looks; a thread stood still for %.1f us on average, %.1f us at most\n",
                     static_cast<unsigned long long>(counts.looks),
                     double(counts.stopped_ns) / 1000 / double(counts.samples), double(counts.longest_stop_ns) / 1000);
    if (counts.own_ns != 0)
        std::fprintf(stderr, "%s of CPU went to the scheduler's own work\n", seconds(double(counts.own_ns)).c_str());
    if (counts.unread != 0)
        std::fprintf(stderr, "of %llu samples the stack could not be read\n",
                     static_cast<unsigned long long>(counts.unread));
    return p;
}

profile take(target& t, const request& r) {
    if (r.kind == "goroutine") return goroutine_profile(t);
    if (r.kind == "cpu") return cpu(t, r);
    if (r.kind == "leak") {
        std::string why;
        profile p = leak_profile(t, &why);
        if (!why.empty()) std::fprintf(stderr, "none is certain: %s\n", why.c_str());
        return p;
    }
    trace_window w = window_of(t, r);
    if (w.lost != 0)
        std::fprintf(stderr, "%llu records were overwritten before they could be read\n",
                     static_cast<unsigned long long>(w.lost));
    profile p = r.kind == "block" ? block_profile(w) : r.kind == "mutex" ? mutex_profile(w) : runnable_profile(w);
    put_mappings(t, p);
    // The window names every address that it had when it was saved; a window taken now may leave it to us.
    p.names = [&t, of_window = p.names](uint64_t pc, bool is_return) {
        std::vector<pc_name> names = of_window(pc, is_return);
        return names.empty() ? names_by(t, pc, is_return) : names;
    };
    return p;
}

int run(arguments& args) {
    request r;
    r.json = args.flag("--json");
    r.file = args.value("-o").value_or("");
    r.for_ns = args.duration_ns("--for", 0);
    r.kind = args.positional("profile (goroutine, block, mutex, runnable, cpu, leak)");
    if (std::find(std::begin(kKinds), std::end(kKinds), r.kind) == std::end(kKinds))
        throw usage_error("gossamer: prof: " + r.kind + " is none of goroutine, block, mutex, runnable, cpu, leak");
    r.what = args.positional("process or window");
    args.done();
    if (r.file.empty() && !r.json) throw usage_error("gossamer: prof: -o FILE says where the profile goes");
    if (r.file == "-" && (r.json || isatty(STDOUT_FILENO)))
        throw usage_error("gossamer: prof: -o - wants an output of its own, which is no terminal");
    if (r.for_ns != 0 && (r.kind == "goroutine" || r.kind == "leak"))
        throw usage_error("gossamer: prof: a " + r.kind + " profile is of one moment; --for says nothing there");

    std::unique_ptr<target> t = target::open(r.what);
    profile p = take(*t, r);
    if (r.json) print_json(r, p);
    if (!r.file.empty()) write_file(r, p);
    if (!r.json && r.file != "-")
        std::printf("%s: %s in %zu places and labels. Look at it with: go tool pprof -top %s\n", r.file.c_str(),
                    sums(p).c_str(), p.samples.size(), r.file.c_str());
    return 0;
}

constexpr const char* kHelp =
    "usage: gossamer prof KIND TARGET -o FILE [--for 2s] [--json]\n\n"
    "Writes a profile for `go tool pprof`, with the names of functions and their lines inside. TARGET is a process, a "
    "black box,\n"
    "a core, or a window that `snap` or `record` wrote. KIND:\n\n"
    "  goroutine  each goroutine with its stack. Labels: goroutine_name, state, created_by, object, wait_ns\n"
    "  block      where goroutines waited, how often and how long, until they ran again. Labels: reason, "
    "goroutine_name, object\n"
    "  mutex      who made others wait for a mutex that it held. Labels: place (what is known of where it was: unlock, "
    "lock, or\n"
    "             the start of the goroutine), goroutine_name, object\n"
    "  runnable   how long goroutines that could run had no processor, by who started them. Labels: since, "
    "goroutine_name, p\n"
    "  cpu        where the CPU goes: a look at each processor every 10 ms, from outside. A process that runs only\n"
    "  leak       goroutines that wait for what nobody can do any more. Labels as of goroutine, and: certain\n\n"
    "block, mutex and runnable switch the recorder of a process on for the time of --for (2s), and back; when it is on "
    "and no\n"
    "--for is given, they take what it has. Waits that are not over by the end do not count. cpu takes --for (10s), "
    "too.\n"
    "Ctrl-C ends early and writes what there is.\n\n"
    "  -o FILE    where to write; - is the standard output\n"
    "  --for T    how long\n"
    "  --json     the samples as JSON on the standard output; -o may be left out\n\n"
    "example: gossamer prof block 4711 -o b.pb.gz && go tool pprof -top b.pb.gz\n"
    "         go tool pprof -tagroot goroutine_name -http :8080 b.pb.gz\n";

}  // namespace

const command prof_command = {"prof", "profiles for go tool pprof: goroutine, block, mutex, runnable, cpu, leak", kHelp,
                              run};

}  // namespace insp

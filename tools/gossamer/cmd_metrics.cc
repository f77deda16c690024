// SPDX-License-Identifier: BSL-1.0
// metrics: what can be counted, for a monitoring system: Prometheus's text format, or JSON.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tools/gossamer/commands.h"
#include "tools/gossamer/json.h"
#include "tools/gossamer/metrics_page.h"
#include "tools/gossamer/sampler.h"

namespace insp {

namespace {

constexpr char kHelp[] =
    "usage: gossamer metrics TARGET [--json]\n"
    "\n"
    "Prints what a process has counted and how it stands in Prometheus's text format: names gossamer_…, totals end in\n"
    "_total, times are in seconds. For the textfile directory of a node exporter, a cron job, a socket server: the "
    "process\n"
    "opens no port and does nothing for it.\n"
    "\n"
    "  --json   the same families as JSON\n"
    "\n"
    "gossamer_runnable_wait_seconds is how long goroutines that could run waited for a processor. One in 64 is timed:\n"
    "multiply rates of its count by 64; quantiles are right as they are.\n"
    "\n"
    "example: gossamer metrics 4711 >/var/lib/node_exporter/gossamer.prom\n";

struct counter_words {
    const char* event;
    const char* help;
};
// By the names of the events, which are those of gossamer::runtime::counters.
constexpr counter_words kCounters[] = {
    {"searches", "Threads without work that began to search that of others."},
    {"empty_searches", "Searches that found nothing."},
    {"steals", "Times a searcher took work from a processor whose thread did not answer."},
    {"stolen_goroutines", "Goroutines taken so."},
    {"shares", "Times a processor gave half of its queue away because a searcher asked."},
    {"handshakes", "Attempts to lay hands on a processor behind its thread's back."},
    {"refused_handshakes", "Attempts that found the thread inside the runtime."},
    {"retakes", "Processors that the monitor took from threads that block or compute."},
    {"preemptions", "Goroutines asked to give way after 10 ms."},
    {"fences", "Memory fences that interrupt each running CPU."},
    {"wakes", "Threads woken by a system call."},
    {"lost_wakes", "Wake-ups that somebody else was faster with."},
    {"sleeps", "Times a thread went to sleep for want of work."},
    {"poller_wakes", "Times the sleeper in the poller was interrupted."},
    {"poller_sleeps", "Times a thread slept in the poller."},
    {"idle_processors", "Times a processor was put aside for want of work."},
    {"lock_waits", "Times a lock of the runtime was found taken."},
    {"lock_yields", "Times its waiter gave its CPU away before it came free."},
    {"mutex_waits", "Times a lock of a mutex had to queue."},
    {"queue_overflows", "Times a processor's queue was full."},
    {"global_puts", "Batches put into the global queue."},
    {"global_put_goroutines", "Goroutines in them."},
    {"global_gets", "Batches taken from the global queue."},
    {"global_got_goroutines", "Goroutines in them."},
    {"goroutine_batches", "Batches of dead goroutines moved between a processor and the central list."},
    {"stack_batches", "Batches of stacks moved likewise."},
    {"polls", "Looks at the poller that did not wait."},
    {"polled_goroutines", "Goroutines that the poller made ready."},
    {"timers_run", "Timers and sleepers whose time had come."},
};

std::string help_of(std::string_view event) {
    for (const counter_words& c : kCounters)
        if (event == c.event) return c.help;
    return "Events of this kind, as the runtime counts them.";
}

const char* words(box::life state) {
    static constexpr const char* kWords[] = {"running", "exited", "died"};
    return size_t(state) < std::size(kWords) ? kWords[size_t(state)] : "unknown";
}

void put_goroutines(metrics_page& page, const frame& f) {
    page.family("gossamer_goroutines", "gauge",
                "Goroutines by state, and by what they wait for; the library's own left out.");
    page.sample({{"state", "running"}}, double(f.running));
    page.sample({{"state", "runnable"}}, double(f.runnable));
    if (f.reasons.empty()) page.sample({{"state", "waiting"}, {"reason", ""}}, 0);
    for (auto& [reason, n] : f.reasons)
        page.sample({{"state", "waiting"}, {"reason", reason_words(reason)}}, double(n));
}

void put_processors(metrics_page& page, probe& words) {
    std::vector<processor_look> ps = words.processors();
    uint64_t created = 0, ended = 0;
    for (const processor_look& p : ps) {
        created += p.created;
        ended += p.ended;
    }
    page.total("gossamer_goroutines_created", "Goroutines started on a processor.", double(created));
    page.total("gossamer_goroutines_ended", "Goroutines that have ended.", double(ended));
    std::erase_if(ps, [](const processor_look& p) { return p.retired; });
    page.family("gossamer_processor_queue_length", "gauge", "Goroutines that wait for this processor.");
    for (const processor_look& p : ps) page.sample({{"p", std::to_string(p.id)}}, double(p.queued));
    page.family("gossamer_processor_held", "gauge", "1 when a thread holds the processor, 0 when it is idle.");
    for (const processor_look& p : ps) page.sample({{"p", std::to_string(p.id)}}, p.held && p.m != 0 ? 1 : 0);
    page.family("gossamer_processor_slices_total", "counter",
                "Slices begun by goroutines from the processor's queue; begins anew after 2^32.");
    for (const processor_look& p : ps) page.sample({{"p", std::to_string(p.id)}}, double(p.tick));
}

void put_threads(metrics_page& page, const frame& f) {
    page.family(
        "gossamer_threads", "gauge",
        "Threads of the scheduler; outside: those that run a goroutine after the monitor took their processor.");
    double others = double(f.threads) - f.threads_parked - f.threads_blocking - f.threads_outside;
    page.sample({{"state", "asleep"}}, f.threads_parked);
    page.sample({{"state", "blocking"}}, f.threads_blocking);
    page.sample({{"state", "outside"}}, f.threads_outside);
    page.sample({{"state", "working"}}, std::max(0.0, others));
    page.gauge("gossamer_procs", "Processors: goroutines that may run at once.", f.procs);
    page.gauge("gossamer_idle_procs", "Processors without work.", f.idle_procs);
    page.gauge("gossamer_searching_threads", "Threads that search for work.", f.searching);
    page.gauge("gossamer_blocking_calls", "Announced blocking calls that last.", f.blocking);
    page.gauge("gossamer_global_queue_length", "Goroutines in the queue of all processors.", f.global_queue);
}

// Bucket i holds waits below 2^(i+1) ns. What lies in one is taken for its middle in the sum.
void put_waits(metrics_page& page, const std::vector<uint64_t>& waits) {
    page.family("gossamer_runnable_wait_seconds", "histogram",
                "How long goroutines that could run waited for a processor. One in 64 is timed; the sum is an estimate "
                "from the buckets.");
    uint64_t count = 0;
    double sum = 0;
    constexpr size_t kFirst = 6, kLast = 36;  // 128 ns to 137 s: what lies beyond is in the first and in +Inf
    for (size_t i = 0; i < waits.size(); i++) {
        count += waits[i];
        sum += double(waits[i]) * std::ldexp(1.5, int(i)) / 1e9;
        if (i < kFirst || i > kLast) continue;
        char le[32];
        std::snprintf(le, sizeof le, "%.9g", std::ldexp(1.0, int(i) + 1) / 1e9);
        page.sample({{"le", le}}, double(count), "_bucket");
    }
    page.sample({{"le", "+Inf"}}, double(count), "_bucket");
    page.sample({}, sum, "_sum");
    page.sample({}, double(count), "_count");
}

int run(arguments& args) {
    bool json = args.flag("--json");
    std::string what = args.positional("process");
    args.done();
    auto t = target::open(what);
    const box::header& head = t->head();
    sampler s(*t);
    int64_t now = t->is_live() ? steady_ns() : t->now_ns();
    s.look(now);
    frame f = s.take(now);

    metrics_page page;
    page.family("gossamer_info", "gauge", "The process that is told of.");
    char exe[sizeof head.exe], library[sizeof head.library];
    std::snprintf(exe, sizeof exe, "%.*s", int(sizeof head.exe - 1), head.exe);
    std::snprintf(library, sizeof library, "%.*s", int(sizeof head.library - 1), head.library);
    page.sample({{"pid", std::to_string(t->pid())},
                 {"program", printable(exe)},
                 {"version", printable(library)},
                 {"state", words(head.state.load())}},
                1);
    page.gauge("gossamer_up", "1 while the process runs.", t->is_live() ? 1 : 0);
    page.gauge("gossamer_uptime_seconds", "Since the runtime began.", double(f.uptime_ns) / 1e9);
    if (uint64_t ticks = 0; t->is_live() && read_cpu_ticks(t->pid(), &ticks))
        page.total("gossamer_cpu_seconds", "CPU time of the process, all threads.",
                   double(ticks) / double(sysconf(_SC_CLK_TCK)));
    put_goroutines(page, f);
    put_processors(page, s.words());
    put_threads(page, f);
    for (const counter_frame& c : f.counters)
        page.total("gossamer_" + std::string(c.name), help_of(c.name), double(c.total));
    put_waits(page, s.wait_totals());
    std::string out = json ? page.as_json() + "\n" : page.as_text();
    std::fwrite(out.data(), 1, out.size(), stdout);
    return 0;
}

}  // namespace

const command metrics_command = {"metrics", "counters and gauges in Prometheus's text format", kHelp, run};

}  // namespace insp

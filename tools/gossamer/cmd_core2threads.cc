// SPDX-License-Identifier: BSL-1.0
// core2threads: a core in which each goroutine is a thread, for debuggers that know nothing of goroutines.
#include <cstdio>

#include "tools/gossamer/commands.h"
#include "tools/gossamer/core_file.h"
#include "tools/gossamer/core_notes.h"
#include "tools/gossamer/json.h"
#include "tools/gossamer/target_inside.h"

namespace insp {

namespace {

int run(arguments& args) {
    std::optional<std::string> to = args.value("-o");
    uint64_t most = args.number("--most", UINT64_MAX, 1, UINT64_MAX);
    bool as_json = args.flag("--json");
    std::string what = args.positional("TARGET");
    args.done();
    if (!to) throw usage_error("gossamer: core2threads " + what + ": -o FILE is missing: where the core is to go");
    auto t = target::open(what);
    bool is_live = t->is_live();
    if (!is_live && !t->contents().is_core)
        fail(what, "it is neither a process that runs nor a core: there are no stacks in it");
    goroutine_notes g = make_goroutine_notes(*t, take_snapshot(*t), most);
    if (g.count == 0 && g.missed > 0)
        fail(what, "no stack of its " + std::to_string(g.missed) + " goroutines can be read");
    if (is_live)
        write_live_core(*t, *to, g.notes);
    else
        copy_core(what, *to, g.notes);
    std::string out;
    if (as_json) {
        json_writer json(out);
        json.begin_object();
        json.key("file").string(*to);
        json.key("goroutines").number(g.count);
        json.key("missed").number(g.missed);
        json.key("first_thread_id").number(uint64_t(kFirstTid));
        json.end_object();
        out += '\n';
    } else {
        out = *to + ": " + std::to_string(g.count) + " goroutines as threads; goroutine N is LWP " +
              std::to_string(kFirstTid) + " + N\n";
        if (g.missed > 0) out += std::to_string(g.missed) + " more moved, or their stacks are not there\n";
    }
    std::fputs(out.c_str(), stdout);
    return 0;
}

}  // namespace

const command core2threads_command = {
    "core2threads", "a core in which each goroutine is a thread, for gdb",
    "usage: gossamer core2threads TARGET -o FILE [--most N] [--json]\n\n"
    "TARGET is a core, or a process that runs: then its memory is written to a core while it goes on. In FILE every\n"
    "goroutine that waits or is runnable is a thread: gdb's `info threads`, `thread apply all bt`, `frame` and\n"
    "`info locals` work on it. Goroutine N has the thread id (LWP) 100000000 + N. Those that ran are on the threads "
    "that\n"
    "the core already has; a core of a running process has none of these.\n\n"
    "  -o FILE     where the core goes; holes in it take no room on disk\n"
    "  --most N    only the first N goroutines: debuggers are slow with very many threads\n"
    "  --json      what was written, as JSON\n\n"
    "  gossamer core2threads core.4711 -o core.threads && gdb ./program core.threads\n"
    "  gossamer core2threads 4711 -o core.live --most 1000\n",
    run};

}  // namespace insp

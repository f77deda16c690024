// SPDX-License-Identifier: BSL-1.0
// gossamer export: a window for other programs' viewers.
#include "tools/gossamer/exporters.h"
#include "tools/gossamer/window.h"

namespace insp {

namespace {

int run(arguments& args) {
    std::optional<export_choice> choice = take_format(args);
    auto path = args.value("-o");
    std::string what = args.positional("WINDOW");
    args.done();
    if (!choice) throw usage_error("gossamer: export: which format: --go, --perfetto or --json?");
    if (!path) throw usage_error("gossamer: export: where to: -o FILE?");
    auto t = target::open(what);
    trace_window w = load_window(*t);
    export_window(w, *choice, *path);
    return 0;
}

}  // namespace

const command export_command = {
    "export", "a window as a trace of Go's, for Perfetto, or as Chrome's JSON",
    "usage: gossamer export WINDOW --go|--perfetto|--json -o FILE\n\n"
    "Writes what the recorder holds in the format of another program's viewer. WINDOW is a file that `record`, `snap`, "
    "trace::save()\n"
    "or GOSSAMER_TRACE wrote, the black box of a process that has died, or a process whose recorder is on.\n\n"
    "  --go           for `go tool trace FILE` and gotraceui\n"
    "  --version N    of --go: 23 (any Go since 1.23), 25, or 26 (the calendar's time in it)\n"
    "  --objects      of --go: a log entry before each wait tells what for\n"
    "  --perfetto     for https://ui.perfetto.dev\n"
    "  --json         trace events for chrome://tracing, speedscope and scripts\n"
    "  -o FILE        \"-\" is the standard output\n\n"
    "example: gossamer export run.window --go -o run.trace && go tool trace run.trace\n",
    run};

}  // namespace insp

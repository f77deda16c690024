// SPDX-License-Identifier: BSL-1.0
// gossamer snap: the box as a file.
#include <cstdio>

#include "tools/gossamer/box_writer.h"
#include "tools/gossamer/commands.h"
#include "tools/gossamer/json.h"
#include "tools/gossamer/output_file.h"
#include "tools/gossamer/screen.h"
#include "tools/gossamer/ticks.h"

namespace insp {

namespace {

int run(arguments& args) {
    bool json = args.flag("--json");
    auto path = args.value("-o");
    std::string what = args.positional("TARGET");
    args.done();
    if (!path) throw usage_error("gossamer: snap: where to: -o FILE?");
    auto t = target::open(what);
    output_file out(*path);
    box_times times;
    times.until_end = t->head().recorder_level.load() != 0;
    if (t->is_live()) read_clocks(&times.end_ticks, &times.end_ns);
    std::vector<ring_copy> rings = copy_rings(*t);
    times.since_ticks = whole_since(*t, rings);
    uint64_t records = 0;
    for (const ring_copy& r : rings) records += r.records.size();
    write_box(*t, as_saved(rings), times, fileno(out.stream()), *path);
    uint64_t bytes = out.keep();
    if (json) {
        std::string text;
        json_writer w(text);
        w.begin_object().key("file").string(*path).key("bytes").number(bytes).key("threads_recorded");
        w.number(uint64_t(rings.size())).key("records").number(records).end_object();
        std::printf("%s\n", text.c_str());
        return 0;
    }
    std::printf("%s: %s bytes", path->c_str(), with_separators(bytes).c_str());
    if (records == 0)
        std::printf("; the recorder holds nothing\n");
    else
        std::printf("; up to %s records of %zu threads\n", with_separators(records).c_str(), rings.size());
    return 0;
}

}  // namespace

const command snap_command = {
    "snap", "saves the black box, with what the recorder holds",
    "usage: gossamer snap TARGET -o FILE\n\n"
    "Copies the state of a process (goroutines, processors, threads) and what its recorder holds into a file that "
    "every command takes\n"
    "as TARGET. The process is not stopped and runs no code for it. Of a process that has died it saves what it left "
    "in /dev/shm.\n"
    "Stacks are memory of the process, not of its box: `gossamer core2threads` saves them.\n\n"
    "  --json         what was written, as JSON\n\n"
    "example: gossamer snap 4711 -o now.window && gossamer ps now.window\n",
    run};

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
// gossamer report: a window as one web page.
#include <string>

#include "tools/gossamer/commands.h"
#include "tools/gossamer/json.h"
#include "tools/gossamer/output_file.h"
#include "tools/gossamer/report.h"
#include "tools/gossamer/window.h"

namespace insp {

namespace {

// "server, process 4711"
std::string title_of(const trace_window& w) {
    std::string program = w.program.substr(w.program.rfind('/') + 1);
    if (program.empty()) program = "gossamer";
    return w.pid == 0 ? program : program + ", process " + std::to_string(w.pid);
}

void print_result(const trace_window& w, const std::string& path, uint64_t bytes, uint64_t invented, bool json) {
    std::string text;
    if (json) {
        json_writer j(text);
        j.begin_object().key("file").string(path).key("bytes").number(bytes);
        j.key("events").number(uint64_t(w.events.size())).key("goroutines").number(uint64_t(w.goroutines.size()));
        j.key("duration_ns").number(w.end_ns - w.begin_ns).key("lost").number(w.lost).key("invented").number(invented);
        if (!w.stopped_by.empty()) j.key("stopped").string(stop_words(w));
        j.end_object();
    } else {
        text = path + ": " + std::to_string(w.events.size()) + " events of " + std::to_string(w.goroutines.size()) +
               " goroutines in " + std::to_string((w.end_ns - w.begin_ns) / 1'000'000) + " ms, " +
               std::to_string((bytes + 1023) / 1024) + " KiB";
        if (w.lost != 0) text += "; " + std::to_string(w.lost) + " records were lost";
        if (std::string stop = stop_words(w); !stop.empty()) text += "; " + stop;
    }
    text += '\n';
    // With the page itself on the standard output, nothing else may be there.
    std::fwrite(text.data(), 1, text.size(), path == "-" ? stderr : stdout);
}

int run(arguments& args) {
    bool json = args.flag("--json");
    std::optional<std::string> path = args.value("-o"), title = args.value("--title");
    std::string what = args.positional("WINDOW");
    args.done();
    if (!path) throw usage_error("gossamer: report: where to: -o FILE.html?");
    trace_window w = load_window(*target::open(what));
    uint64_t invented = put_in_order(w);
    output_file page(*path);
    write_report(w, title.value_or(title_of(w)), page.stream());
    uint64_t bytes = page.keep();
    print_result(w, *path, bytes, invented, json);
    return 0;
}

}  // namespace

const command report_command = {
    "report", "a window as one web page: timeline, latency, who waits for whom, why so late",
    "usage: gossamer report WINDOW -o FILE.html [--title TEXT] [--json]\n\n"
    "Writes one HTML file that needs nothing but itself and opens in any browser, also without a network. WINDOW is a "
    "file that\n"
    "`record`, `snap`, trace::save() or GOSSAMER_TRACE wrote, the black box of a process that has died, or a process "
    "whose recorder is on.\n\n"
    "The page has a timeline (a lane for each processor and each goroutine), the critical path to any slice that ran "
    "late, heat\n"
    "maps of the waits for a processor and of the time blocked by reason and place, the state of everything at any "
    "moment with who\n"
    "waits for what, and a summary. ? in it shows all keys. A million events make about 20 MB.\n\n"
    "  -o FILE        \"-\" is the standard output\n"
    "  --title TEXT   of the page; else the program's name and number\n"
    "  --json         what was written, as JSON: file, bytes, events, goroutines, duration_ns, lost, invented\n\n"
    "example: gossamer record 4711 --for 2s -o run.window && gossamer report run.window -o run.html\n",
    run};

}  // namespace insp

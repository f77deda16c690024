// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/exporters.h"

#include <cstdio>

#include "tools/gossamer/chrome_json.h"
#include "tools/gossamer/go_trace.h"
#include "tools/gossamer/output_file.h"
#include "tools/gossamer/perfetto.h"
#include "tools/gossamer/screen.h"
#include "tools/gossamer/window.h"

namespace insp {

const char* export_choice::extension() const {
    switch (format) {
        case trace_format::go:
            return ".trace";
        case trace_format::perfetto:
            return ".perfetto-trace";
        case trace_format::json:
            break;
    }
    return ".json";
}

std::optional<export_choice> take_format(arguments& args) {
    export_choice choice;
    int asked = 0;
    auto take = [&](const char* name, trace_format format) {
        if (!args.flag(name)) return;
        choice.format = format;
        asked++;
    };
    take("--go", trace_format::go);
    take("--perfetto", trace_format::perfetto);
    take("--json", trace_format::json);
    choice.wait_objects = args.flag("--objects");
    auto version = args.value("--version");
    if (version && *version != "23" && *version != "25" && *version != "26")
        throw usage_error("gossamer: " + args.command() + ": --version " + *version + ": there are 23, 25 and 26");
    if (version) choice.go_version = std::stoi(*version);
    if (asked > 1) throw usage_error("gossamer: " + args.command() + ": one format at a time");
    if ((version || choice.wait_objects) && (asked == 0 || choice.format != trace_format::go))
        throw usage_error("gossamer: " + args.command() + ": --version and --objects go with --go");
    if (asked == 0) return std::nullopt;
    return choice;
}

void export_window(trace_window& w, const export_choice& choice, const std::string& path) {
    output_file out(path);
    uint64_t lost = w.lost, invented = put_in_order(w);
    std::string note;
    switch (choice.format) {
        case trace_format::go: {
            go_trace_options o;
            o.version = choice.go_version;
            o.wait_objects = choice.wait_objects;
            note = write_go_trace(w, o, out.stream()).message();
            break;
        }
        case trace_format::perfetto:
            write_perfetto(w, out.stream());
            break;
        case trace_format::json:
            write_chrome_json(w, out.stream());
            break;
    }
    uint64_t bytes = out.keep();
    if (path == "-") return;
    std::fprintf(stderr, "%s: %s events over %s, %s bytes", path.c_str(), with_separators(w.events.size()).c_str(),
                 short_time(double(w.end_ns - w.begin_ns)).c_str(), with_separators(bytes).c_str());
    if (lost != 0) std::fprintf(stderr, "; %s older records were overwritten", with_separators(lost).c_str());
    if (invented != 0)
        std::fprintf(stderr, "; %s events made up where a record is missing", with_separators(invented).c_str());
    if (std::string stop = stop_words(w); !stop.empty()) std::fprintf(stderr, "; %s", stop.c_str());
    std::fprintf(stderr, "\n");
    if (!note.empty()) std::fprintf(stderr, "%s\n", note.c_str());
}

}  // namespace insp

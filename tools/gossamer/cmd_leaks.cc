// SPDX-License-Identifier: BSL-1.0
// leaks: blocked goroutines that nobody can wake.
#include <algorithm>
#include <map>

#include "tools/gossamer/commands.h"
#include "tools/gossamer/graph_text.h"
#include "tools/gossamer/json.h"
#include "tools/gossamer/leaks.h"
#include "tools/gossamer/screen.h"

namespace insp {

namespace {

struct group {
    std::string name, state, place, creator;
    bool certain = false;
    std::vector<const leak*> members;
    int64_t longest_ns = -1;
};

std::vector<group> group_leaks(const snapshot& s, const leak_report& report, describer& names) {
    std::map<std::tuple<bool, std::string, std::string, std::string>, group> groups;
    for (const leak& l : report.leaks) {
        const goroutine& g = s.goroutines[l.index];
        std::tuple key{!l.certain, names.name(g), describer::state(g), names.place(g)};
        group& to = groups[key];
        if (to.members.empty()) {
            to.certain = l.certain;
            to.name = names.name(g);
            to.state = describer::state(g);
            to.place = names.place(g);
            to.creator = names.creator(g);
        }
        to.members.push_back(&l);
        to.longest_ns = std::max(to.longest_ns, l.waited_ns);
    }
    std::vector<group> sorted;
    for (auto& [key, g] : groups) sorted.push_back(std::move(g));
    std::stable_sort(sorted.begin(), sorted.end(), [](const group& a, const group& b) {
        return a.certain != b.certain ? a.certain : a.members.size() > b.members.size();
    });
    return sorted;
}

std::string ids_of(const group& g) {
    constexpr size_t kMost = 4;
    std::string text;
    for (size_t i = 0; i < g.members.size() && i < kMost; i++)
        text += (i != 0 ? " G" : "G") + std::to_string(g.members[i]->id);
    if (g.members.size() > kMost) text += " …";
    return text;
}

void print_text(const leak_report& report, const std::vector<group>& groups) {
    if (!report.why_inexact.empty()) std::printf("nothing is certain: %s. By age alone:\n", report.why_inexact.c_str());
    if (groups.empty()) {
        std::printf("no leaks: %s looked at\n", plural(report.blocked, "blocked goroutine").c_str());
        return;
    }
    text_table table;
    table.add({"COUNT", "PROOF", "WAITED", "STATE", "NAME", "WAITS IN", "CREATED IN", "GOROUTINES"});
    for (const group& g : groups)
        table.add({std::to_string(g.members.size()), g.certain ? "certain" : "heuristic",
                   g.longest_ns >= 0 ? short_time(double(g.longest_ns)) : "-", g.state, g.name,
                   g.place.empty() ? "-" : g.place, g.creator.empty() ? "-" : g.creator, ids_of(g)});
    std::fputs(table.text().c_str(), stdout);
    std::printf("%s of %s that are blocked\n", plural(report.leaks.size(), "leaked goroutine").c_str(),
                plural(report.blocked, "goroutine").c_str());
}

void print_json(const target& t, const leak_report& report, const std::vector<group>& groups) {
    std::string out;
    json_writer json(out);
    json.begin_object().key("pid").number(uint64_t(t.pid()));
    json.key("exact").boolean(report.why_inexact.empty());
    if (!report.why_inexact.empty()) json.key("why").string(report.why_inexact);
    json.key("blocked").number(uint64_t(report.blocked));
    json.key("searched_bytes").number(report.bytes);
    json.key("stopped_ns").number(report.stopped_ns);
    json.key("leaked").number(uint64_t(report.leaks.size()));
    json.key("groups").begin_array();
    for (const group& g : groups) {
        json.begin_object().key("name").string(g.name).key("state").string(g.state).key("place").string(g.place);
        json.key("created").string(g.creator).key("proof").string(g.certain ? "certain" : "heuristic");
        json.key("count").number(uint64_t(g.members.size()));
        json.key("longest_ns");
        g.longest_ns >= 0 ? json.number(g.longest_ns) : json.null();
        json.key("goroutines").begin_array();
        for (const leak* l : g.members) json.number(l->id);
        json.end_array().end_object();
    }
    json.end_array().end_object();
    out += '\n';
    std::fwrite(out.data(), 1, out.size(), stdout);
}

int run(arguments& args) {
    bool as_json = args.flag("--json");
    leak_options options;
    options.older_ns = args.duration_ns("--older", 0);
    options.may_stop = !args.flag("--no-stop");
    std::string name = args.positional("target");
    args.done();
    auto t = target::open(name);
    snapshot s = take_snapshot(*t);
    leak_report report = look_for_leaks(*t, s, options);
    describer names(*t, s);
    std::vector<group> groups = group_leaks(s, report, names);
    as_json ? print_json(*t, report, groups) : print_text(report, groups);
    return 0;
}

}  // namespace

const command leaks_command = {
    "leaks", "blocked goroutines that nobody can wake",
    "usage: gossamer leaks TARGET [--older 10s] [--no-stop] [--json]\n\n"
    "Lists goroutines that wait for a channel, a select or something of sync for ever, since whoever could wake them "
    "is\n"
    "gone or waits for ever too. Grouped by name, state and place.\n\n"
    "  --older 10s   only those known to have waited for so long\n"
    "  --no-stop     never stop the process: whom one look at it suspects, none of them certain\n"
    "  --json        as JSON, with the ids of all\n\n"
    "PROOF   certain: what it waits for is mentioned nowhere but in the stacks and closures of leaked goroutines. All\n"
    "        memory of the process and the registers of its threads were searched while it stood still; the channels' "
    "own\n"
    "        count of handles agrees.\n"
    "        heuristic: only waits for long. Where the memory is gone (the black box of a dead process), or with "
    "--older\n"
    "        where it cannot be read.\n"
    "The process is stopped only when there is somebody to suspect: for some 10 ms, and as long as it takes to read "
    "its\n"
    "memory, about half a second a gigabyte; --json tells how long. Not every leak is found: what lies on the heap "
    "counts\n"
    "as in use.\n\n"
    "example: gossamer leaks 4711 --older 1m\n",
    run};

}  // namespace insp

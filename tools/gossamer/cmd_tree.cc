// SPDX-License-Identifier: BSL-1.0
// tree: who created whom.
#include <algorithm>
#include <map>
#include <set>

#include "tools/gossamer/commands.h"
#include "tools/gossamer/graph_text.h"
#include "tools/gossamer/json.h"
#include "tools/gossamer/spawn_tree.h"

namespace insp {

namespace {

struct drawing {
    const snapshot& s;
    describer& names;
    size_t most;  // children drawn of one goroutine
    size_t depth;
};

std::string line_of(const drawing& d, const spawn_branch& b) {
    const goroutine* g = b.index != spawn_branch::kEnded ? &d.s.goroutines[b.index] : nullptr;
    if (g == nullptr) return "(ended) G" + std::to_string(b.id);
    std::string text = b.count > 1 ? std::to_string(b.count) + " × " + d.names.name(*g) : d.names.label(*g);
    text += "  " + describer::state(*g);
    if (const std::string& place = d.names.place(*g); !place.empty()) text += " in " + place;
    return text;
}

void draw(const drawing& d, const std::vector<spawn_branch>& branches, const std::string& indent, size_t depth,
          std::string& out) {
    size_t n = std::min(branches.size(), d.most);
    for (size_t i = 0; i < n; i++) {
        bool last = i + 1 == branches.size();
        bool top = depth == 0;
        out += top ? line_of(d, branches[i]) : indent + (last ? "└─ " : "├─ ") + line_of(d, branches[i]);
        bool cut = depth + 1 >= d.depth && !branches[i].children.empty();
        if (cut) out += "  (+" + std::to_string(branches[i].descendants) + " below)";
        out += '\n';
        if (!cut) draw(d, branches[i].children, top ? "" : indent + (last ? "   " : "│  "), depth + 1, out);
    }
    if (branches.size() > n)
        out += indent + (depth == 0 ? "" : "└─ ") + "… " + std::to_string(branches.size() - n) + " more\n";
}

void add_json(const drawing& d, const std::vector<spawn_branch>& branches, size_t depth, json_writer& json) {
    json.begin_array();
    for (const spawn_branch& b : branches) {
        json.begin_object();
        if (b.index == spawn_branch::kEnded) {
            json.key("id").number(b.id).key("ended").boolean(true);
        } else {
            const goroutine& g = d.s.goroutines[b.index];
            if (b.count == 1) json.key("id").number(g.id);
            json.key("count").number(uint64_t(b.count)).key("name").string(d.names.name(g));
            json.key("state").string(describer::state(g)).key("place").string(d.names.place(g));
        }
        json.key("descendants").number(uint64_t(b.descendants));
        if (!b.children.empty() && depth + 1 < d.depth) {
            json.key("children");
            add_json(d, b.children, depth + 1, json);
        }
        json.end_object();
    }
    json.end_array();
}

int run(arguments& args) {
    bool as_json = args.flag("--json");
    size_t most = args.number("--most", as_json ? 1'000'000 : 50, 1, 1'000'000);
    size_t depth = args.number("--depth", 200, 1, 200);
    std::string target_name = args.positional("target");
    args.done();
    auto t = target::open(target_name);
    snapshot s = take_snapshot(*t);
    describer names(*t, s);
    std::vector<spawn_node> nodes;
    for (uint32_t i = 0; i < s.goroutines.size(); i++) {
        const goroutine& g = s.goroutines[i];
        if (g.is_system || g.is_thread) continue;
        nodes.push_back({g.id, g.creator_id, i, {}});
        nodes.back().look = names.name(g) + '\0' + describer::state(g) + '\0' + names.place(g);
    }
    std::set<uint64_t> threads;
    for (const goroutine& g : s.goroutines)
        if (g.is_thread) threads.insert(g.id);
    for (spawn_node& n : nodes)
        if (threads.contains(n.creator)) n.creator = 0;  // started from outside of goroutines
    std::vector<spawn_branch> tree = grow_tree(std::move(nodes));
    drawing d{s, names, most, depth};
    std::string out;
    if (as_json) {
        json_writer json(out);
        json.begin_object().key("pid").number(uint64_t(t->pid())).key("tree");
        add_json(d, tree, 0, json);
        json.end_object();
        out += '\n';
    } else if (tree.empty()) {
        out = "there are no goroutines\n";
    } else {
        draw(d, tree, "", 0, out);
    }
    std::fwrite(out.data(), 1, out.size(), stdout);
    return 0;
}

}  // namespace

const command tree_command = {
    "tree", "who created whom",
    "usage: gossamer tree TARGET [--most N] [--depth N] [--json]\n\n"
    "Draws goroutines below those that created them. Siblings of the same name, state and place are counted, not "
    "listed,\n"
    "and so are their children. Children of a goroutine that has ended stand under \"(ended) G17\".\n\n"
    "  --most N    so many lines below one goroutine (50)\n"
    "  --depth N   so many generations (200)\n"
    "  --json      as JSON\n\n"
    "example: gossamer tree 4711 --depth 3\n",
    run};

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
// wait: who waits for whom, deadlocks, and the chain from one goroutine.
#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "tools/gossamer/commands.h"
#include "tools/gossamer/graph_text.h"
#include "tools/gossamer/json.h"
#include "tools/gossamer/screen.h"
#include "tools/gossamer/waits.h"

namespace insp {

namespace {

constexpr size_t kMostNamed = 10;  // of those behind a deadlock
constexpr size_t kMostDeadlocks = 20;
constexpr size_t kMostMembers = 100;  // of a deadlock
constexpr size_t kMostDrawn = 2000;   // nodes of a drawing, waits in JSON
constexpr size_t kMostDepth = 60;

class printer {
  public:
    printer(const target& t, const snapshot& s, const wait_report& r) : t_(t), s_(s), r_(r), names_(t, s) {}

    void print_all() {
        for (size_t i = 0; i < r_.deadlocks.size() && i < kMostDeadlocks; i++) print_deadlock(r_.deadlocks[i]);
        if (r_.deadlocks.size() > kMostDeadlocks)
            std::printf("and %zu more deadlocks (--json has all)\n", r_.deadlocks.size() - kMostDeadlocks);
        if (r_.deadlocks.empty()) std::puts("no deadlock");
        if (!r_.alone.empty())
            std::printf("%s that nobody can wake, each for itself: see gossamer leaks\n",
                        plural(r_.alone.size(), "goroutine").c_str());
        if (!r_.why_inexact.empty()) std::printf("(channels were not judged: %s)\n", r_.why_inexact.c_str());
        print_holders();
        print_rest();
    }

    void print_chain(uint64_t id) {
        chain c = follow(r_.graph, id);
        for (const chain_step& step : c.steps) {
            std::printf("%s\n", where(id_of(step.id)).c_str());
            if (step.edge == nullptr) continue;
            std::printf("  %s\n", why(id_of(step.id), *step.edge, step.others).c_str());
        }
        if (c.returns) std::printf("which leads back to G%llu: a cycle\n", ull(c.steps.back().edge->to));
        for (const deadlock& d : r_.deadlocks)
            if (std::binary_search(d.behind.begin(), d.behind.end(), id) ||
                std::find(d.members.begin(), d.members.end(), id) != d.members.end())
                std::printf("deadlock of %s: %s\n", plural(d.members.size(), "goroutine").c_str(),
                            d.certain ? "certain" : "likely");
    }

    void print_dot() {
        std::string out = "digraph wait {\n  rankdir=LR;\n  node [shape=box, fontname=monospace];\n";
        std::set<uint64_t> drawn, dead;
        for (const deadlock& d : r_.deadlocks) dead.insert(d.members.begin(), d.members.end());
        std::vector<const wait_node*> nodes;
        for (const wait_node& n : r_.graph.nodes())
            if (!n.edges.empty()) nodes.push_back(&n);
        // Those in deadlocks first: a drawing of many is cut.
        std::stable_partition(nodes.begin(), nodes.end(), [&](const wait_node* n) { return dead.contains(n->id); });
        bool cut = nodes.size() > kMostDrawn;
        if (cut) nodes.resize(kMostDrawn);
        std::string edges;
        for (const wait_node* n : nodes) {
            drawn.insert(n->id);
            for (const wait_edge& e : n->edges) {
                drawn.insert(e.to);
                edges += "  g" + std::to_string(n->id) + " -> g" + std::to_string(e.to) + " [label=\"" +
                         words(kind_of_wait(id_of(n->id).reason)) + " " + hex(e.object) + "\"" +
                         (e.certain ? "" : ", style=dashed") + "];\n";
            }
        }
        for (uint64_t id : drawn) {
            const goroutine& g = id_of(id);
            out += "  g" + std::to_string(id) + " [label=\"" + escaped(names_.label(g)) + "\\n" +
                   escaped(describer::state(g)) + "\\n" + escaped(names_.place(g)) + "\"" +
                   (dead.contains(id) ? ", color=red" : "") + "];\n";
        }
        out += edges + (cut ? "  // cut: more than " + std::to_string(kMostDrawn) + " goroutines wait\n" : "") + "}\n";
        std::fwrite(out.data(), 1, out.size(), stdout);
    }

    void print_json(std::optional<uint64_t> only) {
        std::string out;
        json_writer json(out);
        json.begin_object().key("pid").number(uint64_t(t_.pid())).key("deadlocks").begin_array();
        for (const deadlock& d : r_.deadlocks) add_deadlock(json, d);
        json.end_array().key("alone").number(uint64_t(r_.alone.size()));
        if (!r_.why_inexact.empty()) json.key("channels_not_judged").string(r_.why_inexact);
        json.key("waits").begin_array();
        size_t written = 0;
        if (only) {
            for (const chain_step& step : follow(r_.graph, *only).steps) add_wait(json, *r_.graph.find(step.id));
        } else {
            for (const wait_node& n : r_.graph.nodes())
                if (!n.edges.empty() && written++ < kMostDrawn) add_wait(json, n);
        }
        json.end_array();
        if (written > kMostDrawn) json.key("left_out").number(uint64_t(written - kMostDrawn));
        json.end_object();
        out += '\n';
        std::fwrite(out.data(), 1, out.size(), stdout);
    }

  private:
    static unsigned long long ull(uint64_t n) { return n; }
    const goroutine& id_of(uint64_t id) const { return *s_.find(id); }
    static std::string escaped(const std::string& text) {
        std::string out;
        for (char c : text) {
            if (c == '"' || c == '\\') out += '\\';
            out += c;
        }
        return out;
    }

    // "G17 flush  sync.Mutex.Lock in serve (server.cc:12), 2.3s"
    std::string where(const goroutine& g) {
        std::string text = names_.label(g) + "  " + describer::state(g);
        if (const std::string& place = names_.place(g); !place.empty()) text += " in " + place;
        if (g.waits_since_ns > 0 && g.waits_since_ns < s_.taken_ns)
            text += ", " + short_time(double(s_.taken_ns - g.waits_since_ns));
        return text;
    }
    std::string why(const goroutine& g, const wait_edge& e, size_t others) {
        std::string text = "waits for " + std::string(words(kind_of_wait(g.reason))) + " " + hex(e.object);
        if (e.certain)
            text += ", held by G" + std::to_string(e.to);
        else
            text += kind_of_wait(g.reason) == object_kind::wait_group ? ", for G" + std::to_string(e.to)
                                                                      : ", which G" + std::to_string(e.to) + " knows";
        if (others != 0) text += " (and " + std::to_string(others) + " more)";
        return text;
    }
    std::string named(const std::vector<uint64_t>& ids) {
        std::string text;
        for (size_t i = 0; i < ids.size() && i < kMostNamed; i++) text += " G" + std::to_string(ids[i]);
        return ids.size() > kMostNamed ? text + " …" : text;
    }

    void print_deadlock(const deadlock& d) {
        std::printf("deadlock of %s: %s\n", plural(d.members.size(), "goroutine").c_str(),
                    d.certain ? "certain" : "likely");
        for (size_t i = 0; i < d.members.size() && i < kMostMembers; i++) {
            const goroutine& g = id_of(d.members[i]);
            std::printf("  %s\n", where(g).c_str());
            const wait_node* n = r_.graph.find(g.id);
            chain_step step = follow_one(*n);
            if (step.edge != nullptr)
                std::printf("    %s\n", why(g, *step.edge, step.others).c_str());
            else if (waits_for_ever(g.reason))
                std::puts("    waits for nothing that there is");
            else
                std::printf("    waits for %s %s, which nobody else knows\n", words(kind_of_wait(g.reason)),
                            hex(g.object).c_str());
        }
        if (d.members.size() > kMostMembers)
            std::printf("  and %zu more (--json has all)\n", d.members.size() - kMostMembers);
        if (!d.behind.empty())
            std::printf("  %s wait%s behind:%s\n", plural(d.behind.size(), "goroutine").c_str(),
                        d.behind.size() == 1 ? "s" : "", named(d.behind).c_str());
    }
    static chain_step follow_one(const wait_node& n) {
        chain_step step;
        for (const wait_edge& e : n.edges)
            if (step.edge == nullptr || (e.certain && !step.edge->certain)) step.edge = &e;
        if (step.edge != nullptr) step.others = n.edges.size() - 1;
        return step;
    }

    // Trees: who holds, and below those who wait for a mutex of his, those without waiters of their own counted.
    void print_holders() {
        std::map<uint64_t, std::vector<uint64_t>> waiters;
        for (const wait_node& n : r_.graph.nodes())
            for (const wait_edge& e : n.edges)
                if (e.certain) waiters[e.to].push_back(n.id);
        std::set<uint64_t> shown;
        for (const deadlock& d : r_.deadlocks)
            if (d.certain) shown.insert(d.members.begin(), d.members.end());
        std::vector<uint64_t> roots;
        for (auto& [holder, those] : waiters)
            if (is_root(holder, those, shown)) roots.push_back(holder);
        if (roots.empty()) return;
        std::puts("\nwho holds, and who waits for it:");
        std::stable_sort(roots.begin(), roots.end(),
                         [&](uint64_t a, uint64_t b) { return waiters[a].size() > waiters[b].size(); });
        for (size_t i = 0; i < roots.size() && i < kMostMembers; i++) {
            std::printf("%s\n", where(id_of(roots[i])).c_str());
            print_waiters(waiters, roots[i], "  ", shown, 0);
        }
        if (roots.size() > kMostMembers) std::printf("and %zu more holders\n", roots.size() - kMostMembers);
    }
    // Of a deadlock, which has been told, only those for whom others wait too.
    bool is_root(uint64_t holder, const std::vector<uint64_t>& waiters, const std::set<uint64_t>& cycle) {
        if (!cycle.contains(holder)) return r_.graph.find(holder)->kind != wait_kind::all_of;
        return !std::all_of(waiters.begin(), waiters.end(), [&](uint64_t id) { return cycle.contains(id); });
    }
    void print_waiters(const std::map<uint64_t, std::vector<uint64_t>>& waiters, uint64_t holder,
                       const std::string& indent, const std::set<uint64_t>& cycle, size_t depth) {
        auto those = waiters.find(holder);
        if (those == waiters.end() || depth > kMostDepth) return;
        std::map<std::string, std::pair<size_t, uint64_t>> leaves;
        for (uint64_t id : those->second) {
            const goroutine& g = id_of(id);
            if (waiters.contains(id)) {
                std::printf("%s%s%s\n", indent.c_str(), where(g).c_str(),
                            cycle.contains(id) ? "  (in the deadlock)" : "");
                if (!cycle.contains(id)) print_waiters(waiters, id, indent + "  ", cycle, depth + 1);
                continue;
            }
            std::string place = those->second.size() > kMostDrawn ? "" : names_.place(g);
            auto& [count, first] = leaves[names_.name(g) + "  " + describer::state(g) + " " + hex(g.object) +
                                          (place.empty() ? "" : " in " + place)];
            if (count++ == 0) first = id;
        }
        for (const auto& [text, leaf] : leaves)
            std::printf("%s%s %s\n", indent.c_str(),
                        leaf.first == 1 ? ("G" + std::to_string(leaf.second)).c_str()
                                        : (std::to_string(leaf.first) + " ×").c_str(),
                        text.c_str());
    }

    // What else is waited for, by reason.
    void print_rest() {
        std::map<std::string, std::pair<size_t, int64_t>> counts;
        for (const goroutine& g : s_.goroutines) {
            if (g.is_system || g.is_thread || g.state != g_state::waiting) continue;
            auto& [count, longest] = counts[describer::state(g)];
            count++;
            if (g.waits_since_ns > 0) longest = std::max(longest, s_.taken_ns - g.waits_since_ns);
        }
        if (counts.empty()) return;
        text_table table;
        table.add({"WAITS FOR", "GOROUTINES", "LONGEST"});
        for (const auto& [state, c] : counts)
            table.add({state, std::to_string(c.first), c.second > 0 ? short_time(double(c.second)) : "-"});
        std::printf("\n%s", table.text().c_str());
    }

    void add_goroutine(json_writer& json, uint64_t id) {
        const goroutine& g = id_of(id);
        json.key("id").number(id).key("name").string(names_.name(g)).key("state").string(describer::state(g));
        json.key("place").string(names_.place(g));
        if (g.object != 0 && g.state == g_state::waiting)
            json.key("kind").string(words(kind_of_wait(g.reason))).key("object").string(hex(g.object));
    }
    void add_deadlock(json_writer& json, const deadlock& d) {
        json.begin_object().key("certain").boolean(d.certain).key("members").begin_array();
        for (uint64_t id : d.members) {
            json.begin_object();
            add_goroutine(json, id);
            if (const wait_edge* e = follow_one(*r_.graph.find(id)).edge)
                json.key(e->certain ? "held_by" : "known_to").number(e->to);
            json.end_object();
        }
        json.end_array().key("behind").begin_array();
        for (uint64_t id : d.behind) json.number(id);
        json.end_array().end_object();
    }
    void add_wait(json_writer& json, const wait_node& n) {
        json.begin_object();
        add_goroutine(json, n.id);
        json.key("for").begin_array();
        for (const wait_edge& e : n.edges)
            json.begin_object()
                .key("id")
                .number(e.to)
                .key("object")
                .string(hex(e.object))
                .key("certain")
                .boolean(e.certain),
                json.end_object();
        json.end_array().end_object();
    }

    const target& t_;
    const snapshot& s_;
    const wait_report& r_;
    describer names_;
};

std::optional<uint64_t> goroutine_word(arguments& args) {
    auto word = args.optional_positional();
    if (!word) return std::nullopt;
    std::string_view digits = *word;
    if (digits.starts_with('G') || digits.starts_with('g')) digits.remove_prefix(1);
    uint64_t id = 0;
    auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
    if (failed != std::errc{} || end != digits.data() + digits.size() || id == 0)
        throw usage_error("gossamer: wait: " + *word + ": not the number of a goroutine");
    return id;
}

int run(arguments& args) {
    bool as_json = args.flag("--json"), as_dot = args.flag("--dot"), may_stop = !args.flag("--no-stop");
    std::string name = args.positional("target");
    std::optional<uint64_t> only = goroutine_word(args);
    args.done();
    if (as_json && as_dot) throw usage_error("gossamer: wait: --json and --dot exclude each other");
    if (as_dot && only) throw usage_error("gossamer: wait: --dot draws all; leave out the goroutine");
    auto t = target::open(name);
    snapshot s = take_snapshot(*t);
    wait_report r = look_for_waits(*t, s, may_stop);
    if (only && r.graph.find(*only) == nullptr) fail(name, "there is no goroutine " + std::to_string(*only));
    printer p(*t, s, r);
    if (as_json)
        p.print_json(only);
    else if (as_dot)
        p.print_dot();
    else if (only)
        p.print_chain(*only);
    else
        p.print_all();
    return 0;
}

}  // namespace

const command wait_command = {
    "wait", "who waits for whom, and deadlocks",
    "usage: gossamer wait TARGET [G] [--no-stop] [--dot | --json]\n\n"
    "Tells deadlocks, who holds mutexes that others wait for, and for what goroutines wait. With G (17 or G17): the "
    "chain\n"
    "from that goroutine to whom it waits for in the end.\n\n"
    "  --dot      for graphviz: solid edges to holders of mutexes, dashed ones to who knows the channel\n"
    "  --no-stop  never stop the process: then nobody who waits for a channel is called stuck\n"
    "  --json     as JSON\n\n"
    "deadlock … certain   a cycle over known holders of mutexes, seen standing still\n"
    "deadlock … likely    waits for channels, selects or wait groups, which nobody outside of the set knows (as in "
    "leaks)\n"
    "The holder of a mutex is the goroutine on whose stack it was locked.\n\n"
    "example: gossamer wait 4711 --dot | dot -Tsvg >wait.svg\n",
    run};

}  // namespace insp

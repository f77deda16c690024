// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/wait_graph.h"

#include <algorithm>
#include <unordered_set>

namespace insp {

wait_node& wait_graph::add(uint64_t id, wait_kind kind) {
    auto [at, is_new] = by_id_.try_emplace(id, nodes_.size());
    if (is_new) nodes_.push_back({id, kind, {}});
    wait_node& n = nodes_[at->second];
    n.kind = kind;
    return n;
}

void wait_graph::connect(uint64_t from, wait_edge edge) { nodes_[by_id_.at(from)].edges.push_back(edge); }

const wait_node* wait_graph::find(uint64_t id) const {
    auto at = by_id_.find(id);
    return at != by_id_.end() ? &nodes_[at->second] : nullptr;
}

namespace {

constexpr size_t kNone = SIZE_MAX;

// The one edge of each node that has a known holder, as an index; kNone when there is none.
std::vector<size_t> certain_next(const wait_graph& g) {
    std::vector<size_t> next(g.nodes().size(), kNone);
    for (size_t i = 0; i < next.size(); i++) {
        const wait_node& n = g.nodes()[i];
        if (n.kind != wait_kind::all_of) continue;
        for (const wait_edge& e : n.edges)
            if (e.certain) {
                next[i] = g.index(e.to);
                break;
            }
    }
    return next;
}

// Cycles of a graph in which each node has at most one successor.
std::vector<std::vector<size_t>> cycles_of(const std::vector<size_t>& next) {
    std::vector<std::vector<size_t>> cycles;
    std::vector<size_t> seen_by(next.size(), kNone);  // the walk that came here first
    for (size_t start = 0; start < next.size(); start++) {
        size_t i = start;
        while (i != kNone && seen_by[i] == kNone) {
            seen_by[i] = start;
            i = next[i];
        }
        if (i == kNone || seen_by[i] != start) continue;
        std::vector<size_t> cycle{i};
        for (size_t j = next[i]; j != i; j = next[j]) cycle.push_back(j);
        cycles.push_back(std::move(cycle));
    }
    return cycles;
}

// Those who will act again: from those who move, backwards over the edges.
std::vector<bool> find_live(const wait_graph& g) {
    const auto& nodes = g.nodes();
    std::vector<std::vector<size_t>> waiters(nodes.size());
    std::vector<size_t> open(nodes.size());  // edges that must still come alive
    std::vector<bool> live(nodes.size());
    std::vector<size_t> work;
    for (size_t i = 0; i < nodes.size(); i++) {
        const wait_node& n = nodes[i];
        for (const wait_edge& e : n.edges) waiters[g.index(e.to)].push_back(i);
        open[i] = n.kind == wait_kind::all_of ? n.edges.size() : 1;
        // A waiter for all of nobody known waits for somebody unknown.
        if (n.kind != wait_kind::moves && open[i] != 0) continue;
        live[i] = true;
        work.push_back(i);
    }
    while (!work.empty()) {
        size_t i = work.back();
        work.pop_back();
        for (size_t w : waiters[i])
            if (!live[w] && --open[w] == 0) {
                live[w] = true;
                work.push_back(w);
            }
    }
    return live;
}

// Gives each node of `stuck` the number of its strongly connected component (Tarjan's, without recursion). Components are numbered from the sinks up.
class components {
  public:
    components(const wait_graph& g, const std::vector<bool>& stuck) : g_(g), stuck_(stuck) {
        size_t n = g.nodes().size();
        order_.assign(n, kNone);
        low_.assign(n, 0);
        of.assign(n, kNone);
        for (size_t i = 0; i < n; i++)
            if (stuck[i] && order_[i] == kNone) walk(i);
    }
    std::vector<size_t> of;
    size_t count = 0;

  private:
    struct frame {
        size_t node, edge;
    };
    void enter(size_t i) {
        order_[i] = low_[i] = clock_++;
        open_.push_back(i);
        path_.push_back({i, 0});
    }
    void walk(size_t start) {
        enter(start);
        while (!path_.empty()) {
            frame& f = path_.back();
            size_t i = f.node;
            if (f.edge < g_.nodes()[i].edges.size()) {
                size_t to = g_.index(g_.nodes()[i].edges[f.edge++].to);
                if (!stuck_[to]) continue;
                if (order_[to] == kNone)
                    enter(to);
                else if (of[to] == kNone)
                    low_[i] = std::min(low_[i], order_[to]);
                continue;
            }
            path_.pop_back();
            if (!path_.empty()) low_[path_.back().node] = std::min(low_[path_.back().node], low_[i]);
            if (low_[i] == order_[i]) close(i);
        }
    }
    void close(size_t root) {
        for (;;) {
            size_t i = open_.back();
            open_.pop_back();
            of[i] = count;
            if (i == root) break;
        }
        count++;
    }

    const wait_graph& g_;
    const std::vector<bool>& stuck_;
    std::vector<size_t> order_, low_, open_;
    std::vector<frame> path_;
    size_t clock_ = 0;
};

bool points_at_itself(const wait_graph& g, size_t i) {
    const wait_node& n = g.nodes()[i];
    return std::any_of(n.edges.begin(), n.edges.end(), [&](const wait_edge& e) { return e.to == n.id; });
}

// Puts each stuck node that is in no deadlock behind the one that it leads to: `owner` is the deadlock's number or kNone.
void add_those_behind(const wait_graph& g, const std::vector<bool>& stuck, std::vector<size_t> owner,
                      std::vector<deadlock>& found) {
    std::vector<std::vector<size_t>> waiters(g.nodes().size());
    std::vector<size_t> work;
    for (size_t i = 0; i < g.nodes().size(); i++) {
        if (owner[i] != kNone) work.push_back(i);
        if (!stuck[i]) continue;
        for (const wait_edge& e : g.nodes()[i].edges) waiters[g.index(e.to)].push_back(i);
    }
    while (!work.empty()) {
        size_t i = work.back();
        work.pop_back();
        for (size_t w : waiters[i]) {
            if (owner[w] != kNone) continue;
            owner[w] = owner[i];
            found[owner[w]].behind.push_back(g.nodes()[w].id);
            work.push_back(w);
        }
    }
}

}  // namespace

std::vector<deadlock> find_deadlocks(const wait_graph& g) {
    std::vector<deadlock> found;
    std::vector<size_t> owner(g.nodes().size(), kNone);
    for (const std::vector<size_t>& cycle : cycles_of(certain_next(g))) {
        deadlock d;
        d.certain = true;
        for (size_t i : cycle) {
            owner[i] = found.size();
            d.members.push_back(g.nodes()[i].id);
        }
        std::rotate(d.members.begin(), std::min_element(d.members.begin(), d.members.end()), d.members.end());
        found.push_back(std::move(d));
    }

    std::vector<bool> stuck = find_live(g);
    stuck.flip();
    // A knot that rests on conclusions: a component that is a cycle, or that nobody can wake, and that leads to no other one.
    components parts(g, stuck);
    std::vector<std::vector<size_t>> members(parts.count);
    std::vector<bool> leads_on(parts.count), taken(parts.count), is_cycle(parts.count);
    for (size_t i = 0; i < stuck.size(); i++) {
        if (!stuck[i]) continue;
        size_t part = parts.of[i];
        members[part].push_back(i);
        if (owner[i] != kNone) taken[part] = true;
        if (members[part].size() > 1 || points_at_itself(g, i) || g.nodes()[i].edges.empty()) is_cycle[part] = true;
        for (const wait_edge& e : g.nodes()[i].edges)
            if (size_t to = parts.of[g.index(e.to)]; to != kNone && to != part) leads_on[part] = true;
    }
    for (size_t part = 0; part < parts.count; part++) {
        if (taken[part] || leads_on[part] || !is_cycle[part]) continue;
        deadlock d;
        for (size_t i : members[part]) {
            owner[i] = found.size();
            d.members.push_back(g.nodes()[i].id);
        }
        std::sort(d.members.begin(), d.members.end());
        found.push_back(std::move(d));
    }

    add_those_behind(g, stuck, owner, found);
    for (deadlock& d : found) std::sort(d.behind.begin(), d.behind.end());
    std::stable_sort(found.begin(), found.end(), [](const deadlock& a, const deadlock& b) {
        if (a.certain != b.certain) return a.certain;
        return a.members.size() + a.behind.size() > b.members.size() + b.behind.size();
    });
    return found;
}

chain follow(const wait_graph& graph, uint64_t id) {
    chain c;
    std::unordered_set<uint64_t> seen;
    for (const wait_node* n = graph.find(id); n != nullptr;) {
        seen.insert(n->id);
        chain_step step{n->id, nullptr, 0};
        for (const wait_edge& e : n->edges)
            if (step.edge == nullptr || (e.certain && !step.edge->certain)) step.edge = &e;
        if (step.edge != nullptr) step.others = n->edges.size() - 1;
        c.steps.push_back(step);
        if (step.edge == nullptr) break;
        c.returns = seen.contains(step.edge->to);
        if (c.returns) break;
        n = graph.find(step.edge->to);
    }
    return c;
}

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/leak_graph.h"

#include <cstddef>

namespace insp {

namespace {

// Begins with all waiters stuck and all rooms closed, and lets go of them as reasons are found.
class marker {
  public:
    explicit marker(const leak_graph& g)
        : g_(g),
          awake_(g.waiters.size()),
          open_(g.waiters.size()),
          alive_(g.places.size()),
          words_(g.places.size()),
          used_(g.places.size()),
          waiters_of_(g.places.size()),
          held_by_(g.waiters.size()),
          lies_in_(g.waiters.size()) {
        for (uint32_t w = 0; w < g.waiters.size(); w++) {
            for (uint32_t p : g.waiters[w].places) waiters_of_[p].push_back(w);
            for (const leak_mention& m : g.waiters[w].mentions) words_[m.place] += m.words;
        }
        for (uint32_t p = 0; p < g.places.size(); p++) {
            if (g.places[p].holder >= 0) held_by_[size_t(g.places[p].holder)].push_back(p);
            if (g.places[p].room >= 0) lies_in_[size_t(g.places[p].room)].push_back(p);
        }
    }

    std::vector<bool> run() {
        for (uint32_t p = 0; p < g_.places.size(); p++) look_at(p);
        for (uint32_t w = 0; w < g_.waiters.size(); w++) {
            if (g_.waiters[w].is_alive) wake(w);
            if (g_.waiters[w].outside) open(w);
        }
        while (!opened_.empty() || !woken_.empty()) {
            if (!woken_.empty()) {
                uint32_t w = woken_.back();
                woken_.pop_back();
                for (uint32_t p : held_by_[w]) revive(p);
                open(w);
                continue;
            }
            uint32_t w = opened_.back();
            opened_.pop_back();
            leave(w);
        }
        awake_.flip();
        return awake_;
    }

  private:
    void wake(uint32_t w) {
        if (awake_[w]) return;
        awake_[w] = true;
        woken_.push_back(w);
    }
    void open(uint32_t w) {
        if (open_[w]) return;
        open_[w] = true;
        opened_.push_back(w);
    }
    void revive(uint32_t p) {
        if (alive_[p]) return;
        alive_[p] = true;
        for (uint32_t w : waiters_of_[p]) wake(w);
    }
    // What lies in an open room does not count as kept among the stuck any more.
    void leave(uint32_t w) {
        for (const leak_mention& m : g_.waiters[w].mentions) {
            words_[m.place] -= m.words;
            used_[m.place] = true;
            look_at(m.place);
        }
        for (uint32_t other : g_.waiters[w].reaches) open(other);
        for (uint32_t p : lies_in_[w]) {
            used_[p] = true;
            look_at(p);
        }
    }
    void look_at(uint32_t p) {
        const leak_place& place = g_.places[p];
        if (place.is_alive) return revive(p);
        if (place.holder >= 0) return;  // woken with its holder
        // More handles than words in closed rooms: one is elsewhere. As many says nothing: some of the words may be old ones.
        if (place.handles > words_[p]) return revive(p);
        if (used_[p] || place.outside) revive(p);
    }

    const leak_graph& g_;
    std::vector<bool> awake_, open_, alive_;
    std::vector<uint64_t> words_;  // in closed rooms
    std::vector<bool> used_;       // an open room mentions it or holds it
    std::vector<std::vector<uint32_t>> waiters_of_, held_by_, lies_in_;
    std::vector<uint32_t> woken_, opened_;
};

}  // namespace

std::vector<bool> find_stuck(const leak_graph& graph) { return marker(graph).run(); }

}  // namespace insp

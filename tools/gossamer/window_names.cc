// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/window_names.h"

#include <unordered_map>

#include "tools/gossamer/probe.h"

namespace insp {

namespace {

// Numbers that were seen, 0 not counted: open addressing, as it is asked several times for each event.
class number_set {
  public:
    // True: it is new.
    bool add(uint64_t n) {
        if (n == 0 || n == last_) return false;
        last_ = n;
        if ((count_ + 1) * 2 > slots_.size()) grow();
        uint64_t& slot = find(n);
        if (slot == n) return false;
        slot = n;
        count_++;
        return true;
    }
    template <class F>
    void each(F fn) const {
        for (uint64_t n : slots_)
            if (n != 0) fn(n);
    }
    size_t size() const { return count_; }

  private:
    uint64_t& find(uint64_t n) {
        size_t at = (n * 0x9e3779b97f4a7c15) >> 20 & (slots_.size() - 1);
        while (slots_[at] != 0 && slots_[at] != n) at = (at + 1) & (slots_.size() - 1);
        return slots_[at];
    }
    void grow() {
        std::vector<uint64_t> old(slots_.size() * 4);
        old.swap(slots_);
        for (uint64_t n : old)
            if (n != 0) find(n) = n;
    }

    std::vector<uint64_t> slots_ = std::vector<uint64_t>(1 << 10);
    size_t count_ = 0;
    uint64_t last_ = 0;
};

// Names of goroutines: many have the same.
class namer {
  public:
    namer(const target& t, bool wanted) : t_(t), wanted_(wanted) {}
    const std::string& operator()(const origin& from) {
        auto [at, is_new] = names_.try_emplace(from);
        if (is_new) at->second = wanted_ ? name_of(t_, from) : "goroutine";
        return at->second;
    }

  private:
    const target& t_;
    bool wanted_;
    std::unordered_map<origin, std::string, origin_hash> names_;
};

void take_from_table(const target& t, trace_window& w, const snapshot& s, namer& name, const window_options& options) {
    const target& memory = options.memory != nullptr ? *options.memory : t;
    size_t stacks_left = memory.is_live() ? options.most_stacks : 0;
    constexpr unsigned kMostFrames = 64;
    for (const goroutine& g : s.goroutines) {
        traced_goroutine& to = w.goroutines[g.id];
        to.creator = g.creator_id;
        to.creator_pc = g.creator_pc;
        to.start_pc = g.invoke_pc;
        if (!g.name.empty())
            to.name = options.names ? printable(g.name) : std::string(g.name);
        else if (g.is_thread && g.thread >= 0)
            to.name = "thread " + std::to_string(s.threads[size_t(g.thread)].tid);
        else
            to.name = name({0, g.invoke_pc, g.creator_pc});
        if (g.state != g_state::waiting) {
            to.last_state = g.state == g_state::running ? 0 : 1;
            continue;
        }
        to.last_state = 2;
        to.last_reason = g.reason;
        to.last_object = g.object;
        if (stacks_left != 0 && !g.is_thread) {
            stacks_left--;
            to.last_stack = memory.unwind(g.address, kMostFrames);
        }
        if (to.last_stack.empty() && g.site_pc != 0) to.last_stack = {g.site_pc};
    }
}

}  // namespace

void name_goroutines(const target& t, trace_window& w, const snapshot& s, const std::vector<birth>& births,
                     const window_options& options) {
    namer name(t, options.names);
    number_set ids;
    for (const event& e : w.events) {
        ids.add(e.g);
        ids.add(e.by);
    }
    w.goroutines.reserve(ids.size() + s.goroutines.size());
    take_from_table(t, w, s, name, options);
    for (const birth& b : births) {
        auto [at, is_new] = w.goroutines.try_emplace(b.g);
        if (!is_new) continue;
        traced_goroutine& to = at->second;
        to.creator = b.creator;
        to.creator_pc = b.creator_pc;
        to.start_pc = b.invoke;
        to.name = name({b.name_at, b.invoke, b.creator_pc});
    }
    ids.each([&](uint64_t id) {
        auto [at, is_new] = w.goroutines.try_emplace(id);
        if (is_new) at->second.name = "goroutine";
    });
}

void name_addresses(const target& t, trace_window& w) {
    number_set calls, starts;
    for (const event& e : w.events) {
        if (e.kind == box::kind::create) starts.add(e.a);
        calls.add(e.pc);
    }
    for (const std::vector<uint64_t>& stack : w.stacks)
        for (uint64_t pc : stack) calls.add(pc);
    for (const auto& [id, g] : w.goroutines) {
        starts.add(g.start_pc);
        calls.add(g.creator_pc);
        for (uint64_t pc : g.last_stack) calls.add(pc);
    }
    auto describe = [&](uint64_t pc, bool is_return_address) {
        auto [at, is_new] = w.names.try_emplace(pc);
        if (!is_new) return;
        for (const code_frame& f : t.describe(pc, is_return_address))
            at->second.push_back({f.function, f.file, f.line});
    };
    calls.each([&](uint64_t pc) { describe(pc, true); });
    starts.each([&](uint64_t pc) { describe(pc, false); });
}

}  // namespace insp

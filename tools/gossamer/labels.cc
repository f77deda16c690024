// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/labels.h"

#include <algorithm>

#include "tools/gossamer/probe.h"
#include "tools/gossamer/symbols.h"

namespace insp {

namespace {

// Where the library is many frames deep, the place is behind them. Walking a stack costs some microseconds, and a million of them seconds: when so many
// that were started alike and wait alike are in one place, the others are taken to be there too.
constexpr unsigned kEnough = 32, kMostWalks = 4000, kDepth = 24;

bool is_of_library(const code_frame& f) { return is_gossamer_function(f.function) || f.function.starts_with("std::"); }

std::string in_words(const code_frame& f) {
    std::string text = printable(f.function);
    if (!f.file.empty()) text += " " + printable(f.file.substr(f.file.rfind('/') + 1));
    if (f.line != 0) text += ":" + std::to_string(f.line);
    return text;
}

}  // namespace

const std::string& labels::name(const goroutine& g, const snapshot& s) {
    if (!g.name.empty()) {
        auto [at, is_new] = given_.try_emplace(g.name.data());
        if (is_new) at->second = printable(g.name);
        return at->second;
    }
    if (g.is_thread) {
        auto [at, is_new] = threads_.try_emplace(g.id);
        if (is_new) {
            bool known = g.thread >= 0;
            at->second = known ? "thread " + std::to_string(s.threads[size_t(g.thread)].tid) : "thread";
        }
        return at->second;
    }
    auto [at, is_new] = names_.try_emplace({0, g.invoke_pc, g.creator_pc});
    if (is_new) at->second = name_of(t_, {0, g.invoke_pc, g.creator_pc});
    return at->second;
}

const char* labels::state(const goroutine& g) {
    bool has_reason = g.state == g_state::waiting && g.reason != 0;
    return has_reason ? reason_words(g.reason) : words(g.state);
}

const std::string& labels::at(uint64_t pc, bool is_return_address) {
    auto [at, is_new] = (is_return_address ? places_ : starts_).try_emplace(pc);
    if (!is_new) return at->second;
    const std::vector<code_frame>& frames = t_.describe(pc, is_return_address);
    auto user = std::find_if_not(frames.begin(), frames.end(), is_of_library);
    if (!frames.empty()) at->second = in_words(user != frames.end() ? *user : frames.back());
    return at->second;
}

bool labels::is_of_user(uint64_t pc) {
    auto [at, is_new] = of_user_.try_emplace(pc);
    if (is_new) {
        const std::vector<code_frame>& frames = t_.describe(pc, true);
        at->second = !std::all_of(frames.begin(), frames.end(), is_of_library);
    }
    return at->second;
}

const std::string& labels::place(const goroutine& g) {
    if (g.state == g_state::fresh) return g.invoke_pc != 0 ? at(g.invoke_pc, false) : none_;
    if (g.site_pc != 0 && is_of_user(g.site_pc)) return at(g.site_pc, true);
    bool is_parked = (g.state == g_state::waiting || g.state == g_state::runnable) && g.context != 0 && !g.is_thread;
    if (is_parked) return behind_library(g);
    return g.site_pc != 0 ? at(g.site_pc, true) : none_;
}

const std::string& labels::behind_library(const goroutine& g) {
    likeness& like = behind_[{g.site_pc, g.invoke_pc, g.creator_pc}];
    if (like.walked >= kEnough && !like.differs && g.state == g_state::waiting) return *like.place;
    const std::string* place = g.site_pc != 0 ? &at(g.site_pc, true) : &none_;
    if (walks_ >= kMostWalks) return *place;
    walks_++;
    for (uint64_t pc : t_.unwind(g.address, kDepth)) {
        if (!is_of_user(pc)) continue;
        place = &at(pc, true);
        break;
    }
    like.differs |= like.walked++ != 0 && like.place != place;
    like.place = place;
    return *place;
}

const std::string& labels::creator(const goroutine& g) { return g.creator_pc != 0 ? at(g.creator_pc, true) : none_; }

}  // namespace insp

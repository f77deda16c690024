// SPDX-License-Identifier: BSL-1.0
// stack: what goroutines are doing, as their stacks tell.
#include <algorithm>
#include <charconv>
#include <map>
#include <unordered_map>

#include "tools/gossamer/commands.h"
#include "tools/gossamer/json.h"
#include "tools/gossamer/snapshot.h"
#include "tools/gossamer/stack_text.h"
#include "tools/gossamer/unwind.h"

namespace insp {

namespace {

constexpr int64_t kMinute = 60'000'000'000;
constexpr size_t kMostListed = 100;  // more are grouped unless --all
constexpr unsigned kMostFrames = 5000;
constexpr size_t kMostExamples = 3, kMostIds = 1000;
constexpr char kOnlyRuntime[] = "only frames of the runtime (--runtime shows them)";
constexpr uint8_t kJoin = 16;  // rt::wait_reason::join: a plain thread in run()

struct wishes {
    std::vector<uint64_t> ids;
    bool all = false, group = false, json = false, everything = false;
    std::string state;
};

// One stack and all who have it.
struct group {
    std::string state;
    std::vector<code_frame> frames;
    std::string note;  // why there are no frames
    uint64_t creator_pc = 0;
    int64_t longest_ns = 0;
    std::vector<const goroutine*> members;
};

class stacks {
  public:
    stacks(const target& t, const wishes& w) : t_(t), w_(w), snap_(take_snapshot(t)) { choose(); }

    int print() {
        bool grouped = w_.group || (!w_.all && w_.ids.empty() && chosen_.size() > kMostListed);
        unwind_all();
        if (w_.json) {
            json_writer json(out_);
            json.begin_object();
            json.key("pid").number(uint64_t(t_.pid()));
            grouped ? print_groups(json) : print_each(json);
            json.end_object();
            out_ += '\n';
        } else {
            grouped ? print_groups() : print_each();
        }
        flush(0);
        for (uint64_t id : missing_)
            std::fprintf(stderr, "gossamer: stack %s: there is no goroutine %llu\n", t_.name().c_str(),
                         static_cast<unsigned long long>(id));
        return missing_.empty() ? 0 : 1;
    }

  private:
    std::string state_of(const goroutine& g) const {
        if (g.state == g_state::waiting) return reason_words(g.reason);
        return words(g.state);
    }

    bool is_wanted(const goroutine& g) const {
        if (g.is_system && !w_.everything) return false;
        // A plain thread does something of its own, or waits in run() for the main goroutine.
        if (g.is_thread && !w_.everything && (g.state != g_state::waiting || g.reason == kJoin)) return false;
        return w_.state.empty() || w_.state == words(g.state) || state_of(g).find(w_.state) != std::string::npos;
    }

    void choose() {
        for (uint64_t id : w_.ids) {
            const goroutine* g = snap_.find(id);
            if (g != nullptr)
                chosen_.push_back(*g);
            else
                missing_.push_back(id);
        }
        if (!w_.ids.empty()) return;
        for (const goroutine& g : snap_.goroutines)
            if (is_wanted(g)) chosen_.push_back(g);
    }

    void unwind_all() {
        parked_ = unwind_parked(t_, chosen_, kMostFrames);
        for (const std::vector<uint64_t>& pcs : parked_.chains)
            frames_.push_back(visible_frames(t_, pcs, w_.everything));
    }

    struct seen {
        const std::vector<code_frame>* frames;
        std::vector<code_frame> own;
        std::string note;
        int64_t stopped_ns = 0;
    };
    // Those that the bulk could not read are looked at one by one: they run, or have moved.
    seen look_at(size_t i) {
        const goroutine& g = chosen_[i];
        seen s{&frames_[parked_.of[i]], {}, {}};
        if (parked_.of[i] != 0) {
            if (s.frames->empty()) s.note = kOnlyRuntime;
            return s;
        }
        if (g.state == g_state::fresh) {
            s.note = "it has not begun";
            return s;
        }
        bool can_ask = g.thread >= 0 && size_t(g.thread) < snap_.threads.size();
        uint64_t tid =
            can_ask && (g.is_thread || g.state == g_state::running) ? snap_.threads[size_t(g.thread)].tid : 0;
        if (!parked_.why.empty() && tid == 0) {
            only_site(g, parked_.why, s);
            return s;
        }
        unwound u = unwind_goroutine(t_, g.address, kMostFrames, tid);
        s.own = visible_frames(t_, u.pcs, w_.everything);
        s.frames = nullptr;
        s.note = s.own.empty() && u.why.empty() ? kOnlyRuntime : u.why;
        if (u.pcs.empty()) only_site(g, u.why, s);
        s.stopped_ns = u.stopped_ns;
        return s;
    }

    // The runtime notes where each wait was called.
    void only_site(const goroutine& g, const std::string& why, seen& s) const {
        s.note = why;
        s.frames = nullptr;
        if (g.site_pc == 0) return;
        s.own = visible_frames(t_, {g.site_pc}, true);
        s.note = "only the call that waits: " + why;
    }

    int64_t waited(const goroutine& g) const {
        return g.state == g_state::waiting && g.waits_since_ns != 0
                   ? std::max<int64_t>(0, snap_.taken_ns - g.waits_since_ns)
                   : 0;
    }

    static std::string minutes(int64_t ns) {
        int64_t n = ns / kMinute;
        return n == 0 ? "" : ", " + std::to_string(n) + (n == 1 ? " minute" : " minutes");
    }

    void print_each() {
        for (size_t i = 0; i < chosen_.size(); i++) {
            const goroutine& g = chosen_[i];
            seen s = look_at(i);
            out_ += "goroutine " + std::to_string(g.id) + " [" + state_of(g) + minutes(waited(g));
            if (g.is_locked) out_ += ", locked to thread";
            if (g.is_thread) out_ += ", plain thread";
            out_ += "]";
            if (!g.name.empty() && !g.is_thread) out_ += " {name: " + std::string(g.name) + "}";
            out_ += ":\n";
            const std::vector<code_frame>& frames = s.frames != nullptr ? *s.frames : s.own;
            add_frames(frames, out_);
            if (!s.note.empty()) out_ += "\t(" + s.note + ")\n";
            if (g.creator_pc != 0) add_creator(g.creator_pc, g.creator_id);
            out_ += "\n";
            flush(1 << 16);
        }
    }

    void add_creator(uint64_t pc, uint64_t id) {
        code_frame f = creator_frame(t_, pc);
        out_ += "created by " + f.function;
        if (id != 0) out_ += " in goroutine " + std::to_string(id);
        out_ += "\n";
        add_place(f, out_);
    }

    void print_each(json_writer& json) {
        json.key("goroutines").begin_array();
        for (size_t i = 0; i < chosen_.size(); i++) {
            const goroutine& g = chosen_[i];
            seen s = look_at(i);
            json.begin_object();
            json.key("id").number(g.id);
            json.key("name").string(g.name);
            json.key("state").string(words(g.state));
            json.key("reason").string(g.state == g_state::waiting ? reason_words(g.reason) : "");
            json.key("waits_ns").number(waited(g));
            const std::vector<code_frame>& frames = s.frames != nullptr ? *s.frames : s.own;
            json.key("frames");
            add_frames(frames, json);
            json.key("unavailable").string(s.note);
            if (s.stopped_ns != 0) json.key("stopped_ns").number(s.stopped_ns);
            json.key("creator").number(g.creator_id);
            add_creator(json, g.creator_pc);
            json.end_object();
            flush(1 << 16);
        }
        json.end_array();
    }

    void add_creator(json_writer& json, uint64_t pc) {
        json.key("created_by");
        add_frames(pc != 0 ? std::vector<code_frame>{creator_frame(t_, pc)} : std::vector<code_frame>{}, json);
    }

    // Stacks that look alike are one, wherever in the runtime they wait.
    std::vector<group> make_groups() {
        std::map<std::pair<uint32_t, uint64_t>, size_t> of_chain;  // (chain, state and creator): index
        std::unordered_map<std::string, size_t> of_text;
        std::vector<group> groups;
        std::vector<std::string> texts(frames_.size());
        for (size_t c = 0; c < frames_.size(); c++) add_frames(frames_[c], texts[c]);
        std::string key;
        for (size_t i = 0; i < chosen_.size(); i++) {
            const goroutine& g = chosen_[i];
            uint32_t chain = parked_.of[i];
            uint64_t rest =
                g.creator_pc << 8 | uint64_t(g.reason) << 3 | uint64_t(g.state) << 1 | uint64_t(g.is_thread);
            auto fast = chain != 0 ? of_chain.find({chain, rest}) : of_chain.end();
            size_t at;
            if (fast != of_chain.end()) {
                at = fast->second;
            } else {
                group made;
                made.state = state_of(g);
                made.creator_pc = g.creator_pc;
                key = made.state + '\n' + std::to_string(g.creator_pc) + '\n';
                if (chain != 0) {
                    made.frames = frames_[chain];
                    key += texts[chain];
                } else {
                    seen s = look_at(i);
                    made.frames = s.frames != nullptr ? *s.frames : std::move(s.own);
                    made.note = s.note;
                    add_frames(made.frames, key);
                    key += s.note;
                }
                auto [found, is_new] = of_text.try_emplace(key, groups.size());
                if (is_new) groups.push_back(std::move(made));
                at = found->second;
                if (chain != 0) of_chain[{chain, rest}] = at;
            }
            groups[at].longest_ns = std::max(groups[at].longest_ns, waited(g));
            groups[at].members.push_back(&g);
        }
        std::stable_sort(groups.begin(), groups.end(),
                         [](const group& a, const group& b) { return a.members.size() > b.members.size(); });
        return groups;
    }

    void print_groups() {
        for (const group& g : make_groups()) {
            size_t n = g.members.size();
            out_ += std::to_string(n) + (n == 1 ? " goroutine [" : " goroutines [") + g.state + minutes(g.longest_ns) +
                    "] ";
            out_ += n > kMostExamples ? "e.g. " : "";
            for (size_t i = 0; i < std::min(n, kMostExamples); i++)
                out_ += (i > 0 ? ", " : "") + std::to_string(g.members[i]->id);
            out_ += ":\n";
            add_frames(g.frames, out_);
            if (!g.note.empty()) out_ += "\t(" + g.note + ")\n";
            if (g.creator_pc != 0) add_creator(g.creator_pc, one_creator(g));
            out_ += "\n";
            flush(1 << 16);
        }
    }

    // 0: they have been created by several.
    static uint64_t one_creator(const group& g) {
        for (const goroutine* m : g.members)
            if (m->creator_id != g.members[0]->creator_id) return 0;
        return g.members[0]->creator_id;
    }

    void print_groups(json_writer& json) {
        json.key("groups").begin_array();
        for (const group& g : make_groups()) {
            json.begin_object();
            json.key("count").number(uint64_t(g.members.size()));
            json.key("state").string(words(g.members[0]->state));
            json.key("reason").string(g.members[0]->state == g_state::waiting ? g.state : "");
            json.key("longest_wait_ns").number(g.longest_ns);
            json.key("ids").begin_array();  // the first of them
            for (size_t i = 0; i < std::min(g.members.size(), kMostIds); i++) json.number(g.members[i]->id);
            json.end_array();
            json.key("frames");
            add_frames(g.frames, json);
            json.key("unavailable").string(g.note);
            json.key("creator").number(one_creator(g));
            add_creator(json, g.creator_pc);
            json.end_object();
            flush(1 << 16);
        }
        json.end_array();
    }

    void flush(size_t over) {
        if (out_.size() <= over) return;
        std::fwrite(out_.data(), 1, out_.size(), stdout);
        out_.clear();
    }

    const target& t_;
    const wishes& w_;
    snapshot snap_;
    std::vector<goroutine> chosen_;
    std::vector<uint64_t> missing_;
    all_stacks parked_;
    std::vector<std::vector<code_frame>> frames_;  // of each chain
    std::string out_;
};

int run(arguments& args) {
    wishes w;
    w.all = args.flag("--all");
    w.group = args.flag("--group");
    w.json = args.flag("--json");
    w.everything = args.flag("--runtime");
    w.state = args.value("--state").value_or("");
    std::string what = args.positional("TARGET");
    while (auto word = args.optional_positional()) {
        uint64_t id = 0;
        auto [end, failed] = std::from_chars(word->data(), word->data() + word->size(), id);
        if (failed != std::errc{} || end != word->data() + word->size())
            throw usage_error("gossamer: stack " + what + ": \"" + *word + "\" is no number of a goroutine");
        w.ids.push_back(id);
    }
    args.done();
    if (w.all && w.group) throw usage_error("gossamer: stack " + what + ": --all and --group exclude each other");
    auto t = target::open(what);
    return stacks(*t, w).print();
}

}  // namespace

const command stack_command = {
    "stack", "stacks of goroutines, as in Go's dumps; equal ones grouped",
    "usage: gossamer stack TARGET [G …] [--all | --group] [--state S] [--runtime] [--json]\n\n"
    "Prints the stack of goroutine G …, or of all. More than 100 are grouped: goroutines that wait alike, with equal\n"
    "stacks, created in the same place, are printed once, the largest group first.\n\n"
    "  --all       one by one, however many there are\n"
    "  --group     grouped, however few there are\n"
    "  --state S   only those in this state: running, runnable, waiting, or words of what they wait for (\"chan\")\n"
    "  --runtime   also the frames and goroutines of Gossamer itself and of the standard library\n"
    "  --json      {\"pid\", \"goroutines\": […]}, or \"groups\" with the first 1000 ids of each\n\n"
    "Waiting and runnable goroutines are read from memory: the process notices nothing. A running one's thread stands\n"
    "still for some microseconds (ptrace); where that is refused the reason stands in place of the frames. Function\n"
    "names and lines come from the program's files, or from /usr/lib/debug.\n\n"
    "  gossamer stack 4711 17 18\n"
    "  gossamer stack 4711 --state chan --group\n",
    run};

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
// gossamer ps: the goroutines of a process, in groups of those that do the same.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "tools/gossamer/commands.h"
#include "tools/gossamer/json.h"
#include "tools/gossamer/labels.h"
#include "tools/gossamer/probe.h"
#include "tools/gossamer/screen.h"

namespace insp {

namespace {

enum key : unsigned { by_state, by_name, by_place, by_creator, kKeys };
constexpr std::array<const char*, kKeys> kKeyNames = {"state", "name", "place", "creator"};
constexpr std::array<const char*, kKeys> kTitles = {"STATE", "NAME", "AT", "CREATED BY"};

struct options {
    std::vector<key> by = {by_state, by_name, by_place};
    std::string state, name;
    uint64_t most = 100;
    bool list = false, json = false, system = false;
};

struct group {
    uint64_t count = 0;
    const goroutine* first = nullptr;
    int64_t oldest_ns = 0;  // since when the one that waits longest does; 0: not known
    std::array<const std::string*, kKeys> words{};
};

std::vector<key> keys_of(const std::string& text) {
    std::vector<key> all;
    for (size_t at = 0; at <= text.size();) {
        size_t end = std::min(text.find(',', at), text.size());
        std::string word = text.substr(at, end - at);
        auto known = std::find(kKeyNames.begin(), kKeyNames.end(), word);
        if (known == kKeyNames.end())
            throw usage_error("gossamer: ps: --by " + text + ": \"" + word +
                              "\" is none of state, name, place, creator");
        all.push_back(key(known - kKeyNames.begin()));
        at = end + 1;
    }
    return all;
}

bool contains(std::string_view text, std::string_view part) {
    auto same = [](char a, char b) { return std::tolower(uint8_t(a)) == std::tolower(uint8_t(b)); };
    return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

class lister {
  public:
    lister(const target& t, const options& o) : t_(t), o_(o), s_(take_snapshot(t)), labels_(t) {}

    void print() {
        std::string out;
        if (o_.json) {
            as_json(out);
        } else {
            summary(out);
            o_.list ? list(out) : groups(out);
        }
        std::fwrite(out.data(), 1, out.size(), stdout);
    }

  private:
    bool is_shown(const goroutine& g) {
        if (g.is_system && !o_.system) return false;
        if (!o_.state.empty() && !contains(words(g.state), o_.state) && !contains(labels::state(g), o_.state))
            return false;
        return o_.name.empty() || contains(labels_.name(g, s_), o_.name);
    }

    const std::string& word(const goroutine& g, key k) {
        switch (k) {
            case by_state:
                return states_.try_emplace(labels::state(g), labels::state(g)).first->second;
            case by_name:
                return labels_.name(g, s_);
            case by_place:
                return labels_.place(g);
            default:
                return labels_.creator(g);
        }
    }

    int64_t waits_ns(int64_t since) const { return since != 0 ? std::max<int64_t>(s_.taken_ns - since, 0) : -1; }

    // A million goroutines are some dozens of groups: first by the numbers, which cost a look each, then by the words, which several numbers may share.
    std::vector<group> make_groups() {
        std::map<std::array<const std::string*, kKeys>, group> raw;
        for (const goroutine& g : s_.goroutines) {
            if (!is_shown(g)) continue;
            std::array<const std::string*, kKeys> words{};
            for (key k : o_.by) words[k] = &word(g, k);
            group& to = raw[words];
            to.words = words;
            to.count++;
            if (to.first == nullptr) to.first = &g;
            if (g.waits_since_ns != 0 && (to.oldest_ns == 0 || g.waits_since_ns < to.oldest_ns))
                to.oldest_ns = g.waits_since_ns;
        }
        std::map<std::vector<std::string_view>, group> merged;
        for (const auto& [words, g] : raw) {
            std::vector<std::string_view> texts;
            for (key k : o_.by) texts.emplace_back(*words[k]);
            group& to = merged[texts];
            int64_t oldest =
                to.oldest_ns == 0 || (g.oldest_ns != 0 && g.oldest_ns < to.oldest_ns) ? g.oldest_ns : to.oldest_ns;
            uint64_t count = to.count + g.count;
            if (to.first == nullptr || g.first->id < to.first->id) to = g;
            to.oldest_ns = oldest;
            to.count = count;
        }
        std::vector<group> all;
        for (const auto& [texts, g] : merged) all.push_back(g);
        std::stable_sort(all.begin(), all.end(), [](const group& a, const group& b) { return a.count > b.count; });
        return all;
    }

    std::vector<const goroutine*> make_list() {
        std::vector<const goroutine*> all;
        for (const goroutine& g : s_.goroutines)
            if (is_shown(g)) all.push_back(&g);
        return all;
    }

    struct counts {
        uint64_t alive = 0, created = 0, busy = 0, idle = 0, plain = 0, workers = 0;
    };
    counts count() const {
        counts c;
        for (const goroutine& g : s_.goroutines) c.alive += !g.is_system && !g.is_thread;
        for (const processor& p : s_.processors) {
            c.busy += std::strcmp(p.status, "running") == 0;
            c.idle += std::strcmp(p.status, "idle") == 0;
            c.created += p.created;
        }
        c.created = std::max(c.created, c.alive);  // what threads without a processor created is not in it
        for (const thread& m : s_.threads) (m.is_plain ? c.plain : c.workers)++;
        return c;
    }

    std::string age() const {
        return short_time(double(std::max<int64_t>(s_.taken_ns - int64_t(t_.head().mono_ns_0), 0)));
    }

    const char* life() const {
        if (t_.is_live()) return "running";
        if (t_.head().state.load() == box::life::died) return "died";
        return t_.head().state.load() == box::life::exited ? "exited" : "no longer running";
    }

    std::string why() const {
        std::string text = t_.head().why;
        return printable(text.substr(0, text.find('\n')));
    }

    // What had no room in the file was memory of the process alone.
    bool is_whole() const {
        if (t_.is_live()) return true;
        for (auto kind : {box::region_kind::gs, box::region_kind::ps, box::region_kind::ms})
            for (const box::region& r : t_.regions(kind)) {
                std::byte last;
                if (r.in_file < r.bytes && !t_.read(r.address + r.bytes - 1, &last, 1)) return false;
            }
        return true;
    }

    void summary(std::string& out) const {
        counts c = count();
        out += printable(t_.head().exe) + "  pid " + std::to_string(t_.pid()) + "  ";
        out += t_.is_live() ? "up " + age() : std::string(life()) + " after " + age();
        if (std::string w = why(); !w.empty()) out += ": " + w;
        out += "\nprocessors: " + std::to_string(c.busy) + " busy, " + std::to_string(c.idle) +
               " idle   goroutines: " + with_separators(c.alive) + " alive, " + with_separators(c.created) +
               " created   threads: " + std::to_string(c.workers) + " of the scheduler, " + std::to_string(c.plain) +
               " plain\n";
        if (!is_whole()) out += "not all of them are here: there was no more room in /dev/shm\n";
    }

    // The last column is as wide as it is; numbers lie to the right.
    void table(std::string& out, const std::vector<std::vector<std::string>>& rows, size_t numbers) const {
        std::vector<size_t> widths;
        for (const auto& row : rows)
            for (size_t i = 0; i < row.size(); i++) {
                if (i == widths.size()) widths.push_back(0);
                widths[i] = std::max(widths[i], columns_of(row[i]));
            }
        for (const auto& row : rows) {
            for (size_t i = 0; i < row.size(); i++) {
                size_t pad = widths[i] - columns_of(row[i]);
                if (i < numbers) out.append(pad, ' ');
                out += row[i];
                if (i + 1 == row.size()) break;
                if (i >= numbers) out.append(pad, ' ');
                out += "  ";
            }
            out += '\n';
        }
    }

    static std::string shown(const std::string& text) { return text.empty() ? "-" : text; }
    std::string wait_text(int64_t since) const { return since != 0 ? short_time(double(waits_ns(since))) : "-"; }

    void left_out(std::string& out, uint64_t rows, uint64_t goroutines) const {
        if (rows == 0) return;
        out += "… and " + with_separators(rows) + " more";
        if (!o_.list) out += " groups of " + with_separators(goroutines) + " goroutines";
        out += " (--most)\n";
    }

    void groups(std::string& out) {
        std::vector<group> all = make_groups();
        std::vector<std::vector<std::string>> rows(1);
        rows[0] = {"COUNT", "LONGEST"};
        for (key k : o_.by) rows[0].emplace_back(kTitles[k]);
        uint64_t hidden = 0;
        for (size_t i = 0; i < all.size(); i++) {
            if (i >= o_.most) {
                hidden += all[i].count;
                continue;
            }
            rows.push_back({with_separators(all[i].count), wait_text(all[i].oldest_ns)});
            for (key k : o_.by) rows.back().push_back(shown(*all[i].words[k]));
        }
        out += '\n';
        if (all.empty()) out += "no goroutines\n";
        if (!all.empty()) table(out, rows, 2);
        left_out(out, all.size() - std::min<size_t>(all.size(), o_.most), hidden);
    }

    void list(std::string& out) {
        std::vector<const goroutine*> all = make_list();
        std::vector<std::vector<std::string>> rows(1);
        rows[0] = {"ID", "SINCE", "STATE", "NAME", "AT", "CREATED BY"};
        size_t n = std::min<size_t>(all.size(), o_.most);
        for (size_t i = 0; i < n; i++) {
            const goroutine& g = *all[i];
            std::string by = labels_.creator(g);
            if (g.creator_id != 0) by += (by.empty() ? "" : " ") + ("in " + std::to_string(g.creator_id));
            rows.push_back({std::to_string(g.id), wait_text(g.waits_since_ns), labels::state(g), labels_.name(g, s_),
                            shown(labels_.place(g)), shown(by)});
        }
        out += '\n';
        if (all.empty()) out += "no goroutines\n";
        if (!all.empty()) table(out, rows, 2);
        left_out(out, all.size() - n, 0);
    }

    void as_json(std::string& out) {
        json_writer j(out);
        counts c = count();
        j.begin_object().key("process").begin_object();
        j.key("program").string(printable(t_.head().exe)).key("pid").number(uint64_t{t_.pid()});
        j.key("life").string(life()).key("complete").boolean(is_whole()).key("why").string(printable(t_.head().why));
        j.key("age_ns")
            .number(s_.taken_ns - int64_t(t_.head().mono_ns_0))
            .key("taken_real_ns")
            .number(s_.taken_real_ns);
        j.key("busy").number(c.busy).key("idle").number(c.idle).key("alive").number(c.alive);
        j.key("created").number(c.created).key("threads").number(c.workers).key("plain_threads").number(c.plain);
        j.end_object();
        o_.list ? list_as_json(j) : groups_as_json(j);
        j.end_object();
        out += '\n';
    }

    void wait_as_json(json_writer& j, const char* name, int64_t since) const {
        j.key(name);
        since != 0 ? j.number(waits_ns(since)) : j.null();
    }

    void groups_as_json(json_writer& j) {
        std::vector<group> all = make_groups();
        size_t n = std::min<size_t>(all.size(), o_.most);
        j.key("groups").begin_array();
        for (size_t i = 0; i < n; i++) {
            j.begin_object().key("count").number(all[i].count);
            wait_as_json(j, "longest_wait_ns", all[i].oldest_ns);
            for (key k : o_.by) j.key(kKeyNames[k]).string(*all[i].words[k]);
            j.key("example").number(all[i].first->id).end_object();
        }
        j.end_array().key("groups_left_out").number(uint64_t{all.size() - n});
    }

    void list_as_json(json_writer& j) {
        std::vector<const goroutine*> all = make_list();
        size_t n = std::min<size_t>(all.size(), o_.most);
        j.key("goroutines").begin_array();
        for (size_t i = 0; i < n; i++) {
            const goroutine& g = *all[i];
            j.begin_object().key("id").number(g.id).key("state").string(words(g.state));
            j.key("reason").string(g.state == g_state::waiting ? reason_words(g.reason) : "");
            wait_as_json(j, "waits_ns", g.waits_since_ns);
            j.key("name").string(labels_.name(g, s_)).key("place").string(labels_.place(g));
            j.key("creator").string(labels_.creator(g)).key("creator_id").number(g.creator_id);
            j.key("object").number(g.object).key("thread").boolean(g.is_thread).key("system").boolean(g.is_system);
            j.key("locked").boolean(g.is_locked).end_object();
        }
        j.end_array().key("goroutines_left_out").number(uint64_t{all.size() - n});
    }

    const target& t_;
    const options& o_;
    snapshot s_;
    labels labels_;
    std::unordered_map<const char*, std::string> states_;
};

int run(arguments& args) {
    options o;
    o.json = args.flag("--json");
    o.list = args.flag("--list");
    o.system = args.flag("--system");
    if (auto by = args.value("--by")) {
        o.by = keys_of(*by);
        if (o.list) throw usage_error("gossamer: ps: --by groups, --list does not: one of the two");
    }
    o.state = args.value("--state").value_or("");
    o.name = args.value("--name").value_or("");
    o.most = args.number("--most", 100, 1, UINT32_MAX);
    std::string what = args.positional("TARGET");
    args.done();
    auto t = target::open(what);
    lister(*t, o).print();
    return 0;
}

}  // namespace

extern const command ps_command = {
    "ps",
    "the goroutines, in groups of those that do the same",
    "usage: gossamer ps TARGET [--by KEY,…] [--list] [--state S] [--name N] [--most N] [--system] [--json]\n\n"
    "Counts the goroutines that have the same state, name and place, most first, and the longest wait in each group "
    "as\n"
    "far as it is known (- when it is not). The process is not stopped, and runs no code for it.\n\n"
    "  --by KEY,…   groups by these: state, name, place, creator. Default: state,name,place\n"
    "  --list       goroutines one by one, by number, instead of groups\n"
    "  --state S    only those whose state or reason has S in it: waiting, runnable, running, chan receive, sleep, …\n"
    "  --name N     only those whose name has N in it\n"
    "  --most N     at most so many rows. Default: 100\n"
    "  --system     the library's own goroutines too\n\n"
    "STATE is what it waits for, else runnable or running. NAME was given to go(), else it is that of the start\n"
    "function. AT is the user's function that waits (of one that has not begun: its start function). Plain threads "
    "that\n"
    "called the library are shown as \"thread TID\". Where a wait is many calls deep in the library, stacks are walked "
    "to\n"
    "find AT; when 32 goroutines that were started alike and wait alike are in one place, the others count as there "
    "too.\n\n"
    "example: gossamer ps 4711 --by name --state \"chan send\"\n",
    run,
};

}  // namespace insp

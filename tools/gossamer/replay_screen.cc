// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/replay_screen.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>
#include <tuple>

#include "tools/gossamer/json.h"
#include "tools/gossamer/screen.h"
#include "tools/gossamer/snapshot.h"
#include "tools/gossamer/window.h"

namespace insp {

namespace {

// Goroutines that are alike.
struct alike {
    uint64_t count = 0, first = 0;
    int64_t since_ns = INT64_MAX;  // of the one that has been so longest
    bool is_certain = true;
    std::string name, at;
    uint8_t reason = 0;
    uint64_t object = 0;
};

struct groups {
    std::vector<alike> runnable, waiting, in_call;
    uint64_t runnables = 0, waits = 0, calls = 0;
};

std::vector<alike> sorted(std::map<std::tuple<std::string, uint8_t, uint64_t, uint64_t>, alike>& from) {
    std::vector<alike> all;
    for (auto& [k, a] : from) all.push_back(std::move(a));
    std::stable_sort(all.begin(), all.end(), [](const alike& a, const alike& b) {
        return a.count != b.count ? a.count > b.count : a.since_ns < b.since_ns;
    });
    return all;
}

groups group_all(const trace_window& w, const replay_state& s) {
    std::map<std::tuple<std::string, uint8_t, uint64_t, uint64_t>, alike> runnable, waiting, calls;
    groups all;
    for (const auto& [id, g] : s.goroutines()) {
        auto known = w.goroutines.find(id);
        std::string name = known != w.goroutines.end() ? known->second.name : "?";
        alike* a = nullptr;
        if (g.life == replay_life::runnable) {
            a = &runnable[{name, 0, 0, 0}];
            all.runnables++;
        } else if (g.life == replay_life::waiting) {
            a = &waiting[{name, g.reason, g.object, g.pc}];
            all.waits++;
        } else if (g.life == replay_life::in_call) {
            a = &calls[{name, 0, 0, 0}];
            all.calls++;
        } else {
            continue;
        }
        if (a->count++ == 0) a->name = name, a->at = place(w, g.pc), a->reason = g.reason, a->object = g.object;
        if (a->first == 0 || g.since_ns < a->since_ns || (g.since_ns == a->since_ns && id < a->first)) {
            a->first = id;
            a->since_ns = g.since_ns;
            a->is_certain = g.is_certain;
        }
    }
    all.runnable = sorted(runnable);
    all.waiting = sorted(waiting);
    all.in_call = sorted(calls);
    return all;
}

std::string hex(uint64_t n) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(n));
    return n != 0 ? text : "";
}

// "12ms"; ">12ms" when it began before the window.
std::string age(int64_t since, int64_t now, bool is_certain) {
    return (is_certain ? "" : ">") + short_time(double(std::max<int64_t>(now - since, 0)));
}

std::string pad(std::string text, size_t width) {
    size_t has = columns_of(text);
    if (has < width) text.append(width - has, ' ');
    return text;
}

void table(std::string& out, const char* title, uint64_t total, const std::vector<alike>& all, int64_t now, bool waits,
           size_t most) {
    if (total == 0) return;
    out += "\n" + std::string(title) + " (" + with_separators(total) + ")\n";
    out += "   COUNT  LONGEST  " + std::string(waits ? pad("FOR", 40) : "") + "NAME\n";
    for (size_t i = 0; i < all.size() && i < most; i++) {
        const alike& a = all[i];
        text_line line(200, false);
        line.right(with_separators(a.count), 8).add("  ").left(age(a.since_ns, now, a.is_certain), 7).add("  ");
        std::string what = reason_words(a.reason);
        if (what.empty()) what = "not known";  // its wait began before the window
        if (waits) line.left(what + (a.object != 0 ? " " + hex(a.object) : ""), 38).add("  ");
        line.add(a.name).add(a.count == 1 ? " (G" + std::to_string(a.first) + ")" : "");
        if (!a.at.empty()) line.add(" at ").add(a.at);
        out += line.take() + "\n";
    }
    if (all.size() > most) out += "          … and " + with_separators(all.size() - most) + " more groups\n";
}

void json_groups(json_writer& j, const char* name, const std::vector<alike>& all, int64_t now, size_t most) {
    j.key(name).begin_array();
    for (size_t i = 0; i < all.size() && i < most; i++) {
        const alike& a = all[i];
        j.begin_object().key("count").number(a.count).key("name").string(a.name).key("first").number(a.first);
        j.key("longest_ns").number(now - a.since_ns).key("since_before_window").boolean(!a.is_certain);
        if (a.reason != 0) j.key("reason").string(reason_words(a.reason));
        if (a.object != 0) j.key("object").string(hex(a.object));
        if (!a.at.empty()) j.key("at").string(a.at);
        j.end_object();
    }
    j.end_array();
}

// How many of each kind the whole window has.
void json_events(json_writer& j, const trace_window& w) {
    // In the order of box::kind; those that no event has are left out.
    static constexpr const char* kNames[] = {
        "",           "",           "start",    "block",  "",      "yield", "preempt",
        "lost",       "end",        "ready",    "create", "",      "",      "call_begin",
        "call_end",   "retake",     "p_take",   "p_drop", "steal", "poll",  "region_begin",
        "region_end", "task_begin", "task_end", "log",    "",      "",      "",
        "counter"};
    static_assert(std::size(kNames) == size_t(box::kind::kCount));
    uint64_t counts[std::size(kNames)] = {};
    for (const event& e : w.events)
        if (size_t(e.kind) < std::size(kNames)) counts[size_t(e.kind)]++;
    j.key("events").begin_object();
    for (size_t i = 0; i < std::size(kNames); i++)
        if (*kNames[i] != 0) j.key(kNames[i]).number(counts[i]);
    j.end_object();
}

const char* words(replay_life l) {
    static constexpr const char* kWords[] = {"not born", "runnable", "running", "in a call", "waiting", "ended"};
    return kWords[size_t(l)];
}

std::string became(const trace_window& w, const why_step& s) {
    switch (s.how) {
        case runnable_by::creation:
            return "started by " + label(w, s.by);
        case runnable_by::waking:
            return "made ready by " +
                   (s.by != 0 ? label(w, s.by) : std::string("a timer, the network or nobody known"));
        case runnable_by::yielding:
            return "it had given way";
        case runnable_by::preemption:
            return "its slice was over";
        case runnable_by::a_call:
            return "it came back from a call and its processor was gone";
        case runnable_by::unknown:
            break;
    }
    return "since before the window";
}

// The events that concern g, those it caused in others included.
std::vector<const event*> around_of(const trace_window& w, uint64_t g, int64_t ns, size_t around, size_t* before) {
    std::vector<const event*> all;
    size_t earlier = 0;
    for (const event& e : w.events) {
        bool caused = e.by == g && (e.kind == box::kind::ready || e.kind == box::kind::create);
        if (e.g != g && !caused) continue;
        if (e.ns <= ns) {
            earlier++;
        } else if (all.size() - earlier >= around) {
            break;
        }
        all.push_back(&e);
    }
    size_t skip = earlier > around ? earlier - around : 0;
    all.erase(all.begin(), all.begin() + ptrdiff_t(skip));
    *before = earlier - skip;
    return all;
}

}  // namespace

std::string state_as_text(const trace_window& w, const replay_state& s, size_t most) {
    groups all = group_all(w, s);
    std::string out =
        moment(w, s.now()) + " of " + moment(w, w.end_ns) + ", " + w.program + " (" + std::to_string(w.pid) + ")\n";
    if (std::string stop = stop_words(w); !stop.empty()) out += stop + "\n";
    out += "\nPROCESSORS\n";
    for (const auto& [p, is] : s.processors()) {
        std::string what = !is.held ? "idle" : is.g != 0 ? label(w, is.g) : "looks for work";
        if (is.since_ns > 0) what = pad(what, 40) + "  for " + age(is.since_ns, s.now(), is.since_ns > w.begin_ns);
        text_line line(200, false);
        line.right("P" + std::to_string(p), 6).add("  ").add(what);
        out += line.take() + "\n";
    }
    table(out, "RUNNABLE", all.runnables, all.runnable, s.now(), false, most);
    table(out, "IN A CALL THAT MAY BLOCK", all.calls, all.in_call, s.now(), false, most);
    table(out, "WAITING", all.waits, all.waiting, s.now(), true, most);
    return out;
}

std::string state_as_json(const trace_window& w, const replay_state& s, size_t most) {
    groups all = group_all(w, s);
    std::string out;
    json_writer j(out);
    j.begin_object().key("at_ns").number(s.now() - w.begin_ns).key("window_ns").number(w.end_ns - w.begin_ns);
    j.key("real_ns").number(w.begin_real_ns + (s.now() - w.begin_ns)).key("program").string(w.program);
    if (!w.stopped_by.empty()) {
        j.key("stopped").begin_object().key("by").string(w.stopped_by).key("at_ns").number(w.stopped_ns - w.begin_ns);
        j.key("g").number(w.stopped_g).end_object();
    }
    j.key("processors").begin_array();
    for (const auto& [p, is] : s.processors()) {
        j.begin_object().key("p").number(int64_t(p)).key("held").boolean(is.held).key("runs").number(is.g);
        j.key("name").string(is.g != 0 ? label(w, is.g) : "").key("since_ns").number(s.now() - is.since_ns);
        j.end_object();
    }
    j.end_array().key("counts").begin_object().key("runnable").number(all.runnables);
    j.key("in_call").number(all.calls).key("waiting").number(all.waits).end_object();
    json_events(j, w);
    json_groups(j, "runnable", all.runnable, s.now(), most);
    json_groups(j, "in_call", all.in_call, s.now(), most);
    json_groups(j, "waiting", all.waiting, s.now(), most);
    j.end_object();
    return out + "\n";
}

std::string why_as_text(const trace_window& w, const std::vector<why_step>& steps) {
    std::string out;
    for (size_t i = 0; i < steps.size(); i++) {
        const why_step& s = steps[i];
        out += (i == 0 ? "" : "\n") + moment(w, s.at_ns) + "  " + label(w, s.g) + ": " + words(s.life) + "\n";
        if (!s.was_runnable) {
            out += "    the window does not show it waiting for a processor before that\n";
            continue;
        }
        out += "    " + std::string(s.has_run ? "ran at " + moment(w, s.run_ns) + ", " : "") + "runnable for " +
               age(s.runnable_ns, s.run_ns, s.begin_known) + " since " + moment(w, s.runnable_ns) + ": " +
               became(w, s) + "\n";
        for (const processor_share& p : s.meanwhile) {
            out += "      meanwhile P" + std::to_string(p.p) + ":";
            for (const share& part : p.by)
                out += " " + (part.g != 0 ? label(w, part.g) : std::string("no goroutine")) + " " +
                       short_time(double(part.ns)) + (&part == &p.by.back() ? "" : ",");
            out += "\n";
        }
        if (!s.has_waited) continue;
        if (!s.wait_known) {
            out += "    it had waited since before the window\n";
            continue;
        }
        std::string at = place(w, s.pc);
        out += "    it had waited " + short_time(double(s.waited_ns)) + ": " + reason_words(s.reason) +
               (s.object != 0 ? " " + hex(s.object) : "") + (at.empty() ? "" : " at " + at) + "\n";
    }
    return out;
}

std::string why_as_json(const trace_window& w, const std::vector<why_step>& steps) {
    std::string out;
    json_writer j(out);
    j.begin_array();
    for (const why_step& s : steps) {
        j.begin_object().key("g").number(s.g).key("name").string(label(w, s.g)).key("state").string(words(s.life));
        j.key("at_ns").number(s.at_ns - w.begin_ns).key("was_runnable").boolean(s.was_runnable);
        if (s.was_runnable) {
            j.key("runnable_since_ns").number(s.runnable_ns - w.begin_ns).key("since_before_window");
            j.boolean(!s.begin_known).key("ran").boolean(s.has_run).key("until_ns").number(s.run_ns - w.begin_ns);
            j.key("became").string(became(w, s)).key("by").number(s.by).key("meanwhile").begin_array();
            for (const processor_share& p : s.meanwhile) {
                j.begin_object().key("p").number(int64_t(p.p)).key("ran").begin_array();
                for (const share& part : p.by)
                    j.begin_object().key("g").number(part.g).key("ns").number(part.ns).end_object();
                j.end_array().end_object();
            }
            j.end_array();
        }
        if (s.wait_known) {
            j.key("had_waited_ns").number(s.waited_ns).key("reason").string(reason_words(s.reason));
            j.key("object").string(hex(s.object)).key("at").string(place(w, s.pc));
        }
        j.end_object();
    }
    j.end_array();
    return out + "\n";
}

std::string steps_as_text(const trace_window& w, uint64_t g, int64_t ns, size_t around) {
    size_t before = 0;
    std::vector<const event*> all = around_of(w, g, ns, around, &before);
    std::string out = label(w, g) + "\n";
    for (size_t i = 0; i <= all.size(); i++) {
        if (i == before) out += "> " + moment(w, ns) + "\n";
        if (i == all.size()) break;
        out += "  " + moment(w, all[i]->ns) + "  " + words(w, *all[i], g) + "\n";
    }
    return out;
}

std::string steps_as_json(const trace_window& w, uint64_t g, int64_t ns, size_t around) {
    size_t before = 0;
    std::string out;
    json_writer j(out);
    j.begin_object().key("g").number(g).key("name").string(label(w, g)).key("at_ns").number(ns - w.begin_ns);
    j.key("events").begin_array();
    for (const event* e : around_of(w, g, ns, around, &before))
        j.begin_object().key("ns").number(e->ns - w.begin_ns).key("what").string(words(w, *e, g)).end_object();
    j.end_array().end_object();
    return out + "\n";
}

}  // namespace insp

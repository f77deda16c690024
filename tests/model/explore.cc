// SPDX-License-Identifier: BSL-1.0
// explore: whose turn it is, and what is tried next: depth first, each execution from its beginning.
#include <sys/mman.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "tests/model/engine.h"

namespace gossamer::model {

void (*on_switch)(unsigned from, unsigned to) = nullptr;

namespace {

using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

constexpr size_t kStackBytes = 256 << 10;
constexpr unsigned kNobody = ~0u;

struct abandoned {};

char* stack_of(unsigned thread) {
    static char* stacks[kThreads];
    if (stacks[thread] == nullptr)
        stacks[thread] = static_cast<char*>(
            mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    return stacks[thread];
}

void land(transfer_t t) {
    if (the.left == kNobody)
        the.explorer = t.fctx;
    else
        the.actors[the.left].context = t.fctx;
}

void switch_to(unsigned to) {
    unsigned from = the.current;
    the.left = from;
    the.current = to;
    if (on_switch != nullptr) on_switch(from, to);
    land(jump_fcontext(the.actors[to].context, nullptr));
}

bool can_go(const actor& a) {
    return a.state == life::ready || (a.state == life::spinning && the.stores - a.stores > a.spin_mark);
}

// The choice at this depth, made now if it is the first time. Null when there is nothing to choose.
choice* next_choice(unsigned options) {
    if (options < 2) return nullptr;
    if (the.depth == the.choices.size()) {
        the.choices.push_back({});
        the.choices.back().options = uint8_t(options);
    }
    choice& c = the.choices[the.depth++];
    if (c.options != options) {
        fprintf(stderr, "model: the same choices led elsewhere: %u options, not %u\n", options, c.options);
        abort();
    }
    return &c;
}

void note_choice(char kind, unsigned number, unsigned value) {
    the.taken +=
        (the.taken.empty() ? "" : " ") + std::string(1, kind) + std::to_string(number) + ":" + std::to_string(value);
}

// Who goes next; kNobody when nobody can. `stays`: the current thread could go on.
unsigned schedule(bool stays) {
    std::array<uint8_t, kThreads> order{};
    unsigned n = 0;
    uint8_t slept = 0;
    bool bounded = the.within.preemptions != kUnbounded;
    auto consider = [&](unsigned i) {
        if (!bounded && (the.sleeping >> i & 1) != 0 && !the.replaying)
            slept++;
        else
            order[n++] = uint8_t(i);
    };
    if (stays) consider(the.current);
    bool free = !stays || !bounded || the.replaying || the.preemptions < unsigned(the.within.preemptions);
    for (unsigned i = 0; free && i < the.actors.size(); i++)
        if (!(stays && i == the.current) && can_go(the.actors[i])) consider(i);
    if (n == 0) {
        if (slept == 0) return kNobody;
        the.pruned = true;
        leave_execution();
    }
    unsigned to = order[0];
    if (the.replaying) {
        if (auto found = the.replay.find({'t', the.steps}); found != the.replay.end()) to = found->second;
    } else if (choice* c = next_choice(n)) {
        c->of_thread = true;
        c->order = order;
        to = order[c->chosen];
        for (unsigned i = 0; i < c->chosen; i++) the.sleeping |= uint8_t(1u << order[i]);
        the.sleeping &= uint8_t(~(1u << to));
    }
    unsigned first = 0;
    while (first < the.actors.size() && !(stays ? first == the.current : can_go(the.actors[first]))) first++;
    if (to != first) note_choice('t', the.steps, to);
    if (stays && to != the.current) the.preemptions++;
    for (unsigned i = 0; i < the.actors.size(); i++)
        if ((the.sleeping >> i & 1) != 0 && !independent(the.actors[i].next, the.actors[to].next))
            the.sleeping &= uint8_t(~(1u << i));
    return to;
}

// Nobody can go on.
[[noreturn]] void quiet() {
    std::string stuck;
    for (const actor& a : the.actors) {
        if (a.state == life::spinning) stuck += std::string(stuck.empty() ? "" : ", ") + a.name + " spins for ever";
        if (a.state == life::asleep && !a.may_sleep)
            stuck += std::string(stuck.empty() ? "" : ", ") + a.name + " sleeps for ever";
    }
    the.current = kNobody;
    if (!stuck.empty()) fail(stuck);
    leave_execution();
}

void main_of_thread(transfer_t t) {
    land(t);
    the.under_test = true;
    the.me().run();
    the.under_test = false;
    if (auto late = std::move(the.me().delayed)) late();
    the.me().state = life::over;
    the.steps++;
    unsigned to = schedule(false);
    if (to == kNobody) quiet();
    switch_to(to);
    abort();
}

void clear_execution() {
    the.depth = the.steps = the.picks = the.stale = the.preemptions = 0;
    the.stores = 0;
    the.sleeping = 0;
    the.pruned = false;
    the.broken.clear();
    the.actors.clear();
    the.actors.reserve(kThreads);
    the.end_check = nullptr;
    the.numbers.clear();
    the.words_used = 0;
    the.sc = {};
    the.names.clear();
    the.path.clear();
    the.taken.clear();
    the.found_shared.clear();
    forget_plain();
    forget_arena();
}

void run_once(const std::function<void()>& body) {
    clear_execution();
    try {
        the.under_test = true;
        body();
        the.under_test = false;
        for (unsigned i = 0; i < the.actors.size(); i++) {
            actor& a = the.actors[i];
            a.stack = stack_of(i);
            a.context = make_fcontext(a.stack + kStackBytes, kStackBytes, main_of_thread);
            a.now.clock[i] = 1;
        }
        the.current = kNobody;
        unsigned first = schedule(false);
        the.left = kNobody;
        the.current = first;
        if (on_switch != nullptr) on_switch(kNobody, first);
        the.running = true;
        jump_fcontext(the.actors[first].context, nullptr);
        if (on_switch != nullptr) on_switch(kNobody, kNobody);
        the.running = the.under_test = false;
        if (the.broken.empty() && !the.pruned && the.end_check) the.end_check();
    } catch (const abandoned&) {
        the.under_test = false;
    }
}

// The next execution's choices; false when all have been tried.
bool advance() {
    while (!the.choices.empty()) {
        choice& last = the.choices.back();
        if (++last.chosen < last.options) return true;
        the.choices.pop_back();
    }
    return false;
}

unsigned line_of(const plant& bug) {
    std::string path = std::string(GOSSAMER_SOURCE_ROOT "/") + bug.file;
    std::ifstream in(path);
    unsigned line_number = 0, times = 0, at = 0;
    for (std::string line; std::getline(in, line);) {
        line_number++;
        if (line.find(bug.text) == std::string::npos) continue;
        times++;
        if (bug.which == 0 || times == bug.which) at = line_number;
    }
    if (at == 0 || (bug.which == 0 && times != 1)) {
        fflush(stdout);
        fprintf(stderr, "model: %s has %u lines with \"%s\"\n", bug.file, times, bug.text);
        abort();
    }
    return at;
}

void read_replay(const std::string& text) {
    the.replay.clear();
    std::istringstream in(text);
    char kind, colon;
    unsigned number, value;
    while (in >> kind >> number >> colon >> value) the.replay[{kind, number}] = value;
}

}  // namespace

void point(const step& next) {
    the.me().next = next;
    unsigned to = schedule(true);
    if (to != the.current) switch_to(to);
}

unsigned pick(unsigned options) {
    unsigned number = the.picks++, taken = 0;
    if (the.replaying) {
        if (auto found = the.replay.find({'p', number}); found != the.replay.end()) taken = found->second;
    } else if (choice* c = next_choice(options)) {
        taken = c->chosen;
    }
    if (taken != 0) note_choice('p', number, taken);
    return taken;
}

void sleep_here(life how) {
    actor& a = the.me();
    a.state = how;
    a.next = {how == life::spinning ? act::spin : act::store, true, a.sleeps_on};
    the.steps++;
    unsigned to = schedule(false);
    if (to == kNobody) quiet();
    if (to != the.current) switch_to(to);
    the.me().state = life::ready;
}

void leave_execution() {
    jump_fcontext(the.explorer, nullptr);
    abort();
}

void fail(const std::string& sentence) {
    own_code scope;
    if (the.broken.empty()) {
        the.broken = sentence;
        if (the.running && the.current != kNobody) the.broken += std::string(" (") + the.me().name + ")";
    }
    if (the.running) leave_execution();
    throw abandoned{};
}

void require(bool holds, const char* sentence) {
    if (!holds) fail(sentence);
}

void trace(const char* what, const void* at, const std::string& detail, place where) {
    char line[400];
    std::string called;
    if (at != nullptr) {
        auto found = the.names.find(at);
        called = found != the.names.end() ? found->second : "word " + std::to_string(the.numbers[at]);
    }
    const char* file = strstr(where.file, "runtime/");
    if (file == nullptr) file = strstr(where.file, "lib/");
    if (file == nullptr) file = strstr(where.file, "tests/");
    snprintf(line, sizeof line, "%4u  %-10s %-16s %-18s %-34s %s%s%s\n", the.steps, the.me().name, what, called.c_str(),
             detail.c_str(), file != nullptr ? file : where.file, where.line != 0 ? ":" : "",
             where.line != 0 ? std::to_string(where.line).c_str() : "");
    the.path += line;
}

verdict explore(const bounds& within, const std::function<void()>& body, const plant* bug) {
    verdict v;
    the.within = within;
    the.bug = bug;
    the.bug_line = bug != nullptr ? line_of(*bug) : 0;
    the.bug_reached = false;
    the.choices.clear();
    the.shared_words.clear();
    the.replaying = the.tracing = false;
    const char* wanted = getenv("GOSSAMER_MODEL");
    if (wanted == nullptr && within.replay != nullptr) wanted = within.replay;
    std::string choices = wanted != nullptr ? wanted : "";
    while (wanted == nullptr) {
        if (v.executions == within.executions) return v;
        run_once(body);
        v.executions++;
        v.steps += the.steps;
        v.planted = the.bug_reached;
        if (!the.broken.empty()) {
            choices = the.taken;
            break;
        }
        if (!the.found_shared.empty()) {
            the.shared_words.insert(the.found_shared.begin(), the.found_shared.end());
            the.choices.clear();
        } else if (!advance()) {
            v.complete = true;
            return v;
        }
    }
    read_replay(choices);
    the.replaying = the.tracing = true;
    run_once(body);
    v.broken = the.broken;
    v.path = the.path + "broken: " + the.broken + "\nagain: GOSSAMER_MODEL='" + choices + "'\n";
    v.choices = choices;
    return v;
}

void thread(const char* name, std::function<void()> run) {
    own_code scope;
    if (the.actors.size() == kThreads) fail("the checker has room for five threads");
    the.actors.emplace_back();
    the.actors.back().name = name;
    the.actors.back().run = std::move(run);
}

void at_end(std::function<void()> check) {
    own_code scope;
    the.end_check = std::move(check);
}

void name(const void* word, const char* called) {
    own_code scope;
    the.names[word] = called;
}

void may_sleep(bool allowed) { the.me().may_sleep = allowed; }

bool asleep(unsigned thread) { return the.actors[thread].state == life::asleep; }

unsigned self() { return the.current; }

unsigned any_of(unsigned n) {
    own_code scope;
    return pick(n);
}

}  // namespace gossamer::model

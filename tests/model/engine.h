// SPDX-License-Identifier: BSL-1.0
// engine: the checker's inside: what a thread knows, what a word has held, what is to be tried next.
// Invariants:
//   1 What a thread knows (view) only grows: for each word the oldest store that it may still read, for each thread how far it has synchronised.
//   2 The stores of a word stand in the order in which they were executed; the newest is also in memory.
//   3 An execution is a function of its choices alone: the same choices give the same addresses, values and steps.
#pragma once

#include <array>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tests/model/checker.h"
#include "tests/model/steps.h"

namespace gossamer::model {

inline constexpr unsigned kThreads = 5;
inline constexpr unsigned kWords = 192;
inline constexpr unsigned kMostSteps = 4000;  // of one execution: more is a loop that nobody ends

using seen_stores = std::array<uint16_t, kWords>;

struct view {
    seen_stores seen{};
    std::array<uint16_t, kThreads> clock{};
};
void join(seen_stores& to, const seen_stores& from);
void join(view& to, const view& from);

struct past_store {
    uint64_t value = 0;
    view released;  // what an acquiring reader learns
};

struct word {
    const void* at = nullptr;
    unsigned size = 0;
    unsigned number = 0;
    uint8_t users = 0;  // bit for each thread
    bool shared = false;
    unsigned stores = 0;
    std::vector<past_store> history;  // [0, stores)
    past_store& newest() { return history[stores - 1]; }
};

enum class act : uint8_t { begin, load, store, fence, heavy, spin };
struct step {
    act what = act::begin;
    bool seq_cst = false;
    const void* at = nullptr;
};
bool independent(const step& a, const step& b);

enum class life : uint8_t { ready, asleep, spinning, over };

struct actor {
    const char* name = "";
    std::function<void()> run;
    void* context = nullptr;
    char* stack = nullptr;
    life state = life::ready;
    bool may_sleep = false;
    const void* sleeps_on = nullptr;
    uint32_t spin_mark = 0;  // stores of others when it last spun
    bool looked = false;     // at a word, since it last spun
    unsigned fruitless_spins = 0;
    uint32_t stores = 0;
    step next;
    view now;
    view acquired;         // by relaxed loads: learnt at an acquire fence
    view fence_released;   // at the last release fence: what a relaxed store tells
    seen_stores at_fence;  // at the last compiler fence: what a heavy fence of another makes known
    seen_stores pending;   // what heavy fences of others made known: learnt at the next compiler fence
    std::function<void()> delayed;
};

// One choice: of a thread (order holds the candidates) or of a number.
struct choice {
    uint8_t chosen = 0;
    uint8_t options = 0;
    bool of_thread = false;
    uint8_t sleeping = 0;  // of_thread: bit for each thread whose turn here would repeat what was explored
    std::array<uint8_t, kThreads> order{};
};

struct engine {
    // The search.
    bounds within;
    std::vector<choice> choices;
    std::unordered_set<const void*> shared_words;  // several threads use them: a step on another is no point of choice
    std::vector<const void*> found_shared;         // in this execution: the search begins anew
    std::map<std::pair<char, unsigned>, unsigned> replay;  // choices that are not the first, by kind and number
    bool replaying = false;
    const plant* bug = nullptr;
    unsigned bug_line = 0;
    bool bug_reached = false;

    // The execution.
    bool running = false;     // threads run
    bool under_test = false;  // the code of the test has the processor, not the checker's own
    size_t depth = 0;
    unsigned steps = 0;
    unsigned picks = 0;
    unsigned stale = 0;
    unsigned preemptions = 0;
    uint32_t stores = 0;
    uint8_t sleeping = 0;
    bool pruned = false;
    std::string broken;
    std::vector<actor> actors;
    unsigned current = 0;
    unsigned left = 0;  // whose context is being saved
    void* explorer = nullptr;
    std::function<void()> end_check;
    std::unordered_map<const void*, unsigned> numbers;
    std::vector<word> words;
    unsigned words_used = 0;
    seen_stores sc{};  // what seq_cst operations and fences have ordered
    bool tracing = false;
    std::string path;
    std::string taken;  // the choices that are not the first, as text
    std::unordered_map<const void*, std::string> names;

    actor& me() { return actors[current]; }
};
extern engine the;

// The checker's own code runs: what it allocates is its own.
class own_code {
  public:
    own_code() : was_(std::exchange(the.under_test, false)) {}
    ~own_code() { the.under_test = was_; }
    own_code(const own_code&) = delete;
    own_code& operator=(const own_code&) = delete;

  private:
    bool was_;
};

// explore.cc
void point(const step& next);     // another thread may go first
unsigned pick(unsigned options);  // a number below `options`; explored from 0
[[noreturn]] void leave_execution();
void sleep_here(life how);  // until another thread makes the caller ready
void trace(const char* what, const void* at, const std::string& detail, place where);

// plain.cc
void forget_plain();
void forget_arena();

}  // namespace gossamer::model

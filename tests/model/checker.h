// SPDX-License-Identifier: BSL-1.0
// checker: runs a small program of model threads over the real source in every order, with every value that a load may see by the rules of the
// C++20 memory model, until something breaks; then prints the path.
// Called by / on: explore() by a test; thread(), at_end(), make(), name() by the body that explore() calls before each execution; the rest by
//   model threads. Everything on one thread of the machine: model threads are contexts, and switch at each atomic operation.
// What is explored:
//   1 Orders: which thread does the next operation on a word that several use. Without a bound of preemptions all orders, each class of orders
//     that differ only in independent steps once (sleep sets); with a bound all orders that preempt so often.
//   2 Values: a load may read any store that its thread does not know to be overwritten. Known is what happened before, what it read before,
//     what seq_cst operations and fences order; rt::os::heavy_fence() is a fence in every thread, between two of its compiler fences.
//     `stale` bounds how many loads of one execution read anything but the newest.
//   3 Plain memory: every access of the code under test (the compiler calls us, as it would ThreadSanitizer); two that are not ordered are a
//     race, one after the end of an object that was made with `new` is a use after free.
//   4 Sleeping: nobody left to run, and somebody asleep who did not say may_sleep(): a lost wake-up.
// Not explored: a store that comes in a word's order before one that was executed before it; a weak compare-exchange that fails for no reason;
//   values out of thin air. After a turn of a spin loop a thread sees the newest values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <string>
#include <utility>

#include "tests/model/steps.h"

namespace gossamer::model {

inline constexpr int kUnbounded = -1;

struct bounds {
    int preemptions = kUnbounded;
    unsigned stale = 4;
    uint64_t executions = 3'000'000;  // more: the search is given up, and holds() is false
    const char* replay = nullptr;     // choices of a verdict: that execution alone
};

// A bug put into the real source at run time: at the one line of `file` that holds `text`, or at the which-th of several.
enum class fault : uint8_t {
    relaxed,  // the operation orders nothing
    skipped,  // a store or a fence does not happen; a read-modify-write only reads
    late,     // a store happens after the thread's next operation: two lines swapped
    split,    // a read-modify-write is a load and then a store
    blind,    // a compare-exchange does not compare
};
struct plant {
    const char* file;
    const char* text;
    fault how;
    unsigned which = 0;
};

struct verdict {
    std::string broken;   // what broke; empty: nothing
    std::string path;     // each step of the execution in which it broke
    std::string choices;  // explore() with GOSSAMER_MODEL=<choices> runs that execution alone
    uint64_t executions = 0;
    uint64_t steps = 0;
    bool complete = false;  // all within the bounds
    bool planted = false;   // the plant's line was reached
    bool holds() const { return broken.empty() && complete; }
};

verdict explore(const bounds& within, const std::function<void()>& body, const plant* bug = nullptr);

// For the body.
void thread(const char* name, std::function<void()> run);
void at_end(std::function<void()> check);  // when no thread can go on
void name(const void* word, const char* called);
void* allocate(size_t bytes, size_t align);
template <class T, class... A>
T& make(A&&... a) {
    return *::new (allocate(sizeof(T), alignof(T))) T(std::forward<A>(a)...);
}

// For threads, and for what at_end() runs.
void require(bool holds, const char* sentence);
[[noreturn]] void fail(const std::string& sentence);
void may_sleep(bool allowed = true);  // the calling thread may be asleep when nobody can go on
bool asleep(unsigned thread);         // for at_end(): threads count from 0
bool freed(const void* made);         // made with `new` and given back
unsigned self();
// Any of n, n at least 1: a choice of the world.
unsigned any_of(unsigned n);
void spin();  // one turn of a loop that waits for somebody else
void futex_wait(const void* word, uint32_t expected);
void futex_wake(const void* word, int count);
// Called when thread `from` leaves the processor and `to` gets it: for what is kept per thread.
extern void (*on_switch)(unsigned from, unsigned to);

}  // namespace gossamer::model

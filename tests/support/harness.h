// SPDX-License-Identifier: BSL-1.0
// harness: what a test case may ask of the test program around it. A test case itself runs on a plain thread.
#pragma once

#include <future>
#include <utility>

#include "gossamer/go.h"
#include "tests/support/wait.h"

namespace tests {

// Prints the sentence and every goroutine, then aborts: for a wait that can never end well.
[[noreturn]] void give_up(const char* sentence);

// Runs f as a goroutine and waits for it as a plain thread does. What f throws, a failed REQUIRE among it, comes out here.
template <class F>
void on_goroutine(F f) {
    std::promise<void> ended;
    std::future<void> end = ended.get_future();
    gossamer::go([&] {
        try {
            f();
        } catch (...) {
            // A copy, because the waiting frame is free to go once the promise is kept.
            std::promise<void> mine = std::move(ended);
            mine.set_exception(std::current_exception());
            return;
        }
        std::promise<void> mine = std::move(ended);
        mine.set_value();
    });
    if (end.wait_for(kLongestWait) != std::future_status::ready) give_up("on_goroutine: the goroutine did not end");
    end.get();
}

// True as soon as cond() is, false after the longest wait. Only for facts that no channel can announce (a status, a count).
bool eventually_true(bool (*cond)(void*), void* arg);
template <class Cond>
bool eventually(Cond cond) {
    return eventually_true([](void* c) { return static_cast<bool>((*static_cast<Cond*>(c))()); }, &cond);
}

// The test leaves n goroutines parked for ever on purpose (a nil channel); the leak check forgives them.
void leave_behind(int n);
int left_behind_so_far();

}  // namespace tests

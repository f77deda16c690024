// SPDX-License-Identifier: BSL-1.0
// What C++ keeps of exceptions for each thread belongs to the goroutine here: what it handles, what is on its way, how many. With -Dmigrate=true
// every park in these tests comes back on another thread.
#include <doctest/doctest.h>
#include <gossamer/chan.h>
#include <gossamer/defer.h>
#include <gossamer/go.h>
#include <gossamer/panic.h>
#include <gossamer/runtime.h>
#include <gossamer/time.h>
#include <gossamer/wait_group.h>

#include <atomic>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/harness.h"
#include "tests/support/with_procs.h"

using namespace gossamer;
using tests::on_goroutine;

namespace {

// An exception whose copies are counted, with a text that says when it was spoilt.
struct counted_error {
    static inline std::atomic<int> alive{0};
    int value;
    std::string text;
    explicit counted_error(int v) : value(v), text("the error of number " + std::to_string(v)) { alive++; }
    counted_error(const counted_error& e) : value(e.value), text(e.text) { alive++; }
    ~counted_error() { alive--; }
    bool whole(int v) const { return value == v && text == "the error of number " + std::to_string(v); }
};

// The value of the exception being handled, by way of current_exception(); -1: none.
int handled() {
    std::exception_ptr now = std::current_exception();
    if (now == nullptr) return -1;
    try {
        std::rethrow_exception(now);
    } catch (const counted_error& e) {
        return e.value;
    } catch (...) {
        return -2;
    }
}

// Runs f when it is destroyed, also while something is thrown.
template <class F>
struct at_end {
    F f;
    ~at_end() { f(); }
};
template <class F>
at_end(F) -> at_end<F>;

}  // namespace

TEST_CASE("thousands of goroutines are parked in catch blocks at once; each has its own exceptions afterwards [P10]") {
    constexpr int kTasks = 2000;
    chan<unit> gate;
    wait_group all;
    std::atomic<int> in_catch{0}, wrong{0};
    for (int t = 0; t < kTasks; t++)
        all.go([&, t] {
            try {
                throw counted_error(t);
            } catch (const counted_error& outer) {
                try {
                    throw counted_error(t + kTasks);
                } catch (const counted_error& inner) {
                    in_catch++;
                    gate.recv();
                    wrong += !inner.whole(t + kTasks) + (handled() != t + kTasks) + (std::uncaught_exceptions() != 0);
                }
                wrong += handled() != t;
                yield();
                wrong += !outer.whole(t) + (handled() != t);
            }
            wrong += std::current_exception() != nullptr;
        });
    CHECK(tests::eventually([&] { return in_catch == kTasks; }));
    CHECK(counted_error::alive == 2 * kTasks);
    gate.close();
    all.wait();
    CHECK(wrong == 0);
    CHECK(counted_error::alive == 0);
}

TEST_CASE("what is thrown in one goroutine is no exception of another on the same thread [P10]") {
    tests::with_procs one(1);
    on_goroutine([] {
        chan<unit> to_other, back;
        std::atomic<int> wrong{0};
        auto ask_other = [&] {
            to_other.send({});
            back.recv();
        };
        go([=, &wrong] {
            for (unit u : to_other) {
                (void)u;
                wrong += std::uncaught_exceptions() != 0 || std::current_exception() != nullptr;
                try {
                    throw counted_error(1);
                } catch (const counted_error&) {
                    wrong += handled() != 1;
                }
                back.send({});
            }
        });
        for (int i = 0; i < 50; i++) {
            try {
                at_end while_unwinding{[&] {
                    wrong += std::uncaught_exceptions() != 1;
                    ask_other();
                    wrong += std::uncaught_exceptions() != 1 || std::current_exception() != nullptr;
                }};
                throw counted_error(2);
            } catch (const counted_error&) {
                ask_other();
                wrong += handled() != 2 || std::uncaught_exceptions() != 0;
            }
        }
        to_other.close();
        CHECK(wrong == 0);
    });
    CHECK(counted_error::alive == 0);
}

TEST_CASE("a destructor that unwinding calls may throw, catch and park, at any depth [P6] [P10]") {
    wait_group all;
    std::atomic<int> wrong{0};
    for (int t = 0; t < 50; t++)
        all.go([&, t] {
            try {
                at_end outer{[&] {
                    wrong += std::uncaught_exceptions() != 1;
                    try {
                        at_end inner{[&] {
                            wrong += std::uncaught_exceptions() != 2;
                            yield();
                            wrong += std::uncaught_exceptions() != 2;
                        }};
                        throw counted_error(t + 1000);
                    } catch (const counted_error& e) {
                        yield();
                        wrong += !e.whole(t + 1000) + (std::uncaught_exceptions() != 1) + (handled() != t + 1000);
                    }
                    yield();
                    wrong += std::uncaught_exceptions() != 1;
                }};
                throw counted_error(t);
            } catch (const counted_error& e) {
                wrong += !e.whole(t) + (std::uncaught_exceptions() != 0);
            }
        });
    all.wait();
    CHECK(wrong == 0);
    CHECK(counted_error::alive == 0);
}

TEST_CASE("an exception is thrown on from block to block with parks between, and stays the same object [P6]") {
    wait_group all;
    std::atomic<int> wrong{0};
    for (int t = 0; t < 50; t++)
        all.go([&, t] {
            const counted_error* first = nullptr;
            try {
                try {
                    try {
                        throw counted_error(t);
                    } catch (const counted_error& e) {
                        first = &e;
                        yield();
                        throw;
                    }
                } catch (...) {
                    yield();
                    throw;
                }
            } catch (const counted_error& e) {
                yield();
                wrong += &e != first || !e.whole(t);
            }
            // As its cause, inside of another.
            try {
                try {
                    yield();
                    throw counted_error(t);
                } catch (const counted_error&) {
                    yield();
                    std::throw_with_nested(std::runtime_error("around it"));
                }
            } catch (const std::runtime_error& around) {
                yield();
                try {
                    std::rethrow_if_nested(around);
                    wrong++;
                } catch (const counted_error& e) {
                    yield();
                    wrong += !e.whole(t);
                }
            }
        });
    all.wait();
    CHECK(wrong == 0);
    CHECK(counted_error::alive == 0);
}

TEST_CASE(
    "an exception_ptr is thrown again by many goroutines and a plain thread at once, and freed by the last of them") {
    constexpr int kTasks = 64;
    chan<std::exception_ptr> out;
    go([=] {
        try {
            throw counted_error(7);
        } catch (...) {
            out.send(std::current_exception());
            yield();
        }
    });
    std::exception_ptr shared = *out.recv();
    std::atomic<int> wrong{0};
    auto throw_again = [&wrong](std::exception_ptr own) {
        for (int i = 0; i < 10; i++) try {
                std::rethrow_exception(own);
            } catch (const counted_error& e) {
                yield();
                wrong += !e.whole(7) + (handled() != 7);
            }
    };
    wait_group all;
    for (int t = 0; t < kTasks; t++) all.go([&, own = shared] { throw_again(own); });
    std::thread plain(throw_again, shared);
    plain.join();
    all.wait();
    CHECK(wrong == 0);
    CHECK(tests::eventually([] { return counted_error::alive == 1; }));  // closures are destroyed after done()
    std::thread([last = std::move(shared)] {}).join();
    CHECK(counted_error::alive == 0);
}

TEST_CASE("an exception whose handler ends on another thread, and one that leaves with its goroutine, are freed once") {
    wait_group all;
    chan<std::exception_ptr> left(100);
    for (int t = 0; t < 100; t++)
        all.go([=] {
            try {
                throw counted_error(t);
            } catch (const counted_error&) {
                left.send(std::current_exception());
                sleep(std::chrono::microseconds(100));  // parks: whichever thread has time goes on
            }
        });
    all.wait();
    CHECK(counted_error::alive == 100);
    std::thread([left] {
        for (int t = 0; t < 100; t++) left.recv();
    }).join();
    CHECK(counted_error::alive == 0);
}

TEST_CASE("goexit passes catch (...) blocks that park, look at it and throw it on [G14] [P10]") {
    auto before = runtime::num_goroutines();
    chan<int> steps(10);
    std::exception_ptr kept;
    go([&kept, steps] {
        defer last{[=] {
            steps.send(std::uncaught_exceptions());
            yield();
            steps.close();
        }};
        try {
            try {
                goexit();
            } catch (...) {
                yield();
                steps.send(1);
                kept = std::current_exception();
                yield();
                throw;
            }
        } catch (const std::exception&) {
            steps.send(-1);  // it is no std::exception
        } catch (...) {
            steps.send(2);
            yield();
            std::rethrow_exception(kept);
        }
        steps.send(-2);
    });
    CHECK(*steps.recv() == 1);
    CHECK(*steps.recv() == 2);
    CHECK(*steps.recv() == 1);
    CHECK_FALSE(steps.recv().ok);
    CHECK(tests::eventually([=] { return runtime::num_goroutines() == before; }));
    kept = nullptr;  // the end of the goroutine has come before its own: no complaint
}

TEST_CASE("goexit inside of a handler ends that handler's exception too, and leaves nothing behind [G14]") {
    for (int i = 0; i < 20; i++) {
        chan<int> ended;
        go([=] {
            defer last{[=] { ended.close(); }};
            try {
                throw counted_error(i);
            } catch (const counted_error&) {
                yield();
                goexit();
            }
        });
        CHECK_FALSE(ended.recv().ok);
    }
    CHECK(tests::eventually([] { return counted_error::alive == 0; }));
    // The next goroutine on the same stack begins with nothing.
    on_goroutine([] {
        CHECK(std::current_exception() == nullptr);
        CHECK(std::uncaught_exceptions() == 0);
    });
}

TEST_CASE("an exception leaves a wait_group's, a mutex's and a channel's frames as it left them before [P1]") {
    wait_group all;
    chan<int> results(100);
    for (int t = 0; t < 100; t++)
        all.go([=] {
            try {
                chan<int> closed;
                closed.close();
                closed.send(t);  // throws in the middle of the library
            } catch (const panic& p) {
                yield();
                results.send(std::string(p.what()) == "send on closed channel" ? 1 : 0);
            }
        });
    all.wait();
    int sum = 0;
    for (int t = 0; t < 100; t++) sum += *results.recv();
    CHECK(sum == 100);
}

// SPDX-License-Identifier: BSL-1.0
#include "gossamer/go.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cerrno>
#include <cfenv>
#include <exception>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include "gossamer/chan.h"
#include "gossamer/runtime.h"
#include "gossamer/wait_group.h"
#include "runtime/arch/cpu.h"
#include "tests/support/harness.h"
#include "tests/support/with_procs.h"

using namespace gossamer;

namespace {
int plus_one(int x) { return x + 1; }
struct counter {
    std::atomic<int> n{0};
    void add(int by) { n += by; }
};
// Out of line: a compiler keeps the address of errno over a call, and so over a park that changes the thread (G20).
[[gnu::noinline]] int get_errno() {
    asm volatile("");
    return errno;
}
[[gnu::noinline]] void set_errno(int e) {
    asm volatile("");
    errno = e;
}
void do_nothing() noexcept {}
struct throws_on_copy {
    throws_on_copy() = default;
    throws_on_copy(const throws_on_copy&) { throw std::runtime_error("copy"); }
    void operator()() const {}
};
}  // namespace

TEST_CASE("functions, members, lambdas and their arguments are copied or moved before go returns [G1]") {
    chan<std::string> out(10);
    {
        std::string text = "copied";
        go([&out](const std::string& s) { out.send(s); }, text);
        text = "changed";
    }
    CHECK(*out.recv() == "copied");
    go([&out](std::unique_ptr<std::string> p) { out.send(*p); }, std::make_unique<std::string>("moved"));
    CHECK(*out.recv() == "moved");
    counter c;
    wait_group wg;
    wg.add(1);
    go([&] {
        go(&counter::add, &c, 2);
        go([&wg](int x) { plus_one(x) == 2 ? wg.done() : void(); }, 1);
    });
    wg.wait();
    CHECK(tests::eventually([&] { return c.n == 2; }));
}

TEST_CASE("go runs nothing and gives no handle; the newcomer sees what was written before it [G2] [G4] [G5] [MM2]") {
    static_assert(std::is_void_v<decltype(go([] {}))>);
    tests::with_procs one(1);
    tests::on_goroutine([] {
        int written = 0;
        std::atomic<bool> ran{false};
        chan<int> seen;
        int early = 0;  // a busy machine takes the processor away from this thread now and then, and others run there
        for (int i = 1; i <= 100; i++) {
            written = i;
            ran = false;
            go([&, seen] {
                ran = true;
                seen.send(written);
            });
            if (ran) early++;
            CHECK(*seen.recv() == i);
            CHECK(ran);
        }
        CHECK(early < 50);
    });
}

TEST_CASE("a closure of any size runs and is destroyed once") {
    auto alive = std::make_shared<int>(1);
    for (int i = 0; i < 100; i++) {
        char large[200] = {char(i)};
        wait_group wg;
        wg.add(2);
        go([&wg, alive, large, i] {
            CHECK(large[0] == char(i));
            wg.done();
        });
        go([&wg, alive] { wg.done(); });
        wg.wait();
    }
    CHECK(tests::eventually([&] { return alive.use_count() == 1; }));
}

TEST_CASE("a closure that throws while it is copied starts nothing and loses nothing") {
    auto before = runtime::num_goroutines();
    throws_on_copy f;
    CHECK_THROWS_AS(go(f), std::runtime_error);
    CHECK_THROWS_AS(go([](const throws_on_copy&) {}, f), std::runtime_error);
    CHECK(runtime::num_goroutines() == before);
}

TEST_CASE("goexit runs destructors, passes catch (...) that rethrows, and ends only its goroutine [G14]") {
    chan<int> steps(10);
    go([&] {
        struct at_end {
            chan<int>& c;
            ~at_end() {
                c.send(2);
                c.close();
            }
        } end{steps};
        try {
            steps.send(1);
            goexit();
        } catch (...) {
            CHECK_FALSE(std::current_exception() == nullptr);
            throw;
        }
        steps.send(3);
    });
    CHECK(*steps.recv() == 1);
    CHECK(*steps.recv() == 2);
    CHECK_FALSE(steps.recv().ok);
}

TEST_CASE("an exception inside a destructor during goexit does not cancel it [G16]") {
    chan<int> steps(10);
    go([&] {
        struct at_end {
            chan<int>& c;
            ~at_end() {
                try {
                    throw panic("inside");
                } catch (const panic&) {
                    c.send(1);
                }
            }
        };
        struct last {
            chan<int>& c;
            ~last() { c.close(); }
        } l{steps};
        at_end end{steps};
        goexit();
    });
    CHECK(*steps.recv() == 1);
    CHECK_FALSE(steps.recv().ok);
}

TEST_CASE("goexit on a plain thread panics [RT8]") { CHECK_THROWS_AS(goexit(), panic); }

TEST_CASE("the way of rounding travels with the goroutine, and nobody inherits it") {
    tests::on_goroutine([] {
        wait_group all;
        std::atomic<int> strange{0};
        for (int i = 0; i < 64; i++)
            all.go([&, i] {
                if (std::fegetround() != FE_TONEAREST) strange++;
                int mine = i % 2 == 0 ? FE_UPWARD : FE_DOWNWARD;
                std::fesetround(mine);
                for (int n = 0; n < 20; n++) {
                    yield();
                    if (std::fegetround() != mine) strange++;
                }
            });
        all.wait();
        for (int i = 0; i < 64; i++)  // without a park: one after the other on one stack
            all.go([&] {
                if (std::fegetround() != FE_TONEAREST) strange++;
                std::fesetround(FE_TOWARDZERO);
            });
        all.wait();
        CHECK(std::fegetround() == FE_TONEAREST);
        CHECK(strange == 0);
    });
}

TEST_CASE("nobody inherits the x87 unit's control word, changed alone, where there is one") {
    auto word = [](auto control) {
        if constexpr (requires { control.x87; })
            return control.x87;
        else
            return 0;
    };
    auto with_other_word = [](auto control) {
        if constexpr (requires { control.x87; }) control.x87 ^= 0x300;  // single precision
        return control;
    };
    tests::on_goroutine([&] {
        const auto first = rt::arch::read_fp_control();
        wait_group all;
        std::atomic<int> strange{0};
        for (int i = 0; i < 64; i++)  // without a park: one after the other on one stack
            all.go([&] {
                if (word(rt::arch::read_fp_control()) != word(first)) strange++;
                rt::arch::write_fp_control(with_other_word(first));
            });
        all.wait();
        CHECK(word(rt::arch::read_fp_control()) == word(first));
        CHECK(strange == 0);
    });
}

TEST_CASE("exception state and errno travel with the goroutine over a park in a catch block [P10] [G20]") {
    constexpr int kTasks = 50, kRounds = 40;
    wait_group wg;
    for (int t = 0; t < kTasks; t++)
        wg.go([t] {
            for (int r = 0; r < kRounds; r++) {
                try {
                    throw std::runtime_error("task " + std::to_string(t));
                } catch (const std::runtime_error& e) {
                    set_errno(100 + t);
                    yield();
                    REQUIRE(get_errno() == 100 + t);
                    try {
                        throw t;
                    } catch (int inner) {
                        yield();
                        REQUIRE(inner == t);
                    }
                    yield();
                    REQUIRE(e.what() == "task " + std::to_string(t));
                    bool same = false;
                    try {
                        throw;
                    } catch (const std::runtime_error& again) {
                        same = &again == &e;
                    }
                    REQUIRE(same);
                }
                REQUIRE(std::current_exception() == nullptr);
            }
        });
    wg.wait();
}

TEST_CASE("a park in a destructor during unwinding keeps the count of uncaught exceptions [P10]") {
    wait_group wg;
    for (int t = 0; t < 50; t++)
        wg.go([] {
            struct parks {
                ~parks() {
                    REQUIRE(std::uncaught_exceptions() == 1);
                    yield();
                    REQUIRE(std::uncaught_exceptions() == 1);
                }
            };
            for (int r = 0; r < 20; r++) {
                try {
                    parks p;
                    throw r;
                } catch (int got) {
                    REQUIRE(got == r);
                }
                REQUIRE(std::uncaught_exceptions() == 0);
                yield();
            }
        });
    wg.wait();
}

TEST_CASE("run returns what main returns, and may be called again") {
    CHECK(run([] { return 7; }) == 7);
    CHECK(run([] { return std::make_unique<int>(8); }).operator*() == 8);
    int ran = 0;
    run([&] { ran++; });
    CHECK(ran == 1);
    errno = 0;
    CHECK(run(get_errno) == 0);  // a function, its name and its address
    CHECK(run(&get_errno) == 0);
    run(do_nothing);
    tests::on_goroutine([] { CHECK_THROWS_AS(run([] {}), panic); });
}

TEST_CASE("goroutines are counted while they live, and numbered without reuse; 1 is main's [G11] [G12]") {
    auto before = runtime::num_goroutines();
    chan<std::uint64_t> ids;
    chan<unit> quit;
    wait_group wg;
    for (int i = 0; i < 10; i++)
        wg.go([&] {
            ids.send(runtime::goroutine_id());
            quit.recv();
        });
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 10; i++) seen.insert(*ids.recv());
    CHECK(seen.size() == 10);
    CHECK(*seen.begin() > 1);
    CHECK(runtime::num_goroutines() == before + 10);
    quit.close();
    wg.wait();
    CHECK(tests::eventually([&] { return runtime::num_goroutines() == before; }));
}

TEST_CASE("goroutines may be started from plain threads, destructors and other goroutines at once [G19]") {
    wait_group wg;
    constexpr int kThreads = 4, kEach = 500;
    std::atomic<int> ran{0};
    std::vector<std::thread> threads;
    wg.add(kThreads * kEach * 2);
    for (int t = 0; t < kThreads; t++)
        threads.emplace_back([&] {
            for (int i = 0; i < kEach; i++)
                go([&] {
                    struct at_end {
                        wait_group& wg;
                        std::atomic<int>& ran;
                        ~at_end() {
                            go([w = &wg, r = &ran] {
                                ++*r;
                                w->done();
                            });
                        }
                    } end{wg, ran};
                    ++ran;
                    wg.done();
                });
        });
    for (auto& t : threads) t.join();
    wg.wait();
    CHECK(ran == kThreads * kEach * 2);
}

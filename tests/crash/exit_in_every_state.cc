// SPDX-License-Identifier: BSL-1.0
// The program ends while a thousand goroutines are in every state there is: none of them is destroyed, none is in the way [G6] [G17].
// HOW: main returns; quick: quick_exit; goroutine: another goroutine calls exit.
#include <gossamer/cond.h>
#include <gossamer/debug.h>
#include <gossamer/rw_mutex.h>
#include <unistd.h>

#include <cstdlib>
#include <iterator>
#include <string>

#include "../support/everything.h"

using namespace gossamer;
using namespace std::chrono_literals;

struct loud {
    ~loud() { std::printf("destroyed\n"); }
};

// In static storage that is never destroyed: goroutines use it to the end of the process.
static mutex& taken = *new mutex;
static rw_mutex& taken_for_writing = *new rw_mutex;
static mutex& of_cond = *new mutex;
static cond& nobody_signals = *new cond(of_cond);
static wait_group& endless = *new wait_group;

int main() {
    const char* how = std::getenv("HOW");
    std::string way = how != nullptr ? how : "main";
    return run([=] {
        taken.lock();
        taken_for_writing.lock();
        endless.add(1);
        auto& l = *new net::listener(net::listen("tcp", "127.0.0.1:0").l);
        auto& c = *new net::conn(net::dial("tcp", l.addr().string()).c);
        chan<int> none;
        void (*states[])(chan<int>) = {
            [](chan<int> none) { none.recv(); },
            [](chan<int>) { chan<int>().send(1); },
            [](chan<int> none) { select(recv(none), send(chan<int>(), 1)); },
            [](chan<int>) { chan<int>(nil).recv(); },
            [](chan<int>) { taken.lock(); },
            [](chan<int>) { taken_for_writing.lock_shared(); },
            [](chan<int>) { endless.wait(); },
            [](chan<int>) {
                std::lock_guard hold(of_cond);
                nobody_signals.wait();
            },
            [](chan<int>) { sleep(1h); },
            [](chan<int> none) { select(recv(after(1h)), recv(none)); },
            [](chan<int>) {
                for (;;) yield();
            },
            [](chan<int>) { blocking([] { pause(); }); },
        };
        int n = 0;
        auto live = [&](auto f) {
            go([f] {
                loud object;
                f();
            });
            n++;
        };
        live([&l] {
            net::conn_result first = l.accept();  // it stays open
            (void)l.accept();
        });
        live([&c] {
            char b;
            (void)c.read({&b, 1});
        });
        live([] { ::usleep(3'600'000'000); });  // a call that nobody announced
        live([] {
            for (volatile bool more = true; more;) {
            }
        });
        live([] {
            try {
                throw 1;
            } catch (int) {
                sleep(1h);
            }
        });
        // Of blocked threads a few are enough.
        for (size_t i = size_t(n); i < 900; i++) {
            size_t s = i % (i < 100 ? std::size(states) : std::size(states) - 1);
            live([=] { states[s](none); });
        }
        for (size_t waiting = 0; waiting < 700; yield()) {
            waiting = 0;
            for (const auto& g : runtime::goroutines()) waiting += g.waits;
        }
        while (n < 1000) live([] { sleep(1h); });  // fresh, most of them
        std::printf("%d goroutines\n", n);
        std::fflush(stdout);
        if (way == "quick") std::quick_exit(0);
        if (way == "goroutine") {
            go([] { std::exit(0); });
            chan<int>(nil).recv();
        }
        return 0;
    });
}

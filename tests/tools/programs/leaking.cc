// SPDX-License-Identifier: BSL-1.0
// The well-known ways to leak a goroutine. The one that leaks is called "leaked", and so are those that it takes along.
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "scenarios.h"

using namespace gossamer;
using namespace std::chrono_literals;

namespace {

// The sender left without sending.
[[gnu::noinline]] void forgotten_receiver() {
    chan<int> c;
    go({.name = "leaked"}, [c] { c.recv(); });
}

// The receiver took one value of two.
[[gnu::noinline]] void forgotten_sender() {
    chan<std::string> c;
    for (int i = 0; i < 2; i++) go({.name = "leaked"}, [c] { c.send("answer"); });
    c.recv();
}

// Nobody closes: the loop waits for more.
[[gnu::noinline]] void missing_close() {
    chan<int> jobs(4);
    go({.name = "leaked"}, [jobs] {
        for (int job : jobs) static_cast<void>(job);
    });
    for (int i = 0; i < 3; i++) jobs.send(i);
}

[[gnu::noinline]] void worker(chan<int> jobs, chan<int> results) {
    for (int job : jobs) results.send(job * 2);
}
// Arguments by value, which move to the stack of the new goroutine. The first has a result that nobody takes, the other no more jobs.
[[gnu::noinline]] void by_value() {
    chan<int> jobs, results;
    for (int i = 0; i < 2; i++) go({.name = "leaked"}, worker, jobs, results);
    jobs.send(1);
}

// The caller gives up after a while; the one who works cannot hand over any more.
[[gnu::noinline]] void timeout_abandons_sender() {
    chan<int> result;
    chan<unit> gave_up;
    go({.name = "leaked"}, [result, gave_up] {
        gave_up.recv();  // it takes longer than the caller has
        result.send(1);
    });
    switch (select(recv(result), recv(after(1ms)))) {
        case 0:
            break;
        case 1:
            gave_up.close();
            break;
    }
}

// Returns at the first error; the second worker stays.
[[gnu::noinline]] bool early_return() {
    chan<bool> errors;
    go([errors] { errors.send(false); });
    go({.name = "leaked"}, [errors] {
        sleep(5ms);
        errors.send(true);
    });
    return errors.recv().value;
}

[[gnu::noinline]] void select_without_other_side() {
    chan<int> c;
    chan<std::string> d(0);
    go({.name = "leaked"}, [c, d] {
        switch (select(recv(c), recv(d))) {
            case 0:
            case 1:
                break;
        }
    });
}

// Each waits for the other to begin.
[[gnu::noinline]] void mutual() {
    chan<int> a, b;
    go({.name = "leaked"}, [a, b] {
        a.recv();
        b.send(1);
    });
    go({.name = "leaked"}, [a, b] {
        b.recv();
        a.send(1);
    });
}

// A chain: each stage waits for the one before, and the first for nobody.
[[gnu::noinline]] void pipeline() {
    chan<int> in;
    for (int stage = 0; stage < 5; stage++) {
        chan<int> out;
        go({.name = "leaked"}, [in, out] {
            for (int v : in) out.send(v + 1);
            out.close();
        });
        in = out;
    }
}

// The parent waits for a child that nobody wakes.
[[gnu::noinline]] void stuck_child() {
    go({.name = "leaked"}, [] {
        wait_group children;
        chan<int> never;
        for (int i = 0; i < 3; i++) children.go([never] { never.recv(); });
        never = chan<int>(nil);
        children.wait();
    });
}

// Holds a lock while it waits for ever; others want the lock.
[[gnu::noinline]] void lock_held() {
    auto* m = new mutex;
    chan<int> c;
    chan<unit> locked;
    go({.name = "leaked"}, [m, c, locked] {
        std::lock_guard hold(*m);
        locked.close();
        c.recv();
    });
    locked.recv();
    for (int i = 0; i < 3; i++) go({.name = "leaked"}, [m] { std::lock_guard hold(*m); });
}

// A closure that is too large for the G.
[[gnu::noinline]] void large_closure() {
    struct {
        char bytes[100];
    } ballast{};
    chan<int> c;
    go({.name = "leaked"}, [c, ballast] { c.send(ballast.bytes[3]); });
}

[[gnu::noinline]] void nil_channel() {
    go({.name = "leaked"}, [] { chan<int>(nil).recv(); });
}

// Nobody else has the condition.
[[gnu::noinline]] void condition() {
    go({.name = "leaked"}, [] {
        mutex m;
        cond changed(m);
        std::unique_lock hold(m);
        changed.wait();
    });
}

// A structure that only the one who waits has, on the heap.
[[gnu::noinline]] void own_heap() {
    struct mailbox {
        chan<int> letters;
        std::vector<chan<int>> others{8};
    };
    go({.name = "leaked"}, [] {
        auto box = std::make_unique<mailbox>();
        box->letters.recv();
    });
}

// Two who share a wait group that nobody counts down.
[[gnu::noinline]] void wait_group_on_heap() {
    auto missing = std::make_shared<wait_group>();
    missing->add(1);
    for (int i = 0; i < 2; i++) go({.name = "leaked"}, [missing] { missing->wait(); });
}

// A thousand of them.
[[gnu::noinline]] void many() {
    for (int i = 0; i < 1000; i++) forgotten_receiver();
}

}  // namespace

const scenario kLeaking[] = {
    {"forgotten_receiver", forgotten_receiver},
    {"forgotten_sender", forgotten_sender},
    {"missing_close", missing_close},
    {"by_value", by_value},
    {"timeout_abandons_sender", timeout_abandons_sender},
    {"early_return", [] { static_cast<void>(early_return()); }},
    {"select_without_other_side", select_without_other_side},
    {"mutual", mutual},
    {"pipeline", pipeline},
    {"stuck_child", stuck_child},
    {"lock_held", lock_held},
    {"large_closure", large_closure},
    {"nil_channel", nil_channel},
    {"condition", condition},
    {"own_heap", own_heap},
    {"wait_group_on_heap", wait_group_on_heap},
    {"many", many},
    {nullptr, nullptr},
};

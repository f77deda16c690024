// SPDX-License-Identifier: BSL-1.0
// Programs that wait a lot and are well: nothing of them may be called leaked or deadlocked.
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "scenarios.h"

using namespace gossamer;
using namespace std::chrono_literals;

namespace {

// Idle workers whose channel somebody keeps on the heap, and one that only a running goroutine knows by reference.
void idle_server() {
    struct server {
        chan<int> jobs{16};
        chan<std::function<void()>> calls;
        wait_group workers;
    };
    auto* s = new server;
    for (int i = 0; i < 20; i++)
        s->workers.go([s] {
            for (int job : s->jobs) static_cast<void>(job);
        });
    go([calls = s->calls] {
        for (auto& call : calls) call();
    });
    go([s] {
        for (;;) {
            sleep(2ms);
            s->jobs.send(1);
        }
    });
    go([s] { s->workers.wait(); });
}

// Everything lies in the frame of one who waits, and is used by reference.
void by_reference() {
    go([] {
        chan<int> done, ticks;
        mutex m;
        int count = 0;
        scope children;
        for (int i = 0; i < 4; i++)
            children.go([&] {
                for (;;) {
                    sleep(1ms);
                    std::lock_guard hold(m);
                    if (++count < 0) break;
                }
                done.send(count);
            });
        children.go([&] {
            for (;;) {
                sleep(3ms);
                ticks.send(1);
            }
        });
        go([&ticks] {
            for (int t : ticks) static_cast<void>(t);
        });
        done.recv();
    });
}

// The only other handle is in a register or the frame of a goroutine that computes, and in that of a plain thread.
void known_to_who_computes() {
    chan<int> c, d;
    go([c] { c.recv(); });
    go([] {
        chan<int> e;
        go([e] { e.recv(); });
        for (std::atomic<unsigned> i{0};; i.fetch_add(1, std::memory_order_relaxed))
            if (i.load(std::memory_order_relaxed) == 0xffffffff) e.send(1);
    });
    go([d] { d.recv(); });
    go([c] {
        sleep(1h);
        c.send(1);
    });
    std::thread([d] {
        std::this_thread::sleep_for(1h);
        d.send(1);
    }).detach();
    // A thread that waits for a goroutine, which nobody but this thread knows.
    std::thread([] {
        chan<int> e, f;
        go([&e, f] {
            f.recv();
            e.send(1);
        });
        go([f] {
            sleep(1h);
            f.send(1);
        });
        e.recv();
    }).detach();
}

// Starts a receiver, and gives the only other handle as a number that nobody takes for an address.
[[gnu::noinline]] uintptr_t number_of_handle() {
    chan<int> c;
    go([c] { c.recv(); });
    alignas(chan<int>) unsigned char kept[sizeof(chan<int>)];
    auto* handle = new (kept) chan<int>(c);
    auto number = reinterpret_cast<uintptr_t>(handle->core());
    return ~number;  // never destroyed: the count stays
}
[[gnu::noinline]] void scrub() {
    volatile char room[16 << 10];
    for (volatile char& byte : room) byte = 0;
}
// The only other handle is in a register of a goroutine that computes.
void in_a_register() {
    go([] {
        uintptr_t handle = number_of_handle();
        scrub();
        asm volatile("" : "+r"(handle));
        handle = ~handle;
        for (;;) asm volatile("" : "+r"(handle));
    });
}

// Handles travel: through channels, into new goroutines, by move.
void travelling() {
    auto* hands = new chan<chan<int>>(8);
    for (int i = 0; i < 8; i++)
        go([hands] {
            for (;;) {
                chan<int> reply;
                hands->send(reply);
                reply.recv();
            }
        });
    for (int i = 0; i < 4; i++)
        go([hands] {
            for (chan<int> reply : *hands) {
                if (reply.cap() != 0) continue;
                go([r = std::move(reply)] {
                    yield();
                    r.send(1);
                });
            }
        });
}

// Contended locks, conditions, semaphores, timers, contexts.
void busy_locks() {
    struct shared {
        mutex m[4];
        rw_mutex rw;
        cond changed{m[0]};
        semaphore slots{2};
        int n = 0;
    };
    auto* s = new shared;
    for (int i = 0; i < 16; i++)
        go([s, i] {
            for (;;) {
                std::scoped_lock hold(s->m[i % 4], s->m[(i + 1) % 4]);
                s->n++;
                yield();
            }
        });
    for (int i = 0; i < 4; i++)
        go([s, i] {
            for (;;) {
                if (i == 0) {
                    std::lock_guard write(s->rw);
                    yield();
                } else {
                    std::shared_lock read(s->rw);
                    sleep(100us);
                }
            }
        });
    go([s] {
        std::unique_lock hold(s->m[0]);
        s->changed.wait([s] { return s->n < 0; });
    });
    for (int i = 0; i < 4; i++)
        go([s] {
            for (;;) {
                s->slots.acquire();
                sleep(1ms);
                s->slots.release();
            }
        });
    go([] { after(1h).recv(); });
    go([] {
        auto [ctx, cancel] = with_timeout(background(), 1h);
        ctx.done().recv();
    });
    go([] {
        ticker t(1h);
        chan<int> never;
        switch (select(recv(t.c), recv(never))) {
            case 0:
            case 1:
                break;
        }
    });
}

// A global variable has it: somebody may use it still.
void global_channel() {
    static chan<int>* kept = new chan<int>;
    go([c = *kept] { c.recv(); });
}

// A chain in which each goroutine is woken by the last, works a little, wakes the next and ends: whoever is awake when somebody looks is gone before all is read.
void chain() {
    go([] {
        for (;;) {
            chan<int> first, left = first, right;
            for (int i = 0; i < 10'000; i++) {
                right = chan<int>();
                go(
                    [](chan<int> to, chan<int> from) {
                        int n = 1 + *from.recv();
                        for (int work = 0; work < 1000; work++) asm volatile("");
                        to.send(n);
                    },
                    left, right);
                left = right;
            }
            go([=] { right.send(0); });
            first.recv();
        }
    });
}

// The only handle goes from goroutine to goroutine, each of which ends at once, in a closure and by move.
void hand_on(chan<int> c, int hops) {
    if (hops == 0)
        c.send(1);
    else
        go([c = std::move(c), hops]() mutable { hand_on(std::move(c), hops - 1); });
}
void relay() {
    for (int i = 0; i < 2; i++)
        go([] {
            for (;;) {
                chan<int> told;
                go([&told] { told.recv(); });
                chan<int> passed, end;
                go([passed, end, &told] {
                    passed.recv();
                    told.send(1);
                    end.send(1);
                });
                hand_on(std::move(passed), 20'000);
                end.recv();
            }
        });
}

// A goroutine's other handle lies in frames that it has left for a while, for a larger stack.
void above_a_big_stack() {
    for (int i = 0; i < 8; i++)
        go([] {
            chan<int> c;
            go([c] { c.recv(); });
            on_big_stack([] { sleep(1h); });
            c.send(1);
        });
}

// The other handle is in the start closure of a goroutine that has more frames than anybody reads.
[[gnu::noinline]] int descend(int levels) {
    volatile char frame[60 << 10];
    frame[0] = char(levels);
    if (levels == 0)
        sleep(1h);  // it will be back; who waits for a nil channel never is
    else
        descend(levels - 1);
    return frame[0];
}
void deep_frames() {
    chan<int> c;
    go([c] { c.recv(); });
    go({.stack = 32 << 20}, [c] {
        descend(200);
        c.send(1);
    });
}

// Closures, and behind them in the same blocks what earlier goroutines have left there: channels, where there are some again now.
void old_words() {
    constexpr int kMany = 500;
    wait_group ended;
    for (int i = 0; i < kMany; i++) {
        ended.add(1);
        go([&ended, c = chan<int>()] { ended.done(); });
    }
    ended.wait();
    static std::vector<chan<int>> kept(kMany);
    for (chan<int>& c : kept) c = chan<int>();
    for (const chan<int>& c : kept) go([c] { c.recv(); });
}

}  // namespace

const scenario kHealthy[] = {
    {"idle_server", idle_server},
    {"by_reference", by_reference},
    {"known_to_who_computes", known_to_who_computes},
    {"in_a_register", in_a_register},
    {"travelling", travelling},
    {"busy_locks", busy_locks},
    {"global_channel", global_channel},
    {"chain", chain},
    {"relay", relay},
    {"above_a_big_stack", above_a_big_stack},
    {"deep_frames", deep_frames},
    {"old_words", old_words},
    {nullptr, nullptr},
};

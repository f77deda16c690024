// SPDX-License-Identifier: BSL-1.0
// steps: so many steps, a fifth of them by channels, select, timers, cancels and connections each, a third of these on 1, 2 and 8 processors. A step
// is an operation that may have to wait or that ends a wait: a send, a receive, a select's choice, a timer set, stopped or run, a cancel and each
// waiter that it woke, a read, a write. With -Dmigrate=true every wait ends on another thread than it began on.
// What must hold: no kind stands still (a wake was lost), and each round's values, runs and bytes are those that were sent, once each, in order
// (a wake was doubled).
//
// usage: steps COUNT [SEED]      10000, 1e8
#include <gossamer/bufio.h>
#include <gossamer/chan.h>
#include <gossamer/context.h>
#include <gossamer/go.h>
#include <gossamer/net.h>
#include <gossamer/os.h>
#include <gossamer/runtime.h>
#include <gossamer/select.h>
#include <gossamer/time.h>
#include <gossamer/wait_group.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "wrong.h"

using namespace gossamer;
using tests::wrong;
using namespace std::chrono_literals;

namespace {

using randomness = std::minstd_rand;

std::chrono::microseconds soon(randomness& random) { return std::chrono::microseconds(random() % 300); }

// --- One round of each kind of work: it returns when all that it started has ended, with the number of steps that were taken.

int64_t channels(randomness& random) {
    constexpr int kStages = 4;
    int items = 50 + int(random() % 400);
    chan<int> first(int(random() % 3)), in = first;
    wait_group wg;
    for (int s = 0; s < kStages; s++) {
        chan<int> out(random() % 2 == 0 ? 0 : int(random() % 20));
        wg.go([in, out] {
            for (int v : in) out.send(v + 1);
            out.close();
        });
        in = out;
    }
    wg.go([first, items] {
        for (int i = 0; i < items; i++) first.send(i);
        first.close();
    });
    int next = kStages;
    for (int v : in)
        if (v != next++) wrong("a pipeline gave %d where %d was due", v, next - 1);
    wg.wait();
    if (next != items + kStages) wrong("a pipeline gave %d values of %d", next - kStages, items);
    return int64_t(2) * items * (kStages + 1);
}

// Three senders and two receivers on two channels; each value is numbered.
int64_t selects(randomness& random) {
    constexpr int kSenders = 3;
    int items = 20 + int(random() % 100);
    chan<int> a(0), b(int(random() % 2));
    chan<unit> over(0);
    std::vector<std::atomic<int>> seen(size_t(kSenders) * size_t(items));
    std::atomic<int64_t> choices{0};
    wait_group senders, receivers;
    for (int s = 0; s < kSenders; s++)
        senders.go([&, s, random = randomness(unsigned(random()))]() mutable {
            for (int i = 0; i < items; i++) {
                int value = s * items + i;
                choices++;
                if (random() % 4 == 0 && select(send(a, value), send(b, value), otherwise) != 2) continue;
                select(send(a, value), send(b, value), recv(chan<int>(nil)));
            }
        });
    for (int r = 0; r < 2; r++)
        receivers.go([&] {
            for (int value = 0;;) {
                choices++;
                if (select(recv(a, value), recv(over), recv(b, value)) == 1) return;
                if (seen[size_t(value)]++ != 0) wrong("select: value %d came twice", value);
            }
        });
    senders.wait();
    over.close();
    receivers.wait();
    int left = 0, lost = 0;
    for (int value = 0; select(recv(b, value), otherwise) == 0; left++) seen[size_t(value)]++;
    for (const std::atomic<int>& n : seen) lost += n != 1;
    if (lost != 0) wrong("select: %d values of %zu were lost or doubled", lost, seen.size());
    return choices + left;
}

int64_t timers(randomness& random) {
    std::array<timer, 40> all;
    std::atomic<int64_t> runs{0};
    int64_t settings = 0, stops = 0, waits = 0;
    wait_group due;  // a run too many takes it below zero, which is a panic
    for (timer& t : all) {
        due.add(1);
        settings++;
        t = after_func(soon(random) * 4, [&] {
            runs++;
            due.done();
        });
    }
    for (int i = 0; i < 4; i++) {
        waits++;
        auto start = std::chrono::steady_clock::now();
        auto d = soon(random);
        if (random() % 2 == 0)
            sleep(d);
        else if (timer t(d); select(recv(t.c), recv(after(1h))) != 0)
            wrong("a timer of an hour was first");
        if (std::chrono::steady_clock::now() - start < d) wrong("a wait for a time ended early");
    }
    for (timer& t : all) {
        bool again = random() % 4 == 0;
        if (again) due.add(1);  // for the new setting, before it can run
        if (again ? t.reset(soon(random)) : t.stop()) {
            stops++;
            due.done();
        }
        settings += again;
    }
    due.wait();
    if (runs + stops != settings)
        wrong("%lld timers ran and %lld were stopped, of %lld", static_cast<long long>(runs),
              static_cast<long long>(stops), static_cast<long long>(settings));
    return settings + runs + stops + 2 * waits;
}

int64_t cancels(randomness& random) {
    constexpr int kWaiters = 12;
    auto [root, cancel] = with_cancel(background());
    std::atomic<int> woken{0}, runs{0};
    int stops = 0;
    wait_group wg, due;
    std::vector<stop_func> registered;
    for (int i = 0; i < kWaiters; i++) {
        auto [child, stop] = random() % 2 == 0 ? with_timeout(root, 1h) : with_cancel(root);
        due.add(1);
        registered.push_back(after_func(child, [&] {
            runs++;
            due.done();
        }));
        wg.go([&, child = child, stop = stop] {
            chan<unit> never(0);
            if (select(recv(never), recv(child.done())) != 1 || !child.err()) wrong("a context ended by itself");
            woken++;
            stop();
        });
    }
    if (random() % 2 == 0)
        yield();
    else
        sleep(soon(random) / 8);
    for (size_t i = random() % 3; i > 0; i--)
        if (registered[i]()) {
            stops++;
            due.done();
        }
    cancel();
    wg.wait();
    due.wait();
    if (woken != kWaiters || runs + stops != kWaiters)
        wrong("a cancel woke %d of %d, ran %d functions, %d were stopped", woken.load(), kWaiters, runs.load(), stops);
    return 1 + kWaiters + runs + stops;
}

struct two_ends {
    net::conn ours, theirs;
};

two_ends connect() {
    static std::atomic<unsigned> number{0};
    unsigned n = number++;
    bool is_unix = n % 2 == 0;
    auto [listener, err] =
        is_unix ? net::listen("unix", "@gossamer-steps-" + std::to_string(::getpid()) + "-" + std::to_string(n))
                : net::listen("tcp", "127.0.0.1:0");
    if (err) wrong("%s", err.message().c_str());
    auto [ours, dial_err] = net::dial(listener.addr().network(), listener.addr().string());
    if (dial_err) wrong("%s", dial_err.message().c_str());
    auto [theirs, accept_err] = listener.accept();
    if (accept_err) wrong("%s", accept_err.message().c_str());
    static_cast<void>(listener.close());
    return {ours, theirs};
}

char byte_at(size_t place) { return char((uint32_t(place) * 2654435761u) >> 24); }

// Bytes one way, in pieces, under deadlines that strike now and then.
int64_t write_all(const net::conn& to, size_t total, randomness random) {
    int64_t steps = 0;
    std::string piece;
    for (size_t at = 0; at < total; steps++) {
        piece.resize(std::min<size_t>(total - at, 1 + random() % 300));
        for (size_t i = 0; i < piece.size(); i++) piece[i] = byte_at(at + i);
        auto [n, err] = to.write(piece);
        at += n;
        if (err) wrong("a write ended: %s", err.message().c_str());
    }
    return steps;
}

int64_t read_all(const net::conn& from, size_t total, randomness random) {
    int64_t steps = 0;
    char piece[200];
    for (size_t at = 0; at < total; steps++) {
        if (random() % 16 == 0)
            static_cast<void>(from.set_read_deadline(std::chrono::steady_clock::now() + soon(random)));
        auto [n, err] = from.read(piece);
        for (size_t i = 0; i < n; i++)
            if (piece[i] != byte_at(at + i)) wrong("byte %zu of a connection is another", at + i);
        at += n;
        if (!err) continue;
        if (!errors::is(err, os::err_deadline_exceeded)) wrong("a read ended: %s", err.message().c_str());
        static_cast<void>(from.set_read_deadline({}));
    }
    static_cast<void>(from.set_read_deadline({}));
    return steps;
}

int64_t connections(randomness& random) {
    two_ends pair = connect();
    std::atomic<int64_t> steps{0};
    wait_group wg;
    for (auto [from, to] : {std::pair(pair.ours, pair.theirs), std::pair(pair.theirs, pair.ours)}) {
        size_t total = 10'000 + random() % 90'000;
        wg.go(
            [&, from = from, total, seed = unsigned(random())] { steps += write_all(from, total, randomness(seed)); });
        wg.go([&, to = to, total, seed = unsigned(random())] { steps += read_all(to, total, randomness(seed)); });
    }
    wg.wait();
    // One reads when the other is closed: it must hear of it.
    wg.go([&] {
        char more[1];
        auto [n, err] = pair.theirs.read(more);
        if (n != 0 || err != io::eof) wrong("a closed connection gave %zu bytes, %s", n, err.message().c_str());
        steps++;
    });
    if (random() % 2 == 0) yield();
    static_cast<void>(pair.ours.close());
    wg.wait();
    return steps + 1;
}

struct kind {
    const char* name;
    int64_t (*round)(randomness&);
    int workers;
};
constexpr kind kKinds[] = {
    {"channel", channels, 4}, {"select", selects, 4},  {"timer", timers, 16},
    {"cancel", cancels, 6},   {"net", connections, 2},
};
constexpr size_t kKindCount = std::size(kKinds);
constexpr auto kMostStandstill = 60s;

std::array<std::atomic<int64_t>, kKindCount> taken;

int64_t all_taken() {
    int64_t sum = 0;
    for (const std::atomic<int64_t>& n : taken) sum += n;
    return sum;
}

void show(const char* when, double seconds) {
    std::printf("%s %.1f s, %lld steps:", when, seconds, static_cast<long long>(all_taken()));
    for (size_t i = 0; i < kKindCount; i++)
        std::printf(" %s %lld", kKinds[i].name, static_cast<long long>(taken[i].load()));
    std::printf("; %llu threads woken\n", static_cast<unsigned long long>(runtime::metrics().wakes));
    std::fflush(stdout);
}

// All kinds at once until each has taken so many steps since the start of the program.
void work_until(int64_t steps, randomness& random, std::chrono::steady_clock::time_point begin) {
    std::atomic<int> working{0};
    wait_group wg;
    for (size_t i = 0; i < kKindCount; i++)
        for (int w = 0; w < kKinds[i].workers; w++) {
            working++;
            wg.go([&, i, random = randomness(unsigned(random()))]() mutable {
                do taken[i] += kKinds[i].round(random);
                while (taken[i] < steps);
                working--;
            });
        }
    auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
    double moved = seconds(), shown = moved;
    for (int64_t before = -1; working != 0;) {
        sleep(10ms);
        double now = seconds();
        if (int64_t n = all_taken(); n != before) {
            before = n;
            moved = now;
        }
        if (now - moved > std::chrono::duration<double>(kMostStandstill).count())
            wrong("no step in %.0f s: a wake was lost", now - moved);
        if (now - shown >= 60) {
            shown = now;
            show("  after", now);
        }
    }
    wg.wait();
}

}  // namespace

int main(int argc, char** argv) {
    double count = argc > 1 ? std::strtod(argv[1], nullptr) : 0;
    unsigned seed = argc > 2 ? unsigned(std::atoi(argv[2])) : unsigned(std::random_device{}());
    if (!(count >= 1 && count < 1e15)) {
        std::fprintf(stderr, "usage: steps COUNT [SEED]\n");
        return 2;
    }
    std::printf("steps: %.0f, seed %u\n", count, seed);
    return run([&] {
        randomness random(seed);
        auto begin = std::chrono::steady_clock::now();
        int part = 0;
        for (int procs : {1, 2, 8}) {
            runtime::set_procs(procs);
            work_until(int64_t(count * ++part / (3 * kKindCount)) + 1, random, begin);
            std::string when = "to the end on " + std::to_string(procs) + " processors:";
            show(when.c_str(), std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
        }
        if (runtime::num_goroutines() != 1) wrong("goroutines are left");
        std::printf("steps: none was lost or doubled\n");
        return 0;
    });
}

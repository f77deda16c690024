// SPDX-License-Identifier: BSL-1.0
// soak: everything at once for as long as is wanted: channels, select, timers, locks, contexts, exceptions, deep stacks, connections that are
// killed at random, hogs, unannounced blocking calls and plain threads, while the number of processors changes.
// What must hold: each kind of work goes on all the time; what it computes is right; after it has stopped, goroutines, descriptors, threads
// and memory are what they were after a first short round of it.
//
// usage: soak [SECONDS [SEED]]      threads and memory are judged from 60 s on: then the first round has seen the worst, and there is time to give memory back
#include <dirent.h>
#include <gossamer/blocking.h>
#include <gossamer/bufio.h>
#include <gossamer/chan.h>
#include <gossamer/cond.h>
#include <gossamer/context.h>
#include <gossamer/go.h>
#include <gossamer/mutex.h>
#include <gossamer/net.h>
#include <gossamer/os.h>
#include <gossamer/runtime.h>
#include <gossamer/rw_mutex.h>
#include <gossamer/select.h>
#include <gossamer/semaphore.h>
#include <gossamer/time.h>
#include <gossamer/wait_group.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

#include "wrong.h"

extern "C" [[gnu::weak]] void __sanitizer_symbolize_pc(void* pc, const char* format, char* out, size_t bytes);

using namespace gossamer;
using tests::wrong;
using namespace std::chrono_literals;

namespace {

using randomness = std::minstd_rand;

// --- One round of each kind of work. It returns when all that it started has ended.

void pipeline(randomness& random) {
    constexpr int kStages = 5;
    int items = 20 + int(random() % 200);
    chan<int> first(random() % 3), in = first;
    wait_group wg;
    for (int s = 0; s < kStages; s++) {
        chan<int> out(random() % 3);
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
    int64_t sum = 0;
    for (int v : in) sum += v;
    wg.wait();
    if (sum != int64_t(items) * (items - 1) / 2 + int64_t(items) * kStages) wrong("a pipeline lost or doubled a value");
}

void selects(randomness& random) {
    chan<int> a(0), b(1);
    auto [ctx, cancel] = with_timeout(background(), std::chrono::microseconds(random() % 3000));
    std::atomic<int> sent{0};
    int got = 0;
    wait_group wg;
    for (const chan<int>& c : {a, b})
        wg.go([&, c, ctx = ctx] {
            while (select(send(c, 1), recv(ctx.done())) == 0) sent++;
        });
    for (bool more = true; more;) switch (select(recv(a), recv(b), recv(ctx.done()))) {
            case 0:
            case 1:
                got++;
                break;
            default:
                more = false;
        }
    wg.wait();
    while (b.len() != 0) b.recv(), got++;
    if (got != sent) wrong("select: %d sent, %d received", sent.load(), got);
}

void timers(randomness& random) {
    std::atomic<int> fired{0};
    std::array<timer, 50> all;
    int stopped = 0;
    for (timer& t : all) t = after_func(std::chrono::microseconds(random() % 4000), [&] { fired++; });
    sleep(std::chrono::microseconds(random() % 4000));
    for (timer& t : all) stopped += t.stop();
    while (fired + stopped < int(all.size())) sleep(100us);
    sleep(1ms);
    if (fired + stopped != int(all.size()))
        wrong("%d timers ran and %d were stopped, of %zu", fired.load(), stopped, all.size());
}

void locks(randomness& random) {
    mutex mu;
    rw_mutex rw;
    semaphore sem(3);
    int64_t plain = 0, shared = 0;
    std::atomic<int> inside{0};
    wait_group wg;
    for (int i = 0; i < 8; i++)
        wg.go([&, seed = unsigned(random())] {
            randomness own(seed);
            for (int k = 0; k < 50; k++) {
                mu.lock();
                plain++;
                if (own() % 16 == 0) yield();
                mu.unlock();
                if (own() % 4 == 0) {
                    rw.lock();
                    shared++;
                    rw.unlock();
                } else {
                    rw.lock_shared();
                    int64_t seen = shared;
                    yield();
                    if (seen != shared) wrong("a rw_mutex let a writer in beside a reader");
                    rw.unlock_shared();
                }
                sem.acquire();
                if (++inside > 3) wrong("a semaphore of three let four in");
                yield();
                inside--;
                sem.release();
            }
        });
    wg.wait();
    if (plain != 8 * 50) wrong("a mutex let two in: %lld of 400", static_cast<long long>(plain));
}

void cancels(randomness& random) {
    auto [ctx, cancel] = with_cancel(background());
    wait_group wg;
    for (int i = 0; i < 20; i++)
        wg.go([&, ctx = ctx] {
            auto [child, stop] = with_timeout(ctx, 1h);
            child.done().recv();
            stop();
        });
    sleep(std::chrono::microseconds(random() % 1000));
    cancel();
    wg.wait();
}

void thrown(randomness& random) {
    chan<int> go_on(0);
    wait_group wg;
    int caught = 0;
    wg.go([&] {
        for (int i = 0; i < 20; i++) try {
                struct waits_on_its_way_out {
                    ~waits_on_its_way_out() { yield(); }
                } one;
                int v = *go_on.recv();
                throw std::runtime_error(std::to_string(v));
            } catch (const std::exception& e) {
                sleep(50us);
                caught += std::stoi(e.what());
            }
    });
    for (int i = 0; i < 20; i++) {
        go_on.send(i);
        if (random() % 4 == 0) yield();
    }
    wg.wait();
    if (caught != 190) wrong("exceptions across parks add up to %d, not 190", caught);
}

[[gnu::noinline]] int deep(int left) {
    volatile char room[500];
    room[0] = char(left);
    if (left == 0) {
        yield();
        return 0;
    }
    return deep(left - 1) + (room[0] == char(left));
}

void depth(randomness& random) {
    int frames = 20 + int(random() % 200);
    wait_group wg;
    for (int i = 0; i < 5; i++)
        wg.go([frames] {
            if (deep(frames) != frames) wrong("a deep stack was overwritten");
        });
    wg.wait();
}

void hog(randomness& random) {
    auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(random() % 30);
    while (std::chrono::steady_clock::now() < end)
        for (int i = 0; i < 10'000; i++) asm volatile("");
}

void blocker(randomness& random) { ::usleep(useconds_t(random() % 20'000)); }

void plain_thread(randomness&) {
    chan<int> c(0);
    std::thread far([c] {
        for (int i = 0; i < 50; i++) c.send(i);
        c.close();
    });
    int sum = 0;
    for (int v : c) sum += v;
    blocking([&] { far.join(); });
    if (sum != 49 * 25) wrong("a plain thread's values add up to %d", sum);
}

void pipes(randomness& random) {
    auto [r, w, err] = os::pipe();
    if (err) wrong("%s", err.message().c_str());
    size_t size = 1 + random() % 200'000, heard = 0;
    wait_group wg;
    wg.go([&, w = w] {
        if (error failed = w.write(std::string(size, 'x')).err) wrong("%s", failed.message().c_str());
        static_cast<void>(w.close());
    });
    std::string room(10'000, 0);
    for (;;) {
        auto [n, failed] = r.read(room);
        heard += n;
        if (failed) break;
    }
    wg.wait();
    if (heard != size) wrong("a pipe gave %zu bytes of %zu", heard, size);
}

struct echo_service {
    net::listener listener;
    wait_group connections;

    echo_service() {
        auto [l, err] = net::listen("tcp", "127.0.0.1:0");
        if (err) wrong("%s", err.message().c_str());
        listener = l;
        connections.go([this] {
            for (;;) {
                auto [c, failed] = listener.accept();
                if (failed) return;
                connections.go([c = std::move(c)] {
                    bufio::reader in(c);
                    for (;;) {
                        auto [line, over] = in.read_line();
                        if (over || c.write(line + "\n").err) return;
                    }
                });
            }
        });
    }
    void stop() {
        static_cast<void>(listener.close());
        connections.wait();
    }
};

echo_service* service = nullptr;

void connection(randomness& random) {
    auto [c, err] = net::dial("tcp", service->listener.addr().string());
    if (err) wrong("%s", err.message().c_str());
    bufio::reader in(c);
    for (unsigned i = random() % 20; i != 0; i--) {
        std::string line(random() % 3000, 'a');
        if (c.write(line + "\n").err) wrong("a connection ended by itself");
        if (random() % 16 == 0) {  // killed while the answer is on its way
            static_cast<void>(c.set_linger(0));
            return;
        }
        if (auto [answer, failed] = in.read_line(); failed || answer != line)
            wrong("an echo of %zu bytes was not one", line.size());
    }
}

struct kind {
    const char* name;
    void (*round)(randomness&);
    int workers;
};
constexpr kind kKinds[] = {
    {"pipeline", pipeline, 4}, {"select", selects, 4},      {"timer", timers, 4}, {"lock", locks, 4},
    {"cancel", cancels, 4},    {"throw", thrown, 4},        {"depth", depth, 4},  {"hog", hog, 1},
    {"blocker", blocker, 20},  {"thread", plain_thread, 2}, {"pipe", pipes, 4},   {"connection", connection, 20},
};
constexpr size_t kKindCount = std::size(kKinds);
constexpr auto kMostStandstill = 30s;

std::array<std::atomic<int64_t>, kKindCount> rounds;

struct state {
    uint64_t goroutines = 0;
    int descriptors = 0, threads = 0;
    double mb = 0;
};

int entries(const char* path) {
    DIR* d = ::opendir(path);
    if (d == nullptr) wrong("cannot open %s", path);
    int n = -3;  // itself, . and ..
    while (::readdir(d) != nullptr) n++;
    ::closedir(d);
    return n;
}

void show_descriptors() {
    DIR* d = ::opendir("/proc/self/fd");
    while (dirent* e = d != nullptr ? ::readdir(d) : nullptr) {
        char what[200] = "";
        if (::readlink((std::string("/proc/self/fd/") + e->d_name).c_str(), what, sizeof what - 1) > 0)
            std::fprintf(stderr, "%s: %s\n", e->d_name, what);
    }
    if (d != nullptr) ::closedir(d);
}

state look() {
    long pages = 0;
    if (FILE* f = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(f, "%*d %ld", &pages) != 1) wrong("cannot read /proc/self/statm");
        std::fclose(f);
    }
    return {runtime::num_goroutines(), entries("/proc/self/fd"), entries("/proc/self/task") + 1,
            double(pages) * double(::sysconf(_SC_PAGESIZE)) / 1e6};
}

void show(double seconds, const state& s) {
    std::printf("%7.1f s  goroutines %llu  descriptors %d  threads %d  %.1f MB ", seconds,
                static_cast<unsigned long long>(s.goroutines), s.descriptors, s.threads, s.mb);
    for (size_t i = 0; i < kKindCount; i++)
        std::printf(" %s %lld", kKinds[i].name, static_cast<long long>(rounds[i].load()));
    std::printf("\n");
    std::fflush(stdout);
}

// All kinds for so long; the state while nothing runs any more.
state work_for(std::chrono::seconds length, unsigned seed, std::chrono::seconds rest) {
    echo_service echo;
    service = &echo;
    std::atomic<bool> over{false};
    wait_group wg;
    for (size_t i = 0; i < kKindCount; i++)
        for (int w = 0; w < kKinds[i].workers; w++)
            wg.go([&, i, random = randomness(seed++)]() mutable {
                while (!over) {
                    kKinds[i].round(random);
                    rounds[i]++;
                }
            });
    auto begin = std::chrono::steady_clock::now(), shown = begin;
    std::array<int64_t, kKindCount> before{};
    std::array<std::chrono::steady_clock::time_point, kKindCount> moved;
    moved.fill(begin);
    randomness random(seed);
    unsigned procs = runtime::procs();
    for (auto now = begin; now - begin < length; now = std::chrono::steady_clock::now()) {
        sleep(1s);
        runtime::set_procs(1 + int(random() % (2 * procs)));
        for (size_t i = 0; i < kKindCount; i++) {
            if (int64_t n = rounds[i]; n != before[i]) {
                before[i] = n;
                moved[i] = now;
            }
            if (now - moved[i] > kMostStandstill) wrong("no %s in %d s", kKinds[i].name, int(kMostStandstill.count()));
        }
        if (now - shown >= std::min<std::chrono::seconds>(60s, length / 4)) {
            shown = now;
            show(std::chrono::duration<double>(now - begin).count(), look());
        }
    }
    runtime::set_procs(int(procs));
    over = true;
    wg.wait();
    echo.stop();
    sleep(rest);  // two rounds of giving memory back
    state s = look();
    std::printf("at rest: ");
    show(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), s);
    return s;
}

}  // namespace

int main(int argc, char** argv) {
    int seconds = argc > 1 ? std::atoi(argv[1]) : 10;
    unsigned seed = argc > 2 ? unsigned(std::atoi(argv[2])) : unsigned(std::random_device{}());
    if (seconds < 1) {
        std::fprintf(stderr, "usage: soak [SECONDS [SEED]]\n");
        return 2;
    }
    char name
        [100];  // a sanitizer that wants a name opens two pipes to its symbolizer: better now than between two counts
    if (__sanitizer_symbolize_pc != nullptr)
        __sanitizer_symbolize_pc(__builtin_return_address(0), "%f", name, sizeof name);
    std::printf("soak: %d s, seed %u, %u processors\n", seconds, seed, runtime::procs());
    return run([&] {
        bool long_one = seconds >= 60;
        auto rest = long_one ? 9s : 0s;
        state first = work_for(std::chrono::seconds(std::max(1, seconds / 5)), seed, rest);
        state last = work_for(std::chrono::seconds(seconds), seed + 1000, rest);
        if (last.goroutines != first.goroutines || last.goroutines != 1) wrong("goroutines are left");
        if (last.descriptors != first.descriptors) {
            show_descriptors();
            wrong("%d descriptors, %d at first", last.descriptors, first.descriptors);
        }
        if (long_one && last.threads > first.threads * 3 / 2)
            wrong("%d threads, %d at first", last.threads, first.threads);
        if (long_one && last.mb > first.mb * 1.1 + 8) wrong("%.1f MB, %.1f at first", last.mb, first.mb);
        std::printf("soak: all came back\n");
        return 0;
    });
}

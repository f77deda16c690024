// SPDX-License-Identifier: BSL-1.0
// record_target: a program to record: pairs that hand words to each other, workers behind a mutex, sleepers, calls that block, regions, tasks and logs.
// `record_target busy MS` works that long; `pairs MS` switches as fast as it can; `idle` says "ready" and sleeps until its input ends; `hog MS` computes
// for so long without a pause, again and again, until its input ends; `die HOW [start]` works for a while and then dies, with the recorder started by itself;
// `late MODULE` loads it, waits in it, and dies; `save FILE` has a copy of its rings written.
#include <dlfcn.h>
#include <gossamer/blocking.h>
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/mutex.h>
#include <gossamer/panic.h>
#include <gossamer/time.h>
#include <gossamer/trace.h>
#include <gossamer/wait_group.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

using namespace gossamer;
using namespace std::chrono_literals;

namespace {

std::atomic<bool> is_over{false};
using clock_type = std::chrono::steady_clock;

// `rests`: a window of some milliseconds then holds everything that happens, not only this.
void pair(wait_group& all, bool rests) {
    chan<int> there, back;
    all.go([=] {
        for (int i = 1; !is_over; i++) {
            there << 1;
            back.recv();
            if (rests && i % 20 == 0) gossamer::sleep(1ms);
        }
        there.close();
    });
    all.go([=] {
        for (int n : there) back << n;
    });
}

void worker(mutex& m, int number) {
    trace::task work("request");
    while (!is_over) {
        {
            trace::task part("part", &work);
            trace::region r("locked");
            m.lock();
            for (int i = 0; i < 100; i++) gossamer::yield();
            m.unlock();
        }
        trace::log("progress", "round done", &work);
        trace::counter("rounds", number);
        gossamer::sleep(1ms);
    }
}

void caller() {
    while (!is_over) {
        blocking([] { std::this_thread::sleep_for(2ms); });
        gossamer::yield();
    }
}

[[gnu::noinline]] void waits_deep_down() {
    gossamer::sleep(1ms);
    asm volatile("" : : : "memory");  // no tail call
}
[[gnu::noinline]] void goes_down(int levels) {
    if (levels == 0)
        waits_deep_down();
    else
        goes_down(levels - 1);
    asm volatile("" : : : "memory");
}

void busy(wait_group& all, mutex& m) {
    for (int i = 0; i < 2; i++) pair(all, true);
    for (int i = 0; i < 3; i++) all.go([&m, i] { worker(m, i); });
    all.go([] { caller(); });
    all.go([] {
        while (!is_over) goes_down(3);
    });
    all.go([] {
        for (int i = 0; i < 1000 && !is_over; i++) {
            go({.name = "short lived"}, [] { gossamer::yield(); });
            gossamer::sleep(1ms);
        }
    });
}

void wait_for_input() {
    std::printf("ready\n");
    std::fflush(stdout);
    blocking([] {
        while (std::getchar() != EOF) {
        }
    });
    is_over = true;
}

void hog(std::chrono::milliseconds length) {
    while (!is_over) {
        for (auto end = clock_type::now() + length; clock_type::now() < end;) {
        }
        gossamer::sleep(20ms);
    }
}

void use_late_module(const char* path) {
    void* module = dlopen(path, RTLD_NOW);
    if (module == nullptr) throw panic(std::string(dlerror()));
    auto waits = reinterpret_cast<void (*)(void (*)())>(dlsym(module, "waits_in_late_module"));
    for (int i = 0; i < 10; i++) waits([] { gossamer::sleep(1ms); });
    throw panic("that was all");
}

[[gnu::noinline]] int overflow(int n) {
    volatile char room[1000];
    room[n % 1000] = 1;
    return n == -1 ? 0 : overflow(n + 1) + room[0];
}

void die(const char* how) {
    auto is = [how](const char* word) { return std::strcmp(how, word) == 0; };
    if (is("deadlock")) chan<int>().recv();
    if (is("panic")) throw panic("nobody knew row 17");
    if (is("overflow")) overflow(0);
    if (is("fatal")) mutex().unlock();
    if (is("segv")) {
        volatile int* nowhere = nullptr;
        asm volatile("" : "+r"(nowhere));  // the compiler must not know
        *nowhere = 1;
    }
    std::printf("ready\n");
    std::fflush(stdout);
    gossamer::sleep(100s);  // until a signal comes
}

}  // namespace

int main(int argc, char** argv) {
    const char* what = argc > 1 ? argv[1] : "busy";
    std::chrono::milliseconds length(argc > 2 ? std::atoi(argv[2]) : 200);
    return run([&] {
        wait_group all;
        mutex m;
        if (std::strcmp(what, "idle") == 0) {
            wait_for_input();
            return 0;
        }
        if (std::strcmp(what, "hog") == 0) {
            all.go([=] { hog(length); });
            wait_for_input();
            all.wait();
            return 0;
        }
        if (std::strcmp(what, "late") == 0) {
            if (error failed = trace::start({.stacks = true})) throw panic(failed.message());
            use_late_module(argv[2]);
        }
        bool dies = std::strcmp(what, "die") == 0, saves = std::strcmp(what, "save") == 0;
        if (dies || saves) {
            if ((argc > 3 || saves) && trace::start() != nullptr) return 1;
            pair(all, false);
            gossamer::sleep(20ms);
            is_over = true;
            all.wait();
            if (saves && trace::save(argv[2]) != nullptr) return 1;
            if (dies) go({.name = "dies"}, [how = argv[2]] { die(how); });
            if (dies) chan<int>().recv();
            return 0;
        }
        std::printf("ready\n");
        std::fflush(stdout);
        if (std::strcmp(what, "pairs") == 0)
            for (int i = 0; i < 8; i++) pair(all, false);
        else
            busy(all, m);
        gossamer::sleep(length);
        is_over = true;
        all.wait();
        return 0;
    });
}

// SPDX-License-Identifier: BSL-1.0
// prof_target: a program to take profiles of: one goroutine uses the CPU, some quarrel about a mutex, some wait for a word, one for a word that nobody can
// say. Says "ready" and goes on until its input ends. With the word "serve" it first says where it serves pprof's paths.
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/mutex.h>
#include <gossamer/net.h>
#include <gossamer/pprof.h>
#include <gossamer/time.h>

#include <atomic>
#include <cstdio>

#include "until_input_ends.h"

using namespace gossamer;

namespace {

std::atomic<bool> is_over{false};
std::atomic<unsigned long> turns{0};

[[gnu::noinline]] void burns() {
    while (!is_over.load(std::memory_order_relaxed)) turns.fetch_add(1, std::memory_order_relaxed);
}

[[gnu::noinline]] void holds_the_lock(mutex& m) {
    m.lock();
    sleep(std::chrono::microseconds(300));
    m.unlock();
    turns++;  // no tail call
}

[[gnu::noinline]] void waits_for_a_word(chan<int> words) {
    words.recv();
    turns++;
}

[[gnu::noinline]] void forgets() {
    chan<int> nobody_else;
    go({.name = "forgotten"}, [nobody_else] { waits_for_a_word(nobody_else); });
}

[[gnu::noinline]] bool serve() {
    auto [listener, err] = net::listen("tcp", "127.0.0.1:0");
    if (err) return false;
    std::printf("http://%s\n", listener.addr().string().c_str());
    go({.name = "server"}, [l = listener] { static_cast<void>(pprof::serve(l)); });
    return true;
}

}  // namespace

int main(int argc, char**) {
    return run([argc] {
        if (argc > 1 && !serve()) return 1;
        chan<int> words, far;
        mutex m;
        forgets();
        for (int i = 0; i < 5; i++) go({.name = "listener"}, [words] { waits_for_a_word(words); });
        for (int i = 0; i < 3; i++)
            go({.name = "quarreller"}, [&] {
                while (!is_over) holds_the_lock(m);
            });
        go({.name = "burner"}, [] { burns(); });
        sleep(std::chrono::milliseconds(20));  // all of them are where they belong
        say_ready(far, is_over);
        far.recv();
        words.close();
        return 0;
    });
}

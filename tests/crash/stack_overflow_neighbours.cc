// SPDX-License-Identifier: BSL-1.0
// One goroutine of many, a random one, overflows its stack; the words name it, and not one byte of the others' stacks has changed. COUNT says
// how many there are: 2,000 here, a million by hand (tests/README.md).
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/wait_group.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "../support/recurse.h"

using namespace gossamer;

constexpr int kWords = 32;
static std::vector<const volatile uint64_t*> patterns;  // where each goroutine has its own, on its stack

static uint64_t word(size_t g, int i) { return (g + 1) * 0x9e3779b97f4a7c15 + uint64_t(i); }

static struct sigaction runtimes_own;

// Looks before the runtime tells: its report ends the process, and shows every one of them.
static void on_fault(int sig, siginfo_t* info, void* context) {
    size_t spoilt = 0;
    for (size_t g = 0; g < patterns.size(); g++)
        for (int i = 0; i < kWords; i++) spoilt += patterns[g] == nullptr || patterns[g][i] != word(g, i);
    dprintf(1, "%zu stacks, %zu words spoilt\n", patterns.size(), spoilt);
    runtimes_own.sa_sigaction(sig, info, context);
}

int main() {
    return run([] {
        struct sigaction mine = {};
        mine.sa_sigaction = on_fault;
        mine.sa_flags = SA_SIGINFO | SA_ONSTACK;
        sigaction(SIGSEGV, &mine, &runtimes_own);
        const char* count = std::getenv("COUNT");
        patterns.resize(count != nullptr ? size_t(std::atol(count)) : 2'000);
        size_t chosen = std::random_device()() % patterns.size();
        chan<unit> gate, never;
        wait_group standing;
        standing.add(int(patterns.size()));
        for (size_t g = 0; g < patterns.size(); g++)
            go({.name = g == chosen ? "chosen" : "neighbour"}, [=, &standing] {
                volatile uint64_t own[kWords];
                for (int i = 0; i < kWords; i++) own[i] = word(g, i);
                patterns[g] = own;
                standing.done();
                if (g != chosen) never.recv();
                gate.recv();
                recurse(0);
            });
        standing.wait();
        gate.send({});
        never.recv();
        return 0;
    });
}

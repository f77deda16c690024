// SPDX-License-Identifier: BSL-1.0
// wait_programs NAME: becomes that scenario, says "ready", and goes on until its input ends. Other goroutines run and sleep meanwhile.
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <thread>

#include "scenarios.h"

namespace {

// Scrubs the stack below, where the scenario's frames have left old words, as any program does that goes on.
[[gnu::noinline]] int overwrite() {
    volatile char room[16 << 10];
    for (volatile char& c : room) c = 0;
    return room[1];
}

void busy() {
    for (;;) {
        gossamer::sleep(std::chrono::milliseconds(1));
        for (int i = 0; i < 1000; i++) asm volatile("");
    }
}

}  // namespace

int main(int argc, char** argv) {
    const scenario* chosen = nullptr;
    for (const scenario* list : {kLeaking, kDeadlocked, kHealthy})
        for (const scenario* s = list; s->name != nullptr; s++) {
            if (argc == 2 && std::strcmp(s->name, argv[1]) == 0) chosen = s;
            if (argc == 1) std::puts(s->name);
        }
    if (chosen == nullptr) return argc == 1 ? 0 : 2;
    std::thread([] {
        char c;
        while (read(0, &c, 1) > 0) {
        }
        _exit(0);
    }).detach();
    gossamer::run([chosen] {
        for (int i = 0; i < 4; i++) gossamer::go({.name = "busy"}, busy);
        chosen->run();
        overwrite();
        std::puts("ready");
        std::fflush(stdout);
        for (;;) gossamer::sleep(std::chrono::milliseconds(100));
    });
}

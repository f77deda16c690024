// SPDX-License-Identifier: BSL-1.0
// A plug-in: all that it has of Gossamer is the shared library, and the program that loads it (tests/crash/dlopen_library.cc) has nothing.
#include <gossamer/runtime.h>

#include "everything.h"

extern "C" [[gnu::visibility("default")]] void use_gossamer(const char* who);

extern "C" void use_gossamer(const char* who) {
    gossamer::run([=] { tests::do_everything(10, who); });
    // Who unloads code must know that nobody runs it.
    while (gossamer::runtime::num_goroutines() != 0) gossamer::yield();
}

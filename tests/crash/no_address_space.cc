// SPDX-License-Identifier: BSL-1.0
// When the address space is used up a goroutine cannot have a stack: fatal, with the size that was wanted and the number there are.
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <sys/resource.h>

using namespace gossamer;

int main() {
    return run([] {
        rlimit few{rlim_t(2) << 30, rlim_t(2) << 30};
        setrlimit(RLIMIT_AS, &few);
        chan<int> gate, none;
        for (int i = 0; i < 100; i++) go({.stack = 60 << 20}, [gate] { gate.recv(); });
        none.recv();
        return 0;
    });
}

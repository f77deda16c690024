// SPDX-License-Identifier: BSL-1.0
// GOTRACEBACK=all prints the other goroutines of a panic too [D1].
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/panic.h>

using namespace gossamer;

int main() {
    return run([] {
        chan<int> c, started(1);
        go({.name = "bystander"}, [=] {
            started.send(1);
            c.recv();
        });
        started.recv();
        for (int i = 0; i < 10; i++) yield();
        throw panic("loud");
        return 0;
    });
}

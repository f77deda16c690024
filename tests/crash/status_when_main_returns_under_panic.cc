// SPDX-License-Identifier: BSL-1.0
// Main returns while another goroutine is dying: its report is finished and the status is 2 [G8].
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/panic.h>

using namespace gossamer;

struct tells_main {
    chan<int> c;
    ~tells_main() { c.close(); }
};

int main() {
    return run([] {
        chan<int> c;
        go([=] {
            tells_main t{c};
            throw panic("dying");
        });
        c.recv();
        for (int i = 0; i < 1000; i++) yield();
        return 0;
    });
}

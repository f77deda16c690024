// SPDX-License-Identifier: BSL-1.0
// GOSSAMER_DEBUG=schedtrace=20 tells of the scheduler every 20 ms, also when nothing runs [D2, D3].
#include <gossamer/go.h>
#include <gossamer/runtime.h>
#include <gossamer/time.h>

#include <chrono>
#include <cstdlib>

using namespace gossamer;

int main() {
    setenv("GOSSAMER_DEBUG", "schedtrace=20", 1);
    return run([] {
        runtime::set_procs(2);
        sleep(std::chrono::milliseconds(300));
        return 0;
    });
}

// SPDX-License-Identifier: BSL-1.0
// A process that may open no file cannot have the poller: it says so at the start.
#include <gossamer/go.h>
#include <sys/resource.h>

int main() {
    rlimit none{3, 3};
    setrlimit(RLIMIT_NOFILE, &none);
    gossamer::run([] {});
    return 0;
}

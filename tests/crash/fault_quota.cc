// SPDX-License-Identifier: BSL-1.0
// The quota of the cgroup changes while the program runs: the number of processors follows it [RT3], until somebody has said one.
#include <dlfcn.h>
#include <gossamer/go.h>
#include <gossamer/runtime.h>
#include <gossamer/time.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

using namespace gossamer;
using namespace std::chrono_literals;

static char cgroup[] = "/tmp/gossamer-cgroup-XXXXXX", quota[] = "/tmp/gossamer-quota-XXXXXX";

// Stands before the C library's: shows the runtime a control group of our own.
extern "C" FILE* fopen(const char* path, const char* mode) {
    static auto real = reinterpret_cast<decltype(&fopen)>(dlsym(RTLD_NEXT, "fopen"));
    if (strcmp(path, "/proc/self/cgroup") == 0) path = cgroup;
    if (strcmp(path, "/sys/fs/cgroup/ours/cpu.max") == 0) path = quota;
    return real(path, mode);
}

static void write_to(const char* path, const char* text) {
    FILE* f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
}

// Goroutines that run all the while keep the monitor awake; an idle program has no use for the number.
static bool becomes(unsigned procs) {
    for (int i = 0; i < 10'000; i++) {
        if (runtime::procs() == procs) return true;
        sleep(1ms);
    }
    return false;
}

int main() {
    close(mkstemp(cgroup));
    close(mkstemp(quota));
    write_to(cgroup, "0::/ours\n");
    write_to(quota, "50000 100000\n");
    run([] {
        bool start = runtime::procs() == 1;
        write_to(quota, "max 100000\n");
        bool more = becomes(std::thread::hardware_concurrency());
        write_to(quota, "50000 100000\n");
        bool fewer = becomes(1);
        runtime::set_procs(3);
        sleep(1200ms);  // what the test is about: longer than the period
        std::printf("start %d, more %d, fewer %d, said %d\n", start, more, fewer, runtime::procs() == 3);
    });
    unlink(cgroup);
    unlink(quota);
    return 0;
}

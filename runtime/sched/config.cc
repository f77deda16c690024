// SPDX-License-Identifier: BSL-1.0
#include "runtime/sched/config.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "runtime/base/fatal.h"

namespace gossamer::rt {

bool parse_size(const char* text, size_t low, size_t high, size_t* value) {
    size_t n = 0;
    const char* p = text;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (n > (SIZE_MAX - 9) / 10) return false;
        n = n * 10 + size_t(*p - '0');
    }
    if (p == text) return false;
    unsigned shift = 0;
    if (*p == 'k' || *p == 'K') shift = 10;
    if (*p == 'm' || *p == 'M') shift = 20;
    if (*p == 'g' || *p == 'G') shift = 30;
    if (shift != 0) p++;
    if (*p != 0 || n > (SIZE_MAX >> shift)) return false;
    n <<= shift;
    if (n < low || n > high) return false;
    *value = n;
    return true;
}

namespace {

[[noreturn]] void refuse(const char* name, const char* text, const char* why) {
    print_error("gossamer: environment variable %s=%s: %s\n", name, text, why);
    _exit(2);
}

bool read_number(const char* name, size_t low, size_t high, size_t* value) {
    const char* text = getenv(name);
    if (text == nullptr || *text == 0) return false;
    if (parse_size(text, low, high, value)) return true;
    char why[80];
    snprintf(why, sizeof why, "not a number from %zu to %zu", low, high);
    refuse(name, text, why);
}

void read_switch(const char* name, bool* value) {
    const char* text = getenv(name);
    if (text == nullptr || *text == 0) return;
    bool is_on = strcmp(text, "on") == 0 || strcmp(text, "1") == 0;
    if (!is_on && strcmp(text, "off") != 0 && strcmp(text, "0") != 0) refuse(name, text, "not one of on, off");
    *value = is_on;
}

}  // namespace

config read_config() {
    config c;
    size_t n = 0;
    if (read_number("GOSSAMER_PROCS", 1, kMaxProcs, &n)) c.procs = unsigned(n);
    if (read_number("GOSSAMER_STACK", 16 << 10, size_t(1) << 30, &n)) c.stack_bytes = n;
    if (read_number("GOSSAMER_MAX_THREADS", 4, 1'000'000, &n)) c.max_threads = unsigned(n);
    if (read_number("GOSSAMER_SEED", 1, SIZE_MAX >> 1, &n)) c.seed = n;
    if (const char* text = getenv("GOSSAMER_GUARDS"); text != nullptr && *text != 0) {
        if (strcmp(text, "regions") == 0)
            c.guards = os::guard_kind::regions;
        else if (strcmp(text, "mprotect") == 0)
            c.guards = os::guard_kind::mprotect;
        else if (strcmp(text, "canary") == 0)
            c.guards = os::guard_kind::none;
        else
            refuse("GOSSAMER_GUARDS", text, "not one of regions, mprotect, canary");
    }
    if (const char* text = getenv("GOSSAMER_DEBUG"); text != nullptr && *text != 0) {
        static constexpr char kKey[] = "schedtrace=";
        if (strncmp(text, kKey, sizeof kKey - 1) != 0 || !parse_size(text + sizeof kKey - 1, 1, 86'400'000, &n))
            refuse("GOSSAMER_DEBUG", text, "not schedtrace=MS with 1 to 86400000 ms");
        c.schedtrace_ms = unsigned(n);
    }
    read_switch("GOSSAMER_BOX", &c.box);
    if (const char* text = getenv("GOSSAMER_TRACE"); text != nullptr && *text != 0) c.trace = text;
    read_switch("GOSSAMER_TRACE_STACKS", &c.trace_stacks);
    if (read_number("GOSSAMER_TRACE_RING", 64 << 10, size_t(1) << 30, &n)) c.trace_ring = uint32_t(n);
    return c;
}

const char* config_help() {
    return "GOSSAMER_PROCS        1 to 1024          goroutines that run at once (default: the CPUs that affinity and "
           "cgroup v2 allow)\n"
           "GOSSAMER_STACK        16k to 1g          bytes of a goroutine's stack, committed by touch (default: 240k)\n"
           "GOSSAMER_MAX_THREADS  4 to 1000000       ceiling of OS threads (default: 10000)\n"
           "GOSSAMER_GUARDS       regions, mprotect, canary  the best guard to put below stacks (default: regions, "
           "where Linux >= 6.13 has them)\n"
           "GOSSAMER_DEBUG        schedtrace=MS      a line about the scheduler on the standard error every MS "
           "milliseconds\n"
           "GOSSAMER_BOX          on, off            a file in /dev/shm in which the command gossamer sees what goes "
           "on (default: on)\n"
           "GOSSAMER_TRACE        path               records from the start, and writes the last events there at the "
           "end\n"
           "GOSSAMER_TRACE_STACKS on, off            with the stack of each wait and each go() (default: off)\n"
           "GOSSAMER_TRACE_RING   64k to 1g          bytes of a thread's last events (default: 4m)\n"
           "GOSSAMER_SEED         1 to 2^63-1        seed of stealing and select order (default: from the clock)\n";
}

}  // namespace gossamer::rt

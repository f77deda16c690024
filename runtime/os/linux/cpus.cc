// SPDX-License-Identifier: BSL-1.0
// cpus: how many processors this process may use, as Go 1.25 counts them; but one, not two, under a quota of less than one. k threads at once
// use up a quota q in the period's part q/k and stand still for the rest: half a core and two threads, 75 ms of each 100; one thread, 50.
#include <sched.h>

#include <cstdio>
#include <cstring>

#include "runtime/os/os.h"

namespace gossamer::rt::os {

namespace {

unsigned affinity_cpus() {
    for (size_t cpus = 1024; cpus <= size_t(1) << 20; cpus *= 4) {
        cpu_set_t* set = CPU_ALLOC(cpus);
        if (set == nullptr) break;
        size_t bytes = CPU_ALLOC_SIZE(cpus);
        int failed = sched_getaffinity(0, bytes, set);
        unsigned n = failed == 0 ? unsigned(CPU_COUNT_S(bytes, set)) : 0;
        CPU_FREE(set);
        if (n > 0) return n;
    }
    return 1;
}

}  // namespace

unsigned cpus_under(const char* cgroup_root, const char* self_cgroup, unsigned affinity) {
    char group[4096] = "";
    if (FILE* f = fopen(self_cgroup, "re")) {
        char line[4096];
        while (fgets(line, sizeof line, f) != nullptr)
            if (strncmp(line, "0::", 3) == 0) {  // the one line of cgroup v2
                line[strcspn(line, "\n")] = 0;
                snprintf(group, sizeof group, "%s", line + 3);
            }
        fclose(f);
    }
    if (group[0] == 0) return affinity;
    char path[8300];
    snprintf(path, sizeof path, "%s%s/cpu.max", cgroup_root, strcmp(group, "/") == 0 ? "" : group);
    FILE* f = fopen(path, "re");
    if (f == nullptr) return affinity;
    long long quota = 0, period = 0;
    int read = fscanf(f, "%lld %lld", &quota, &period);  // "max 100000" reads no number: no limit
    fclose(f);
    if (read != 2 || quota <= 0 || period <= 0) return affinity;
    long long limit = quota / period + (quota % period != 0);
    if (limit < 2 && quota >= period) limit = 2;
    return limit < affinity ? unsigned(limit) : affinity;
}

unsigned usable_cpus() { return cpus_under("/sys/fs/cgroup", "/proc/self/cgroup", affinity_cpus()); }

}  // namespace gossamer::rt::os

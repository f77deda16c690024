// SPDX-License-Identifier: BSL-1.0
#include "runtime/sched/victims.h"

#include <cstdlib>

#include "runtime/os/os.h"
#include "runtime/sched/config.h"

namespace gossamer::rt {

namespace {

// order[own * procs + i]: the i-th closest P of `own`; tier[…]: its distance. Null until sysmon has asked the machine.
struct table {
    unsigned procs;
    unsigned short* order;
    unsigned char* tier;
    table* older;  // kept: a thief may be reading it, and set_procs is rare
};
atomic<table*> current_table{nullptr};

}  // namespace

void learn_topology(unsigned procs) {
    if (procs <= 2) return;
    auto* t = static_cast<table*>(malloc(sizeof(table)));
    auto* order = static_cast<unsigned short*>(malloc(procs * procs * sizeof(unsigned short)));
    auto* tier = static_cast<unsigned char*>(malloc(procs * procs));
    if (t == nullptr || order == nullptr || tier == nullptr || !os::cpu_distances(procs, tier)) {
        free(t);
        free(order);
        free(tier);
        return;
    }
    for (unsigned own = 0; own < procs; own++) {
        unsigned short* row = order + own * procs;
        unsigned n = 0;
        for (unsigned d = 0; d < 8; d++)
            for (unsigned i = 0; i < procs; i++)
                if (unsigned p = (own + i) % procs; tier[own * procs + p] == d)
                    row[n++] = static_cast<unsigned short>(p);
    }
    *t = {procs, order, tier, current_table.load()};
    current_table.store(t);
}

unsigned victim(unsigned own, unsigned start, unsigned i, unsigned procs) {
    table* t = current_table.load();
    if (t == nullptr || t->procs != procs || own >= procs) return (start + i) % procs;
    // Within the tier that position i belongs to, begin at a random place.
    const unsigned short* row = t->order + own * procs;
    const unsigned char* tier = t->tier + own * procs;
    unsigned low = i, high = i + 1;
    while (low > 0 && tier[row[low - 1]] == tier[row[i]]) low--;
    while (high < procs && tier[row[high]] == tier[row[i]]) high++;
    return row[low + (start + (i - low)) % (high - low)];
}

}  // namespace gossamer::rt

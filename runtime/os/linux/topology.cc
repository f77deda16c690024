// SPDX-License-Identifier: BSL-1.0
// topology: who shares a core, a cache, a package; asked of hwloc.
#include <hwloc.h>

#include "runtime/os/os.h"

namespace gossamer::rt::os {

namespace {

unsigned char distance(hwloc_topology_t topology, hwloc_obj_t a, hwloc_obj_t b) {
    if (a == b) return 0;
    hwloc_obj_t common = hwloc_get_common_ancestor_obj(topology, a, b);
    for (; common != nullptr; common = common->parent) switch (common->type) {
            case HWLOC_OBJ_CORE:
            case HWLOC_OBJ_L1CACHE:
                return 0;
            case HWLOC_OBJ_L2CACHE:
                return 1;
            case HWLOC_OBJ_L3CACHE:
                return 2;
            case HWLOC_OBJ_PACKAGE:
                return 3;
            case HWLOC_OBJ_MACHINE:
                return 4;
            default:
                break;
        }
    return 4;
}

}  // namespace

bool cpu_distances(unsigned n, unsigned char* out) {
    hwloc_topology_t topology;
    if (hwloc_topology_init(&topology) != 0) return false;
    bool known = hwloc_topology_load(topology) == 0;
    int cpus = known ? hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU) : 0;
    known = cpus > 0;
    for (unsigned i = 0; known && i < n; i++)
        for (unsigned j = 0; j < n; j++) {
            // More Ps than CPUs share them in turn.
            hwloc_obj_t a = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PU, i % unsigned(cpus));
            hwloc_obj_t b = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PU, j % unsigned(cpus));
            out[i * n + j] = distance(topology, a, b);
        }
    hwloc_topology_destroy(topology);
    return known;
}

}  // namespace gossamer::rt::os

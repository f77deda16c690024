// SPDX-License-Identifier: BSL-1.0
// layout: what the library's own objects look like, for the description in the box.
#include "lib/layout.h"

#include "gossamer/mutex.h"
#include "gossamer/rw_mutex.h"
#include "lib/chan_ops.h"
#include "runtime/park/sudog.h"
#include "runtime/sched/describe.h"

namespace gossamer::rt {

struct layout_of_sync {
    static void describe(description& d) {
        d.add("mutex.state", &mutex::state_);
        d.add("mutex.holder", &mutex::holder_);
        d.add("rw_mutex.writers", &rw_mutex::writers_);
        d.add("rw_mutex.readers", &rw_mutex::readers_);
        d.add("rw_mutex.departing", &rw_mutex::departing_);
    }
};

void describe_library(description& d) {
    layout_of_sync::describe(d);
    d.add("chan.refs", &chan_header::refs);
    d.add("chan.count", &chan_header::count);
    d.add("chan.capacity", &chan_header::capacity);
    d.add("chan.closed", &chan_header::closed);
    d.add("chan.type", &chan_core::type);
    d.add("element.source", &element_type::source);
    d.add("sudog.g", &sudog::g);
    d.add("sudog.place", &sudog::place);
    d.add("sudog.size", 0, sizeof(sudog));
    describe_select(d);
}

}  // namespace gossamer::rt

// SPDX-License-Identifier: BSL-1.0
#include "gossamer/debug.h"

#include "runtime/debug/dump.h"
#include "runtime/debug/stack_report.h"
#include "runtime/sched/current.h"
#include "runtime/sched/g_table.h"
#include "runtime/sched/stack_watch.h"

namespace gossamer::runtime {

namespace {

// What a waker writes over is only a wrong address then.
__attribute__((no_sanitize("thread"))) const void* place_of(const rt::G* g) { return g->param; }

goroutine describe(const rt::G* g) {
    goroutine info;
    rt::g_status status = g->status.load();
    info.id = g->id.load();
    info.creator_id = g->creator_id;
    if (g->name != nullptr) info.name = g->name;
    info.waits = status == rt::g_status::waiting;
    info.state = info.waits ? rt::words(g->reason.load()) : rt::words(status);
    info.object = info.waits ? g->wait_object.load() : nullptr;
    info.where = info.waits ? place_of(g) : nullptr;
    info.created_at = g->creator_pc;
    return info;
}

}  // namespace

std::string stack_dump() { return rt::stack_dump(); }

void watch_stacks(bool on) {
    { rt::in_runtime scope; }  // a thread that never called the runtime is known from now on
    rt::watch_stacks(on);
}
std::string stack_report() { return rt::stack_report(); }

std::vector<goroutine> goroutines() {
    { rt::in_runtime scope; }  // a thread that never called the runtime is known from now on
    std::vector<goroutine> all;
    rt::for_each_g(
        [](rt::G* g, void* to) {
            if ((g->flags & (rt::kThread | rt::kSystem)) == 0)
                static_cast<std::vector<goroutine>*>(to)->push_back(describe(g));
        },
        &all);
    return all;
}

}  // namespace gossamer::runtime

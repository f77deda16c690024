// SPDX-License-Identifier: BSL-1.0
#include "runtime/loop/start.h"

#include <pthread.h>

#include <algorithm>

#include "runtime/base/fatal.h"
#include "runtime/debug/dump.h"
#include "runtime/debug/modules.h"
#include "runtime/debug/signal_thread.h"
#include "runtime/debug/uncaught.h"
#include "runtime/loop/find_runnable.h"
#include "runtime/loop/sysmon.h"
#include "runtime/netpoll/netpoll.h"
#include "runtime/os/restartable.h"
#include "runtime/sched/describe.h"
#include "runtime/sched/idle.h"
#include "runtime/sched/trace.h"
#include "runtime/stack/overflow.h"
#include "runtime/timer/clock.h"

namespace gossamer::rt {

namespace {

lock procs_lock{lock_rank::signal_table};  // one set_procs at a time; taken before all others
bool procs_said = false;                   // under procs_lock: by the environment or by set_procs()
constexpr int64_t kCpusPeriod = 1'000'000'000;

// The child has one thread and none of ours. Its next call finds no M, and attach_thread() says so.
void after_fork_in_child() {
    sched.in_forked_child.store(true);
    copy_box_for_child();
    forget_signal_thread();
    arch::store_current_m(nullptr);
}

// REQUIRES: procs_lock.
void resize_to(unsigned n) {
    if (n == sched.procs.load()) return;
    resize_ps(n);
    wake_from_outside();
}

void start() {
    sched.settings = read_config();
    if (sched.settings.seed == 0) sched.settings.seed = uint64_t(now_ns());
    sched.fp_control = arch::read_fp_control();
    sched.light_fence_is_full = !os::has_heavy_fence();
    os::has_restart_fence();
    os::start_quick_clock();
    open_box(sched.settings.box);
    describe_runtime();
    show_modules();
    os::limit_guards(sched.settings.guards);
    set_default_stack_class(stack_class_for(sched.settings.stack_bytes));
    sched.on_new_deadline = on_new_deadline;
    sched.uncaught = uncaught;
    set_dump_hook(dump_for_fatal);
    netpoll_start();
    install_terminate_handler();
    install_overflow_handler(report_overflow, leave_traces_of);
    start_signal_thread();
    install_quit_handler();
    procs_said = sched.settings.procs != 0;
    unsigned procs = sched.settings.procs != 0 ? sched.settings.procs : os::usable_cpus();
    resize_ps(std::min(procs, kMaxProcs));
    start_sysmon();
    if (const config& c = sched.settings; c.trace != nullptr)
        trace_until_the_end(c.trace, c.trace_stacks, c.trace_ring);
    pthread_atfork(nullptr, nullptr, after_fork_in_child);
}

}  // namespace

void start_runtime() {
    static const bool started = (start(), true);
    (void)started;
}

unsigned set_procs(unsigned n) {
    in_runtime scope;
    lock_guard guard(procs_lock);
    unsigned old = sched.procs.load();
    if (n == 0) return old;
    procs_said = true;
    resize_to(n);
    return old;
}

void follow_cpus(int64_t now) {
    static int64_t last = now;
    if (now - last < kCpusPeriod) return;
    last = now;
    in_runtime scope;
    lock_guard guard(procs_lock);
    if (!procs_said) resize_to(std::min(os::usable_cpus(), kMaxProcs));
}

}  // namespace gossamer::rt

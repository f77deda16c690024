// SPDX-License-Identifier: BSL-1.0
#include "runtime/sched/mcall.h"

#include <cxxabi.h>

#include <cerrno>

#include "runtime/base/fatal.h"
#include "runtime/sched/g_table.h"
#include "runtime/sched/idle.h"
#include "runtime/sched/spawn.h"
#include "runtime/sched/stack_watch.h"

namespace gossamer::rt {

namespace {

void runner(transfer t);

// First thing on every arrival (invariant 1). Returns the M on which the caller now runs.
inline M* land(transfer t) {
    M* m = static_cast<M*>(t.data);
    *m->save_context = t.fctx;
    if (auto after = m->after_switch) {
        m->after_switch = nullptr;
        after(m);
    }
    return m;
}

// Touches the stack's first page.
void prepare(stack* s) {
    if (s->runner != nullptr) return;
    s->runner = make_context(s, runner);
    sanitizer_init_stack(s->tool, s->low(), size_t(s->base + s->bytes() - s->low()));
}

stack* stack_for(M* m, G* g) {
    stack* s = take_stack(m->p != nullptr ? &m->p->stacks : nullptr, g->stack_class);
    if (s == nullptr)
        fatal("go: no address space for a stack of %zu bytes (%zu stacks exist)", size_t(1) << g->stack_class,
              stacks_made());
    prepare(s);
    g->stk = s;
    return s;
}

// For g that was picked: notes a wait that is being timed. Null when g may not run on m: then it is the first of the queue, and the loop sends it home.
[[gnu::noinline]] G* admit_slow(M* m, G* g) {
    if ((g->flags.load(relaxed) & kLocked) != 0 && g->m != m) {  // own; pairs with nothing
        put_next(m->p, g);
        return nullptr;
    }
    if ((g->flags.load(relaxed) & kProbed) != 0) probe_start(m, g);  // own; pairs with nothing
    return g;
}
inline bool is_unusual(const G* g) {
    return (g->flags.load(relaxed) & (kProbed | kLocked)) != 0;  // own; pairs with nothing
}
inline G* admit(M* m, G* g) { return is_unusual(g) ? admit_slow(m, g) : g; }

// What to jump to in order to run g; g becomes the M's current G.
inline void* enter_g(M* m, G* g) {
    m->curg = g;
    g->m = m;
    bool fresh = g->stk == nullptr;
    stack* s = fresh ? stack_for(m, g) : g->stk;
    g->status.store(g_status::running, relaxed);  // pairs with nothing: readers only report it
    return fresh ? s->runner : g->context;
}

void after_end(M* m) {
    stack* s = m->left_stack;
    m->left_stack = nullptr;
    put_stack(m->p != nullptr ? &m->p->stacks : nullptr, s);
}

// The loop of a stack: runs fresh Gs, one after the other, for as long as there are any; then waits, free, for the next.
void runner(transfer t) {
    stack* s = static_cast<M*>(t.data)->curg->stk;
    sanitizer_after_switch(s->tool);
    M* m = land(t);
    // The next one likely parks too, and its waker's lock is dropped only when it is off its stack: then a stack must be at hand, or the lock is
    // held for as long as a page fault takes (parked at two procs took 1.2 of the time).
    if (stack* spare = next_stack(&m->p->stacks)) prepare(spare);
    for (;;) {
        G* g = m->curg;
        m->exceptions[0] = nullptr;
        *reinterpret_cast<unsigned*>(&m->exceptions[1]) = 0;
        *m->errno_at = 0;
        // No switch has loaded them for this one: they are as the one before it left them.
        arch::write_fp_control(sched.fp_control);
        // pairs with nothing: one goroutine more or less is watched
        if (stacks_watched.load(relaxed)) [[unlikely]]
            begin_watch(s, g);
        m->in_runtime.store(0, release);  // pairs with the acquire load in seize()
        run_closure(g);
        m = enter();
        g = m->curg;
        // pairs with nothing: the table says whether this one was watched
        if (stacks_watched.load(relaxed)) [[unlikely]]
            end_watch(s);
        // pairs with nothing: set before the first such stack is used
        if (canaries_in_use.load(relaxed) && !s->guarded) [[unlikely]]
            check_canary(s);
        if (recording(m)) [[unlikely]]
            trace_plain(m, box::kind::end, g->id.load(relaxed), 0);  // own; pairs with nothing
        end_g(m, g);
        G* next = pick_local(m);
        if (next != nullptr) next = admit(m, next);
        if (next != nullptr && recording(m)) [[unlikely]]
            trace_start(m, next);
        if (next != nullptr && next->stk == nullptr && next->stack_class == s->klass) {
            m->curg = next;
            next->m = m;
            next->stk = s;
            next->status.store(g_status::running, relaxed);  // pairs with nothing: readers only report it
            continue;
        }
        m->left_stack = s;
        m->after_switch = after_end;
        m->save_context = &s->runner;
        void* target;
        if (next != nullptr) {
            target = enter_g(m, next);
            sanitizer_before_switch(s->tool, next->stk->tool);
        } else {
            m->curg = m->left = nullptr;
            target = m->g0_context;
            sanitizer_before_switch(s->tool, m->tool);
        }
        t = jump(target, m);
        sanitizer_after_switch(s->tool);
        m = land(t);
    }
}

void after_slice(M* m) {
    G* g = m->left;
    g->status.store(g_status::runnable, relaxed);  // pairs with nothing: the queue's lock publishes g
    put_global(g);
    wake_if_idle();
}

// g keeps the thread while it holds its locks. Nobody else runs here before, so `next` goes back into the queue.
[[gnu::noinline]] void wire(M* m, G* g, G* next) {
    g->flags.store(uint8_t(g->flags.load(relaxed) | kLocked),
                   relaxed);  // own; pairs with nothing: the queue publishes g
    m->wired = g;
    if (next != nullptr) put_next(m->p, next);
}

// In a build for debugging, where nobody counts: the first mutex that is seen. It is kept from harm and reported as if it had been counted.
[[maybe_unused, gnu::noinline]] bool keeps_a_mutex(const G* g) {
    static atomic<bool> found{false};
    char here;
    return !found.load(relaxed) &&  // pairs with nothing: one look more is no harm
           g->stk->contains(&here) && os::mutex_on_stack(g->stk->top()) != nullptr && !found.exchange(true);
}

inline bool holds_locks(const M* m, const G* g) {
    if constexpr (os::kLooksForMutexes)
        if (m->locks == nullptr) return keeps_a_mutex(g);
    return m->locks != nullptr && m->locks->count != 0;
}

void after_visit(M* m) {
    G* g = m->left;
    g->status.store(g_status::runnable, relaxed);  // pairs with nothing: only this M knows g
    put_next(m->p, g);
}

// Returns when g runs again.
[[gnu::always_inline]] inline void leave_stack(M* m, G* g, G* next) {
    uint32_t depth = m->in_runtime.load(relaxed);  // own
    g->caught_exceptions = m->exceptions[0];
    g->uncaught_exceptions = *reinterpret_cast<unsigned*>(&m->exceptions[1]);
    g->saved_errno = *m->errno_at;
    m->left = g;
    m->save_context = &g->context;
    stack* s = g->stk;
    // pairs with nothing: set before the first such stack is used
    if (canaries_in_use.load(relaxed) && !s->guarded) [[unlikely]]
        check_canary(s);
    void* target;
    if (next != nullptr) {
        target = enter_g(m, next);
        sanitizer_before_switch(s->tool, next->stk->tool);
    } else {
        m->curg = nullptr;
        target = m->g0_context;
        sanitizer_before_switch(s->tool, m->tool);
    }
    transfer t = jump(target, m);
    sanitizer_after_switch(s->tool);
    m = land(t);
    m->exceptions[0] = g->caught_exceptions;
    *reinterpret_cast<unsigned*>(&m->exceptions[1]) = g->uncaught_exceptions;
    *m->errno_at = g->saved_errno;
    m->in_runtime.store(depth, relaxed);  // own; still inside
}

// While somebody records or counts locks, or next is not as usual. A function of its own, so that the usual case keeps nothing for its sake.
[[gnu::noinline]] void switch_unusual(M* m, G* g, G* next, leave_kind how) {
    if (holds_locks(m, g)) {
        wire(m, g, next);
        next = nullptr;
    }
    if (next != nullptr) next = admit(m, next);
    if (recording(m)) trace_switch(m, g, how, next);
    leave_stack(m, g, next);
}

// One branch for the two.
inline bool is_watched(const M* m) {
    if constexpr (os::kLooksForMutexes) return true;
    return (reinterpret_cast<uintptr_t>(m->trace.load(relaxed)) |  // pairs with nothing: late is as good
            reinterpret_cast<uintptr_t>(m->locks)) != 0;
}

}  // namespace

void switch_from_g(M* m, G* g, G* next, leave_kind how) {
    if (is_watched(m) || (next != nullptr && is_unusual(next))) [[unlikely]]
        return switch_unusual(m, g, next, how);
    leave_stack(m, g, next);
}

void execute(M* m, G* g) {
    admit(m, g);
    if (recording(m)) [[unlikely]]
        trace_start(m, g);
    void* target = enter_g(m, g);
    m->save_context = &m->g0_context;
    sanitizer_before_switch(m->tool, g->stk->tool);
    transfer t = jump(target, m);
    sanitizer_after_switch(m->tool);
    land(t);
}

void give_up_slice(M* m, G* g) {
    m->after_switch = after_slice;
    switch_from_g(m, g, nullptr, leave_kind::preempt);
}

void visit_loop(M* m, G* g) {
    m->after_switch = after_visit;
    switch_from_g(m, g, nullptr, leave_kind::preempt);
}

void learn_thread(M* m) {
    m->exceptions = reinterpret_cast<void**>(abi::__cxa_get_globals());
    m->errno_at = &errno;
    m->locks = os::held_locks_here();
    m->cpu_clock = os::thread_cpu_clock();
    m->tid = os::thread_id();
    os::range own = os::thread_stack();
    sanitizer_init_thread(m->tool, own.base, own.bytes);
}

}  // namespace gossamer::rt

// SPDX-License-Identifier: BSL-1.0
// The kernel is the checker's, memory is the arena's, nothing is recorded; all else is the real source.
#include "tests/model/world.h"

#include <cxxabi.h>

#include <cstdarg>
#include <cstdio>

#include "gossamer/panic.h"
#include "runtime/base/fatal.h"
#include "runtime/netpoll/netpoll.h"
#include "runtime/os/os.h"
#include "runtime/os/restartable.h"
#include "runtime/park/sema.h"
#include "runtime/sched/g_table.h"
#include "runtime/sched/mcall.h"
#include "runtime/sched/trace.h"
#include "runtime/stack/stack_cache.h"

namespace gossamer::model {
int64_t clock = 1'000'000'000;
int64_t clock_step = 0;
uint64_t restarts = 0;
}  // namespace gossamer::model

namespace gossamer::rt {

// runtime/base/fatal.h
void fatal(const char* format, ...) {
    char words[512];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    model::fail(words);
}
void broken(const char* sentence, code_place) { model::fail(sentence); }
void print_error(const char*, ...) {}

// runtime/os
namespace os {
__attribute__((no_sanitize("thread"))) int64_t now_ns() { return model::clock += model::clock_step; }
int64_t quick_now_ns() { return now_ns(); }
void futex_wait(atomic<uint32_t>* word, uint32_t expected, int64_t) { model::futex_wait(word, expected); }
void futex_wake(atomic<uint32_t>* word, int count) { model::futex_wake(word, count); }
void yield_cpu() { model::spin(); }
void nap_ns(int64_t) { model::spin(); }
bool has_heavy_fence() { return true; }
void heavy_fence() { model::heavy_fence(); }
bool has_restart_fence() { return true; }
__attribute__((no_sanitize("thread"))) void restart_fence(model::place at) {
    if (model::heavy_fence(at)) model::restarts++;
}
unsigned usable_cpus() { return 1; }
clockid_t thread_cpu_clock() { return 0; }
uint64_t thread_id() { return 1; }
range thread_stack() { return {nullptr, 0}; }
const held_locks* held_locks_here() { return nullptr; }
}  // namespace os

// runtime/box, runtime/sched/g_table.h. The box is for who looks from outside: nobody.
box::header* the_box() { return &model::make<box::header>(); }
void* new_slot(box::region_kind, uint32_t bytes) { return memset(model::allocate(bytes, 64), 0, bytes); }
G* take_g(P*) { return &model::make<G>(); }
void put_g(P*, G*) {}
void flush_gs(P*) {}
g_chunk* new_chunk() { return new g_chunk; }
void free_chunk(g_chunk* c) { delete c; }

// runtime/stack
atomic<bool> canaries_in_use{false};
void check_canary(const stack*) {}
size_t stacks_made() { return 0; }
unsigned default_stack_class() { return kMinStackClass; }
stack* take_stack(stack_cache*, unsigned klass) {
    constexpr size_t bytes = size_t(1) << kMinStackClass;
    stack* s = &model::make<stack>();
    s->base = static_cast<char*>(model::allocate(bytes, 64));
    s->klass = uint8_t(klass);
    return s;
}
stack* next_stack(stack_cache*) { return nullptr; }
void put_stack(stack_cache*, stack*) {}
void flush_stacks(stack_cache*) {}

// runtime/sched/stack_watch.h: nobody watches.
atomic<bool> stacks_watched{false};
void begin_watch(stack*, const G*) {}
void end_watch(stack*) {}

// runtime/sched/trace.h: nothing is recorded.
void trace_switch(M*, const G*, leave_kind, const G*) {}
void trace_ready(M*, const G*) {}
void trace_create(M*, const G*) {}
void trace_plain(M*, box::kind, uint64_t, uint32_t) {}
void adopt_ring(M*) {}
void probe_ready(G*) {}
void probe_start(M*, G*) {}

// runtime/netpoll: the models that need a poller make edges themselves.
void netpoll_start() {}
int netpoll_watch(int, poll_desc*, uint32_t) { return 0; }
void netpoll_forget(int) {}

// runtime/loop/start.h
void start_runtime() {}
void m_main(void*) {}

}  // namespace gossamer::rt

namespace gossamer::model {

namespace {

constexpr unsigned kMostThreads = 8;
// What a thread of the machine has in its thread_locals.
struct locals {
    rt::M* m = nullptr;
    void* exceptions[2] = {nullptr, nullptr};  // of __cxa_get_globals
};
locals of_thread[kMostThreads];
locals of_explorer;  // while no thread runs
unsigned threads;

void change_locals(unsigned from, unsigned to) {
    auto** exceptions = reinterpret_cast<void**>(abi::__cxa_get_globals());
    if (from < kMostThreads) of_thread[from] = {rt::arch::load_current_m(), {exceptions[0], exceptions[1]}};
    locals next = to < kMostThreads ? of_thread[to] : of_explorer;
    rt::arch::store_current_m(next.m);
    std::copy_n(next.exceptions, 2, exceptions);
}

}  // namespace

void new_world(unsigned procs) {
    threads = 0;
    on_switch = change_locals;
    forget_timers();
    ::new (&rt::sched) rt::scheduler;
    rt::sched.fp_control = rt::arch::read_fp_control();
    clock_step = 0;
    restarts = 0;
    for (auto& slot : rt::detail::sema_slots) ::new (&slot) rt::detail::sema_slot;
    rt::resize_ps(procs);
    of_explorer.m = &plain_m();
    rt::arch::store_current_m(of_explorer.m);
    name(&rt::sched.idle_ps, "idle_ps");
    name(&rt::sched.spinning, "spinning");
}

void thread_on(const char* name, rt::M* m, std::function<void()> run) {
    of_thread[threads++] = {m, {}};
    thread(name, std::move(run));
}

rt::M& plain_m() {
    rt::M& m = make<rt::M>();
    m.is_thread = true;
    m.stand_in = m.curg = &make<rt::G>();
    m.curg->m = &m;
    m.curg->flags.store(rt::kThread);
    m.curg->status.store(rt::g_status::running);
    name(&m.attention, "attention");
    name(&m.in_runtime, "in_runtime");
    return m;
}

rt::M& idle_m() {
    rt::M& m = make<rt::M>();
    m.number = rt::sched.m_count.fetch_add(1) + 1;
    learn_thread(m);
    return m;
}

void learn_thread(rt::M& m) {
    m.in_runtime.store(1);
    m.exceptions = static_cast<void**>(allocate(2 * sizeof(void*), 8));
    m.errno_at = static_cast<int*>(allocate(sizeof(int), 8));
    name(&m.attention, "attention");
    name(&m.in_runtime, "in_runtime");
}

rt::M& scheduler_m(unsigned p) {
    rt::M& m = idle_m();
    rt::P* own = rt::p_at(p);
    for (rt::P** link = &rt::sched.idle_p_list; *link != nullptr; link = &(*link)->idle_next)
        if (*link == own) {
            *link = own->idle_next;
            rt::sched.idle_ps.fetch_sub(1);
            break;
        }
    rt::hold(&m, own);
    return m;
}

rt::G& goroutine(void (*run)()) {
    rt::G& g = make<rt::G>();
    g.status.store(rt::g_status::fresh);
    g.stack_class = rt::kMinStackClass;
    ::new (g.closure)(void (*)())(run);
    g.invoke = [](void* closure) { (*static_cast<void (**)()>(closure))(); };
    return g;
}

}  // namespace gossamer::model

namespace gossamer {

// lib/gossamer/panic.h: without the list of who panics.
panic::panic(std::any, std::string) {}
const char* panic::what() const noexcept { return "panic"; }

}  // namespace gossamer

// SPDX-License-Identifier: BSL-1.0
#include "gossamer/go.h"

#include <cstring>
#include <string>

#include "gossamer/big_stack.h"
#include "gossamer/blocking.h"
#include "gossamer/runtime.h"
#include "lib/layout.h"
#include "runtime/base/fatal.h"
#include "runtime/loop/start.h"
#include "runtime/park/park.h"
#include "runtime/park/syscall.h"
#include "runtime/sched/big_stack.h"
#include "runtime/sched/describe.h"
#include "runtime/sched/spawn.h"

namespace gossamer {

static rt::describer library(rt::describe_library);

namespace detail {

[[gnu::noinline]] static unsigned class_of(const spawn_options& o) {
    if (o.stack == 0) return rt::default_stack_class();
    unsigned klass = o.stack < (16 << 10) ? 0 : rt::stack_class_for(o.stack);
    if (klass == 0) throw panic("go: stack size " + std::to_string(o.stack) + " is not between 16 KiB and 4 GiB");
    return klass;
}

spawning spawn_begin(const spawn_options* options) {
    unsigned klass = 0;
    const char* name = nullptr;
    if (options != nullptr) {
        klass = class_of(*options);
        name = options->name;
    }
    rt::in_runtime scope;
    if (klass == 0) klass = rt::default_stack_class();
    rt::G* g = rt::make_g(klass, name, __builtin_return_address(0));
    return {g->closure, g};
}

void spawn_finish(spawning s, void (*invoke)(void*)) {
    rt::in_runtime scope;
    auto* g = static_cast<rt::G*>(s.handle);
    g->invoke = invoke;
    rt::start_g(g);
}

void spawn_abort(spawning s) noexcept {
    rt::in_runtime scope;
    rt::discard_g(static_cast<rt::G*>(s.handle));
}

void spawn_bytes(const void* closure, std::size_t size, void (*invoke)(void*)) {
    rt::in_runtime scope;
    rt::G* g = rt::make_g(rt::default_stack_class(), nullptr, __builtin_return_address(0));
    memcpy(g->closure, closure, size);
    g->invoke = invoke;
    rt::start_g(g);
}

void spawn_of_nothing() { rt::fatal("go of nil func value"); }

void run_main(void (*f)(void*), void* arg) {
    if (rt::on_goroutine()) throw panic("run: called on a goroutine; it makes the main goroutine of a plain thread");
    constexpr std::size_t kMainStack = (8 << 20) - rt::kGuardBytes;
    struct frame {
        void (*f)(void*);
        void* arg;
        rt::G* waiter;
    } main{f, arg, nullptr};
    {
        rt::in_runtime scope;
        main.waiter = rt::current_g();
        // The waiter is woken only after it waits: started in its commit, which on a plain thread runs before the sleep.
        spawning s = spawn_begin(nullptr);
        auto* g = static_cast<rt::G*>(s.handle);
        g->stack_class = uint8_t(rt::stack_class_for(kMainStack));
        g->name = "main";
        g->creator_pc = nullptr;
        // The first main is goroutine 1 (SEMANTICS G11), a number that is kept for it.
        static rt::atomic<bool> have_main{false};
        if (!have_main.exchange(true)) g->id.store(1);
        auto body = [m = &main] {
            m->f(m->arg);
            rt::in_runtime inside;
            rt::ready(m->waiter);
        };
        new (s.closure) decltype(body)(body);
        g->invoke = invoke_inline<decltype(body)>;
        rt::park(
            [](rt::G*, void* made) {
                rt::start_g(static_cast<rt::G*>(made));
                return true;
            },
            g, rt::wait_reason::join, nullptr);
    }
}

void on_big_stack(std::size_t bytes, void (*f)(void*), void* arg) {
    if (bytes < (16 << 10) || bytes > (std::size_t{4} << 30))
        throw panic("on_big_stack: " + std::to_string(bytes) + " bytes are not between 16 KiB and 4 GiB");
    if (!rt::on_big_stack(bytes, f, arg))
        throw panic("on_big_stack: no address space for a stack of " + std::to_string(bytes) + " bytes");
}

void begin_blocking() noexcept { rt::begin_blocking(); }
void end_blocking() { rt::end_blocking(); }

}  // namespace detail

void yield() { rt::yield(); }

void goexit() {
    if (!rt::on_goroutine()) throw panic("goexit: called on a plain thread; there is no goroutine to end");
    rt::goexit_unwind();
}

namespace runtime {

unsigned procs() { return rt::set_procs(0); }

unsigned set_procs(int n) {
    if (n < 1 || unsigned(n) > rt::kMaxProcs)
        throw panic("runtime::set_procs: " + std::to_string(n) + " is not between 1 and " +
                    std::to_string(rt::kMaxProcs));
    return rt::set_procs(unsigned(n));
}

unsigned num_cpu() {
    static const unsigned n = rt::os::usable_cpus();
    return n;
}

std::uint64_t num_goroutines() { return rt::live_goroutines(); }

std::uint64_t goroutine_id() {
    rt::in_runtime scope;
    return rt::current_g()->id.load();
}

bool on_goroutine() { return rt::on_goroutine(); }

}  // namespace runtime
}  // namespace gossamer

// SPDX-License-Identifier: BSL-1.0
#include "runtime/sched/spawn.h"

#include <cxxabi.h>

#include <exception>
#include <typeinfo>

#include "runtime/base/fatal.h"
#include "runtime/sched/g_table.h"
#include "runtime/sched/idle.h"
#include "runtime/sched/trace.h"

namespace gossamer::rt {

namespace {

// What goexit() throws. Whoever catches it with catch (...) must rethrow: its end before the goroutine's end is fatal.
class goexit_unwinding {
  public:
    goexit_unwinding() = default;
    goexit_unwinding(const goexit_unwinding&) = delete;
    ~goexit_unwinding() {
        if (!arrived) fatal("goexit: a catch (...) swallowed the end of the goroutine; it must rethrow");
    }
    atomic<bool> arrived{false};  // an exception_ptr may outlive the goroutine on another thread
};

uint64_t next_id(P* p) {
    constexpr uint64_t kBatch = 64;
    if (p == nullptr) return sched.last_id.fetch_add(1) + 1;
    if (p->next_id == p->last_id) {
        p->next_id = sched.last_id.fetch_add(kBatch);
        p->last_id = p->next_id + kBatch;
    }
    return ++p->next_id;
}

void count(atomic<uint64_t>& here) { here.store(here.load(relaxed) + 1, relaxed); }  // owner P's own; sums are guesses

}  // namespace

G* make_g(unsigned stack_class, const char* name, void* creator_pc) {
    M* m = current_m();
    P* p = m->p;
    G* g = take_g(p);
    g->stack_class = uint8_t(stack_class);
    g->name = name;
    g->creator_pc = creator_pc;
    g->creator_id =
        m->curg != nullptr ? m->curg->id.load(relaxed) : 0;  // own goroutine's; on g0 a timer is the creator
    g->id.store(next_id(p), relaxed);                        // pairs with nothing: dumps only
    return g;
}

void start_g(G* g) {
    M* m = current_m();
    P* p = m->p;
    if (recording(m)) [[unlikely]]
        trace_create(m, g);
    g->status.store(g_status::fresh, release);  // pairs with the load in for_each_g()
    if (p == nullptr) {
        if ((g->flags & kSystem) == 0) sched.thread_created.fetch_add(1);
        put_global(g);
        wake_from_outside();
        return;
    }
    if ((g->flags & kSystem) == 0) count(p->created);
    put_next(p, g);
    wake_if_idle();
}

void discard_g(G* g) { put_g(current_m()->p, g); }

void spawn_system(void (*fn)(void*), void* arg, const char* name) {
    in_runtime scope;
    G* g = make_g(default_stack_class(), name, nullptr);
    struct call {
        void (*fn)(void*);
        void* arg;
    };
    new (g->closure) call{fn, arg};
    g->flags.store(kSystem, relaxed);  // pairs with nothing: readers only report it
    g->invoke = [](void* closure) {
        call c = *static_cast<call*>(closure);
        c.fn(c.arg);
    };
    start_g(g);
}

void run_closure(G* g) {
    try {
        g->invoke(g->closure);
    } catch (goexit_unwinding& end) {
        end.arrived = true;
    } catch (abi::__forced_unwind&) {
        throw;  // pthread_cancel of a scheduler thread: nobody may do that
    } catch (...) {
        sched.uncaught(g);
    }
    if ((g->flags & kHasLocals) != 0) [[unlikely]] {
        g->flags.store(uint8_t(g->flags.load(relaxed) & ~kHasLocals), relaxed);  // own; pairs with nothing
        sched.destroy_locals.load()(g);
    }
}

void end_g(M* m, G* g) {
    P* p = m->p;
    if ((g->flags & kSystem) == 0) {
        if (p != nullptr)
            count(p->ended);
        else
            sched.thread_ended.fetch_add(1);
    }
    g->flags.store(0, relaxed);  // pairs with nothing: readers only report it
    g->stk = nullptr;
    g->status.store(g_status::dead, release);  // pairs with the load in for_each_g()
    put_g(p, g);
}

void goexit_unwind() { throw goexit_unwinding(); }

bool is_goexit() {
    const std::type_info* type = abi::__cxa_current_exception_type();
    return type != nullptr && *type == typeid(goexit_unwinding);
}

}  // namespace gossamer::rt

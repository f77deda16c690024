// SPDX-License-Identifier: BSL-1.0
#include "runtime/sched/big_stack.h"

#include <exception>

#include "runtime/sched/current.h"
#include "runtime/stack/context.h"
#include "runtime/stack/stack_cache.h"

namespace gossamer::rt {

namespace {

struct hop {
    void (*f)(void*);
    void* arg;
    stack* big = nullptr;
    stack* home = nullptr;            // null on a plain thread
    sanitizer_state* tool = nullptr;  // of home, or of the thread
    void* back = nullptr;             // the context that was left
    std::exception_ptr thrown = nullptr;
};

void bottom(transfer t) {
    auto* h = static_cast<hop*>(t.data);
    sanitizer_after_switch(h->big->tool);
    leave();
    h->back = t.fctx;
    try {
        h->f(h->arg);
    } catch (...) {
        h->thrown = std::current_exception();
    }
    M* m = enter();
    if (h->home != nullptr) m->curg->stk = h->home;
    sanitizer_before_switch(h->big->tool, *h->tool);
    jump(h->back, h);
}

bool has_room(const stack* home, size_t bytes) {
    auto* here = static_cast<const char*>(__builtin_frame_address(0));
    return home != nullptr && home->contains(here) && here > home->low() && size_t(here - home->low()) >= bytes;
}

// False: no stack is to be had. Inside the runtime.
bool take(hop* h, size_t bytes) {
    M* m = current_m();
    h->big = take_stack(m->p != nullptr ? &m->p->stacks : nullptr, stack_class_for(bytes));
    if (h->big == nullptr) return false;
    h->tool = h->home != nullptr ? &h->home->tool : &m->tool;
    sanitizer_init_stack(h->big->tool, h->big->low(), size_t(h->big->base + h->big->bytes() - h->big->low()));
    if (h->home != nullptr) m->curg->stk = h->big;
    return true;
}

void give_back(hop* h) {
    M* m = current_m();
    h->big->runner = nullptr;  // a loop that stood there is written over
    sanitizer_forget_stack(h->big->tool);
    put_stack(m->p != nullptr ? &m->p->stacks : nullptr, h->big);
}

stack* own_stack() {
    in_runtime scope;
    return current_g()->stk;
}

}  // namespace

bool on_big_stack(size_t bytes, void (*f)(void*), void* arg) {
    hop h{f, arg};
    h.home = own_stack();
    if (has_room(h.home, bytes)) {
        f(arg);
        return true;
    }
    // From before G::stk changes until the jump has landed, there and back: who enters may have to give way first, and would leave one stack
    // in the name of the other.
    enter();
    if (!take(&h, bytes)) {
        leave();
        return false;
    }
    void* fresh = make_context(h.big, bottom);
    sanitizer_before_switch(*h.tool, h.big->tool);
    jump(fresh, &h);
    sanitizer_after_switch(*h.tool);
    give_back(&h);
    leave();
    if (h.thrown != nullptr) std::rethrow_exception(std::move(h.thrown));
    return true;
}

}  // namespace gossamer::rt

// SPDX-License-Identifier: BSL-1.0
// context: the tree. Only nodes that can be cancelled know of their children; values and the rest point outwards.
// Called by / on: goroutines and plain threads, outside of the runtime; an alarm's function on g0.
// Invariants:
//   1 state leaves `live` once, under lk, after the cause is written; kClosed is added when the done channel is closed. So who sees an error
//     sees its cause, and waits for lk when it has not yet seen kClosed (CX2).
//   2 A node is linked in its canceller's list exactly while that one can still cancel it; the list changes under the canceller's lk.
//   3 handles counts contexts and children; refs counts the handles together as one, the link, the alarm, and who stops an after_func. The
//     memory goes with refs; a handle outwards is held until then.
//   4 Without handles nobody can ask or derive any more. If nobody holds the done channel and no function is registered, link and
//     alarm go too.
// Locks: lk (rank context), parent before child. Channels are closed and goroutines started below them; memory, and with it what users put in, is
//   released after all are dropped.
// The race that matters: cancel() of a parent against cancel() of its descendant, each of which must not return before what is below is done.
//   The one who cancels holds the locks on the path down to where it is: the other waits for them (CX6).
// Not done: a goroutine for each child (Go's, for foreign parents): there are no foreign parents here.
#include "gossamer/context.h"

#include <cstdio>

#include "gossamer/panic.h"
#include "runtime/base/atomic.h"
#include "runtime/os/lock.h"
#include "runtime/sched/spawn.h"
#include "runtime/timer/timer.h"

namespace gossamer {

namespace {

constinit const detail::sentinel_node kCanceled("context canceled", std::errc::operation_canceled);
constinit const detail::sentinel_node kDeadlineExceeded("context deadline exceeded", std::errc::timed_out);

}  // namespace

constinit const error context::canceled(&kCanceled);
constinit const error context::deadline_exceeded(&kDeadlineExceeded);

namespace detail {

using rt::acq_rel;
using rt::acquire;
using rt::relaxed;
using rt::release;

enum class context_kind : uint8_t { background, todo, cancel, deadline, value, without_cancel };

struct cancel_node;
struct carrying_node;

struct context_node {
    context_node(context_kind k, context_node* outer);
    context_node(const context_node&) = delete;
    context_node& operator=(const context_node&) = delete;
    virtual ~context_node() = default;

    rt::atomic<uint32_t> handles{1};
    rt::atomic<uint32_t> refs{1};
    const context_kind kind;
    context_node* const parent;        // a handle; null for the roots
    cancel_node* canceller = nullptr;  // the nearest outwards that can be cancelled, itself included
    const carrying_node* values = nullptr;
    int64_t deadline = rt::kNever;
};

struct carrying_node final : context_node {
    carrying_node(context_node* outer, const std::type_info& k, std::unique_ptr<held_value> v)
        : context_node(context_kind::value, outer), key(k), value(std::move(v)), next(values) {
        values = this;
    }
    const std::type_info& key;
    const std::unique_ptr<held_value> value;
    const carrying_node* const next;
};

// What a canceller has in its list. Under the canceller's lk.
struct child_link {
    child_link* next = nullptr;
    child_link* prev = nullptr;
    bool linked = false;
    const bool is_node;  // a cancel_node, else an after_context
    explicit child_link(bool node) : is_node(node) {}
};

constexpr uint8_t kLive = 0, kCanceledState = 1, kExpiredState = 2, kClosed = 4;

struct cancel_node final : context_node, child_link {
    cancel_node(context_kind k, context_node* outer)
        : context_node(k, outer), child_link(true), above(outer->canceller) {
        canceller = this;
    }
    ~cancel_node() override;

    rt::lock lk{rt::lock_rank::context};
    rt::atomic<uint8_t> state{kLive};
    error cause;                                       // constant once state is not live
    rt::atomic<const recv_chan<unit>*> done{nullptr};  // made when first asked for, then constant
    child_link* children = nullptr;
    cancel_node* const above;              // whose list it may be in
    cancel_node* finished_next = nullptr;  // owner: who took it off the list to cancel it
    rt::timer alarm;
    error expired_cause;
};

struct after_context final : child_link {
    explicit after_context(std::unique_ptr<closure> function) : child_link(false), f(std::move(function)) {}
    rt::atomic<uint32_t> stops{1};     // stop_funcs
    rt::atomic<uint32_t> refs{1};      // those as one, the link or the run
    rt::atomic<bool> stopped{false};   // where there is no canceller
    cancel_node* canceller = nullptr;  // a ref, while there are stop_funcs
    after_context* start_next = nullptr;
    const std::unique_ptr<closure> f;
    void* creator = nullptr;
};

context_node::context_node(context_kind k, context_node* outer) : kind(k), parent(outer) {
    if (outer == nullptr) return;
    retain_context(outer);
    values = outer->values;
    if (k == context_kind::without_cancel) return;
    canceller = outer->canceller;
    deadline = outer->deadline;
}

namespace {

bool immortal(const context_node* n) { return n->parent == nullptr; }

void release_ref(after_context* a) {
    if (a->refs.fetch_sub(1, acq_rel) == 1) delete a;  // pairs with itself: the last one sees all
}

// REQUIRES: above's lk held.
void link(cancel_node* above, child_link* child) {
    child->next = above->children;
    child->prev = nullptr;
    if (child->next != nullptr) child->next->prev = child;
    above->children = child;
    child->linked = true;
}
void unlink(cancel_node* above, child_link* child) {
    (child->prev == nullptr ? above->children : child->prev->next) = child->next;
    if (child->next != nullptr) child->next->prev = child->prev;
    child->linked = false;
}

// True when this call took it out: then its ref is the caller's.
bool unlink_locked(cancel_node* above, child_link* child) {
    rt::in_runtime scope;
    rt::lock_guard hold(above->lk);
    if (!child->linked) return false;
    unlink(above, child);
    return true;
}

// Gives back refs that cannot be the last.
void drop_refs(cancel_node* n, unsigned count) {
    if (count != 0) n->refs.fetch_sub(count, release);  // pairs with the fetch_sub in release_refs()
}

// Invariant 4. REQUIRES: no handle, a ref of the caller's.
void withdraw(cancel_node* n) {
    unsigned dropped = 0;
    {
        rt::in_runtime scope;
        rt::lock_guard hold(n->lk);
        const recv_chan<unit>* done = n->done.load(relaxed);  // pairs with nothing: under lk
        // Who copied the channel may wait for it; that a copy is made meanwhile needs one that is there.
        bool observed = done != nullptr && done->core()->refs.load(acquire) > 1;  // pairs with the end of a handle
        if (n->state.load(relaxed) != kLive || n->children != nullptr || observed) return;  // under lk
        if (rt::stop(&n->alarm)) dropped++;
    }
    if (n->above != nullptr && unlink_locked(n->above, n)) dropped++;
    drop_refs(n, dropped);
}

// Outwards as long as each node's end is the end of its parent's last handle. REQUIRES: no lock held, outside of the runtime.
void release_refs(context_node* n) {
    while (n->refs.fetch_sub(1, acq_rel) == 1) {  // pairs with itself: the last one sees all
        context_node* outer = n->parent;
        delete n;
        if (immortal(outer) || outer->handles.fetch_sub(1, acq_rel) != 1) return;  // pairs with itself
        n = outer;
        if (n->canceller == n) withdraw(n->canceller);
    }
}

void start(after_context* a) {
    rt::in_runtime scope;
    rt::G* g = rt::make_g(rt::default_stack_class(), nullptr, a->creator);
    ::new (g->closure) after_context*(a);
    g->invoke = [](void* self) {
        std::unique_ptr<after_context, void (*)(after_context*)> mine(*static_cast<after_context**>(self), release_ref);
        mine->f->run();
    };
    rt::start_g(g);
}

// REQUIRES: n->lk held, n live.
void finish(cancel_node* n, uint8_t state, const error& cause) {
    n->cause = cause;
    n->state.store(state, release);  // pairs with the loads in err() and cause()
    if (const recv_chan<unit>* done = n->done.load(relaxed)) rt::chan_close(done->core());  // under lk
    n->state.store(state | kClosed, release);  // pairs with the load in err()
    if (rt::stop(&n->alarm)) drop_refs(n, 1);
}

// Ends n and all below it, unless n has ended. The way down is kept in locks and in `above`, not on the stack: trees may be deep.
// REQUIRES: a ref or handle of the caller's.
void cancel_tree(cancel_node* top, uint8_t state, const error& cause) {
    cancel_node* finished = nullptr;
    after_context* to_start = nullptr;
    {
        rt::in_runtime scope;
        top->lk.acquire_lock();
        if (top->state.load(relaxed) != kLive) {  // under lk
            top->lk.release_lock();
            return;
        }
        finish(top, state, cause);
        for (cancel_node* n = top;;) {
            child_link* child = n->children;
            if (child == nullptr) {
                n->lk.release_lock();
                if (n == top) break;
                n = n->above;
                continue;
            }
            unlink(n, child);
            if (!child->is_node) {
                auto* a = static_cast<after_context*>(child);
                a->start_next = to_start;
                to_start = a;
                continue;
            }
            auto* c = static_cast<cancel_node*>(child);
            c->finished_next = finished;
            finished = c;
            c->lk.acquire_lock();
            if (c->state.load(relaxed) == kLive) {  // under lk
                finish(c, state, cause);
                n = c;
            } else {
                c->lk.release_lock();
            }
        }
    }
    if (top->above != nullptr && unlink_locked(top->above, top)) drop_refs(top, 1);
    while (to_start != nullptr) start(std::exchange(to_start, to_start->start_next));
    while (finished != nullptr) release_refs(std::exchange(finished, finished->finished_next));
}

// Hangs n under the nearest canceller, or ends it as that one has ended (CX7).
void attach(cancel_node* n) {
    cancel_node* above = n->above;
    if (above == nullptr) return;
    uint8_t state;
    {
        rt::in_runtime scope;
        rt::lock_guard hold(above->lk);
        state = above->state.load(relaxed) & uint8_t(~kClosed);  // under lk
        if (state == kLive) {
            n->refs.fetch_add(1, relaxed);  // pairs with nothing: the caller holds one
            link(above, n);
            return;
        }
    }
    cancel_tree(n, state, above->cause);
}

// The alarm's ref becomes the goroutine's: what ends with the context may be users' own.
void expire(rt::timer* alarm, int64_t) {
    rt::spawn_system(
        [](void* arg) {
            auto* n = static_cast<cancel_node*>(arg);
            cancel_tree(n, kExpiredState, n->expired_cause);
            release_refs(n);
        },
        alarm->arg, "context deadline");
}

context_node* parent_of(const context& parent) {
    if (!parent) throw panic("cannot create context from nil parent");
    return parent.node();
}
context_node* node_of(const context& ctx) {
    if (!ctx) throw panic("a nil context was asked");
    return ctx.node();
}

cancel_node* make_cancel_node(const context& parent) {
    auto* n = new cancel_node(context_kind::cancel, parent_of(parent));
    attach(n);
    return n;
}

// A root: constant, counted by nobody.
struct root_node {
    explicit root_node(context_kind k) : node(k, nullptr) {}
    ~root_node() {}
    union {
        context_node node;
    };
};

}  // namespace

cancel_node::~cancel_node() {
    // Nobody is left who could cancel it: the functions will never run.
    while (child_link* child = children) {
        unlink(this, child);
        release_ref(static_cast<after_context*>(child));
    }
    delete done.load(relaxed);  // pairs with nothing: the last reference
}

void retain_context(context_node* n) noexcept {
    if (!immortal(n)) n->handles.fetch_add(1, relaxed);  // pairs with nothing: who copies holds one
}
void release_context(context_node* n) noexcept {
    if (immortal(n) || n->handles.fetch_sub(1, acq_rel) != 1) return;  // pairs with itself: the last one sees all
    if (n->canceller == n) withdraw(n->canceller);
    release_refs(n);
}

void retain_after(after_context* a) noexcept { a->stops.fetch_add(1, relaxed); }  // pairs with nothing: as above
void release_after(after_context* a) noexcept {
    if (a->stops.fetch_sub(1, acq_rel) != 1) return;  // pairs with itself: the last one sees all
    cancel_node* canceller = a->canceller;
    release_ref(a);
    if (canceller != nullptr) release_refs(canceller);
}

context value_context(const context& parent, const std::type_info& key, std::unique_ptr<held_value> value) {
    return context(new carrying_node(parent_of(parent), key, std::move(value)));
}

cancelable deadline_context(const context& parent, int64_t when, error cause) {
    context_node* outer = parent_of(parent);
    if (outer->deadline < when || when == rt::kNever) return with_cancel(parent);
    auto* n = new cancel_node(context_kind::deadline, outer);
    context ctx(n);
    n->deadline = when;
    n->expired_cause = cause ? std::move(cause) : context::deadline_exceeded;
    n->alarm.fire = expire;
    n->alarm.arg = n;
    attach(n);
    if (when <= rt::now_ns()) {
        cancel_tree(n, kExpiredState, n->expired_cause);
    } else {
        rt::in_runtime scope;
        rt::lock_guard hold(n->lk);
        if (n->state.load(relaxed) == kLive) {  // under lk
            n->refs.fetch_add(1, relaxed);      // pairs with nothing: the caller holds one
            rt::arm(&n->alarm, when);
        }
    }
    return {ctx, cancel_func(ctx)};
}

int64_t moment_after(int64_t ns) { return rt::after_ns(ns); }

[[gnu::noinline]] stop_func call_after(const context& ctx, std::unique_ptr<closure> f) {
    cancel_node* canceller = parent_of(ctx)->canceller;
    auto* a = new after_context(std::move(f));
    stop_func stop(a);
    a->creator = __builtin_return_address(0);
    if (canceller == nullptr) return stop;
    canceller->refs.fetch_add(1, relaxed);  // pairs with nothing: ctx holds one
    a->canceller = canceller;
    a->refs.fetch_add(1, relaxed);  // pairs with nothing: `stop` holds one
    bool ended;
    {
        rt::in_runtime scope;
        rt::lock_guard hold(canceller->lk);
        ended = canceller->state.load(relaxed) != kLive;  // under lk
        if (!ended) link(canceller, a);
    }
    if (ended) start(a);
    return stop;
}

}  // namespace detail

using detail::cancel_node;

context background() noexcept {
    static detail::root_node root(detail::context_kind::background);
    return context(&root.node);
}
context todo() noexcept {
    static detail::root_node root(detail::context_kind::todo);
    return context(&root.node);
}

cancelable with_cancel(const context& parent) {
    context ctx(detail::make_cancel_node(parent));
    return {ctx, cancel_func(ctx)};
}
cancelable_with_cause with_cancel_cause(const context& parent) {
    context ctx(detail::make_cancel_node(parent));
    return {ctx, cancel_cause_func(ctx)};
}
context without_cancel(const context& parent) {
    return context(new detail::context_node(detail::context_kind::without_cancel, detail::parent_of(parent)));
}

void cancel_func::operator()() const {
    detail::cancel_tree(detail::node_of(of_)->canceller, detail::kCanceledState, context::canceled);
}
void cancel_cause_func::operator()(error cause) const {
    detail::cancel_tree(detail::node_of(of_)->canceller, detail::kCanceledState, cause ? cause : context::canceled);
}

bool stop_func::operator()() const {
    if (after_ == nullptr) throw panic("a moved-from stop_func was called");
    cancel_node* canceller = after_->canceller;
    if (canceller == nullptr) return !after_->stopped.exchange(true);
    if (!detail::unlink_locked(canceller, after_)) return false;
    detail::release_ref(after_);
    if (canceller->handles.load(rt::acquire) == 0)
        detail::withdraw(canceller);  // pairs with the last release_context()
    return true;
}

const recv_chan<unit>& context::done() const {
    static const recv_chan<unit> never(nil);
    cancel_node* n = detail::node_of(*this)->canceller;
    if (n == nullptr) return never;
    const recv_chan<unit>* made = n->done.load(rt::acquire);  // pairs with the store below
    if (made != nullptr) return *made;
    chan<unit> fresh;
    auto kept = std::make_unique<const recv_chan<unit>>(fresh);
    rt::in_runtime scope;
    rt::lock_guard hold(n->lk);
    made = n->done.load(rt::relaxed);  // under lk
    if (made != nullptr) return *made;
    if (n->state.load(rt::relaxed) != detail::kLive) rt::chan_close(fresh.core());  // under lk
    made = kept.release();
    n->done.store(made, rt::release);  // pairs with the loads without lk
    return *made;
}

error context::err() const {
    cancel_node* n = detail::node_of(*this)->canceller;
    if (n == nullptr) return error();
    uint8_t state = n->state.load(rt::acquire);  // pairs with the stores in finish()
    if (state == detail::kLive) return error();
    if ((state & detail::kClosed) == 0) {
        // Its channel is about to be closed by who holds the lock.
        rt::in_runtime scope;
        rt::lock_guard hold(n->lk);
    }
    return (state & detail::kExpiredState) != 0 ? deadline_exceeded : canceled;
}

error context::cause() const {
    cancel_node* n = detail::node_of(*this)->canceller;
    if (n == nullptr || n->state.load(rt::acquire) == detail::kLive)
        return error();  // pairs with the store in finish()
    return n->cause;
}

std::optional<time_point> context::deadline() const {
    int64_t when = detail::node_of(*this)->deadline;
    if (when == rt::kNever) return std::nullopt;
    return time_point(std::chrono::nanoseconds(when));
}

const void* context::find(const std::type_info& key) const {
    for (const detail::carrying_node* v = detail::node_of(*this)->values; v != nullptr; v = v->next)
        if (v->key == key) return v->value->at;
    return nullptr;
}

std::string context::to_string() const {
    std::string text;
    for (const detail::context_node* n = detail::node_of(*this); n != nullptr; n = n->parent) {
        switch (n->kind) {
            case detail::context_kind::background:
                text.insert(0, "context.Background");
                break;
            case detail::context_kind::todo:
                text.insert(0, "context.TODO");
                break;
            case detail::context_kind::cancel:
                text.insert(0, ".WithCancel");
                break;
            case detail::context_kind::deadline: {
                char left[40];
                std::snprintf(left, sizeof left, ".WithDeadline(%.3fs)", double(n->deadline - rt::now_ns()) / 1e9);
                text.insert(0, left);
                break;
            }
            case detail::context_kind::value:
                text.insert(
                    0, std::string(".WithValue(") + static_cast<const detail::carrying_node*>(n)->key.name() + ")");
                break;
            case detail::context_kind::without_cancel:
                text.insert(0, ".WithoutCancel");
                break;
        }
    }
    return text;
}

}  // namespace gossamer

// SPDX-License-Identifier: BSL-1.0
#include "runtime/timer/timer_heap.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "runtime/base/event.h"
#include "runtime/base/fatal.h"
#include "runtime/park/park.h"
#include "runtime/sched/current.h"
#include "runtime/sched/sched.h"

namespace gossamer::rt {

namespace {

constinit atomic<timer_heap*> heaps[kMaxProcs] = {};

// Null until the first timer of that P.
timer_heap* existing_heap(unsigned p_number) {
    return heaps[p_number].load(acquire);  // pairs with the CAS in heap_of()
}

[[gnu::noinline]] timer_heap* make_heap(unsigned p_number) {
    auto* made = new (std::nothrow) timer_heap(p_at(p_number)->next_deadline);
    if (made == nullptr) fatal("out of memory: timers of P %u", p_number);
    timer_heap* expected = nullptr;
    if (heaps[p_number].compare_exchange_strong(expected, made, acq_rel, acquire))  // pairs with existing_heap()
        return made;
    delete made;
    return expected;
}

timer_heap* heap_of(unsigned p_number) {
    timer_heap* h = existing_heap(p_number);
    if (h == nullptr) [[unlikely]]
        h = make_heap(p_number);
    return h;
}

timer_heap* heap_of_caller() {
    P* p = current_p();
    return heap_of(p == nullptr ? 0 : p->id);
}

// REQUIRES: no heap's lock held.
void announce(bool earlier, int64_t when) {
    if (earlier && sched.on_new_deadline != nullptr) sched.on_new_deadline(when);
}

}  // namespace

void timer_heap::sift_up(uint32_t i, entry e) {
    while (i > 0) {
        uint32_t parent = (i - 1) / kArity;
        if (a_[parent].when <= e.when) break;
        place(i, a_[parent]);
        i = parent;
    }
    place(i, e);
}

void timer_heap::sift_down(uint32_t i, entry e) {
    for (;;) {
        uint32_t child = i * kArity + 1;
        if (child >= size_) break;
        uint32_t least = child;
        uint32_t end = std::min(child + kArity, size_);
        // The line below each child, one of which is next.
        for (uint32_t c = child, below; c < end && (below = c * kArity + 1) < size_; c++)
            __builtin_prefetch(&a_[below]);
        for (uint32_t c = child + 1; c < end; c++)
            if (a_[c].when < a_[least].when) least = c;
        if (e.when <= a_[least].when) break;
        place(i, a_[least]);
        i = least;
    }
    place(i, e);
}

// Leaves t->heap to the caller.
void timer_heap::take_out(uint32_t i) {
    entry last = a_[--size_];
    if (i == size_) return;
    if (i > 0 && last.when < a_[(i - 1) / kArity].when)
        sift_up(i, last);
    else
        sift_down(i, last);
}

void timer_heap::publish() {
    count_.store(size_, relaxed);                                // pairs with size()
    earliest_.store(size_ == 0 ? kNever : a_[0].when, relaxed);  // pairs with earliest()
    unsigned near = 0;
    for (uint32_t i = 1; i < size_ && i <= kArity; i++) near += a_[i].when - a_[0].when <= kSlack;
    crowded_.store(near >= 1, relaxed);  // pairs with crowded()
}

// Drops the lock for the allocation and takes it again.
void timer_heap::grow() {
    uint32_t capacity = std::max<uint32_t>(64, capacity_ * 2);
    lock_.release_lock();
    // Three entries' room in front put a_[1] on a line.
    void* storage = std::aligned_alloc(64, (capacity + kArity) * sizeof(entry));
    if (storage == nullptr) fatal("out of memory: room for %u timers", capacity);
    lock_.acquire_lock();
    if (capacity > capacity_) {
        entry* a = static_cast<entry*>(storage) + (kArity - 1);
        std::copy_n(a_, size_, a);
        std::swap(storage, storage_);
        a_ = a;
        capacity_ = capacity;
    }
    std::free(storage);
}

// True when e became the earliest. REQUIRES: the lock held, room.
bool timer_heap::insert(entry e) {
    sift_up(size_++, e);
    if (a_[0].what != e.what) {
        count_.store(size_, relaxed);  // pairs with size()
        return false;
    }
    publish();
    return true;
}

bool timer_heap::add(timer* t, int64_t when) {
    lock_guard hold(lock_);
    while (size_ == capacity_) [[unlikely]] grow();
    t->when = when;
    t->heap.store(this, release);  // pairs with the loads in stop() and pending()
    return insert({when, reinterpret_cast<uintptr_t>(t)});
}

bool timer_heap::add_sleeper(G* g, int64_t when) {
    lock_guard hold(lock_);
    while (size_ == capacity_) [[unlikely]] grow();
    return insert({when, reinterpret_cast<uintptr_t>(g) | 1});
}

bool timer_heap::remove(timer* t) {
    lock_guard hold(lock_);
    if (t->heap.load(relaxed) != this || t->index == kInTransit)
        return false;  // pairs with nothing: written under the lock
    uint32_t i = t->index;
    take_out(i);
    t->heap.store(nullptr, release);  // pairs with the loads in stop() and pending()
    if (i == 0)
        publish();
    else
        count_.store(size_, relaxed);  // pairs with size()
    return true;
}

int64_t timer_heap::run_due(int64_t now) {
    if (earliest() > now) return earliest();
    for (;;) {
        G* batch[kBatch];
        unsigned sleepers = 0;
        timer* t = nullptr;
        lock_.acquire_lock();
        while (size_ > 0 && a_[0].when <= now && sleepers < kBatch) {
            entry e = a_[0];
            take_out(0);
            if (e.is_sleeper()) {
                __builtin_prefetch(batch[sleepers++] = e.g(), 1);
                continue;
            }
            t = e.t();
            t->heap.store(nullptr, release);  // pairs with the loads in stop() and pending()
            break;
        }
        publish();
        int64_t next = earliest();
        bool wake = sleepers > kFew || now - last_run_ > kJustRan;
        if (t != nullptr || sleepers != 0) last_run_ = now;
        lock_.release_lock();
        if (t != nullptr || sleepers != 0) count(event::timer_run, sleepers + (t != nullptr ? 1 : 0));
        for (unsigned i = 0; i < sleepers; i++) batch[i]->next = i + 1 < sleepers ? batch[i + 1] : nullptr;
        if (sleepers != 0) ready_batch(batch[0], wake);
        if (t != nullptr)
            t->fire(t, now);
        else if (next > now)
            return next;
    }
}

void timer_heap::move_all_to(timer_heap& to) {
    lock_.acquire_lock();
    uint32_t n = size_;
    entry* moved = a_;
    void* storage = storage_;
    for (uint32_t i = 0; i < n; i++) {
        if (moved[i].is_sleeper()) continue;
        // From here a stop() waits in `to` until the timer has arrived.
        moved[i].t()->index = kInTransit;
        moved[i].t()->heap.store(&to, release);  // pairs with the loads in stop() and pending()
    }
    size_ = capacity_ = 0;
    a_ = nullptr;
    storage_ = nullptr;
    publish();
    lock_.release_lock();
    for (uint32_t i = 0; i < n; i++)
        moved[i].is_sleeper() ? to.add_sleeper(moved[i].g(), moved[i].when) : to.add(moved[i].t(), moved[i].when);
    std::free(storage);
}

void arm(timer* t, int64_t when) {
    check(t->heap.load(relaxed) == nullptr,
          "a timer is armed only while it is not pending");  // pairs with nothing: owner serialises
    announce(heap_of_caller()->add(t, when), when);
}

void arm_sleeper(G* g, int64_t when) { announce(heap_of_caller()->add_sleeper(g, when), when); }

int64_t run_due(unsigned p_number, int64_t now) {
    timer_heap* h = existing_heap(p_number);
    return h == nullptr ? kNever : h->run_due(now);
}

int64_t wake_moment(int64_t earliest) {
    if (earliest == kNever) return kNever;
    for (unsigned i = 0; i < sched.ps_made.load(); i++)
        if (timer_heap* h = existing_heap(i); h != nullptr && h->crowded()) return add_saturated(earliest, kSlack);
    return earliest;
}

int64_t next_deadline(unsigned p_number) {
    timer_heap* h = existing_heap(p_number);
    return h == nullptr ? kNever : h->earliest();
}

void move_timers(unsigned from_p, unsigned to_p) {
    timer_heap* h = existing_heap(from_p);
    if (h == nullptr) return;
    timer_heap* to = heap_of(to_p);
    h->move_all_to(*to);
    if (int64_t when = to->earliest(); when != kNever && sched.on_new_deadline != nullptr) sched.on_new_deadline(when);
}

unsigned pending_timers() {
    unsigned n = 0;
    for (auto& slot : heaps)
        if (timer_heap* h = slot.load(acquire)) n += h->size();  // pairs with the CAS in heap_of()
    return n;
}

}  // namespace gossamer::rt

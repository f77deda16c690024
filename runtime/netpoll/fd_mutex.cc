// SPDX-License-Identifier: BSL-1.0
#include "runtime/netpoll/fd_mutex.h"

#include "runtime/base/fatal.h"
#include "runtime/park/park.h"

namespace gossamer::rt {

bool fd_mutex::drop_lock(G*, void* arg) {
    static_cast<rt::lock*>(arg)->release_lock();
    return true;
}

admission fd_mutex::lock_slow(direction d) {
    in_runtime scope;
    for (;;) {
        lock_.acquire_lock();
        uint64_t old = word_.load();
        for (;;) {
            admission a = room_for_one(old);
            bool taken = (old & lock_bit(d)) != 0;
            if (a == admission::granted && taken && (old & wait_mask(d)) == wait_mask(d)) a = admission::crowded;
            if (a != admission::granted) {
                lock_.release_lock();
                return a;
            }
            uint64_t now = taken ? old + wait_unit(d) : (old | lock_bit(d)) + kReference;
            if (!word_.compare_exchange_weak(old, now)) continue;
            if (!taken) {
                lock_.release_lock();
                return admission::granted;
            }
            break;
        }
        G* g = current_g();
        G** tail = &queue_[static_cast<int>(d)];
        while (*tail != nullptr) tail = &(*tail)->next;
        g->next = nullptr;
        *tail = g;
        park(drop_lock, &lock_, wait_reason::semacquire, this);
    }
}

void fd_mutex::wake(direction d, uint64_t count) {
    in_runtime scope;
    while (count-- > 0) {
        G* g;
        {
            lock_guard hold(lock_);
            G*& head = queue_[static_cast<int>(d)];
            g = head;
            check(g != nullptr, "fd_mutex: a claimed waiter is not in the queue");
            head = g->next;
        }
        g->next = nullptr;
        ready(g);
    }
}

bool fd_mutex::close() {
    uint64_t old = word_.load();
    uint64_t now;
    do {
        if (room_for_one(old) != admission::granted) return false;
        now = ((old | kClosed) + kReference) & ~(wait_mask(direction::read) | wait_mask(direction::write));
    } while (!word_.compare_exchange_weak(old, now));
    for (direction d : {direction::read, direction::write}) wake(d, (old & wait_mask(d)) / wait_unit(d));
    return true;
}

}  // namespace gossamer::rt

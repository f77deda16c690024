// SPDX-License-Identifier: BSL-1.0
#include "runtime/park/sema.h"

namespace gossamer::rt {

namespace detail {
constinit sema_slot sema_slots[1u << kSemaLockBits];
}  // namespace detail

void push_back(sync_waiter*& last, sync_waiter* w) {
    push_front(last, w);
    last = w;
}

void push_front(sync_waiter*& last, sync_waiter* w) {
    if (last == nullptr) {
        w->next = w;
        last = w;
    } else {
        w->next = last->next;
        last->next = w;
    }
}

sync_waiter* pop_front(sync_waiter*& last) {
    if (last == nullptr) return nullptr;
    sync_waiter* first = last->next;
    if (first == last)
        last = nullptr;
    else
        last->next = first->next;
    first->next = nullptr;
    return first;
}

bool remove(sync_waiter*& last, sync_waiter* w) {
    if (last == nullptr) return false;
    sync_waiter* before = last;
    do {
        if (before->next == w) {
            if (before == w)
                last = nullptr;
            else
                before->next = w->next;
            if (last == w) last = before;
            w->next = nullptr;
            return true;
        }
        before = before->next;
    } while (before != last);
    return false;
}

sync_waiter* take_all(sync_waiter*& last) {
    if (last == nullptr) return nullptr;
    sync_waiter* first = last->next;
    last->next = nullptr;
    last = nullptr;
    return first;
}

void sleep_on(lock& held, wait_reason why, const void* object, void* site) {
    park(
        [](G*, void* l) {
            static_cast<lock*>(l)->release_lock();
            return true;
        },
        &held, why, object, site);
}

void wake_all(sync_waiter* first) {
    if (first == nullptr) return;
    // All but the last go to the queue's tail in order; the last goes to the next slot.
    G* head = nullptr;
    G** tail = &head;
    while (first->next != nullptr) {
        G* g = first->g;
        first = first->next;
        *tail = g;
        tail = &g->next;
    }
    *tail = nullptr;
    G* last = first->g;
    if (head != nullptr) ready_batch(head);
    ready(last);
}

}  // namespace gossamer::rt

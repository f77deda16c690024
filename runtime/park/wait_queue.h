// SPDX-License-Identifier: BSL-1.0
// wait_queue: a fifo of sudogs, removable from the middle.
// Called by / on: any stack, under the lock of the place that owns the queue.
// Invariants: 1 a sudog that is not linked has next == prev == null and is not first.
//   2 first() may be looked at without the lock, to learn whether there is anybody; what it points at may not be
//   touched then.
#pragma once

#include "runtime/park/sudog.h"

namespace gossamer::rt {

class wait_queue {
  public:
    bool empty() const { return first() == nullptr; }
    // pairs with the stores below; a look without the lock is only a hint
    sudog* first() const { return first_.load(relaxed); }

    void push_back(sudog* s) {
        s->next = nullptr;
        s->prev = last_;
        if (last_ == nullptr) {
            first_.store(s, relaxed);  // pairs with first()
            s->place_in_queue = 0;
        } else {
            last_->next = s;
            s->place_in_queue = last_->place_in_queue + 1;
            if (s->place_in_queue >= kLong) [[unlikely]]
                look_ahead(s);
        }
        last_ = s;
    }

    // For a waiter that lost and must not lose its turn (SEMANTICS MU5).
    void push_front(sudog* s) {
        sudog* head = first();
        s->prev = nullptr;
        s->next = head;
        if (head == nullptr)
            last_ = s;
        else
            head->prev = s;
        first_.store(s, relaxed);  // pairs with first()
    }

    // The oldest waiter, or null. Says nothing about claims.
    sudog* pop_front() {
        sudog* s = first();
        if (s == nullptr) return nullptr;
        unlink_first(s);
        return s;
    }

    // The oldest waiter that could be claimed, or null; selects won elsewhere are dropped on the way.
    sudog* pop_claimed() {
        while (sudog* s = pop_front())
            if (claim(s)) [[likely]]
                return s;
        return nullptr;
    }

    // Takes s out; false when it is no longer linked (a waker took it).
    bool remove(sudog* s) {
        if (s->prev != nullptr) {
            s->prev->next = s->next;
            if (s->next != nullptr)
                s->next->prev = s->prev;
            else
                last_ = s->prev;
            s->next = s->prev = nullptr;
            return true;
        }
        if (first() != s) return false;
        unlink_first(s);
        return true;
    }

  private:
    // A long queue is cold by the time it is woken, and each address stands in the sudog before it: a cache miss of its own for each pop, unless
    // the one some places on is fetched meanwhile.
    static constexpr uint32_t kLong = 16;
    static constexpr int kAhead = 4;
    static void look_ahead(sudog* s) {
        sudog* before = s;
        for (int i = 0; i < kAhead; i++)
            if (before = before->prev; before == nullptr) return;
        before->ahead = s;
    }

    void unlink_first(sudog* s) {
        __builtin_prefetch(s->ahead, 1);
        sudog* second = s->next;
        first_.store(second, relaxed);  // pairs with first()
        if (second == nullptr)
            last_ = nullptr;
        else
            second->prev = nullptr;
        s->next = nullptr;
    }

    atomic<sudog*> first_{nullptr};
    sudog* last_ = nullptr;
};

}  // namespace gossamer::rt

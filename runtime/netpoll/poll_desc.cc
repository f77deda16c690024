// SPDX-License-Identifier: BSL-1.0
#include "runtime/netpoll/poll_desc.h"

#include <cerrno>
#include <new>

#include "runtime/os/os.h"
#include "runtime/park/park.h"
#include "runtime/timer/clock.h"

namespace gossamer::rt {
namespace {

constexpr size_t kSlabBytes = 64 << 10;

// Free poll_descs. Never shrinks.
lock g_slab_lock{lock_rank::poll_slab};
poll_desc* g_free = nullptr;
// Gs parked on descriptors.
atomic<unsigned> g_waiters{0};

void push_free(poll_desc* desc) {
    lock_guard hold(g_slab_lock);
    desc->next_free = g_free;
    g_free = desc;
}

void expire(timer* t, int64_t now);

// Null when there is no memory.
poll_desc* take_free() {
    {
        lock_guard hold(g_slab_lock);
        if (poll_desc* desc = g_free; desc != nullptr) {
            g_free = desc->next_free;
            return desc;
        }
    }
    auto* slab = static_cast<poll_desc*>(os::reserve(kSlabBytes));
    if (slab == nullptr) return nullptr;
    constexpr size_t count = kSlabBytes / sizeof(poll_desc);
    for (size_t i = 0; i < count; i++) {
        new (&slab[i]) poll_desc;
        // Once for all owners: a timer of the last one may be about to fire.
        for (timer& t : slab[i].timers) {
            t.fire = expire;
            t.arg = &slab[i];
        }
    }
    for (size_t i = count; i-- > 1;) push_free(&slab[i]);
    return &slab[0];
}

void wake_one(G* g) {
    if (g == nullptr) return;
    g_waiters.fetch_sub(1);
    ready(g);
}

// Runs from the timer heap of any P. It may be late, or early because the deadline was moved, or about an owner long
// gone: it believes only what stands under the lock.
void expire(timer* t, int64_t now) {
    auto* desc = static_cast<poll_desc*>(t->arg);
    int i = t == &desc->timers[0] ? 0 : 1;
    {
        lock_guard hold(desc->guard);
        if (desc->armed[i] == 0 || desc->armed[i] > now) return;
        desc->armed[i] = 0;
        if (desc->deadline[i] == 0) return;
        if (desc->deadline[i] > now) {
            desc->armed[i] = desc->deadline[i];
            reset(t, desc->armed[i]);
            return;
        }
        desc->flags.fetch_or(kExpired[i]);
    }
    wake_one(desc->words[i].evict());
}

void disarm(poll_desc* desc, int i) {
    if (desc->armed[i] != 0) {
        stop(&desc->timers[i]);
        desc->armed[i] = 0;
    }
}

struct wait_args {
    poll_desc* desc;
    direction d;
};

bool publish(G* g, void* arg) {
    // The arguments lie on g's stack, which is g's again once it is published.
    auto [desc, d] = *static_cast<wait_args*>(arg);
    int i = static_cast<int>(d);
    g_waiters.fetch_add(1);
    if (desc->words[i].publish(g) &&
        ((desc->flags.load() & (kClosing | kExpired[i])) == 0 || !desc->words[i].withdraw(g)))
        return true;
    g_waiters.fetch_sub(1);
    return false;
}

}  // namespace

unsigned netpoll_waiters() { return g_waiters.load(); }

void poll_unblocked(unsigned count) { g_waiters.fetch_sub(count); }

int poll_open(int fd, poll_desc** out) {
    netpoll_start();
    poll_desc* desc;
    uint32_t sequence;
    {
        in_runtime scope;
        desc = take_free();
        if (desc == nullptr) return ENOMEM;
        lock_guard hold(desc->guard);
        desc->fd = fd;
        desc->flags.store(0);
        for (int i = 0; i < 2; i++) {
            desc->words[i].reset();
            desc->deadline[i] = 0;
        }
        sequence = desc->sequence.load();
    }
    if (int error = netpoll_watch(fd, desc, sequence); error != 0) {
        in_runtime scope;
        push_free(desc);
        return error;
    }
    *out = desc;
    return 0;
}

void poll_close(poll_desc* desc) {
    netpoll_forget(desc->fd);
    in_runtime scope;
    desc->sequence.store((desc->sequence.load() + 1) & kSequenceMask);
    push_free(desc);
}

void poll_evict(poll_desc* desc) {
    in_runtime scope;
    {
        lock_guard hold(desc->guard);
        desc->flags.fetch_or(kClosing);
        for (int i = 0; i < 2; i++) {
            desc->deadline[i] = 0;
            disarm(desc, i);
        }
    }
    for (poll_word& word : desc->words) wake_one(word.evict());
}

poll_status poll_wait(poll_desc* desc, direction d) {
    poll_word& word = desc->words[static_cast<int>(d)];
    if (word.take_edge()) return poll_check(desc, d);
    in_runtime scope;
    wait_args args{desc, d};
    park(publish, &args, wait_reason::io_wait, desc);
    return poll_check(desc, d);
}

bool poll_set_deadline(poll_desc* desc, direction d, int64_t when) {
    int i = static_cast<int>(d);
    int64_t now = when == 0 ? 0 : now_ns();
    in_runtime scope;
    bool past = when != 0 && when <= now;
    {
        lock_guard hold(desc->guard);
        if ((desc->flags.load() & kClosing) != 0) return false;
        desc->deadline[i] = when;
        if (when == 0 || past) {
            disarm(desc, i);
        } else if (desc->armed[i] == 0 || desc->armed[i] > when) {
            desc->armed[i] = when;
            reset(&desc->timers[i], when);
        }
        if (past)
            desc->flags.fetch_or(kExpired[i]);
        else if ((desc->flags.load() & kExpired[i]) != 0)
            desc->flags.fetch_and(~kExpired[i]);
    }
    if (past) wake_one(desc->words[i].evict());
    return true;
}

void poll_event(poll_desc* desc, uint32_t sequence, bool readable, bool writable, bool hung_up, g_list* woken) {
    if (desc->sequence.load() != sequence) return;
    if (hung_up) desc->flags.fetch_or(kHungUp);
    const bool edges[2] = {readable, writable};
    for (int i = 0; i < 2; i++) {
        if (!edges[i]) continue;
        if (G* g = desc->words[i].edge(); g != nullptr) woken->push_back(g);
    }
}

}  // namespace gossamer::rt

// SPDX-License-Identifier: BSL-1.0
#include "runtime/sched/global_queue.h"

#include <cstring>

namespace gossamer::rt {

void global_queue::push(G* g) { push_many(&g, 1); }

void global_queue::push_many(G* const* gs, uint32_t n) {
    if (n == 0) return;
    g_chunk* spare = nullptr;
    for (;;) {
        lock_.acquire_lock();
        if (tail_ != nullptr && kChunkGs - tail_->last >= n) break;
        if (spare != nullptr) {
            if (tail_ != nullptr)
                tail_->next = spare;
            else
                head_ = spare;
            tail_ = spare;
            spare = nullptr;
            break;
        }
        lock_.release_lock();
        spare = new_chunk();
    }
    memcpy(tail_->gs + tail_->last, gs, n * sizeof *gs);
    tail_->last += n;
    size_.store(size_.load(relaxed) + n);  // under the lock
    lock_.release_lock();
    if (spare != nullptr) free_chunk(spare);
}

uint32_t global_queue::pop_many(G** out, uint32_t most) {
    uint32_t got = 0;
    g_chunk* done = nullptr;
    lock_.acquire_lock();
    while (got < most && head_ != nullptr) {
        g_chunk* c = head_;
        uint32_t n = c->last - c->first < most - got ? c->last - c->first : most - got;
        memcpy(out + got, c->gs + c->first, n * sizeof *out);
        got += n;
        c->first += n;
        if (c->first != c->last) break;
        head_ = c->next;
        if (head_ == nullptr) tail_ = nullptr;
        c->next = done;
        done = c;
    }
    size_.store(size_.load(relaxed) - got);  // under the lock
    lock_.release_lock();
    while (done != nullptr) {
        g_chunk* next = done->next;
        free_chunk(done);
        done = next;
    }
    return got;
}

}  // namespace gossamer::rt

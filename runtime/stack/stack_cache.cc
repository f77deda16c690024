// SPDX-License-Identifier: BSL-1.0
#include "runtime/stack/stack_cache.h"

#include "runtime/base/event.h"
#include "runtime/base/fatal.h"
#include "runtime/os/lock.h"

namespace gossamer::rt {

namespace {

struct central_list {
    stack* warm = nullptr;
    size_t warm_count = 0;
    size_t low_water = 0;  // the least warm_count in this period
    size_t surplus = 0;    // so many nobody wanted in the last one
    stack* cold = nullptr;
};

lock central_lock{lock_rank::stack_slab};
central_list central[kMaxStackClass + 1];  // under central_lock
unsigned default_class = 18;               // constant once the runtime has started

stack* pop(stack** list) {
    stack* s = *list;
    if (s != nullptr) *list = s->next;
    return s;
}

void push(stack** list, stack* s) {
    s->next = *list;
    *list = s;
}

// Takes up to `want` stacks of a class from the central lists; makes a slab when they are empty.
[[gnu::noinline]] stack* take_central(unsigned klass, unsigned want, unsigned* got) {
    central_list& c = central[klass];
    stack* list = nullptr;
    *got = 0;
    count(event::stack_batch);
    central_lock.acquire_lock();
    while (*got < want) {
        stack* s = pop(&c.warm);
        if (s != nullptr) {
            c.warm_count--;
            if (c.warm_count < c.low_water) c.low_water = c.warm_count;
        } else if ((s = pop(&c.cold)) == nullptr) {
            break;
        }
        push(&list, s);
        ++*got;
    }
    central_lock.release_lock();
    if (list != nullptr) return list;
    // A slab is at most 64 MiB of addresses, one stack at the least.
    unsigned each = klass >= 26 ? 1 : 1u << (26 - klass);
    unsigned made = 0;
    stack* fresh = new_stacks(klass, each > 1024 ? 1024 : each, &made);
    if (fresh == nullptr) return nullptr;
    for (; *got < want && fresh != nullptr; ++*got) push(&list, pop(&fresh));
    if (fresh == nullptr) return list;
    stack* last = fresh;
    while (last->next != nullptr) last = last->next;
    central_lock.acquire_lock();
    last->next = c.cold;
    c.cold = fresh;
    central_lock.release_lock();
    return list;
}

void put_central(stack* s) {
    central_list& c = central[s->klass];
    central_lock.acquire_lock();
    push(&c.warm, s);
    c.warm_count++;
    central_lock.release_lock();
}

[[gnu::noinline]] void spill(stack_cache* cache, unsigned keep) {
    count(event::stack_batch);
    while (cache->count > keep) {
        cache->count--;
        put_central(pop(&cache->first));
    }
}

[[gnu::noinline]] void refill(stack_cache* cache) {
    cache->first = take_central(default_class, kStackCacheMax / 2, &cache->count);
}

}  // namespace

stack* next_stack(stack_cache* cache) {
    if (cache->first == nullptr) [[unlikely]]
        refill(cache);
    return cache->first;
}

stack* take_stack(stack_cache* cache, unsigned klass) {
    if (klass == default_class && cache != nullptr) {
        stack* s = next_stack(cache);
        if (s == nullptr) [[unlikely]]
            return nullptr;
        cache->first = s->next;
        cache->count--;
        return s;
    }
    unsigned got = 0;
    return take_central(klass, 1, &got);
}

void put_stack(stack_cache* cache, stack* s) {
    if (s->klass != default_class || cache == nullptr) [[unlikely]]
        return put_central(s);
    push(&cache->first, s);
    if (++cache->count > kStackCacheMax) [[unlikely]]
        spill(cache, kStackCacheMax / 2);
}

void flush_stacks(stack_cache* cache) { spill(cache, 0); }

unsigned trim_stacks(bool period_over) {
    constexpr unsigned kBatch = 256;
    unsigned total = 0;
    for (unsigned klass = kMinStackClass; klass <= kMaxStackClass; klass++) {
        central_list& c = central[klass];
        if (period_over) {
            central_lock.acquire_lock();
            c.surplus = c.low_water;
            c.low_water = c.warm_count;
            central_lock.release_lock();
        }
        while (total < kTrimMost) {
            stack* taken[kBatch];
            os::range ranges[kBatch];
            unsigned n = 0;
            central_lock.acquire_lock();
            while (n < kBatch && n < c.surplus && (taken[n] = pop(&c.warm)) != nullptr) n++;
            c.surplus -= n;
            c.warm_count -= n;
            if (c.warm_count < c.low_water) c.low_water = c.warm_count;
            central_lock.release_lock();
            if (n == 0) break;
            for (unsigned i = 0; i < n; i++) {
                stack* s = taken[i];
                sanitizer_forget_stack(s->tool);
                s->runner = nullptr;  // its frame goes with the pages
                ranges[i] = {s->low(), size_t(s->base + s->bytes() - s->low())};
            }
            os::give_back(ranges, n);
            for (unsigned i = 0; i < n; i++)
                if (!taken[i]->guarded) write_canary(taken[i]);
            central_lock.acquire_lock();
            for (unsigned i = 0; i < n; i++) push(&c.cold, taken[i]);
            central_lock.release_lock();
            total += n;
        }
    }
    return total;
}

void set_default_stack_class(unsigned klass) {
    check(klass >= kMinStackClass && klass <= kMaxStackClass, "the default stack class is in range");
    default_class = klass;
}

unsigned default_stack_class() { return default_class; }

size_t warm_central_stacks() {
    size_t n = 0;
    central_lock.acquire_lock();
    for (const central_list& c : central) n += c.warm_count;
    central_lock.release_lock();
    return n;
}

}  // namespace gossamer::rt

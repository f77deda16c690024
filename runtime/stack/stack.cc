// SPDX-License-Identifier: BSL-1.0
#include "runtime/stack/stack.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "runtime/base/fatal.h"
#include "runtime/os/lock.h"

namespace gossamer::rt {

namespace {

constexpr unsigned kMaxSlabs = 1 << 16;
constexpr uint64_t kCanary = 0x6f73736d65722d67;

struct slab {
    char* base;
    stack* stacks;
    unsigned count;
    uint8_t klass;
};

// Append-only, so that a signal handler can walk it: slabs[i] is constant once slab_count > i.
slab* slabs[kMaxSlabs / 256];  // in pieces of 256
atomic<unsigned> slab_count{0};
atomic<size_t> made{0};
lock slab_lock{lock_rank::stack_slab};

slab* slab_at(unsigned i) { return &slabs[i / 256][i % 256]; }

void guard_all(stack* s, unsigned n) {
    os::range ranges[256];
    for (unsigned at = 0; at < n; at += 256) {
        unsigned batch = n - at < 256 ? n - at : 256;
        for (unsigned i = 0; i < batch; i++) ranges[i] = {s[at + i].base, kGuardBytes};
        bool done = os::guard(ranges, batch);
        for (unsigned i = 0; i < batch; i++) s[at + i].guarded = done;
        if (done) continue;
        for (unsigned i = 0; i < batch; i++) write_canary(&s[at + i]);
        if (!canaries_in_use.exchange(true))
            print_error(
                "gossamer: new_stacks: no guards for stacks beyond number %zu; they are checked by a canary at each "
                "switch\n",
                made.load());
    }
}

}  // namespace

atomic<bool> canaries_in_use{false};

void write_canary(stack* s) { memcpy(s->low(), &kCanary, sizeof kCanary); }

void check_canary(const stack* s) {
    uint64_t found;
    memcpy(&found, s->low(), sizeof found);
    if (found == kCanary) return;
    print_error("runtime: goroutine stack exceeds %zu-byte limit (found at a switch: this stack has no guard)\n",
                s->bytes() - kGuardBytes);
    fatal("stack overflow");
}

stack* new_stacks(unsigned klass, unsigned want, unsigned* count) {
    size_t each = size_t(1) << klass;
    unsigned n = want;
    char* base = nullptr;
    while (n > 0 && (base = static_cast<char*>(os::reserve(each * n))) == nullptr) n /= 2;
    *count = n;
    if (n == 0) return nullptr;
    auto* s = static_cast<stack*>(aligned_alloc(alignof(stack), sizeof(stack) * n));
    if (s == nullptr) {
        os::release(base, each * n);
        *count = 0;
        return nullptr;
    }
    size_t first = made.fetch_add(n);
    for (unsigned i = 0; i < n; i++) {
        stack* one = new (&s[i]) stack;
        one->base = base + each * i;
        one->klass = uint8_t(klass);
        one->colour = uint32_t((first + i) % 16) * 128;
        one->next = i + 1 < n ? &s[i + 1] : nullptr;
    }
    guard_all(s, n);
    slab_lock.acquire_lock();
    unsigned at = slab_count.load();
    check(at < kMaxSlabs, "the number of stack slabs stays below 65,536");
    if (at % 256 == 0) slabs[at / 256] = static_cast<slab*>(calloc(256, sizeof(slab)));
    check(slabs[at / 256] != nullptr, "memory for the table of stack slabs");
    *slab_at(at) = {base, s, n, uint8_t(klass)};
    slab_count.store(at + 1, release);  // pairs with the acquire load in stack_at()
    slab_lock.release_lock();
    return s;
}

stack* stack_at(const void* address) {
    auto* p = static_cast<const char*>(address);
    unsigned n = slab_count.load(acquire);  // pairs with the release store in new_stacks()
    for (unsigned i = 0; i < n; i++) {
        slab* l = slab_at(i);
        if (p >= l->base && p < l->base + (size_t(l->count) << l->klass))
            return &l->stacks[size_t(p - l->base) >> l->klass];
    }
    return nullptr;
}

size_t stacks_made() { return made.load(); }

unsigned stack_class_for(size_t bytes) {
    unsigned klass = log2_up(bytes + kGuardBytes);
    if (klass < kMinStackClass) klass = kMinStackClass;
    return klass > kMaxStackClass ? 0 : klass;
}

}  // namespace gossamer::rt

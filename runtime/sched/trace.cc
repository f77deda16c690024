// SPDX-License-Identifier: BSL-1.0
#include "runtime/sched/trace.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "runtime/arch/cpu.h"
#include "runtime/base/fatal.h"
#include "runtime/stack/frame_walk.h"

namespace gossamer::rt {

namespace {

using box::kind;
using box::record;
using box::trace_ring;

constexpr uint32_t kRingBytes = 4 << 20;
constexpr uint32_t kRingStep = 64 << 10;  // memory it gets at once
constexpr uint32_t kLeastRing = 64 << 10, kMostRing = 1 << 30;

lock recorder_lock{lock_rank::recorder};
atomic<bool> on{false};
atomic<bool> with_stacks{false};
constexpr unsigned kMostFrames = 32;
char last_path[4096];  // GOSSAMER_TRACE; empty: none

uint64_t head_of(kind k, uint64_t high) { return high << 8 | uint64_t(k); }
uint64_t id_of(const G* g) { return g->id.load(relaxed); }  // pairs with nothing: constant while it lives

// Where the next n records go; publish() shows them.
class group {
  public:
    group(M* m, uint32_t n) : ring_(m->trace.load(acquire)) {  // pairs with the store in make_ring()
        if (ring_ == nullptr) return;                          // switched off since the caller looked
        at_ = ring_->position.load(relaxed);                   // own; pairs with nothing
        uint32_t in_block = at_ % box::kBlockRecords;
        if (in_block == 0 || in_block + n > box::kBlockRecords) [[unlikely]]
            begin_block(m, in_block);
    }
    explicit operator bool() const { return ring_ != nullptr; }
    trace_ring* operator->() const { return ring_; }
    void put(kind k, uint64_t high, uint64_t body) { *slot(at_++) = {head_of(k, high), body}; }
    void put_bytes(const char* text, size_t bytes) {
        for (size_t done = 0; done < bytes; done += sizeof(record)) {
            record* r = slot(at_++);
            *r = {};
            memcpy(r, text + done, std::min(sizeof(record), bytes - done));
        }
    }
    void publish() { ring_->position.store(at_, release); }  // pairs with the readers' look at the position

  private:
    record* slot(uint64_t at) { return reinterpret_cast<record*>(ring_ + 1) + (at & (ring_->capacity - 1)); }
    [[gnu::noinline]] void begin_block(const M* m, uint32_t in_block) {
        if (in_block != 0)
            for (; at_ % box::kBlockRecords != 0; at_++) *slot(at_) = {};
        ring_->tid = m->tid;
        if (uint64_t end = (at_ + box::kBlockRecords) * sizeof(record);
            end > ring_->committed && end <= ring_->capacity * sizeof(record)) {
            commit(reinterpret_cast<char*>(ring_ + 1) + ring_->committed, kRingStep);
            ring_->committed += kRingStep;
        }
        uint64_t g = m->curg != nullptr ? id_of(m->curg) : 0;
        // Not before a `ready` that took the monitor's reading (pairs with tend_recorder()).
        put(kind::context, std::max(ring_->last_tsc, ring_->coarse_tsc.load(relaxed)),
            g << 24 | (m->p != nullptr ? m->p->id : box::kNoP));
    }

    trace_ring* ring_;
    uint64_t at_ = 0;
};

// The callers of who runs here.
class call_stack {
  public:
    // From the call behind `call` on: what lies deeper is ours; all of it where that is not found. REQUIRES: `from` is on g's stack.
    void take(const G* g, frame_at from, const void* call) {
        if (!with_stacks.load(relaxed) || g == nullptr || g->stk == nullptr)
            return;  // pairs with nothing: late is as good
        pcs_ = walk_frames(from, reinterpret_cast<uintptr_t>(g->stk->top()), pc_, kMostFrames);
        uint64_t* first = std::find(pc_, pc_ + pcs_, reinterpret_cast<uintptr_t>(call));
        if (first == pc_ + pcs_) return;
        std::copy(first, pc_ + pcs_, pc_);
        pcs_ -= unsigned(first - pc_);
    }
    uint32_t records() const { return pcs_ == 0 ? 0 : 1 + (pcs_ + 1) / 2; }
    void put(group& r) {
        if (pcs_ == 0) return;
        r.put(kind::stack, pcs_, 0);
        pc_[pcs_] = 0;
        r.put_bytes(reinterpret_cast<const char*>(pc_), size_t(records() - 1) * sizeof(record));
    }

  private:
    unsigned pcs_ = 0;
    uint64_t pc_[kMostFrames + 1];
};

uint64_t stamp(group& r) { return r->last_tsc = arch::cycles(); }

// The last reading of the thread's clock, or of the monitor's. A plain thread has no switches, and reads its own.
uint64_t old_stamp(const M* m, group& r) {
    if (m->is_thread) return stamp(r);
    return std::max(r->last_tsc, r->coarse_tsc.load(relaxed));  // pairs with nothing: a guess
}

void make_ring(M* m) {
    uint32_t bytes = the_box()->wanted.ring_bytes.load();
    if (bytes != 0) bytes = std::bit_floor(std::clamp(bytes, kLeastRing, kMostRing));
    // A larger one is a new one; what the old one holds is an earlier recording's.
    if (m->ring == nullptr || bytes / sizeof(record) > m->ring->capacity) {
        if (bytes == 0) bytes = kRingBytes;
        auto* r = static_cast<trace_ring*>(map_region(box::region_kind::ring, sizeof(trace_ring) + bytes, 0));
        if (r == nullptr) return;  // this thread is not recorded
        commit(r, sizeof(trace_ring));
        r->capacity = bytes / sizeof(record);
        r->number = m->number;
        r->plain = m->is_thread;
        m->ring = r;
    }
    m->ring->coarse_tsc.store(arch::cycles());
    m->trace.store(m->ring);
}

void each_m(void (*fn)(M*)) {
    for (atomic<M*>* list : {&sched.all_ms, &sched.plain_ms})
        for (M* m = list->load(); m != nullptr; m = m->all_next) fn(m);
}

// Who dies may hold recorder_lock: without it.
void stop_rings() {
    on.store(false);
    each_m([](M* m) { m->trace.store(nullptr); });
    the_box()->recorder_level.store(0);
}

// Under recorder_lock: a wish that was read before it may have been withdrawn since.
void follow_wanted_level() {
    box::header* h = the_box();
    uint32_t level = h->wanted.level.load();
    if (level >= kStacksLevel && !with_stacks.load()) forget_frame_rules();
    with_stacks.store(level >= kStacksLevel);
    if ((level != 0) == on.load()) {
        h->recorder_level.store(level);
        return;
    }
    if (level != 0) {
        h->frozen.fired.store(box::cause::none);
        each_m(make_ring);
        h->recorder_on.store(arch::cycles());
        h->recorder_level.store(level);
        on.store(true);
        each_m(adopt_ring);  // one that was made meanwhile; what it did unseen is cut off for all
        h->recorder_on.store(arch::cycles());
    } else {
        stop_rings();
    }
}

// False: an earlier trigger's words stay.
bool note_trigger(box::cause why, uint64_t g) {
    box::trigger& t = the_box()->frozen;
    auto none = box::cause::none;
    if (!t.fired.compare_exchange_strong(none, why)) return false;
    t.tsc.store(arch::cycles());
    t.g.store(g);
    return true;
}

}  // namespace

void trace_switch(M* m, const G* g, leave_kind how, const G* next) {
    call_stack callers;
    if (how == kind::block) callers.take(g, caller_frame(), g->param);
    group r(m, 3 + callers.records());
    if (!r) return;
    uint64_t now = stamp(r);
    r.put(how, now, id_of(g) << 24 | uint64_t(g->reason.load(relaxed)));  // pairs with nothing: the caller's own words
    if (how == kind::block) {
        r.put(kind::detail, reinterpret_cast<uintptr_t>(g->wait_object.load(relaxed)),  // likewise
              reinterpret_cast<uintptr_t>(g->param));
        callers.put(r);
    }
    if (next != nullptr) r.put(kind::start, now, id_of(next) << 24 | m->p->id);
    r.publish();
}

void trace_ready(M* m, const G* g) {
    group r(m, 1);
    if (!r) return;
    r.put(kind::ready, old_stamp(m, r), id_of(g) << 24 | (m->curg == nullptr ? 1 : 0));
    r.publish();
}

void trace_create(M* m, const G* g) {
    call_stack callers;
    callers.take(m->curg, caller_frame(), g->creator_pc);
    group r(m, 3 + callers.records());
    if (!r) return;
    r.put(kind::create, old_stamp(m, r), id_of(g) << 24);
    r.put(kind::birth, reinterpret_cast<uintptr_t>(g->invoke), reinterpret_cast<uintptr_t>(g->creator_pc));
    if (g->name != nullptr) r.put(kind::name_at, reinterpret_cast<uintptr_t>(g->name), 0);
    callers.put(r);
    r.publish();
}

void trace_plain(M* m, box::kind what, uint64_t high, uint32_t low) {
    group r(m, 1);
    if (!r) return;
    r.put(what, stamp(r), high << 24 | low);
    r.publish();
}

void trace_text(box::kind what, uint64_t first, uint64_t second, const char* text, size_t bytes) {
    if (!on.load(relaxed)) return;  // pairs with nothing: late is as good
    in_runtime scope;
    M* m = current_m();
    if (!recording(m)) return;
    bytes = std::min(bytes, kMostText);
    bool numbers = what != kind::region_begin && what != kind::region_end;
    group r(m, uint32_t(2 + (numbers ? 1 : 0) + (bytes + sizeof(record) - 1) / sizeof(record)));
    if (!r) return;
    r.put(what, stamp(r), id_of(m->curg) << 24 | bytes);
    if (numbers) r.put(kind::extra, first, second);
    if (bytes != 0) {
        r.put(kind::text, bytes, 0);
        r.put_bytes(text, bytes);
    }
    r.publish();
}

void set_recorder(uint32_t level) {
    lock_guard guard(recorder_lock);
    the_box()->wanted.level.store(level);
    follow_wanted_level();
}

void trace_until_the_end(const char* path, bool with_their_stacks, uint32_t ring_bytes) {
    snprintf(last_path, sizeof last_path, "%s", path);
    the_box()->wanted.ring_bytes.store(ring_bytes);
    set_recorder(with_their_stacks ? kStacksLevel : kEventsLevel);
    std::atexit(save_last_trace);
}

void save_last_trace() {
    static atomic<bool> saved{false};
    if (last_path[0] == 0 || sched.in_forked_child.load() || saved.exchange(true)) return;
    the_box()->wanted.level.store(0);
    stop_rings();
    if (int failed = save_box(last_path))
        print_error("gossamer: GOSSAMER_TRACE=%s: cannot write: %s\n", last_path, strerror(failed));
}

void adopt_ring(M* m) {
    if (!on.load() || m->trace.load() != nullptr) return;
    make_ring(m);
    if (!on.load()) m->trace.store(nullptr);  // either this sees that it was switched off, or who did sees the ring
}

bool tend_recorder() {
    if (the_box()->wanted.level.load() != the_box()->recorder_level.load()) {
        lock_guard guard(recorder_lock);
        follow_wanted_level();
    }
    if (!on.load()) return false;
    uint64_t now = arch::cycles();
    for (M* m = sched.all_ms.load(); m != nullptr; m = m->all_next)
        if (trace_ring* r = m->trace.load()) r->coarse_tsc.store(now, relaxed);  // pairs with old_stamp()
    return true;
}

void freeze_recorder(box::cause why, uint64_t g) {
    if (note_trigger(why, g)) set_recorder(0);
}

void freeze_for_death(box::cause why, const G* g) {
    if (!on.load() || sched.in_forked_child.load()) return;
    note_trigger(why, g != nullptr ? id_of(g) : 0);
    the_box()->wanted.level.store(0);
    stop_rings();
}

int save_trace(const char* to) {
    const M* m = current_m_or_null();
    bool is_noted = note_trigger(box::cause::call, m != nullptr && m->curg != nullptr ? id_of(m->curg) : 0);
    int failed = save_box(to);
    if (is_noted) the_box()->frozen.fired.store(box::cause::none);
    return failed;
}

void probe_ready(G* g) {
    g->wait_since.store(os::quick_now_ns(), relaxed);                    // own until it is in a queue
    g->flags.store(uint8_t(g->flags.load(relaxed) | kProbed), relaxed);  // likewise
}

void probe_start(M* m, G* g) {
    g->flags.store(uint8_t(g->flags.load(relaxed) & ~kProbed), relaxed);  // own; pairs with nothing
    int64_t waited = os::quick_now_ns() - g->wait_since.load(relaxed);    // likewise
    unsigned bucket = waited <= 1 ? 0 : unsigned(std::bit_width(uint64_t(waited)) - 1);
    atomic<uint64_t>& count = m->wait_histogram[std::min(bucket, kWaitBuckets - 1)];
    count.store(count.load(relaxed) + 1, relaxed);                // own; sums are guesses
    g->wait_since.store(0, relaxed);                              // own
    uint64_t most = the_box()->wanted.runnable_ns.load(relaxed);  // pairs with nothing: late is as good
    if (most != 0 && uint64_t(waited) > most) freeze_recorder(box::cause::runnable_wait, id_of(g));
}

}  // namespace gossamer::rt

// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/window_decode.h"

#include <algorithm>
#include <cstring>

namespace insp {

namespace {

using box::kind;
using box::record;

constexpr uint32_t kLow = 0xffffff;
constexpr int64_t kMostP = 1 << 16;
constexpr uint64_t kMostText = 4096;
// The clock reading that a `ready` carries may be older than the moment at which the recorder came on.
constexpr int64_t kSlack = 1'000'000;
constexpr int64_t kMinute = 60'000'000'000;

uint64_t high(const record& r) { return r.body >> 24; }
uint32_t low(const record& r) { return uint32_t(r.body & kLow); }
int32_t processor_in(const record& r) { return low(r) == box::kNoP || low(r) >= kMostP ? -1 : int32_t(low(r)); }

class thread_decoder {
  public:
    thread_decoder(decoding& d, uint32_t thread, std::vector<event>& out) : d_(d), out_(out), thread_(thread) {
        first_unknown_g_ = first_unknown_p_ = out.size();
    }

    void block(const record* r) {
        size_t i = 0;
        if (kind_of(r[0]) == kind::context)
            while (i < box::kBlockRecords) {
                size_t n = group(r + i, box::kBlockRecords - i);
                if (n == 0) break;
                i += n;
            }
        d_.w.lost += box::kBlockRecords - i;
        if (i < box::kBlockRecords) forget();
    }

  private:
    // --- who runs here ---

    void forget() {
        g_known_ = p_known_ = false;
        g_ = 0;
        p_ = -1;
        first_unknown_g_ = first_unknown_p_ = out_.size();
    }
    // It turns out who has been running here: what happened since then was by them.
    void runs(uint64_t g) {
        if (!g_known_)
            for (size_t i = first_unknown_g_; i < out_.size(); i++)
                if (out_[i].by == 0 && !is_by_nobody(i)) out_[i].by = g;
        g_known_ = true;
        g_ = g;
    }
    void holds(int32_t p) {
        if (!p_known_)
            for (size_t i = first_unknown_p_; i < out_.size(); i++)
                if (out_[i].p < 0 && out_[i].kind != kind::steal) out_[i].p = p;
        p_known_ = true;
        p_ = p;
    }
    bool is_by_nobody(size_t i) const { return nobodys_.size() > i - base_ && nobodys_[i - base_]; }
    void mark_nobodys(size_t i) {
        if (g_known_) return;
        if (nobodys_.empty()) base_ = first_unknown_g_;
        nobodys_.resize(i - base_ + 1);
        nobodys_[i - base_] = true;
    }

    // False: the stamp is none.
    bool see_time(const record& r) {
        int64_t ns = d_.t.ns_of(ticks_of(r, d_.nearby));
        if (!d_.is_sane(ns)) return false;
        if (!in_session_ && ns >= d_.session_ns) {
            in_session_ = true;
            forget();
        }
        now_ = std::max(now_, ns);
        return true;
    }

    // The event of a record that has a stamp; null when that is nonsense. What is too old goes to scratch_.
    event* put(const record& r, uint64_t g) {
        if (!see_time(r)) return nullptr;
        bool wanted = in_session_ && now_ >= d_.oldest_ns;
        event* e = &scratch_;
        if (wanted) e = &out_.emplace_back();
        *e = {};
        e->ns = std::max(now_, d_.begin_ns);
        e->kind = kind_of(r);
        e->g = g;
        e->by = g_;
        e->p = p_;
        e->thread = thread_;
        return e;
    }

    // --- groups: each returns how many records it has taken; 0: it makes no sense ---

    size_t group(const record* r, size_t left) {
        switch (kind_of(*r)) {
            case kind::pad:
                return left;
            case kind::context:
                // Its own stamp is the one before: 0 at first, or of an earlier recording.
                if (left > 1 && kind_of(r[1]) != kind::pad && !see_time(r[1])) return 0;
                runs(high(*r));
                holds(processor_in(*r));
                return 1;
            case kind::start:
                return start(r);
            case kind::block:
                return block_of_g(r, left);
            case kind::yield:
            case kind::preempt:
            case kind::lost:
            case kind::end:
                return leave(r);
            case kind::ready:
                return ready(r);
            case kind::create:
                return create(r, left);
            case kind::call_begin:
            case kind::call_end:
            case kind::retake:
                return call(r);
            case kind::p_take:
            case kind::p_drop:
            case kind::steal:
            case kind::poll:
                return of_processor(r);
            case kind::region_begin:
            case kind::region_end:
            case kind::task_begin:
            case kind::task_end:
            case kind::log:
            case kind::counter:
                return users(r, left);
            default:
                return 0;
        }
    }

    size_t start(const record* r) {
        uint64_t g = high(*r);
        if (g == 0) return 0;
        event* e = put(*r, g);
        if (e == nullptr) return 0;
        if (e->by != g) e->by = 0;  // a context may still name who ended here; back from a call it is the same
        int32_t p = processor_in(*r);
        if (p >= 0) holds(p);
        e->p = p;
        if (!g_known_) runs(0);
        g_ = g;
        return 1;
    }

    event* leaving(const record* r) {
        uint64_t g = high(*r);
        if (g == 0) return nullptr;
        event* e = put(*r, g);
        if (e == nullptr) return nullptr;
        runs(g);
        e->by = g;
        return e;
    }

    size_t leave(const record* r) {
        event* e = leaving(r);
        g_ = 0;
        return e != nullptr ? 1 : 0;
    }

    size_t block_of_g(const record* r, size_t left) {
        event* e = leaving(r);
        if (e == nullptr) return 0;
        g_ = 0;
        e->reason = uint8_t(low(*r));
        size_t n = 1;
        if (n < left && kind_of(r[n]) == kind::detail) {
            e->a = r[n].head >> 8;
            e->pc = r[n].body;
            n++;
        }
        return n + stack_of(*e, r + n, left - n);
    }

    size_t ready(const record* r) {
        uint64_t g = high(*r);
        event* e = g != 0 ? put(*r, g) : nullptr;
        if (e == nullptr) return 0;
        if ((low(*r) & 1) != 0) {
            e->by = 0;
            if (e != &scratch_) mark_nobodys(out_.size() - 1);
        }
        return 1;
    }

    size_t create(const record* r, size_t left) {
        uint64_t g = high(*r);
        event* e = g != 0 ? put(*r, g) : nullptr;
        if (e == nullptr) return 0;
        birth b;
        b.g = g;
        b.creator = g_;
        size_t n = 1;
        if (n < left && kind_of(r[n]) == kind::birth) {
            b.invoke = e->a = r[n].head >> 8;
            b.creator_pc = e->pc = r[n].body;
            n++;
        }
        if (n < left && kind_of(r[n]) == kind::name_at) b.name_at = r[n++].head >> 8;
        d_.births.push_back(b);
        return n + stack_of(*e, r + n, left - n);
    }

    size_t stack_of(event& e, const record* r, size_t left) {
        if (left == 0 || kind_of(*r) != kind::stack) return 0;
        uint64_t pcs = r->head >> 8, n = (pcs + 1) / 2;
        if (pcs > 2 * left || n + 1 > left) return 0;  // group() will not know it either
        pcs_.clear();
        for (uint64_t i = 0; i < pcs; i++) pcs_.push_back(i % 2 == 0 ? r[1 + i / 2].head : r[1 + i / 2].body);
        e.stack = d_.intern_stack(pcs_);
        return size_t(n) + 1;
    }

    size_t call(const record* r) {
        uint64_t g = high(*r);
        kind k = kind_of(*r);
        if (k == kind::retake) {
            event* e = put(*r, g);
            if (e != nullptr) e->p = processor_in(*r);
            return e != nullptr ? 1 : 0;
        }
        if (g == 0) return 0;
        event* e = put(*r, g);
        if (e == nullptr) return 0;
        runs(g);
        e->by = g;
        int32_t p = k == kind::call_begin ? processor_in(*r) : -1;
        holds(p);
        e->p = p;
        p_ = -1;
        return 1;
    }

    size_t of_processor(const record* r) {
        event* e = put(*r, 0);
        if (e == nullptr) return 0;
        kind k = kind_of(*r);
        if (k == kind::steal || k == kind::poll) e->a = high(*r);
        if (k == kind::poll) return 1;
        e->p = processor_in(*r);
        if (k == kind::steal) return 1;
        holds(k == kind::p_take && !p_known_ ? -1 : e->p);
        p_ = k == kind::p_take ? e->p : -1;
        return 1;
    }

    size_t users(const record* r, size_t left) {
        uint64_t bytes = low(*r), n = 1, first = 0, second = 0;
        kind k = kind_of(*r);
        bool has_numbers = k != kind::region_begin && k != kind::region_end;
        if (k == kind::task_end) bytes = 0;
        if (has_numbers) {
            if (left < 2 || kind_of(r[1]) != kind::extra) return 0;
            first = r[1].head >> 8;
            second = r[1].body;
            n = 2;
        }
        uint64_t words = (bytes + sizeof(record) - 1) / sizeof(record);
        const char* text = nullptr;
        if (bytes != 0) {
            if (bytes > kMostText || n + 1 + words > left || kind_of(r[n]) != kind::text || r[n].head >> 8 != bytes)
                return 0;
            text = reinterpret_cast<const char*>(r + n + 1);
            n += 1 + words;
        }
        event* e = put(*r, high(*r));
        if (e == nullptr) return 0;
        if (high(*r) != 0) runs(high(*r));
        e->by = high(*r);
        e->a = k == kind::counter ? second : first;
        if (k == kind::task_begin && second != 0) d_.w.task_parents.insert_or_assign(first, second);
        if (bytes != 0 && e != &scratch_) e->text = d_.intern_text({text, bytes});
        return n;
    }

    decoding& d_;
    std::vector<event>& out_;
    uint32_t thread_;
    event scratch_;
    std::vector<uint64_t> pcs_;
    int64_t now_ = INT64_MIN;
    bool in_session_ = false;
    bool g_known_ = false, p_known_ = false;
    uint64_t g_ = 0;
    int32_t p_ = -1;
    size_t first_unknown_g_, first_unknown_p_;
    std::vector<bool> nobodys_;  // of the events since base_, while nobody knew who ran: those that nobody did
    size_t base_ = 0;
};

}  // namespace

decoding::decoding(const target& target, trace_window& window, uint64_t since_ticks) : t(target), w(window) {
    const box::header& h = t.head();
    nearby = h.tsc_1.load();
    session_ns = t.ns_of(h.recorder_on.load()) - kSlack;
    begin_ns = t.ns_of(since_ticks);
    oldest_ns = since_ticks == h.recorder_on.load() ? session_ns : begin_ns;
    earliest_ = int64_t(h.mono_ns_0) - kMinute;
    latest_ = t.now_ns() + kMinute;
    w.texts.assign(1, "");
    w.stacks.assign(1, {});
}

uint32_t decoding::intern_text(std::string text) {
    if (text.empty()) return 0;
    auto [at, is_new] = texts_.try_emplace(text, uint32_t(w.texts.size()));
    if (is_new) w.texts.push_back(std::move(text));
    return at->second;
}

uint32_t decoding::intern_stack(const std::vector<uint64_t>& pcs) {
    if (pcs.empty()) return 0;
    std::string bytes(reinterpret_cast<const char*>(pcs.data()), pcs.size() * sizeof(uint64_t));
    auto [at, is_new] = stacks_.try_emplace(std::move(bytes), uint32_t(w.stacks.size()));
    if (is_new) w.stacks.push_back(pcs);
    return at->second;
}

void decode_ring(decoding& d, const ring_copy& ring, uint32_t thread, std::vector<event>& out) {
    thread_decoder decoder(d, thread, out);
    for (size_t i = 0; i + box::kBlockRecords <= ring.records.size(); i += box::kBlockRecords)
        decoder.block(ring.records.data() + i);
}

}  // namespace insp

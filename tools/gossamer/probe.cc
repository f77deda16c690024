// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/probe.h"

#include <algorithm>
#include <charconv>

#include "tools/gossamer/target_inside.h"

namespace insp {

namespace {

constexpr uint32_t kRing = 256;  // a P's queue holds no more; what a torn reading says beyond it is not believed
constexpr int64_t kNoDeadline = INT64_MAX;
constexpr size_t kMostCopied = 64 << 20;  // of a table that is not in the file, at a time
constexpr uint64_t kMostTable = uint64_t(1) << 40;
enum p_word : uint64_t { idle, held, retired };

}  // namespace

field probe::want(const char* name, uint32_t* end) {
    field f = t_.find_field(name);
    if (f.there()) *end = std::max(*end, f.offset + f.bytes);
    return f;
}

field probe::need(const char* name, uint32_t* end) {
    field f = want(name, end);
    if (!f.there() || f.bytes > 8 || f.offset > (1u << 20))
        fail(t_.name(), "its box tells of no " + std::string(name) + ": it was written by another version of Gossamer");
    return f;
}

probe::probe(const target& t) : t_(t) {
    auto small = [this](const char* name, uint32_t* end) {
        field f = want(name, end);
        return f.bytes <= 8 && f.offset <= (1u << 20) ? f : field{};
    };
    p_.turn = need("P.turn", &p_.bytes);
    p_.m = need("P.m", &p_.bytes);
    p_.status = need("P.status", &p_.bytes);
    p_.id = need("P.id", &p_.bytes);
    p_.head = need("P.head", &p_.bytes);
    p_.tail = need("P.tail", &p_.bytes);
    p_.next = small("P.next", &p_.bytes);
    p_.tick = small("P.tick", &p_.bytes);
    p_.deadline = small("P.next_deadline", &p_.bytes);
    p_.created = small("P.created", &p_.bytes);
    p_.ended = small("P.ended", &p_.bytes);

    m_.curg = need("M.curg", &m_.bytes);
    m_.tid = need("M.tid", &m_.bytes);
    m_.number = need("M.number", &m_.bytes);
    m_.is_thread = need("M.is_thread", &m_.bytes);
    m_.p = small("M.p", &m_.bytes);
    m_.parked = small("M.parked", &m_.bytes);
    m_.spinning = small("M.spinning", &m_.bytes);
    m_.blocking = small("M.blocking", &m_.bytes);
    m_.in_runtime = small("M.in_runtime", &m_.bytes);
    m_.events = want("M.events", &m_.bytes);
    m_.waits = want("M.wait_histogram", &m_.bytes);

    g_.id = need("G.id", &g_.bytes);
    g_.status = need("G.status", &g_.bytes);
    g_.reason = need("G.reason", &g_.bytes);
    g_.flags = small("G.flags", &g_.bytes);
    g_.name = small("G.name", &g_.bytes);
    g_.invoke = small("G.invoke", &g_.bytes);
    g_.creator_pc = small("G.creator_pc", &g_.bytes);
    g_.wait_since = small("G.wait_since", &g_.bytes);
    read_event_names();
    renew_regions();
}

// Lines "event.steal 2 8" of the description: the number of the word in M.events.
void probe::read_event_names() {
    std::string all = text_of(t_, box::region_kind::text);
    std::string_view text = all;
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        size_t space = line.find(' ');
        if (!line.starts_with("event.") || space == std::string_view::npos) continue;
        uint32_t index = 0;
        auto [end, failed] = std::from_chars(line.data() + space + 1, line.data() + line.size(), index);
        if (failed != std::errc{} || index >= m_.events.bytes / 8) continue;
        event_names_.emplace_back(line.substr(6, space - 6));
        event_index_.push_back(index);
    }
}

std::vector<probe::stretch> probe::stretches_of(box::region_kind kind, uint32_t least) const {
    std::vector<stretch> found;
    for (const box::region& r : t_.regions(kind)) {
        if (r.stride == 0 || r.stride < least || r.bytes / r.stride > UINT32_MAX) continue;
        found.push_back({r.address, r.stride, uint32_t(r.bytes / r.stride)});
    }
    return found;
}

void probe::renew_regions() {
    uint32_t now = t_.head().region_count.load();
    if (now == regions_seen_) return;
    regions_seen_ = now;
    ps_ = stretches_of(box::region_kind::ps, p_.bytes);
    ms_ = stretches_of(box::region_kind::ms, m_.bytes);
    gs_.clear();
    for (const box::region& r : t_.regions(box::region_kind::gs))
        if (r.stride != 0 && r.stride >= g_.bytes && r.bytes <= kMostTable) gs_.push_back(r);
}

const std::byte* probe::bytes_of(uint64_t address, size_t bytes, std::vector<std::byte>& copy) const {
    if (const std::byte* at = t_.at(address, bytes)) return at;
    if (bytes > kMostCopied) return nullptr;
    copy.resize(bytes);
    return t_.read(address, copy.data(), bytes) ? copy.data() : nullptr;
}

processor_look probe::read_processor(const std::byte* p) const {
    processor_look look;
    look.id = uint32_t(word(p, p_.id));
    look.held = word(p, p_.status) == held;
    look.retired = word(p, p_.status) == retired;
    look.m = word(p, p_.m);
    look.turn = uint32_t(word(p, p_.turn));
    look.tick = uint32_t(word(p, p_.tick));
    look.queued = uint32_t(word(p, p_.tail)) - uint32_t(word(p, p_.head));
    if (look.queued > kRing) look.queued = look.queued > UINT32_MAX / 2 ? 0 : kRing;  // head and tail of two moments
    look.queued += word(p, p_.next) != 0;
    look.deadline = int64_t(word(p, p_.deadline));
    if (look.deadline == kNoDeadline) look.deadline = 0;
    look.created = word(p, p_.created);
    look.ended = word(p, p_.ended);
    return look;
}

const std::vector<processor_look>& probe::processors() {
    renew_regions();
    looks_.clear();
    uint32_t index = 0;
    for (const stretch& s : ps_) {
        const std::byte* base = bytes_of(s.address, size_t(s.stride) * s.count, copy_);
        for (uint32_t i = 0; i < s.count; i++, index++) {
            if (base == nullptr) continue;
            processor_look look = read_processor(base + size_t(i) * s.stride);
            if (look.id == index) looks_.push_back(look);  // a slot that was never used says 0
        }
    }
    return looks_;
}

processor_look probe::processor_at(uint64_t p) {
    const std::byte* at = p != 0 ? bytes_of(p, p_.bytes, copy_) : nullptr;
    return at != nullptr ? read_processor(at) : processor_look{};
}

thread_look probe::read_thread(uint64_t address, const std::byte* m) const {
    thread_look look;
    look.address = address;
    look.number = uint32_t(word(m, m_.number));
    look.is_plain = word(m, m_.is_thread) != 0;
    look.tid = word(m, m_.tid);
    look.parked = word(m, m_.parked) != 0;
    look.searching = word(m, m_.spinning) != 0;
    look.blocking = word(m, m_.blocking) != 0;
    look.in_runtime = uint32_t(word(m, m_.in_runtime));
    look.p = word(m, m_.p);
    look.g = word(m, m_.curg);
    return look;
}

thread_look probe::thread_at(uint64_t m) {
    const std::byte* at = m != 0 ? bytes_of(m, m_.bytes, copy_) : nullptr;
    return at != nullptr ? read_thread(m, at) : thread_look{};
}

template <class F>
void probe::for_each_thread(F fn) {
    renew_regions();
    for (const stretch& s : ms_) {
        const std::byte* base = bytes_of(s.address, size_t(s.stride) * s.count, copy_);
        for (uint32_t i = 0; base != nullptr && i < s.count; i++) {
            const std::byte* m = base + size_t(i) * s.stride;
            if (word(m, m_.number) != 0 || word(m, m_.is_thread) != 0) fn(s.address + size_t(i) * s.stride, m);
        }
    }
}

std::vector<thread_look> probe::threads() {
    std::vector<thread_look> all;
    for_each_thread([&](uint64_t address, const std::byte* m) { all.push_back(read_thread(address, m)); });
    return all;
}

goroutine_look probe::read_goroutine(const std::byte* g) const {
    goroutine_look look;
    look.status = g_status(g);
    look.id = word(g, g_.id);
    look.reason = uint8_t(word(g, g_.reason));
    look.flags = uint8_t(word(g, g_.flags));
    look.from = {word(g, g_.name), word(g, g_.invoke), word(g, g_.creator_pc)};
    look.waits_since = int64_t(word(g, g_.wait_since));
    return look;
}

goroutine_look probe::goroutine_at(uint64_t g) {
    const std::byte* at = g != 0 ? bytes_of(g, g_.bytes, copy_) : nullptr;
    return at != nullptr ? read_goroutine(at) : goroutine_look{};
}

std::vector<uint64_t> probe::counters() {
    std::vector<uint64_t> sums(event_names_.size());
    for_each_thread([&](uint64_t, const std::byte* m) {
        for (size_t i = 0; i < sums.size(); i++) sums[i] += word(m, {m_.events.offset + 8 * event_index_[i], 8});
    });
    return sums;
}

std::vector<uint64_t> probe::wait_histogram() {
    std::vector<uint64_t> sums(std::min<size_t>(m_.waits.bytes / 8, 64));
    for_each_thread([&](uint64_t, const std::byte* m) {
        for (size_t i = 0; i < sums.size(); i++) sums[i] += word(m, {m_.waits.offset + 8 * uint32_t(i), 8});
    });
    return sums;
}

}  // namespace insp

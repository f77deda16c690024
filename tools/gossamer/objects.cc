// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/objects.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "runtime/base/wait_reason.h"
#include "tools/gossamer/stopped_thread.h"

namespace insp {

using gossamer::rt::wait_reason;

const char* words(object_kind kind) {
    static constexpr const char* kWords[] = {"-",        "channel", "select",     "mutex",
                                             "rw_mutex", "cond",    "wait group", "semaphore"};
    return kWords[size_t(kind)];
}

object_kind kind_of_wait(uint8_t reason) {
    switch (wait_reason(reason)) {
        case wait_reason::chan_receive:
        case wait_reason::chan_send:
            return object_kind::channel;
        case wait_reason::select:
            return object_kind::select;
        case wait_reason::mutex_lock:
            return object_kind::mutex;
        case wait_reason::rw_mutex_lock:
        case wait_reason::rw_mutex_rlock:
            return object_kind::rw_mutex;
        case wait_reason::cond_wait:
            return object_kind::cond;
        case wait_reason::wait_group_wait:
            return object_kind::wait_group;
        case wait_reason::semacquire:
            return object_kind::semaphore;
        default:
            return object_kind::none;
    }
}

bool waits_for_ever(uint8_t reason) {
    auto why = wait_reason(reason);
    return why == wait_reason::chan_receive_nil || why == wait_reason::chan_send_nil ||
           why == wait_reason::select_no_cases;
}

namespace {

// The stack of a plain thread that sleeps in the kernel: the mapping in which its stack pointer lies.
class thread_stacks {
  public:
    explicit thread_stacks(uint32_t pid) : pid_(pid) {
        FILE* maps = std::fopen(("/proc/" + std::to_string(pid) + "/maps").c_str(), "re");
        if (maps == nullptr) return;
        char line[4352];
        while (std::fgets(line, sizeof line, maps) != nullptr) {
            unsigned long low = 0, high = 0;
            if (std::sscanf(line, "%lx-%lx rw", &low, &high) == 2) maps_.push_back({low, high, 0});
        }
        std::fclose(maps);
    }
    std::optional<stack_map::range> of(uint64_t tid) const {
        uint64_t sp = sleeping_sp(pid_, tid);
        for (const stack_map::range& m : maps_)
            if (m.low <= sp && sp < m.high) return m;
        return std::nullopt;
    }

  private:
    uint32_t pid_;
    std::vector<stack_map::range> maps_;
};

constexpr unsigned kPageBits = 13;  // of mutex.holder

}  // namespace

object_reader::object_reader(const target& t)
    : t_(t),
      memory_(t),
      count_(t.find_field("chan.count")),
      capacity_(t.find_field("chan.capacity")),
      refs_(t.find_field("chan.refs")),
      closed_(t.find_field("chan.closed")),
      type_(t.find_field("chan.type")),
      source_(t.find_field("element.source")),
      n_(t.find_field("select_frame.n")),
      waiting_(t.find_field("select_frame.waiting")),
      size_(t.find_field("sudog.size")),
      place_(t.find_field("sudog.place")),
      owner_(t.find_field("sudog.g")),
      state_(t.find_field("mutex.state")),
      holder_(t.find_field("mutex.holder")),
      writers_(t.find_field("rw_mutex.writers")),
      readers_(t.find_field("rw_mutex.readers")) {}

std::optional<uint64_t> object_reader::number(uint64_t object, field f) {
    uint64_t value = 0;
    if (!f.there() || f.bytes > sizeof value || object == 0) return std::nullopt;
    if (!memory_.read(object + f.offset, &value, f.bytes)) return std::nullopt;
    return value;
}

channel_facts object_reader::channel(uint64_t core) {
    channel_facts c;
    c.count = number(core, count_);
    c.capacity = number(core, capacity_);
    c.handles = number(core, refs_);
    if (auto closed = number(core, closed_)) c.closed = *closed != 0;
    if (auto type = number(core, type_))
        if (auto source = number(*type, source_)) c.is_timer = *source != 0;
    return c;
}

std::vector<uint64_t> object_reader::select_channels(const goroutine& g) {
    constexpr uint64_t kMostCases = 65536;
    std::vector<uint64_t> channels;
    if (kind_of_wait(g.reason) != object_kind::select) return channels;
    auto n = number(g.object, n_), first = number(g.object, waiting_);
    if (!n || !first || !size_.there() || size_.bytes > 4096 || place_.bytes != 8 || *n > kMostCases) return channels;
    if (place_.offset + sizeof(uint64_t) > size_.bytes || owner_.offset + sizeof(uint64_t) > size_.bytes)
        return channels;
    std::vector<unsigned char> sudogs(*n * size_.bytes);
    if (!t_.read(*first, sudogs.data(), sudogs.size())) return channels;
    for (size_t i = 0; i < *n; i++) {
        const unsigned char* s = &sudogs[i * size_.bytes];
        uint64_t by = g.address, at = 0;
        // A case of a nil channel has no sudog: whatever stood in the frame.
        if (owner_.there()) std::memcpy(&by, s + owner_.offset, sizeof by);
        std::memcpy(&at, s + place_.offset, sizeof at);
        if (by == g.address && at != 0) channels.push_back(at);
    }
    std::sort(channels.begin(), channels.end());
    channels.erase(std::unique(channels.begin(), channels.end()), channels.end());
    return channels;
}

std::optional<mutex_facts> object_reader::mutex(uint64_t address, const stack_map& stacks) {
    auto state = number(address, state_);
    if (!state) return std::nullopt;
    mutex_facts m;
    m.locked = (*state & 1) != 0;
    auto holder = number(address, holder_);
    if (!m.locked || !holder) return m;
    m.holder_known = true;
    m.holder = stacks.find_page(uint32_t(*holder));
    return m;
}

std::optional<int64_t> object_reader::readers(uint64_t rw_mutex) {
    constexpr int64_t kMostReaders = 1 << 30;  // less while a writer holds it or waits
    auto count = number(rw_mutex, readers_);
    if (!count) return std::nullopt;
    auto n = int64_t(int32_t(*count));
    return n < 0 ? n + kMostReaders : n;
}

stack_map::stack_map(std::vector<range> ranges) : ranges_(std::move(ranges)) {
    std::sort(ranges_.begin(), ranges_.end(), [](const range& a, const range& b) { return a.low < b.low; });
    for (size_t i = 0; i < ranges_.size(); i++) {
        by_id_.emplace(ranges_[i].id, i);
        by_page_.emplace_back(uint32_t(ranges_[i].low >> kPageBits), i);
    }
    std::sort(by_page_.begin(), by_page_.end());
}

stack_map::stack_map(const target& t, const snapshot& s) {
    field base = t.find_field("stack.base"), klass = t.find_field("stack.klass");
    constexpr uint32_t kMostStackStruct = 256;
    uint32_t struct_bytes = std::max(base.offset + 8, klass.offset + 1);
    bool described = base.there() && klass.there() && struct_bytes <= kMostStackStruct;
    std::vector<range> found;
    page_cache structs(t);
    std::optional<thread_stacks> threads;
    for (const goroutine& g : s.goroutines) {
        if (g.is_thread) {
            if (!t.is_live() || g.thread < 0 || size_t(g.thread) >= s.threads.size()) continue;
            if (!threads) threads.emplace(t.pid());
            if (auto r = threads->of(s.threads[size_t(g.thread)].tid)) found.push_back({r->low, r->high, g.id});
            continue;
        }
        if (g.stack == 0 || !described) continue;
        uint64_t low = 0;
        uint8_t log2 = 0;
        unsigned char bytes[kMostStackStruct];
        if (!structs.read(g.stack, bytes, struct_bytes)) continue;
        std::memcpy(&low, bytes + base.offset, sizeof low);
        std::memcpy(&log2, bytes + klass.offset, sizeof log2);
        if (low == 0 || log2 < kPageBits || log2 > 40) continue;
        found.push_back({low, low + (uint64_t(1) << log2), g.id});
    }
    *this = stack_map(std::move(found));
}

uint64_t stack_map::find_page(uint32_t page) const {
    if (by_page_.empty()) return 0;
    auto holds = [&](size_t i) {
        const range& r = ranges_[i];
        return uint32_t(page - uint32_t(r.low >> kPageBits)) <= (r.high - 1 - r.low) >> kPageBits;
    };
    auto after = std::upper_bound(by_page_.begin(), by_page_.end(), std::pair{page, SIZE_MAX});
    if (after != by_page_.begin() && holds((after - 1)->second)) return ranges_[(after - 1)->second].id;
    // The numbers begin anew every 32 terabytes: the stack over that border begins with the highest.
    return holds(by_page_.back().second) ? ranges_[by_page_.back().second].id : 0;
}

const stack_map::range* stack_map::find(uint64_t address) const {
    auto after =
        std::upper_bound(ranges_.begin(), ranges_.end(), address, [](uint64_t a, const range& r) { return a < r.low; });
    if (after == ranges_.begin() || address >= (after - 1)->high) return nullptr;
    return &*(after - 1);
}

const stack_map::range* stack_map::of(uint64_t goroutine_id) const {
    auto at = by_id_.find(goroutine_id);
    return at != by_id_.end() ? &ranges_[at->second] : nullptr;
}

namespace {

void add_wait(waited_object& o, const snapshot& s, uint32_t index) {
    const goroutine& g = s.goroutines[index];
    o.waiters.push_back(index);
    if (wait_reason(g.reason) == wait_reason::chan_send) o.senders++;
    if (wait_reason(g.reason) == wait_reason::select) o.by_select++;
    if (g.waits_since_ns == 0 || g.waits_since_ns > s.taken_ns) return;
    int64_t waited = s.taken_ns - g.waits_since_ns;
    o.longest_ns = std::max(o.longest_ns, waited);
    o.total_ns += waited;
}

// One without a stamp has only just begun.
bool waits_longer(const goroutine& a, const goroutine& b) {
    if (a.waits_since_ns != b.waits_since_ns)
        return a.waits_since_ns != 0 && (b.waits_since_ns == 0 || a.waits_since_ns < b.waits_since_ns);
    return a.id < b.id;
}

}  // namespace

std::vector<waited_object> read_objects(const target& t, const snapshot& s, const stack_map& stacks) {
    object_reader reader(t);
    std::vector<waited_object> objects;
    std::unordered_map<uint64_t, size_t> by_address;
    auto object_at = [&](uint64_t address, object_kind kind) -> waited_object& {
        auto [at, is_new] = by_address.try_emplace(address, objects.size());
        if (is_new) {
            objects.emplace_back();
            objects.back().address = address;
            objects.back().kind = kind;
        }
        waited_object& o = objects[at->second];
        // A rw_mutex begins with the mutex of its writers.
        if (kind == object_kind::rw_mutex) o.kind = kind;
        return o;
    };
    for (uint32_t i = 0; i < s.goroutines.size(); i++) {
        const goroutine& g = s.goroutines[i];
        if (g.state != g_state::waiting || g.object == 0) continue;
        object_kind kind = kind_of_wait(g.reason);
        if (kind == object_kind::none) continue;
        if (kind != object_kind::select) {
            add_wait(object_at(g.object, kind), s, i);
            continue;
        }
        for (uint64_t core : reader.select_channels(g)) add_wait(object_at(core, object_kind::channel), s, i);
    }
    for (waited_object& o : objects) {
        std::sort(o.waiters.begin(), o.waiters.end(),
                  [&](uint32_t a, uint32_t b) { return waits_longer(s.goroutines[a], s.goroutines[b]); });
        if (o.kind == object_kind::channel) o.channel = reader.channel(o.address);
        if (o.kind == object_kind::mutex) o.mutex = reader.mutex(o.address, stacks);
        if (o.kind != object_kind::rw_mutex) continue;
        o.mutex = reader.writers_mutex(o.address, stacks);
        o.readers = reader.readers(o.address);
    }
    std::sort(objects.begin(), objects.end(), [](const waited_object& a, const waited_object& b) {
        if (a.waiters.size() != b.waiters.size()) return a.waiters.size() > b.waiters.size();
        return a.address < b.address;
    });
    return objects;
}

const waited_object* find_convoy(const std::vector<waited_object>& objects) {
    const waited_object* most = nullptr;
    for (const waited_object& o : objects)
        if (o.waiters.size() > 1 && o.total_ns > 0 && (most == nullptr || o.total_ns > most->total_ns)) most = &o;
    return most;
}

}  // namespace insp

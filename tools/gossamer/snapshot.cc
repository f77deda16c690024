// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/snapshot.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "runtime/base/wait_reason.h"

namespace insp {

namespace {

// As the runtime numbers them: runtime/sched/g_status.h, g.h, p.h.
enum status : uint8_t { s_dead, s_fresh, s_runnable, s_running, s_waiting, s_count };
constexpr uint8_t kThread = 1, kSystem = 2, kLocked = 4;
constexpr const char* kProcessorWords[] = {"idle", "running", "retired"};
constexpr int64_t kNoDeadline = INT64_MAX;
constexpr uint32_t kMostQueued = 1 << 16;

// A number of at most eight bytes in a struct of the runtime; one that the description does not know reads as 0.
struct number {
    uint32_t offset = 0, bytes = 0;
    uint64_t of(const std::byte* object) const {
        uint64_t n = 0;
        std::memcpy(&n, object + offset, bytes);
        return n;
    }
};

// The struct of a table: its fields, and how much of a slot they take.
class shape {
  public:
    shape(const target& t, std::string name) : t_(t), name_(std::move(name)) {}
    number get(const char* member) {
        field f = array(member);
        return f.bytes <= sizeof(uint64_t) ? number{f.offset, f.bytes} : number{};
    }
    number want(const char* member) {
        number n = get(member);
        if (n.bytes == 0) fail(t_.name(), "the box is damaged: it does not describe " + name_ + "." + member);
        return n;
    }
    field array(const char* member) {
        constexpr uint32_t kMost = 1 << 20;  // of a slot
        field f = t_.find_field(name_ + "." + member);
        if (f.offset > kMost || f.bytes > kMost) return {};
        least_ = std::max(least_, f.offset + f.bytes);
        return f;
    }
    uint32_t least() const { return least_; }

  private:
    const target& t_;
    std::string name_;
    uint32_t least_ = 1;
};

struct g_shape : shape {
    explicit g_shape(const target& t) : shape(t, "G") {}
    number id = want("id"), status = want("status"), creator_id = get("creator_id"), creator_pc = get("creator_pc"),
           name = get("name"), invoke = get("invoke"), reason = get("reason"), flags = get("flags"),
           wait_object = get("wait_object"), wait_since = get("wait_since"), param = get("param"),
           context = get("context"), stack = get("stk"), m = get("m");
};

struct p_shape : shape {
    explicit p_shape(const target& t) : shape(t, "P") {}
    number id = want("id"), status = want("status"), m = get("m"), next = get("next"), head = get("head"),
           tail = get("tail"), turn = get("turn"), tick = get("tick"), next_deadline = get("next_deadline"),
           created = get("created"), ended = get("ended");
    field ring = array("ring");
};

struct m_shape : shape {
    explicit m_shape(const target& t) : shape(t, "M") {}
    number number_ = want("number"), is_thread = want("is_thread"), tid = get("tid"), p = get("p"), curg = get("curg"),
           parked = get("parked"), spinning = get("spinning"), blocking = get("blocking"),
           in_runtime = get("in_runtime"), trace = get("trace");
    field events = array("events"), wait_histogram = array("wait_histogram");
};

// Calls fn(address, bytes) for each slot of the tables of a kind. Slots that were never used may be left out, if they are many.
template <class F>
void each_slot(const target& t, box::region_kind kind, uint32_t least, F fn) {
    std::vector<std::byte> copy;
    for (const box::region& r : t.regions(kind)) {
        if (r.stride < least) continue;
        uint64_t next = 0, count = r.in_file / r.stride;
        while (next < count) {
            auto [from, to] = t.data(r, next * r.stride);
            uint64_t first = std::max(next, from / r.stride);
            uint64_t last = std::min(count, (to + r.stride - 1) / r.stride);
            if (first >= last) break;
            const std::byte* slots = t.at(r.address + first * r.stride, (last - first) * r.stride);
            for (uint64_t i = first; slots != nullptr && i < last; i++, slots += r.stride)
                fn(r.address + i * r.stride, slots);
            next = last;
        }
        // What did not find room in the file is memory of the process alone.
        constexpr uint64_t kAtOnce = 1 << 20;
        uint64_t step = std::max<uint64_t>(1, kAtOnce / r.stride);
        for (uint64_t i = count; i < r.bytes / r.stride; i += step) {
            uint64_t n = std::min(step, r.bytes / r.stride - i);
            copy.resize(n * r.stride);
            if (!t.read(r.address + i * r.stride, copy.data(), copy.size())) break;
            for (uint64_t k = 0; k < n; k++) fn(r.address + (i + k) * r.stride, copy.data() + k * r.stride);
        }
    }
}

class taker {
  public:
    explicit taker(const target& t) : t_(t), g_(t), p_(t), m_(t) {}

    snapshot take() {
        const box::header& h = t_.head();
        s_.taken_ns = t_.now_ns();
        s_.taken_real_ns = t_.real_ns_of(s_.taken_ns);
        s_.procs = h.procs;
        s_.idle_procs = h.idle_procs;
        s_.searching = h.searching;
        s_.blocking = h.blocking;
        s_.global_queue = h.global_queue;
        for (const auto& [name, index] : t_.events()) s_.counters.emplace_back(name, 0);
        s_.wait_histogram.resize(m_.wait_histogram.bytes / sizeof(uint64_t));
        each_slot(t_, box::region_kind::ps, p_.least(), [&](uint64_t address, const std::byte* p) {
            // A slot that was never used says 0, as the first says rightly.
            if (p_.id.of(p) != 0 || s_.processors.empty()) take_processor(address, p);
        });
        each_slot(t_, box::region_kind::ms, m_.least(), [&](uint64_t address, const std::byte* m) {
            if (m_.number_.of(m) != 0 || m_.is_thread.of(m) != 0) take_thread(address, m);
        });
        for (processor& p : s_.processors) settle(p);
        make_room();
        each_slot(t_, box::region_kind::gs, g_.least(),
                  [&](uint64_t address, const std::byte* g) { take_goroutine(address, g); });
        sort_goroutines();
        return std::move(s_);
    }

  private:
    // 0: no goroutine, or its G cannot be read.
    uint64_t id_of(uint64_t g) const {
        uint64_t id = 0;
        if (g == 0 || !t_.read(g + g_.id.offset, &id, g_.id.bytes)) return 0;
        return id;
    }

    int32_t thread_at(uint64_t m) const {
        auto found = m != 0 ? thread_of_.find(m) : thread_of_.end();
        return found != thread_of_.end() ? found->second : -1;
    }

    void take_processor(uint64_t address, const std::byte* p) {
        processor& to = s_.processors.emplace_back();
        to.id = uint32_t(p_.id.of(p));
        to.status = kProcessorWords[std::min<uint64_t>(p_.status.of(p), std::size(kProcessorWords) - 1)];
        to.next = id_of(p_.next.of(p));
        to.tick = uint32_t(p_.tick.of(p));
        to.turn = uint32_t(p_.turn.of(p));
        to.created = p_.created.of(p);
        to.ended = p_.ended.of(p);
        auto deadline = int64_t(p_.next_deadline.of(p));
        to.next_deadline_ns = deadline == kNoDeadline ? 0 : possible_ns(deadline);
        uint32_t size = std::min<uint32_t>(p_.ring.bytes / sizeof(uint64_t), kMostQueued);
        auto head = uint32_t(p_.head.of(p));
        uint32_t queued = std::min(uint32_t(p_.tail.of(p)) - head, size);
        for (uint32_t i = 0; i < queued; i++) {
            uint64_t g;
            std::memcpy(&g, p + p_.ring.offset + (head + i) % size * sizeof g, sizeof g);
            if (uint64_t id = id_of(g); id != 0) to.queue.push_back(id);
        }
        processor_of_.emplace(address, int32_t(to.id));
        holder_.push_back(p_.m.of(p));
    }

    void take_thread(uint64_t address, const std::byte* m) {
        thread& to = s_.threads.emplace_back();
        to.number = uint32_t(m_.number_.of(m));
        to.tid = m_.tid.of(m);
        to.is_plain = m_.is_thread.of(m) != 0;
        if (to.is_plain) to.number = 0;
        to.parked = m_.parked.of(m) != 0;
        to.searching = m_.spinning.of(m) != 0;
        to.blocking = m_.blocking.of(m) != 0;
        to.in_runtime = m_.in_runtime.of(m) != 0;
        auto p = processor_of_.find(m_.p.of(m));
        to.processor = p != processor_of_.end() ? p->second : -1;
        to.running = id_of(m_.curg.of(m));
        to.address = address;
        to.ring = m_.trace.of(m);
        thread_of_.emplace(address, int32_t(s_.threads.size() - 1));
        auto add = [&](field table, size_t i, uint64_t* sum) {
            uint64_t n;
            if ((i + 1) * sizeof n > table.bytes) return;
            std::memcpy(&n, m + table.offset + i * sizeof n, sizeof n);
            *sum += n;
        };
        for (size_t i = 0; i < s_.counters.size(); i++) add(m_.events, t_.events()[i].second, &s_.counters[i].second);
        for (size_t i = 0; i < s_.wait_histogram.size(); i++) add(m_.wait_histogram, i, &s_.wait_histogram[i]);
    }

    // Threads are known now.
    void settle(processor& p) {
        p.thread = thread_at(holder_[size_t(&p - s_.processors.data())]);
        if (p.thread >= 0) p.running = s_.threads[size_t(p.thread)].running;
    }

    void take_goroutine(uint64_t address, const std::byte* g) {
        uint64_t status = g_.status.of(g), id = g_.id.of(g);
        if (status == s_dead || status >= s_count || id == 0) return;
        goroutine& to = s_.goroutines.emplace_back();
        to.id = id;
        to.address = address;
        to.creator_id = g_.creator_id.of(g);
        to.creator_pc = g_.creator_pc.of(g);
        to.invoke_pc = g_.invoke.of(g);
        to.stack = g_.stack.of(g);
        to.state = g_state(status - s_fresh);
        uint64_t flags = g_.flags.of(g);
        to.is_thread = (flags & kThread) != 0;
        to.is_system = (flags & kSystem) != 0;
        to.is_locked = (flags & kLocked) != 0;
        if (status == s_waiting) {
            to.reason = uint8_t(g_.reason.of(g));
            to.object = g_.wait_object.of(g);
            to.site_pc = g_.param.of(g);
            to.waits_since_ns = possible_ns(int64_t(g_.wait_since.of(g)));
        }
        if (status == s_running || to.is_thread) to.thread = thread_at(g_.m.of(g));
        if (status == s_waiting || status == s_runnable) to.context = g_.context.of(g);
        if (uint64_t name = g_.name.of(g); name != 0) {
            if (name != last_name_at_) last_name_ = t_.kept_string(name);
            last_name_at_ = name;
            to.name = last_name_;
        }
    }

    // In the table they lie as slots were free. Each is moved once, to its place: a million goroutines are a hundred megabytes.
    void sort_goroutines() {
        std::vector<std::pair<uint64_t, uint32_t>> order;
        order.reserve(s_.goroutines.size());
        for (const goroutine& g : s_.goroutines) order.emplace_back(g.id, uint32_t(order.size()));
        if (std::is_sorted(order.begin(), order.end())) return;
        std::sort(order.begin(), order.end());
        std::vector<goroutine>& all = s_.goroutines;
        for (uint32_t i = 0; i < order.size(); i++) {
            if (order[i].second == i) continue;
            goroutine first = all[i];
            uint32_t to = i;
            for (uint32_t from = order[to].second; from != i; from = order[to].second) {
                all[to] = all[from];
                order[to].second = to;
                to = from;
            }
            all[to] = first;
            order[to].second = to;
        }
    }

    // At most so many goroutines: no vector of them is ever copied.
    void make_room() {
        uint64_t slots = 0;
        for (const box::region& r : t_.regions(box::region_kind::gs))
            if (r.stride >= g_.least()) slots += r.in_file / r.stride;
        s_.goroutines.reserve(std::min<uint64_t>(slots, 1 << 22));  // a file of holes may promise anything
    }

    const target& t_;
    g_shape g_;
    p_shape p_;
    m_shape m_;
    snapshot s_;
    std::unordered_map<uint64_t, int32_t> processor_of_, thread_of_;  // by address
    std::vector<uint64_t> holder_;                                    // address of the M, for each of s_.processors
    uint64_t last_name_at_ = 0;
    std::string_view last_name_;
};

}  // namespace

const char* words(g_state s) {
    static constexpr const char* kWords[] = {"runnable", "runnable", "running", "waiting"};
    return kWords[size_t(s)];
}

const char* reason_words(uint8_t reason) {
    using gossamer::rt::wait_reason;
    return reason < uint8_t(wait_reason::kCount) ? gossamer::rt::words(wait_reason(reason)) : "unknown reason";
}

const goroutine* snapshot::find(uint64_t id) const {
    auto at = std::lower_bound(goroutines.begin(), goroutines.end(), id,
                               [](const goroutine& g, uint64_t wanted) { return g.id < wanted; });
    return at != goroutines.end() && at->id == id ? &*at : nullptr;
}

snapshot take_snapshot(const target& t) { return taker(t).take(); }

}  // namespace insp

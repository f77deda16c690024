// SPDX-License-Identifier: BSL-1.0
// The reader's machine: each goroutine and processor has a status and a sequence number, each thread its goroutine and its processor. Of the threads' next
// events the earliest that can happen is taken. An event either waits for others (`not_yet`), or must fit where it stands (`fail`).
#include "tools/gossamer/go_check.h"

#include <queue>
#include <unordered_map>

#include "tools/gossamer/go_check_bytes.h"

namespace insp {

namespace {

using namespace go;

std::string text(uint64_t n) { return n == kNone ? "none" : std::to_string(n); }

const char* words_of_g(uint8_t status) {
    static const char* const kWords[] = {"not alive", "runnable", "running", "in a call", "waiting"};
    return kWords[status <= 4 ? status : 0];
}

struct one_event {
    size_t offset = 0;
    uint64_t time = 0;
    uint8_t what = 0;
    uint64_t a[4] = {};
};

class checker {
  public:
    explicit checker(std::string_view bytes) : bytes_(bytes) {}

    go_check_result run() {
        try {
            read_header();
            read_generations();
            result_.ok = true;
        } catch (const refusal& r) {
            result_.error = r.error;
            result_.offset = r.offset;
        }
        result_.goroutines = gs_seen_.size();
        result_.processors = ps_.size();
        result_.threads = threads_.size();
        for (unsigned i = 0; i < 64; i++)
            if (counts_[i] != 0) result_.kinds[shape_of(uint8_t(i)).name] = counts_[i];
        return std::move(result_);
    }

  private:
    struct g_state {
        uint8_t status = 0;
        bool stopped_world = false;
        uint64_t seq = 0, generation = 0;
        std::vector<std::pair<uint64_t, uint64_t>> regions;
    };
    struct p_state {
        uint8_t status = 0;
        uint64_t seq = 0, generation = 0;
    };
    struct m_state {
        uint64_t g = kNone, p = kNone;
    };
    struct m_events {
        uint64_t thread = 0;
        std::vector<const batch*> batches;
        size_t next_batch = 0;
        cursor at{{}, 0, 0};
        uint64_t time = 0;
        one_event next;
    };

    // --- file ---

    void read_header() {
        static constexpr std::string_view kMagic = "go 1.";
        if (bytes_.size() < kHeaderBytes || bytes_.substr(0, kMagic.size()) != kMagic ||
            bytes_.substr(7, 9) != std::string_view(" trace\0\0\0", 9))
            throw refusal{"not an execution trace of Go 1.22 or later: the header says something else", 0};
        char tens = bytes_[5], ones = bytes_[6];
        if (tens >= '0' && tens <= '9' && ones >= '0' && ones <= '9') result_.version = (tens - '0') * 10 + ones - '0';
        if (result_.version != 22 && result_.version != 23 && result_.version != 25 && result_.version != 26)
            throw refusal{"version 1." + std::to_string(result_.version) + " is none: 1.22, 1.23, 1.25 and 1.26 are",
                          0};
    }

    void read_generations() {
        cursor at(bytes_, kHeaderBytes, bytes_.size());
        generation gen;
        bool open = false;
        while (!at.done()) {
            size_t offset = at.at();
            uint8_t what = at.byte("batch");
            if (what == kEnd && result_.version >= 26) {
                if (!open) throw refusal{"the end of a generation that has not begun", offset};
                finish(gen);
                gen = {};
                open = false;
                continue;
            }
            bool experimental = what == kExperimental && result_.version >= 23;
            if (what != kBatch && !experimental)
                throw refusal{"byte " + std::to_string(what) + " where a batch should begin", offset};
            if (experimental) at.byte("experiment");
            uint64_t number = at.number("generation");
            if (number == 0) throw refusal{"generation 0", offset};
            if (open && number != gen.number) {
                if (result_.version >= 26) throw refusal{"batches of two generations are mixed", offset};
                if (number != gen.number + 1)
                    throw refusal{"generation " + text(number) + " behind " + text(gen.number), offset};
                finish(gen);
                gen = {};
                open = false;
            }
            if (!open) {
                gen.number = number;
                gen.offset = offset;
                open = true;
            }
            read_batch(at, gen, experimental, offset);
        }
        if (open && result_.version >= 26) throw refusal{"cut short: the last generation has no end", at.at()};
        if (open) finish(gen);
        if (result_.generations == 0) throw refusal{"cut short: there is nothing behind the header", at.at()};
    }

    void read_batch(cursor& at, generation& gen, bool experimental, size_t offset) {
        uint64_t thread = at.number("thread of a batch"), time = at.number("time of a batch");
        uint64_t size = at.number("size of a batch");
        if (size > kMostBatch) throw refusal{"a batch of " + text(size) + " bytes; 65536 at most", offset};
        batch b{thread, time, at.take(size, "a batch")};
        result_.batches++;
        if (experimental || size == 0) return;
        cursor peek = b.payload;
        switch (peek.byte("batch")) {
            case kStrings:
                return gen.strings.push_back(b);
            case kStacks:
                return gen.stacks.push_back(b);
            case kSamples:
                return gen.samples.push_back(b);
            case kSync:
                return (result_.version >= 25 ? gen.sync : gen.events).push_back(b);
            case kFrequency:
                return (result_.version < 25 ? gen.sync : gen.events).push_back(b);
            default:
                return gen.events.push_back(b);
        }
    }

    // --- a generation ---

    void finish(const generation& gen) {
        ids_ = read_tables(gen, result_.version);
        generation_ = ++result_.generations;
        result_.strings += ids_.strings.size();
        result_.stacks += ids_.stacks.size();
        result_.samples += ids_.samples;
        std::unordered_map<uint64_t, size_t> index;
        std::vector<m_events> threads;
        for (const batch& b : gen.events) {
            auto [at, fresh] = index.try_emplace(b.thread, threads.size());
            if (fresh) {
                threads.emplace_back();
                threads.back().thread = b.thread;
                if (b.thread != kNone) threads_.add(b.thread);
            }
            threads[at->second].batches.push_back(&b);
        }
        merge(threads);
    }

    void merge(std::vector<m_events>& threads) {
        using entry = std::pair<uint64_t, size_t>;
        std::priority_queue<entry, std::vector<entry>, std::greater<>> queue;
        for (size_t i = 0; i < threads.size(); i++)
            if (read_next(threads[i])) queue.push({threads[i].next.time, i});
        std::vector<entry> waiting;
        while (!queue.empty()) {
            size_t i = queue.top().second;
            queue.pop();
            if (!advance(threads[i])) {
                waiting.push_back({threads[i].next.time, i});
                if (!queue.empty()) continue;
                m_events& first = threads[waiting.front().second];
                advance(first);  // for what it says
                fail(first.next, first.thread, why_not_ + "; nor can any event of another thread happen");
            }
            count(threads[i].next);
            for (entry e : waiting) queue.push(e);
            waiting.clear();
            if (read_next(threads[i])) queue.push({threads[i].next.time, i});
        }
    }

    void count(const one_event& e) {
        uint64_t ns = uint64_t(double(e.time) * ids_.ns_per_unit);
        if (result_.events++ == 0) result_.first_time = ns;
        result_.last_time = std::max(result_.last_time, ns);
        counts_[e.what & 63]++;
    }

    bool read_next(m_events& m) {
        while (m.at.done()) {
            if (m.next_batch == m.batches.size()) return false;
            const batch& b = *m.batches[m.next_batch++];
            m.at = b.payload;
            m.time = b.time;
        }
        one_event& e = m.next;
        e.offset = m.at.at();
        e.what = m.at.byte("event");
        const event_shape& shape = shape_of(e.what);
        if (shape.name == nullptr || shape.since > result_.version)
            throw refusal{
                "there is no event " + std::to_string(e.what) + " in version 1." + std::to_string(result_.version),
                e.offset};
        e.time = m.time += m.at.number("time of an event");
        for (size_t i = 0; shape.arguments[i] != 0; i++) {
            size_t here = m.at.at();
            uint64_t n = e.a[i] = m.at.number(shape.name);
            char what = shape.arguments[i];
            if (n == 0 || what == 'n') continue;
            if (what == 's' && !ids_.strings.has(n))
                throw refusal{std::string(shape.name) + ": there is no string " + text(n), here};
            if (what == 'k' && !ids_.stacks.has(n))
                throw refusal{std::string(shape.name) + ": there is no stack " + text(n), here};
        }
        return true;
    }

    // --- the machine ---

    [[noreturn]] void fail(const one_event& e, uint64_t thread, const std::string& why) {
        throw refusal{std::string(shape_of(e.what).name) + " on thread " + text(thread) + ": " + why, e.offset};
    }
    bool not_yet(std::string why) {
        why_not_ = std::move(why);
        return false;
    }

    bool follows(uint64_t seq, uint64_t last, uint64_t generation) const {
        return generation == generation_ && seq == last + 1;
    }

    std::string say_g(uint64_t id) {
        const g_state& g = gs_[id];
        return "goroutine " + text(id) + " is " + words_of_g(g.status) + ", sequence " + text(g.seq);
    }

    // The goroutine that the thread runs; what = its status must be that.
    g_state& own_g(const one_event& e, uint64_t thread, const m_state& m, uint8_t status) {
        if (m.g == kNone) fail(e, thread, "no goroutine is there");
        g_state& g = gs_[m.g];
        if (g.status != status) fail(e, thread, say_g(m.g) + "; it should be " + words_of_g(status));
        return g;
    }
    p_state& own_p(const one_event& e, uint64_t thread, const m_state& m) {
        if (m.p == kNone) fail(e, thread, "the thread has no processor");
        return ps_[m.p];
    }
    g_state& running(const one_event& e, uint64_t thread, const m_state& m) {
        own_p(e, thread, m);
        return own_g(e, thread, m, kRunning);
    }

    bool advance(m_events& from) {
        const one_event& e = from.next;
        uint64_t thread = from.thread;
        static const m_state kNobody;
        if (thread == kNone && e.what != kProcStatus && e.what != kGoStatus && e.what != kGoStatusStack &&
            e.what != kGoUnblock && (e.what < 28 || e.what > 36))
            fail(e, thread, "only a thread can do that");
        m_state& m = ms_[thread];
        if (thread == kNone) m = kNobody;
        switch (e.what) {
            case kProcStatus:
                return proc_status(e, thread, m);
            case kProcStart:
                return proc_start(e, thread, m);
            case kProcStop:
                return proc_stop(e, thread, m);
            case kProcSteal:
                return proc_steal(e, thread);
            case kGoStatus:
            case kGoStatusStack:
                return go_status(e, thread, m);
            case kGoCreate:
            case kGoCreateBlocked:
                return go_create(e, thread, m);
            case kGoStart:
                return go_start(e, thread, m);
            case kGoBlock:
                return stop(running(e, thread, m), m, kWaiting);
            case kGoStop:
                return stop(running(e, thread, m), m, kRunnable);
            case kGoDestroy:
                running(e, thread, m);
                return destroy(m);
            case kGoUnblock:
                return go_unblock(e);
            case kGoSwitch:
            case kGoSwitchDestroy:
                return go_switch(e, thread, m);
            case kGoSyscallBegin:
                return call_begin(e, thread, m);
            case kGoSyscallEnd:
                return call_end(e, thread, m);
            case kGoSyscallEndBlocked:
                return call_end_blocked(e, thread, m);
            case kGoCreateSyscall:
                return create_in_call(e, thread, m);
            case kGoDestroySyscall:
                return destroy_in_call(e, thread, m);
            default:
                return other(e, thread, m);
        }
    }

    bool proc_status(const one_event& e, uint64_t thread, m_state& m) {
        if (e.a[1] < kProcRunning || e.a[1] > kProcAbandoned) fail(e, thread, "there is no status " + text(e.a[1]));
        auto [at, fresh] = ps_.try_emplace(e.a[0]);
        p_state& p = at->second;
        if (!fresh && p.generation == generation_)
            fail(e, thread, "processor " + text(e.a[0]) + " was mentioned before in this generation");
        bool abandoned = e.a[1] == kProcAbandoned && p.status == kProcSyscall;
        if (!fresh && p.status != e.a[1] && !abandoned)
            fail(e, thread, "processor " + text(e.a[0]) + " had status " + std::to_string(p.status) + " before");
        p = {uint8_t(e.a[1]), 0, generation_};
        if (e.a[1] == kProcRunning || e.a[1] == kProcSyscall) {
            if (m.p != kNone && m.p != e.a[0]) fail(e, thread, "the thread has processor " + text(m.p));
            m.p = e.a[0];
        }
        return true;
    }

    bool proc_start(const one_event& e, uint64_t thread, m_state& m) {
        auto at = ps_.find(e.a[0]);
        if (at == ps_.end() || at->second.status != kProcIdle ||
            !follows(e.a[1], at->second.seq, at->second.generation))
            return not_yet("processor " + text(e.a[0]) + " is not idle, or its sequence is not " + text(e.a[1] - 1));
        if (m.p != kNone) fail(e, thread, "the thread has processor " + text(m.p));
        at->second.status = kProcRunning;
        at->second.seq = e.a[1];
        m.p = e.a[0];
        return true;
    }

    bool proc_stop(const one_event& e, uint64_t thread, m_state& m) {
        p_state& p = own_p(e, thread, m);
        if (p.status != kProcRunning && p.status != kProcSyscall)
            fail(e, thread, "processor " + text(m.p) + " is not running");
        p.status = kProcIdle;
        m.p = kNone;
        return true;
    }

    bool proc_steal(const one_event& e, uint64_t thread) {
        auto at = ps_.find(e.a[0]);
        bool in_call = at != ps_.end() && (at->second.status == kProcSyscall || at->second.status == kProcAbandoned);
        if (!in_call || !follows(e.a[1], at->second.seq, at->second.generation))
            return not_yet("processor " + text(e.a[0]) + " is not in a call, or its sequence is not " +
                           text(e.a[1] - 1));
        if (at->second.status == kProcSyscall) {
            auto victim = ms_.find(e.a[2]);
            if (victim == ms_.end() || victim->second.p != e.a[0])
                fail(e, thread, "thread " + text(e.a[2]) + " does not hold processor " + text(e.a[0]));
            victim->second.p = kNone;
        }
        at->second.status = kProcIdle;
        at->second.seq = e.a[1];
        return true;
    }

    bool go_status(const one_event& e, uint64_t thread, m_state& m) {
        uint64_t id = e.a[0], status = e.a[2];
        if (status < kRunnable || status > kWaiting) fail(e, thread, "there is no status " + text(status));
        g_state& g = gs_[id];
        if (g.status == 0 && generation_ != 1) fail(e, thread, "goroutine " + text(id) + " appears from nowhere");
        if (g.status != 0 && g.status != status)
            fail(e, thread, say_g(id) + "; this says " + words_of_g(uint8_t(status)));
        gs_seen_.add(id);
        g.status = uint8_t(status);
        g.seq = 0;
        g.generation = generation_;
        if (status == kRunning) {
            if (thread == kNone) fail(e, thread, "a running goroutine needs a thread");
            if (m.g != kNone && m.g != id) fail(e, thread, "goroutine " + text(m.g) + " is there");
            m.g = id;
        } else if (status == kSyscall) {
            if (e.a[1] == kNone) fail(e, thread, "a goroutine in a call needs a thread");
            uint64_t& there = ms_[e.a[1]].g;
            if (there != kNone && there != id) fail(e, thread, "goroutine " + text(there) + " is there");
            there = id;
        }
        return true;
    }

    bool go_create(const one_event& e, uint64_t thread, const m_state& m) {
        own_p(e, thread, m);
        if (m.g != kNone) own_g(e, thread, m, kRunning);
        g_state& g = gs_[e.a[0]];
        if (g.status != 0) fail(e, thread, say_g(e.a[0]) + " already");
        gs_seen_.add(e.a[0]);
        g = {e.what == kGoCreate ? kRunnable : kWaiting, false, 0, generation_, {}};
        return true;
    }

    bool go_start(const one_event& e, uint64_t thread, m_state& m) {
        g_state& g = gs_[e.a[0]];
        if (g.status != kRunnable || !follows(e.a[1], g.seq, g.generation))
            return not_yet(say_g(e.a[0]) + ", this is " + text(e.a[1]));
        own_p(e, thread, m);
        if (m.g != kNone) fail(e, thread, "goroutine " + text(m.g) + " is there");
        g.status = kRunning;
        g.seq = e.a[1];
        m.g = e.a[0];
        return true;
    }

    bool stop(g_state& g, m_state& m, uint8_t status) {
        g.status = status;
        m.g = kNone;
        return true;
    }

    bool destroy(m_state& m) {
        gs_.erase(m.g);
        m.g = kNone;
        return true;
    }

    bool go_unblock(const one_event& e) {
        g_state& g = gs_[e.a[0]];
        if (g.status != kWaiting || !follows(e.a[1], g.seq, g.generation))
            return not_yet(say_g(e.a[0]) + ", this is " + text(e.a[1]));
        g.status = kRunnable;
        g.seq = e.a[1];
        return true;
    }

    bool go_switch(const one_event& e, uint64_t thread, m_state& m) {
        g_state& own = running(e, thread, m);
        g_state& next = gs_[e.a[0]];
        if (next.status != kWaiting || !follows(e.a[1], next.seq, next.generation))
            return not_yet(say_g(e.a[0]) + ", this is " + text(e.a[1]));
        next.status = kRunning;
        next.seq = e.a[1];
        if (e.what == kGoSwitch)
            own.status = kWaiting;
        else
            gs_.erase(m.g);
        m.g = e.a[0];
        return true;
    }

    bool call_begin(const one_event& e, uint64_t thread, const m_state& m) {
        g_state& g = running(e, thread, m);
        p_state& p = ps_[m.p];
        if (p.status != kProcRunning) fail(e, thread, "processor " + text(m.p) + " is not running");
        if (!follows(e.a[0], p.seq, p.generation))
            fail(e, thread, "processor " + text(m.p) + " has sequence " + text(p.seq) + ", this is " + text(e.a[0]));
        g.status = kSyscall;
        p.status = kProcSyscall;
        p.seq = e.a[0];
        return true;
    }

    bool call_end(const one_event& e, uint64_t thread, const m_state& m) {
        g_state& g = own_g(e, thread, m, kSyscall);
        p_state& p = own_p(e, thread, m);
        if (p.status != kProcSyscall) fail(e, thread, "processor " + text(m.p) + " is not in a call");
        g.status = kRunning;
        p.status = kProcRunning;
        return true;
    }

    bool call_end_blocked(const one_event& e, uint64_t thread, m_state& m) {
        if (m.p != kNone && ps_[m.p].status == kProcSyscall) return not_yet("the thread still has its processor");
        return stop(own_g(e, thread, m, kSyscall), m, kRunnable);
    }

    bool create_in_call(const one_event& e, uint64_t thread, m_state& m) {
        if (m.g != kNone) fail(e, thread, "goroutine " + text(m.g) + " is there");
        if (gs_[e.a[0]].status != 0) fail(e, thread, say_g(e.a[0]) + " already");
        gs_seen_.add(e.a[0]);
        gs_[e.a[0]] = {kSyscall, false, 0, generation_, {}};
        m.g = e.a[0];
        return true;
    }

    bool destroy_in_call(const one_event& e, uint64_t thread, m_state& m) {
        own_g(e, thread, m, kSyscall);
        if (m.p != kNone) {
            if (ps_[m.p].status != kProcSyscall) fail(e, thread, "processor " + text(m.p) + " is not in a call");
            ps_[m.p].status = kProcAbandoned;
            m.p = kNone;
        }
        return destroy(m);
    }

    bool other(const one_event& e, uint64_t thread, const m_state& m) {
        if (e.what == kHeapAlloc || e.what == kHeapGoal) return own_p(e, thread, m), true;
        if (e.what >= 28 && e.what <= 36) return true;  // garbage collection: not ours
        g_state& g = running(e, thread, m);
        std::pair<uint64_t, uint64_t> region{e.a[0], e.a[1]};
        switch (e.what) {
            case kTaskBegin:
                if (!tasks_.insert(e.a[0]).second) fail(e, thread, "task " + text(e.a[0]) + " has begun already");
                return true;
            case kTaskEnd:
                return tasks_.erase(e.a[0]), true;
            case kRegionBegin:
                return g.regions.push_back(region), true;
            case kRegionEnd:
                if (g.regions.empty()) return true;
                if (g.regions.back() != region) fail(e, thread, "it is not the innermost open region");
                return g.regions.pop_back(), true;
            case kStwBegin:
                if (g.stopped_world) fail(e, thread, "the world is stopped already");
                return g.stopped_world = true;
            case kStwEnd:
                if (!g.stopped_world) fail(e, thread, "the world is not stopped");
                g.stopped_world = false;
                return true;
            default:
                return true;
        }
    }

    std::string_view bytes_;
    go_check_result result_;
    known_ids ids_;
    uint64_t generation_ = 0;
    std::unordered_map<uint64_t, g_state> gs_;
    std::unordered_map<uint64_t, p_state> ps_;
    std::unordered_map<uint64_t, m_state> ms_;
    std::unordered_set<uint64_t> tasks_;
    id_set gs_seen_, threads_;
    std::string why_not_;
    uint64_t counts_[64] = {};
};

}  // namespace

go_check_result check_go_trace(std::string_view bytes) { return checker(bytes).run(); }

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
// Three looks at the window. The first finds how everything stood at its beginning. The second goes through what is cut off, only to know how it stands then.
// The third writes: a machine that mirrors the reader's, so that each event is written only when the reader will take it; what does not fit is
// mended (a borrowed processor) or left out and counted.
#include "tools/gossamer/go_trace.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unordered_set>

#include "tools/gossamer/go_trace_tables.h"
#include "tools/gossamer/numbering.h"
#include "tools/gossamer/target.h"

namespace insp {

namespace {

using namespace go;
using gossamer::rt::box::kind;

enum class g_is : uint8_t { unborn, runnable, running, call, waiting, ended };

class writer {
  public:
    writer(const trace_window& w, const go_trace_options& o, std::string& out)
        : w_(w), o_(o), out_(out), tables_(w), outside_(kNone) {}

    go_trace_report run() {
        number_all();
        learn_beginning();
        size_t n = w_.events.size();
        size_t from = n > o_.most_events ? n - size_t(o_.most_events) : 0;
        for (size_t i = 0; i < from; i++) handle(i);
        report_.cut = from;
        report_.left_out = 0;
        open(from < n ? w_.events[from].ns : w_.begin_ns);
        for (size_t i = from; i < n; i++) handle(i);
        report_.events = n - from;
        finish();
        report_.bytes = out_.size();
        return report_;
    }

  private:
    struct g_now {
        g_is is = g_is::unborn;
        int32_t thread = -1;
        uint64_t seq = 0;
        std::vector<uint64_t> regions;  // names of those that are open
    };
    struct t_now {
        event_stream stream;
        uint32_t g = 0;
        int32_t p = -1;
    };
    struct p_now {
        bool told = false;  // its status has been written
        int32_t holder = -1;
        uint64_t seq = 0;
    };

    // --- the beginning ---

    void number_all() {
        numbers_.resize(w_.events.size());
        for (size_t i = 0; i < w_.events.size(); i++) {
            const event& e = w_.events[i];
            numbers_[i] = number_(e.g);
            borrow_from_ = std::max(borrow_from_, e.p + 1);
        }
        borrow_from_ = std::max(borrow_from_, int32_t(std::min<uint32_t>(w_.procs, 1 << 16)));
        ps_.resize(size_t(borrow_from_));
        std::unordered_set<uint64_t> tids;
        for (size_t t = 0; t < w_.threads.size(); t++) {
            uint64_t tid = w_.threads[t].tid;
            bool usable = tid != 0 && tid < uint64_t{1} << 32 && tids.insert(tid).second;
            ts_.push_back({event_stream(usable ? tid : (uint64_t{1} << 32) + t), 0, -1});
        }
    }

    // What the first word about each goroutine, thread and processor says about the time before it.
    void learn_beginning() {
        for (const event& e : w_.events) number_(e.by);
        gs_.resize(number_.size());
        struct seen {
            std::vector<bool> g, thread, thread_p, p;
            std::vector<int32_t>
                taken;  // processor of which the goroutine's thread was deprived before it was heard of
        } seen{std::vector<bool>(gs_.size()), std::vector<bool>(ts_.size()), std::vector<bool>(ts_.size()),
               std::vector<bool>(ps_.size()), std::vector<int32_t>(gs_.size(), -1)};
        auto first = [&](uint32_t g, g_is is) {
            if (g == 0 || seen.g[g]) return;
            seen.g[g] = true;
            gs_[g].is = is;
        };
        for (size_t i = 0; i < w_.events.size(); i++) {
            const event& e = w_.events[i];
            uint32_t g = numbers_[i], t = e.thread, who = speaks_for_itself(e.kind) ? g : number_(e.by);
            bool in_call = e.kind == kind::lost || e.kind == kind::call_end || (e.kind == kind::start && who == g);
            if (who != 0 && !seen.g[who]) {
                first(who, seen.thread[t] ? g_is::runnable : in_call ? g_is::call : g_is::running);
                if (!seen.thread[t]) set_running(t, who);
                int32_t p = seen.taken[who];
                if (p >= 0 && !seen.thread[t]) {
                    gs_[who].is = g_is::running;
                    if (ts_[t].p < 0) set_p(t, p);
                }
            }
            if (who != 0 || e.kind == kind::start) seen.thread[t] = true;
            if (e.kind == kind::start) first(g, g_is::runnable);
            if (e.kind == kind::ready) first(g, g_is::waiting);
            if (e.kind == kind::create) first(g, g_is::unborn);
            if (e.p < 0 || e.kind == kind::steal) continue;
            if (e.kind == kind::retake) {
                if (g != 0 && !seen.g[g] && !seen.p[size_t(e.p)]) seen.taken[g] = e.p;
                seen.p[size_t(e.p)] = true;
                continue;
            }
            bool held = e.kind != kind::p_take && !seen.p[size_t(e.p)] && !seen.thread_p[t];
            if (held) set_p(t, e.p);
            seen.p[size_t(e.p)] = seen.thread_p[t] = true;
        }
    }

    // Kinds whose goroutine is the one that runs.
    static bool speaks_for_itself(kind k) {
        switch (k) {
            case kind::start:
            case kind::ready:
            case kind::create:
            case kind::retake:
            case kind::p_take:
            case kind::p_drop:
            case kind::steal:
            case kind::poll:
                return false;
            default:
                return true;
        }
    }

    void set_running(uint32_t t, uint32_t g) {
        ts_[t].g = g;
        gs_[g].thread = int32_t(t);
    }
    void set_p(uint32_t t, int32_t p) {
        ts_[t].p = p;
        ps_[size_t(p)].holder = int32_t(t);
    }

    const traced_goroutine& about(uint32_t g) const {
        static const traced_goroutine nobody{"goroutine", 0, 0, 0, 3, 0, 0, {}};
        auto at = w_.goroutines.find(number_.id(g));
        return at != w_.goroutines.end() ? at->second : nobody;
    }

    // Writes how everything stands, a nanosecond before the first event.
    void open(int64_t ns) {
        live_ = true;
        now_ = first_ = time_of(ns);
        for (p_now& p : ps_) p.seq = 0;
        for (uint32_t t = 0; t < ts_.size(); t++) {
            t_now& thread = ts_[t];
            uint32_t g = thread.g;
            if (thread.p < 0 && g != 0 && gs_[g].is == g_is::running) borrow(t);
            if (thread.p >= 0) {
                put(t, kProcStatus, thread.p, kProcRunning);
                ps_[size_t(thread.p)].told = true;
            }
            if (g != 0) tell(g);
        }
        for (int32_t p = 0; p < borrow_from_; p++) {
            p_now& now = ps_[size_t(p)];
            if (!now.told) put_outside(kProcStatus, p, kProcIdle);
            now.told = true;
        }
        for (uint32_t g = 1; g < gs_.size(); g++) {
            gs_[g].seq = 0;
            gs_[g].regions.clear();
            if (gs_[g].thread < 0 && (gs_[g].is == g_is::runnable || gs_[g].is == g_is::waiting)) tell(g);
        }
        tell_parked();
        for (uint32_t t = 0; t < ts_.size(); t++)
            if (ts_[t].g != 0 && gs_[ts_[t].g].is == g_is::running) tell_world(t);
        now_ = first_ + 1;
    }

    void tell(uint32_t g) {
        g_now& now = gs_[g];
        bool on_thread = now.thread >= 0;
        uint64_t m = on_thread ? ts_[size_t(now.thread)].stream.thread() : kNone;
        uint64_t status = now.is == g_is::running   ? kRunning
                          : now.is == g_is::call    ? kSyscall
                          : now.is == g_is::waiting ? kWaiting
                                                    : kRunnable;
        uint64_t stack = tables_.stack_of_name(about(g).name);
        if (on_thread)
            put(uint32_t(now.thread), kGoStatusStack, number_.id(g), m, status, stack);
        else
            put_outside(kGoStatusStack, number_.id(g), kNone, status, stack);
    }

    // Those of which nothing is heard in the whole window.
    void tell_parked() {
        std::vector<uint64_t> ids;
        for (auto& [id, g] : w_.goroutines)
            if (id != 0 && !number_.has(id) && (g.last_state == 1 || g.last_state == 2)) ids.push_back(id);
        std::sort(ids.begin(), ids.end());
        for (uint64_t id : ids) {
            const traced_goroutine& g = w_.goroutines.at(id);
            put_outside(kGoStatusStack, id, kNone, g.last_state == 2 ? kWaiting : kRunnable,
                        tables_.stack_of_parked(g));
        }
        report_.parked = ids.size();
    }

    // What can only be said by a goroutine that runs: once, by the first.
    void tell_world(uint32_t t) {
        if (world_told_ || !live_) return;
        world_told_ = true;
        put(t, kProcsChange, std::max<uint32_t>(1, w_.procs), 0);
        put(t, kLog, 0, tables_.string("clock"),
            tables_.string("the trace begins at " + std::to_string(w_.begin_real_ns) + " ns since 1970"), 0);
    }

    void finish() {
        for (t_now& t : ts_) t.stream.flush(events_);
        outside_.flush(events_);
        char header[kHeaderBytes + 1] = {};
        std::snprintf(header, sizeof header, "go 1.%d trace", o_.version);
        out_.assign(header, kHeaderBytes);
        std::string sync;
        if (o_.version >= 25) sync += char(kSync);
        sync += char(kFrequency);
        put_number(sync, 1'000'000'000);
        if (o_.version >= 25) {
            sync += char(kClock);
            put_number(sync, 0);
            put_number(sync, uint64_t(std::max<int64_t>(w_.begin_ns, 0)));
            put_number(sync, uint64_t(std::max<int64_t>(w_.begin_real_ns, 0)) / 1'000'000'000);
            put_number(sync, uint64_t(std::max<int64_t>(w_.begin_real_ns, 0)) % 1'000'000'000);
        }
        out_.reserve(out_.size() + events_.size() + (1 << 20));
        put_batch(out_, kNone, kTimeOfBegin, sync);
        tables_.write(out_, kTimeOfBegin);  // first: of a file that is cut off, what is left can be read
        out_ += events_;
        if (o_.version >= 26) out_ += char(kEnd);
    }

    // --- writing ---

    static constexpr uint64_t kTimeOfBegin = 1000;

    uint64_t time_of(int64_t ns) const { return kTimeOfBegin + uint64_t(std::max<int64_t>(0, ns - w_.begin_ns)); }

    template <class... Args>
    void put(uint32_t t, op what, Args... args) {
        if (live_) ts_[t].stream.put(events_, now_, what, uint64_t(args)...);
    }
    template <class... Args>
    void put_outside(op what, Args... args) {
        if (live_) outside_.put(events_, now_, what, uint64_t(args)...);
    }

    // A processor of nobody's, for a goroutine whose thread has none.
    void borrow(uint32_t t) {
        int32_t p = borrow_from_;
        while (size_t(p) < ps_.size() && ps_[size_t(p)].holder >= 0) p++;
        if (size_t(p) == ps_.size()) ps_.emplace_back();
        set_p(t, p);
    }

    void start_p(uint32_t t, int32_t p) {
        set_p(t, p);
        p_now& now = ps_[size_t(p)];
        if (!now.told && live_) put(t, kProcStatus, p, kProcIdle);
        now.told = now.told || live_;
        put(t, kProcStart, p, ++now.seq);
    }

    void need_p(uint32_t t) {
        if (ts_[t].p >= 0) return;
        borrow(t);
        start_p(t, ts_[t].p);
    }

    void stop_p(uint32_t t) {
        if (ts_[t].p < 0) return;
        put(t, kProcStop);
        ps_[size_t(ts_[t].p)].holder = -1;
        ts_[t].p = -1;
    }

    void give_back(uint32_t t) {
        if (ts_[t].p >= borrow_from_ && ts_[t].g == 0) stop_p(t);
    }

    bool take_p(uint32_t t, int32_t p) {
        if (p < 0 || ts_[t].p == p) return true;
        if (ps_[size_t(p)].holder >= 0) return false;
        stop_p(t);
        start_p(t, p);
        return true;
    }

    // --- one event ---

    bool runs(uint32_t t, uint32_t g) const { return g != 0 && ts_[t].g == g && gs_[g].is == g_is::running; }

    void end_call(uint32_t t, uint32_t g) {
        put(t, kGoSyscallEndBlocked);
        leave(t, g, g_is::runnable);
    }

    void leave(uint32_t t, uint32_t g, g_is is) {
        ts_[t].g = 0;
        gs_[g].thread = -1;
        gs_[g].is = is;
        give_back(t);
    }

    bool start(uint32_t t, uint32_t g, int32_t p) {
        if (g == 0) return false;
        if (ts_[t].g == g && gs_[g].is == g_is::call) end_call(t, g);
        if (ts_[t].g != 0 || gs_[g].is != g_is::runnable) return false;
        if (!take_p(t, p)) return false;
        need_p(t);
        put(t, kGoStart, number_.id(g), ++gs_[g].seq);
        set_running(t, g);
        gs_[g].is = g_is::running;
        tell_world(t);
        return true;
    }

    uint64_t stack_of(const event& e) {
        return e.stack != 0 && e.stack < w_.stacks.size() ? tables_.stack_of_list(e.stack) : tables_.stack_of_pc(e.pc);
    }

    bool block(uint32_t t, const event& e, uint32_t g) {
        if (!runs(t, g)) return false;
        need_p(t);
        if (o_.wait_objects && e.a != 0 && live_) {
            char object[64];
            std::snprintf(object, sizeof object, "%s 0x%llx", go_reason(e.reason),
                          static_cast<unsigned long long>(e.a));
            put(t, kLog, 0, tables_.string("wait"), tables_.string(object), 0);
        }
        put(t, kGoBlock, tables_.string(go_reason(e.reason)), stack_of(e));
        leave(t, g, g_is::waiting);
        return true;
    }

    bool stop(uint32_t t, uint32_t g, const char* why) {
        if (!runs(t, g)) return false;
        need_p(t);
        put(t, kGoStop, tables_.string(why), 0);
        leave(t, g, g_is::runnable);
        return true;
    }

    bool end(uint32_t t, uint32_t g) {
        if (!runs(t, g)) return false;
        need_p(t);
        put(t, kGoDestroy);
        leave(t, g, g_is::ended);
        return true;
    }

    bool ready(uint32_t t, const event& e, uint32_t g) {
        if (g == 0 || gs_[g].is != g_is::waiting) return false;
        gs_[g].is = g_is::runnable;
        uint64_t seq = ++gs_[g].seq;
        if (ts_[t].g != 0 && e.by != 0)
            put(t, kGoUnblock, number_.id(g), seq, stack_of(e));
        else
            put_outside(kGoUnblock, number_.id(g), seq, 0);
        return true;
    }

    bool create(uint32_t t, const event& e, uint32_t g) {
        bool in_call = ts_[t].g != 0 && gs_[ts_[t].g].is != g_is::running;
        if (g == 0 || in_call || (gs_[g].is != g_is::unborn && gs_[g].is != g_is::ended)) return false;
        need_p(t);
        put(t, kGoCreate, number_.id(g), tables_.stack_of_name(about(g).name), stack_of(e));
        gs_[g].is = g_is::runnable;
        gs_[g].seq = 0;
        gs_[g].regions.clear();
        give_back(t);
        return true;
    }

    bool begin_call(uint32_t t, const event& e, uint32_t g) {
        if (!runs(t, g)) return false;
        need_p(t);
        put(t, kGoSyscallBegin, ++ps_[size_t(ts_[t].p)].seq, stack_of(e));
        stop_p(t);
        gs_[g].is = g_is::call;
        return true;
    }

    // The goroutine was in a call that nobody announced: to the reader, it begins now.
    bool retake(uint32_t t, const event& e) {
        if (e.p < 0) return false;
        int32_t victim = ps_[size_t(e.p)].holder;
        if (victim < 0) return false;
        t_now& from = ts_[size_t(victim)];
        if (from.g == 0 || gs_[from.g].is != g_is::running) return false;
        put(uint32_t(victim), kGoSyscallBegin, ++ps_[size_t(e.p)].seq, 0);
        gs_[from.g].is = g_is::call;
        if (uint32_t(victim) == t) {
            stop_p(t);
        } else {
            put(t, kProcSteal, e.p, ++ps_[size_t(e.p)].seq, from.stream.thread());
            ps_[size_t(e.p)].holder = -1;
            from.p = -1;
        }
        return true;
    }

    bool region_begin(uint32_t t, const event& e, uint32_t g) {
        uint64_t name = text(e);
        need_p(t);
        put(t, kRegionBegin, 0, name, 0);
        gs_[g].regions.push_back(name);
        return true;
    }

    // Ends must nest: those that are open inside end with it.
    bool region_end(uint32_t t, const event& e, uint32_t g) {
        uint64_t name = text(e);
        auto& open = gs_[g].regions;
        if (!open.empty() && std::find(open.begin(), open.end(), name) == open.end()) return false;
        need_p(t);
        bool more = !open.empty();
        while (more) {
            more = open.back() != name;
            if (more) put(t, kRegionEnd, 0, open.back(), 0);
            open.pop_back();
        }
        put(t, kRegionEnd, 0, name, 0);
        return true;
    }

    bool task(uint32_t t, const event& e) {
        need_p(t);
        if (e.kind == kind::task_begin) {
            if (e.a == 0 || e.a == kNone || !tasks_.insert(e.a).second) return false;
            auto parent = w_.task_parents.find(e.a);
            put(t, kTaskBegin, e.a, parent != w_.task_parents.end() ? parent->second : 0, text(e), 0);
        } else {
            tasks_.erase(e.a);
            put(t, kTaskEnd, e.a, 0);
        }
        return true;
    }

    uint64_t text(const event& e) { return e.text < w_.texts.size() ? tables_.string(w_.texts[e.text]) : 0; }

    bool log(uint32_t t, const event& e) {
        need_p(t);
        std::string_view both = e.text < w_.texts.size() ? std::string_view(w_.texts[e.text]) : "";
        size_t end = both.find('\0');
        std::string_view key = both.substr(0, end), value = end < both.size() ? both.substr(end + 1) : "";
        put(t, kLog, e.a, tables_.string(key), tables_.string(value), 0);
        return true;
    }

    bool counter(uint32_t t, const event& e) {
        need_p(t);
        put(t, kLog, 0, text(e), tables_.string(std::to_string(int64_t(e.a))), 0);
        return true;
    }

    bool drop_p(uint32_t t, const event& e) {
        if (ts_[t].p != e.p) return false;
        stop_p(t);
        return true;
    }

    void handle(size_t i) {
        const event& e = w_.events[i];
        if (live_) now_ = std::max(now_, time_of(e.ns)) + 1;  // never the same: ties would be broken by chance
        uint32_t g = numbers_[i], t = e.thread;
        if (!do_event(t, e, g)) report_.left_out++;
    }

    bool do_event(uint32_t t, const event& e, uint32_t g) {
        switch (e.kind) {
            case kind::start:
                return start(t, g, e.p);
            case kind::block:
                return block(t, e, g);
            case kind::yield:
                return stop(t, g, "runtime.Gosched");
            case kind::preempt:
                return stop(t, g, "preempted");
            case kind::end:
                return end(t, g);
            case kind::ready:
                return ready(t, e, g);
            case kind::create:
                return create(t, e, g);
            case kind::call_begin:
                return begin_call(t, e, g);
            case kind::call_end:
            case kind::lost:
                // After call_end the goroutine is runnable to the reader; what follows is a start, or `lost`, which says no more.
                if (ts_[t].g == g && g != 0 && gs_[g].is == g_is::call) {
                    end_call(t, g);
                    return true;
                }
                if (e.kind == kind::lost && runs(t, g)) return stop(t, g, "preempted");
                return e.kind == kind::lost && g != 0 && gs_[g].is == g_is::runnable;
            case kind::retake:
                return retake(t, e);
            case kind::p_take:
                return take_p(t, e.p);
            case kind::p_drop:
                return drop_p(t, e);
            case kind::region_begin:
                return runs(t, g) && region_begin(t, e, g);
            case kind::region_end:
                return runs(t, g) && region_end(t, e, g);
            case kind::task_begin:
            case kind::task_end:
                return runs(t, g) && task(t, e);
            case kind::log:
                return runs(t, g) && log(t, e);
            case kind::counter:
                return runs(t, g) && counter(t, e);
            default:
                return true;  // steal, poll: the viewers have no place for them
        }
    }

    const trace_window& w_;
    go_trace_options o_;
    std::string& out_;
    std::string events_;  // full batches
    tables tables_;
    event_stream outside_;  // of no thread
    numbering number_;
    std::vector<uint32_t> numbers_;  // [event]: of its goroutine
    std::vector<g_now> gs_;
    std::vector<t_now> ts_;
    std::vector<p_now> ps_;
    std::unordered_set<uint64_t> tasks_;
    int32_t borrow_from_ = 1;
    uint64_t now_ = 0, first_ = 0;
    bool live_ = false, world_told_ = false;
    go_trace_report report_;
};

}  // namespace

std::string go_trace_report::message() const {
    std::string text;
    if (cut != 0)
        text += "the first " + std::to_string(cut) + " of " + std::to_string(cut + events) +
                " events were left out: viewers need 330 bytes of memory for each\n";
    if (left_out != 0) text += std::to_string(left_out) + " events did not fit what is known and were left out\n";
    return text;
}

go_trace_report make_go_trace(const trace_window& w, const go_trace_options& options, std::string& out) {
    if (options.version != 23 && options.version != 25 && options.version != 26)
        throw error("gossamer: Go trace of version 1." + std::to_string(options.version) +
                    ": only 1.23, 1.25 and 1.26 can be written");
    return writer(w, options, out).run();
}

go_trace_report write_go_trace(const trace_window& w, const go_trace_options& options, FILE* to) {
    std::string out;
    go_trace_report report = make_go_trace(w, options, out);
    if (std::fwrite(out.data(), 1, out.size(), to) != out.size() || std::fflush(to) != 0)
        throw error(std::string("gossamer: cannot write the trace: ") + std::strerror(errno));
    return report;
}

}  // namespace insp

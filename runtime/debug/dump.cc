// SPDX-License-Identifier: BSL-1.0
#include "runtime/debug/dump.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "runtime/base/fatal.h"
#include "runtime/box/box.h"
#include "runtime/debug/cxx_name.h"
#include "runtime/debug/modules.h"
#include "runtime/debug/signal_thread.h"
#include "runtime/debug/traceback.h"
#include "runtime/os/os.h"
#include "runtime/sched/current.h"
#include "runtime/sched/g_table.h"
#include "runtime/sched/trace.h"

namespace gossamer::rt {

namespace {

constexpr int64_t kMinute = 60'000'000'000;
// Longer than one goroutine takes; a dump that hangs (the dying thread holds the allocator) must not keep the process.
constexpr int64_t kLongestReport = 10'000'000'000;
constexpr unsigned kInnermost = 50, kOutermost = 50;

// Collects text; what goes to the standard error leaves in pieces, so that a million goroutines need no gigabyte.
class writer {
  public:
    explicit writer(int fd) : fd_(fd) {}
    ~writer() { flush(0); }
    writer& operator<<(std::string_view s) {
        text_ += s;
        flush(64 << 10);
        return *this;
    }
    writer& operator<<(uint64_t n) { return *this << std::string_view(std::to_string(n)); }
    std::string take() { return std::move(text_); }

  private:
    void flush(size_t over) {
        if (fd_ < 0 || text_.size() <= over) return;
        for (size_t done = 0; done < text_.size();) {
            ssize_t n = ::write(fd_, text_.data() + done, text_.size() - done);
            if (n <= 0) break;
            done += size_t(n);
        }
        text_.clear();
    }

    int fd_;
    std::string text_;
};

// The runtime's own frames, which Go does not show either below level system.
bool is_internal(const frame& f) {
    static constexpr std::string_view kHidden[] = {
        "gossamer::rt::", "gossamer::detail::", "gossamer::panic::", "std::__",     "std::invoke", "std::apply",
        "make_fcontext",  "trampoline",         "jump_fcontext",     "_Unwind_",    "__cxa_",      "__libc_start",
        "_start",         "__gxx_personality",  "std::terminate",    "std::rethrow"};
    std::string_view name = qualified(f.function);
    for (std::string_view hidden : kHidden)
        if (name.starts_with(hidden)) return true;
    return false;
}

// How long g is known to wait: since the first look that saw it waiting (SEMANTICS D7).
int64_t waited(G* g, int64_t now) {
    if (g->status.load() != g_status::waiting) return 0;
    int64_t since = g->wait_since.load();
    return since != 0 || !g->wait_since.compare_exchange_strong(since, now) ? now - since : 0;
}

class printer {
  public:
    printer(writer& out, traceback_level level) : out_(out), level_(level) {}

    void own(const own_trace& own) {
        if (own.g != nullptr)
            header(own.g, "running");
        else
            out_ << "thread " << os::thread_id() << " [running]:\n";
        std::vector<frame> frames;
        for (unsigned i = 0; i < own.count; i++) add(reinterpret_cast<uintptr_t>(own.pcs[i]), frames);
        print(frames);
        if (own.cut) out_ << "...additional frames elided...\n";
        if (own.g != nullptr) creator(own.g);
        out_ << "\n";
    }

    void others(const G* but) {
        struct state {
            printer* self;
            const G* but;
        } state{this, but};
        for_each_g(
            [](G* g, void* arg) {
                auto* s = static_cast<struct state*>(arg);
                if (g != s->but) s->self->other(g);
            },
            &state);
    }

    // `pcs`: where g stands.
    void held(const G* g, const std::vector<uintptr_t>& pcs) {
        header(g, words(g->reason.load()));
        list(pcs);
        creator(g);
    }

    void list(const std::vector<uintptr_t>& pcs) {
        std::vector<frame> frames;
        for (uintptr_t pc : pcs) add(pc, frames);
        print(frames);
    }

    std::vector<uintptr_t> frames_of(const G* g) {
        stack_copy copy;
        copy_context(g->context, g->stk->top(), &copy);
        return symbols_.unwind(copy, kMaxTraceback);
    }

  private:
    bool everything() const { return level_ >= traceback_level::system; }

    void other(const G* g) {
        note_progress();
        bool thread = (g->flags & kThread) != 0;
        if ((g->flags & kSystem) != 0 && !everything()) return;
        if (thread) {
            wait_reason why = g->reason.load();
            // It does something of its own, or waits in run() for the main goroutine.
            if (g->status.load() != g_status::waiting || (why == wait_reason::join && !everything())) return;
            header(g, words(why));
            out_ << "\tgoroutine running on other thread; stack unavailable\n\n";
            return;
        }
        g_status status = g->status.load();
        if (status == g_status::dead) return;
        stack_copy copy;
        bool copied = copy_stack(g, &copy);
        header(g, status == g_status::waiting   ? words(g->reason.load())
                  : status == g_status::running ? "running"
                                                : "runnable");
        if (copied) {
            std::vector<frame> frames;
            for (uintptr_t pc : symbols_.unwind(copy, kMaxTraceback)) add(pc, frames);
            print(frames);
        } else if (status != g_status::fresh) {
            out_ << "\tgoroutine running on other thread; stack unavailable\n";
        }
        creator(g);
        out_ << "\n";
    }

    void header(const G* g, const char* state) {
        out_ << "goroutine " << g->id.load() << " [" << state;
        if (int64_t minutes = waited(const_cast<G*>(g), os::now_ns()) / kMinute; minutes > 0)
            out_ << ", " << uint64_t(minutes) << (minutes == 1 ? " minute" : " minutes");
        if ((g->flags & kLocked) != 0) out_ << ", locked to thread";
        if ((g->flags & kThread) != 0) out_ << ", plain thread";
        out_ << "]";
        if (const char* name = g->name; name != nullptr && (g->flags & kThread) == 0) out_ << " {name: " << name << "}";
        out_ << ":\n";
    }

    void add(uintptr_t pc, std::vector<frame>& frames) {
        if (pc != 0) symbols_.describe(pc, true, frames);
    }

    // What Go would show: the user's functions and the public ones they call, down to main. The frame in which the closure was called only
    // where nothing tells of the closure otherwise: it has been inlined there.
    std::vector<frame> visible(const std::vector<frame>& frames) const {
        if (everything()) return frames;
        std::vector<frame> shown;
        const frame* entry = nullptr;
        for (const frame& f : frames) {
            if (!is_internal(f)) shown.push_back(f);
            if (qualified(f.function).starts_with("gossamer::detail::invoke_") && !f.holds_inlined) entry = &f;
            if (f.function == "main") break;
        }
        auto of_user = [](const frame& f) { return !qualified(f.function).starts_with("gossamer::"); };
        if (std::any_of(shown.begin(), shown.end(), of_user))
            while (!of_user(shown.back())) shown.pop_back();
        else if (entry != nullptr)
            shown.push_back(*entry);
        return shown;
    }

    void print(const std::vector<frame>& all) {
        std::vector<frame> frames = visible(all);
        for (size_t i = 0; i < frames.size(); i++) {
            if (i == kInnermost && frames.size() > kInnermost + kOutermost) {
                out_ << "..." << uint64_t(frames.size() - kInnermost - kOutermost) << " frames elided...\n";
                i = frames.size() - kOutermost;
            }
            out_ << qualified(frames[i].function) << "\n";
            place(frames[i]);
        }
    }

    void place(const frame& f) {
        char offset[24];
        snprintf(offset, sizeof offset, " +0x%zx\n", size_t(f.offset));
        out_ << "\t" << f.file;
        if (f.line > 0) out_ << ":" << uint64_t(f.line);
        out_ << offset;
    }

    void creator(const G* g) {
        auto pc = reinterpret_cast<uintptr_t>(g->creator_pc);
        if (pc == 0) return;
        std::vector<frame> frames;
        symbols_.describe(pc, true, frames);
        const frame* user = &frames.back();
        for (const frame& f : frames)
            if (!qualified(f.function).starts_with("gossamer::")) {
                user = &f;
                break;
            }
        out_ << "created by " << qualified(user->function);
        if (g->creator_id != 0) out_ << " in goroutine " << g->creator_id;
        out_ << "\n";
        place(*user);
    }

    writer& out_;
    traceback_level level_;
    symbols symbols_;
};

struct report {
    const char* text;
    const own_trace* own;
    bool all;
};

void print_report(void* arg) {
    auto* r = static_cast<const report*>(arg);
    traceback_level level = read_traceback_level();
    writer out(2);
    out << r->text;
    if (level == traceback_level::none) return show_modules();
    out << "\n";
    printer p(out, level);
    if (r->own != nullptr) p.own(*r->own);
    if (r->all || level >= traceback_level::all) p.others(r->own != nullptr ? r->own->g : nullptr);
    show_modules();
}

struct held_report {
    const G* g;
    const os::held_locks* locks;
};

// Where a lock was taken: the call, and who had called there if that frame is there yet: the word in which its calls leave their return
// address then holds one of the goroutine's own.
std::vector<uintptr_t> frames_of(const os::held_lock& lock, const G* g, const std::vector<uintptr_t>& pcs) {
    std::vector<uintptr_t> taken{reinterpret_cast<uintptr_t>(lock.taken_at)};
    if (!g->stk->contains(lock.frame)) return taken;
    auto at = std::find(pcs.begin(), pcs.end(), word_at(reinterpret_cast<uintptr_t>(lock.frame) - sizeof(uintptr_t)));
    if (at != pcs.end()) taken.insert(taken.end(), at + 1, pcs.end());
    return taken;
}

void print_held(void* arg) {
    auto* r = static_cast<const held_report*>(arg);
    bool counted = r->locks != nullptr && r->locks->count != 0;
    writer out(2);
    out << "gossamer: a goroutine waits while its thread holds a lock of <pthread.h> (std::mutex and its like). ";
    if (counted)
        out << "It keeps the thread until it has unlocked it; a gossamer::mutex would not. (This is said once.)\n";
    else
        out << "Without libgossamer-locks it may go on on another thread, which must not unlock it. (This is said "
               "once.)\n";
    if (read_traceback_level() == traceback_level::none) return;
    printer p(out, read_traceback_level());
    std::vector<uintptr_t> pcs = p.frames_of(r->g);
    out << "\nit waits here:\n";
    p.held(r->g, pcs);
    uint32_t noted = counted ? std::min(r->locks->count, os::kMostNoted) : 0;
    for (uint32_t i = noted; i > 0; i--) {
        out << "\nand took a lock here:\n";
        p.list(frames_of(r->locks->of[i - 1], r->g, pcs));
    }
    out << "\n";
}

[[noreturn]] void end_process() {
    save_last_trace();
    if (read_traceback_level() == traceback_level::crash) {
        signal(SIGABRT, SIG_DFL);
        abort();
    }
    _exit(2);
}

}  // namespace

bool parse_traceback_level(const char* text, traceback_level* level) {
    static constexpr struct {
        const char* word;
        traceback_level level;
    } kWords[] = {
        {"", traceback_level::single},       {"none", traceback_level::none}, {"0", traceback_level::none},
        {"single", traceback_level::single}, {"all", traceback_level::all},   {"1", traceback_level::all},
        {"system", traceback_level::system}, {"2", traceback_level::system},  {"crash", traceback_level::crash}};
    for (auto& w : kWords)
        if (strcmp(text, w.word) == 0) {
            *level = w.level;
            return true;
        }
    return false;
}

traceback_level read_traceback_level() {
    traceback_level level = traceback_level::single;
    if (const char* text = getenv("GOTRACEBACK")) parse_traceback_level(text, &level);
    return level;
}

void refuse_bad_traceback_level() {
    traceback_level level;
    const char* text = getenv("GOTRACEBACK");
    if (text == nullptr || parse_traceback_level(text, &level)) return;
    print_error(
        "gossamer: environment variable GOTRACEBACK=%s: not one of none, single, all, system, crash (or 0, 1, 2)\n",
        text);
    _exit(2);
}

void trace_self(own_trace* own) {
    own->count = here(own->pcs, own_trace::kMost);
    M* m = current_m_or_null();
    own->g = m != nullptr ? m->curg : nullptr;
}

void stamp_waits(int64_t now) {
    for_each_g([](G* g, void* at) { waited(g, *static_cast<int64_t*>(at)); }, &now);
}

std::string stack_dump() {
    struct job {
        own_trace own;
        std::string text;
    } job;
    { in_runtime scope; }  // a thread that never called the runtime is known from now on
    trace_self(&job.own);
    ask_signal_thread(
        [](void* arg) {
            auto* j = static_cast<struct job*>(arg);
            writer out(-1);
            printer p(out, traceback_level::all);
            p.own(j->own);
            p.others(j->own.g);
            j->text = out.take();
        },
        &job, -1);
    return std::move(job.text);
}

void report_held_lock(const G* g, const os::held_locks* locks) {
    held_report r{g, locks};
    ask_signal_thread(print_held, &r, -1);
}

void die_with_report(box::cause why, const char* text, const own_trace* own, bool all) {
    freeze_for_death(why, own != nullptr ? own->g : nullptr);
    keep_box(text);
    static report r;
    r = {text, own, all};
    if (!ask_signal_thread(print_report, &r, kLongestReport))
        print_error("%s\n(the goroutines could not be printed)\n", text);
    end_process();
}

void die_by_signal(int sig) {
    if (begin_death()) {
        std::string word = sigdescr_np(sig);
        word[0] |= 0x20;  // as Go: "SIGQUIT: quit"
        std::string text = std::string("SIG") + sigabbrev_np(sig) + ": " + word + "\n";
        freeze_for_death(box::cause::fatal_signal, nullptr);
        keep_box(text.c_str());
        report r{text.c_str(), nullptr, true};
        print_report(&r);
    }
    end_process();
}

void leave_traces_of(int sig) {
    if (!begin_death()) return;
    static char text[80];
    snprintf(text, sizeof text, "SIG%s: %s", sigabbrev_np(sig), sigdescr_np(sig));
    const M* m = current_m_or_null();
    freeze_for_death(box::cause::fatal_signal, m != nullptr ? m->curg : nullptr);
    keep_box(text);
    save_last_trace();
}

void dump_for_fatal() {
    static own_trace own;
    static report r;
    trace_self(&own);
    bool is_deadlock = strstr(words_of_death(), "deadlock!") != nullptr;
    freeze_for_death(is_deadlock ? box::cause::deadlock : box::cause::fatal_error, is_deadlock ? nullptr : own.g);
    keep_box(words_of_death());
    // The monitor and a thread on its own stack are not what the reader asks for.
    bool told = own.g != nullptr && own.g->status.load() != g_status::dead;
    r = {"", told ? &own : nullptr, true};
    if (!ask_signal_thread(print_report, &r, kLongestReport)) print_error("(the goroutines could not be printed)\n");
    if (read_traceback_level() == traceback_level::crash) end_process();
    save_last_trace();
}

}  // namespace gossamer::rt

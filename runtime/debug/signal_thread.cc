// SPDX-License-Identifier: BSL-1.0
#include "runtime/debug/signal_thread.h"

#include <cerrno>
#include <csignal>
#include <cstring>

#include "runtime/base/fatal.h"
#include "runtime/debug/dump.h"
#include "runtime/debug/modules.h"
#include "runtime/os/os.h"
#include "runtime/sched/sched.h"

namespace gossamer::rt {

namespace {

constexpr int64_t kStampEvery = 10'000'000'000;

struct request {
    void (*work)(void*);
    void* arg;
    request* next = nullptr;
    atomic<uint32_t> done{0};
};

constinit atomic<uint64_t> posted{0};          // bit sig - 1
constinit atomic<request*> requests{nullptr};  // newest first
constinit atomic<uint32_t> rings{0};           // the futex: raised by each who wants something
constinit atomic<bool (*)(int)> sink{nullptr};
constinit atomic<uint32_t> started{0};  // 0 no, 1 being started, 2 runs
constinit atomic<uint64_t> own_tid{0};
constinit atomic<unsigned> users{0};
constinit atomic<uint64_t> progress{0};

void ring() {
    rings.fetch_add(1);
    os::futex_wake(&rings, 1);
}

// The sink works on channels, as a plain thread does. Nobody shall see it as one: it never parks, and is no reason against a deadlock.
void become_known() {
    if (current_m_or_null() != nullptr) return;
    M* m = attach_thread();
    sched.plain_threads.fetch_sub(1);
    m->stand_in->status.store(g_status::dead);
}

void look_at(int sig) {
    if (auto* s = sink.load()) {
        become_known();
        if (s(sig)) return;
    } else if (!take_signal(sig)) {
        return;
    }
    if (sig == SIGQUIT) die_by_signal(sig);
}

void serve(void*) {
    own_tid.store(os::thread_id());
    int64_t next_stamps = os::now_ns() + kStampEvery;
    for (;;) {
        uint32_t seen = rings.load();
        for (uint64_t set = posted.load(); set != 0; set &= set - 1) look_at(__builtin_ctzll(set) + 1);
        for (request* r = requests.exchange(nullptr); r != nullptr;) {
            request* next = r->next;
            r->work(r->arg);
            r->done.store(1);
            os::futex_wake(&r->done, 1);
            r = next;
        }
        int64_t now = os::now_ns();
        if (now >= next_stamps) {
            stamp_waits(now);
            show_modules();
            next_stamps = now + kStampEvery;
        }
        os::futex_wait(&rings, seen, next_stamps - now);
    }
}

void on_quit(int sig) {
    int saved = errno;
    post_signal(sig);
    errno = saved;
}

}  // namespace

void start_signal_thread() {
    uint32_t no = 0;
    if (!started.compare_exchange_strong(no, 1)) return;
    if (int failed = os::start_thread(serve, nullptr, "gossamer-signal"); failed != 0)
        fatal("start_signal_thread: cannot start the signal thread: %s", strerror(failed));
    started.store(2);
}

void forget_signal_thread() { started.store(0); }

unsigned signal_threads() { return started.load() == 2 ? 1 : 0; }

void post_signal(int sig) {
    posted.fetch_or(uint64_t(1) << (sig - 1));
    ring();
}

bool take_signal(int sig) {
    uint64_t bit = uint64_t(1) << (sig - 1);
    return (posted.fetch_and(~bit) & bit) != 0;
}

void set_signal_sink(bool (*s)(int)) { sink.store(s); }

void add_signal_users(int n) { users.fetch_add(unsigned(n)); }
unsigned signal_users() { return users.load(); }

void note_progress() {
    progress.fetch_add(1, relaxed);  // pairs with nothing: only that it changes is looked at
}

bool ask_signal_thread(void (*work)(void*), void* arg, int64_t wait_ns) {
    if (started.load() != 2 || own_tid.load() == os::thread_id()) {
        work(arg);
        return true;
    }
    // In static storage when the caller may give up waiting: a stack or handler frame would be gone.
    request on_stack{work, arg};
    static constinit request last{nullptr, nullptr};
    request& r = wait_ns < 0 ? on_stack : last;
    if (&r == &last) {
        last.work = work;
        last.arg = arg;
        last.done.store(0);
    }
    r.next = requests.load();
    while (!requests.compare_exchange_weak(r.next, &r)) {
    }
    ring();
    uint64_t seen = 0;
    for (int64_t last_change = os::now_ns(); r.done.load() == 0;) {
        int64_t now = os::now_ns();
        if (uint64_t p = progress.load(relaxed); p != seen) {  // pairs with nothing: only that it changes is looked at
            seen = p;
            last_change = now;
        }
        if (wait_ns >= 0 && now - last_change >= wait_ns) return false;
        os::futex_wait(&r.done, 0, wait_ns < 0 ? -1 : last_change + wait_ns - now);
    }
    return true;
}

void install_quit_handler() {
    struct sigaction old;
    if (sigaction(SIGQUIT, nullptr, &old) != 0 || (old.sa_flags & SA_SIGINFO) != 0 || old.sa_handler != SIG_DFL) return;
    struct sigaction mine = {};
    mine.sa_handler = on_quit;
    mine.sa_flags = SA_RESTART | SA_ONSTACK;
    sigfillset(&mine.sa_mask);
    sigaction(SIGQUIT, &mine, nullptr);
}

}  // namespace gossamer::rt

// SPDX-License-Identifier: BSL-1.0
#include "gossamer/signal.h"

#include <cerrno>
#include <mutex>
#include <string>
#include <vector>

#include "gossamer/panic.h"
#include "runtime/debug/signal_thread.h"
#include "runtime/sched/sched.h"

namespace gossamer::signal {

namespace {

using signal_set = uint64_t;  // bit sig - 1

constexpr int kSignals = 64;

constexpr signal_set bit(int sig) { return signal_set(1) << (sig - 1); }
constexpr signal_set kFaults = bit(SIGSEGV) | bit(SIGBUS) | bit(SIGFPE) | bit(SIGILL) | bit(SIGTRAP);
// Not to be caught at all, the C library's own (32, 33), and the one by which a process ends itself.
constexpr signal_set kNever = kFaults | bit(SIGKILL) | bit(SIGSTOP) | bit(32) | bit(33) | bit(SIGABRT);

struct wish {
    send_chan<int> c;
    signal_set signals;
};

// Under the mutex. Held while channels are offered a signal, so that nothing is delivered after stop() returned (SG2); nobody parks under it.
struct table {
    std::mutex mutex;
    std::vector<wish> wishes;
    signal_set installed = 0;
    struct sigaction before[kSignals + 1];
};

table& the_table() {
    static table& t = *new table;  // never destroyed: signals come until the end
    return t;
}

void on_signal(int sig) {
    int saved = errno;
    rt::post_signal(sig);
    errno = saved;
}

signal_set set_of(const char* function, std::initializer_list<int> signals) {
    signal_set set = signals.size() == 0 ? ~kNever : 0;
    for (int sig : signals) {
        if (sig < 1 || sig > kSignals)
            throw panic(std::string(function) + ": " + std::to_string(sig) + " is no signal");
        if ((bit(sig) & kFaults) != 0)
            throw panic(std::string(function) + ": signal " + std::to_string(sig) + " is a fault, not an event");
        set |= bit(sig);
    }
    return set & ~kNever;
}

template <class F>
void for_each_signal(signal_set set, F f) {
    for (; set != 0; set &= set - 1) f(__builtin_ctzll(set) + 1);
}

// Gives back what nobody wants any more; what is still on its way is not for those who come later. REQUIRES: the mutex.
void uninstall_unwanted(table& t) {
    signal_set wanted = 0;
    for (const wish& w : t.wishes) wanted |= w.signals;
    for_each_signal(t.installed & ~wanted, [&](int sig) {
        sigaction(sig, &t.before[sig], nullptr);
        rt::take_signal(sig);
    });
    t.installed &= wanted;
}

void forget_signals(table& t, signal_set set) {
    for (size_t i = 0; i < t.wishes.size();) {
        t.wishes[i].signals &= ~set;
        if (t.wishes[i].signals != 0) {
            i++;
            continue;
        }
        t.wishes.erase(t.wishes.begin() + ptrdiff_t(i));
        rt::add_signal_users(-1);
    }
    uninstall_unwanted(t);
}

bool deliver(int sig) {
    table& t = the_table();
    std::lock_guard guard(t.mutex);
    if (!rt::take_signal(sig)) return true;  // who wanted it has gone since
    bool wanted = false;
    for (const wish& w : t.wishes) {
        if ((w.signals & bit(sig)) == 0) continue;
        wanted = true;
        int value = sig;
        rt::chan_try_send(w.c.core(), &value);  // a full channel drops it (SG1)
    }
    return wanted;
}

}  // namespace

void notify(const send_chan<int>& c, std::initializer_list<int> signals) {
    if (c == nil) throw panic("os/signal: notify using nil channel");
    signal_set set = set_of("signal::notify", signals);
    rt::start_runtime();
    rt::start_signal_thread();
    rt::set_signal_sink(deliver);
    table& t = the_table();
    std::lock_guard guard(t.mutex);
    wish* mine = nullptr;
    for (wish& w : t.wishes)
        if (w.c == c) mine = &w;
    if (mine == nullptr) {
        mine = &t.wishes.emplace_back(wish{c, 0});
        rt::add_signal_users(1);
    }
    mine->signals |= set;
    for_each_signal(set & ~t.installed, [&](int sig) {
        struct sigaction ours = {};
        ours.sa_handler = on_signal;
        ours.sa_flags = SA_RESTART | SA_ONSTACK;
        sigfillset(&ours.sa_mask);
        if (sigaction(sig, &ours, &t.before[sig]) == 0) t.installed |= bit(sig);
    });
}

void stop(const send_chan<int>& c) {
    table& t = the_table();
    std::lock_guard guard(t.mutex);
    for (size_t i = 0; i < t.wishes.size(); i++)
        if (t.wishes[i].c == c) {
            t.wishes.erase(t.wishes.begin() + ptrdiff_t(i));
            rt::add_signal_users(-1);
            break;
        }
    uninstall_unwanted(t);
}

void reset(std::initializer_list<int> signals) {
    signal_set set = set_of("signal::reset", signals);
    table& t = the_table();
    std::lock_guard guard(t.mutex);
    forget_signals(t, set);
    for_each_signal(set, [](int sig) {
        struct sigaction now;
        if (sigaction(sig, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_IGN)
            ::signal(sig, SIG_DFL);
    });
}

void ignore(std::initializer_list<int> signals) {
    signal_set set = set_of("signal::ignore", signals);
    table& t = the_table();
    std::lock_guard guard(t.mutex);
    forget_signals(t, set);
    for_each_signal(set, [](int sig) { ::signal(sig, SIG_IGN); });
}

bool ignored(int sig) {
    struct sigaction now;
    return sigaction(sig, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_IGN;
}

}  // namespace gossamer::signal

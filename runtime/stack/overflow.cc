// SPDX-License-Identifier: BSL-1.0
#include "runtime/stack/overflow.h"

#include <csignal>

namespace gossamer::rt {

namespace {

// For the handler, the frames of the full stack that it walks, and a request to the signal thread.
constexpr size_t kSignalStack = 64 << 10;

constinit atomic<overflow_report> report{nullptr};
constinit atomic<void (*)(int sig)> last_words{nullptr};
struct sigaction before_segv, before_bus;

void pass_on(int sig, siginfo_t* info, void* context) {
    const struct sigaction& before = sig == SIGSEGV ? before_segv : before_bus;
    if ((before.sa_flags & SA_SIGINFO) != 0) {
        before.sa_sigaction(sig, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
        before.sa_handler(sig);
    } else {
        // The instruction runs again, faults again, and meets the default.
        struct sigaction standard = {};
        standard.sa_handler = SIG_DFL;
        sigaction(sig, &standard, nullptr);
        last_words.load()(sig);  // a fault in it meets the default, too
        if (info->si_code <= 0)  // sent by a process: nothing will fault again
            raise(sig);
    }
}

void on_fault(int sig, siginfo_t* info, void* context) {
    // si_code > 0: the kernel saw a fault, and si_addr is its address.
    stack* full = info->si_code > 0 ? stack_at(info->si_addr) : nullptr;
    if (full != nullptr && full->in_guard(info->si_addr)) report.load()(full, info->si_addr);
    pass_on(sig, info, context);
}

void install(int sig, struct sigaction* before) {
    struct sigaction mine = {};
    mine.sa_sigaction = on_fault;
    mine.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&mine.sa_mask);
    sigaction(sig, &mine, before);
}

}  // namespace

void prepare_signal_stack() {
    stack_t now = {};
    if (sigaltstack(nullptr, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0) return;
    stack_t mine = {};
    mine.ss_sp = os::reserve(kSignalStack);
    mine.ss_size = kSignalStack;
    if (mine.ss_sp != nullptr && sigaltstack(&mine, nullptr) != 0) os::release(mine.ss_sp, kSignalStack);
}

void install_overflow_handler(overflow_report r, void (*dies_otherwise)(int sig)) {
    overflow_report nobody = nullptr;
    last_words.store(dies_otherwise);
    if (!report.compare_exchange_strong(nobody, r)) return;
    install(SIGSEGV, &before_segv);
    install(SIGBUS, &before_bus);
}

}  // namespace gossamer::rt

// SPDX-License-Identifier: BSL-1.0
// signal: the process's signals as values in channels (SEMANTICS SG1 to SG5). Any goroutine or thread may call; handlers are ordinary
// goroutines that receive. Signals that nobody asked for do what they did before.
//   chan<int> c(1);
//   signal::notify(c, SIGINT, SIGTERM);
//   int sig = *c.recv();
// Faults (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP) are no events: to ask for them is a panic.
#pragma once

#include <concepts>
#include <csignal>
#include <initializer_list>
#include <utility>

#include "gossamer/chan.h"
#include "gossamer/context.h"

namespace gossamer::signal {

// c gets each of the signals from now on, besides those it gets already; none listed: all that can be caught. A signal that finds c full
// is dropped, so give it room. Throws panic when c is nil or a number is no signal.
void notify(const send_chan<int>& c, std::initializer_list<int> signals);
template <std::same_as<int>... Signals>
void notify(const send_chan<int>& c, Signals... signals) {
    notify(c, std::initializer_list<int>{signals...});
}
// Nothing reaches c after this. A signal that nobody wants any more does again what it did before the first notify.
void stop(const send_chan<int>& c);

// Nobody is notified of the signals any more (none listed: of any), and they do what they did at the start.
void reset(std::initializer_list<int> signals);
template <std::same_as<int>... Signals>
void reset(Signals... signals) {
    reset(std::initializer_list<int>{signals...});
}
// The process ignores the signals from now on (none listed: all that can be ignored), and nobody is notified of them.
void ignore(std::initializer_list<int> signals);
template <std::same_as<int>... Signals>
void ignore(Signals... signals) {
    ignore(std::initializer_list<int>{signals...});
}
bool ignored(int sig);

// Ends what notify_context began: the context is cancelled, and the signals do again what they did before.
class stop_notify {
  public:
    stop_notify(cancel_cause_func cancel, send_chan<int> c) : cancel_(std::move(cancel)), c_(std::move(c)) {}
    void operator()() const;

  private:
    cancel_cause_func cancel_;
    send_chan<int> c_;
};

struct [[nodiscard]] notified_context {
    context ctx;
    stop_notify stop;
};

// A child of parent that is cancelled by the first of the signals (none listed: all that can be caught). Its cause says by which,
// "interrupt signal received", and counts as context::canceled. Later ones are swallowed until stop() (SG4).
//   auto [ctx, stop] = signal::notify_context(background(), {SIGINT, SIGTERM});
notified_context notify_context(const context& parent, std::initializer_list<int> signals);

}  // namespace gossamer::signal

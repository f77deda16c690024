// SPDX-License-Identifier: BSL-1.0
// signal_thread: the one thread that does what a signal handler, a full stack or a dying goroutine may not: print dumps, offer signals to
// channels. It sleeps on a futex until asked, and every ten seconds notes who waits and what was loaded.
// Called by / on: post_signal: signal handlers. ask: any thread, any stack, also in a handler; it allocates nothing.
// Invariants: 1 a posted signal is looked at once, however often it came before that. 2 an ask returns after its work ran, or false after
//   the time, and then the work may run yet: what it points to must outlive the process's last words.
// Not done: a pipe or signalfd. A futex word is enough for a bit set, and it costs no descriptor.
#pragma once

#include <cstdint>

namespace gossamer::rt {

// Idempotent, any thread.
void start_signal_thread();
// In a forked child, where it does not exist: what is asked of it is done by who asks.
void forget_signal_thread();
// How many threads this is, for the deadlock check: 0 or 1.
unsigned signal_threads();

// From a signal handler: the signal thread shall look at sig.
void post_signal(int sig);
// Whether sig is posted; no longer afterwards.
bool take_signal(int sig);
// Who is told first that a signal is posted: takes it, unless somebody else has; true when it is taken care of. Runs on the signal thread.
void set_signal_sink(bool (*sink)(int sig));

// How many channels and contexts wait for signals: while there is one, nothing is a deadlock (SEMANTICS DL3).
void add_signal_users(int n);
unsigned signal_users();

// Work that has not come to an end yet, but goes on: a dump of a million goroutines takes its time.
void note_progress();

// Runs work(arg) on the signal thread and waits for it, at most wait_ns after its last progress (< 0: for ever).
// With a time: only who dies, and never again after false. On the caller's own stack when there is no
// signal thread, or when this is it. False when it did not come to an end in time.
bool ask_signal_thread(void (*work)(void*), void* arg, int64_t wait_ns);

// Prints every goroutine at SIGQUIT and ends the process with status 2 (SEMANTICS D11), unless somebody else handles or ignores it.
void install_quit_handler();

}  // namespace gossamer::rt

// SPDX-License-Identifier: BSL-1.0
// fatal: the runtime's own broken invariants, and what cannot be survived, end the process with facts.
// Called by / on: any thread, any stack, also from signal handlers (no allocation here).
#pragma once

namespace gossamer::rt {

// std::source_location as far as clang 14 has it.
struct code_place {
    const char* file;
    const char* function;
    unsigned line;
    static constexpr code_place current(const char* file = __builtin_FILE(),
                                        const char* function = __builtin_FUNCTION(), unsigned line = __builtin_LINE()) {
        return {file, function, line};
    }
};

// Prints "fatal error: <message>", calls the dump hook, exits with status 2. For what Go calls fatal (deadlock, unlock of unlocked,
// stack overflow, thread exhaustion). printf-style.
[[noreturn, gnu::format(printf, 1, 2)]] void fatal(const char* format, ...);

// Prints "runtime: broken invariant: <sentence> (file:line)", calls the dump hook, aborts. In release builds too.
[[noreturn]] void broken(const char* sentence, code_place where);

// The first thing of every death. True for the first thread; the others never come back, so that its report is whole and is the only one;
// false when that thread dies again while it reports.
bool begin_death();
// Sleeps for ever when another thread is dying: main must not end the process under its report (SEMANTICS G8).
void wait_if_dying();

// A runtime invariant, always on.
inline void check(bool holds, const char* sentence, code_place where = code_place::current()) {
    if (!holds) [[unlikely]]
        broken(sentence, where);
}

// Writes to fd 2 without allocating; for the last words of a dying process.
[[gnu::format(printf, 1, 2)]] void print_error(const char* format, ...);

// What to print before dying (every goroutine); set once by loop/start.cc, null before. Runs on the dying thread, at most once.
using dump_hook = void (*)();
void set_dump_hook(dump_hook hook);
// The first line that the dying thread printed; empty before.
const char* words_of_death();
// Calls the hook, at most once per process.
void dump_before_death();

}  // namespace gossamer::rt

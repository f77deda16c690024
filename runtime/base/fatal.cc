// SPDX-License-Identifier: BSL-1.0
#include "runtime/base/fatal.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "runtime/base/atomic.h"

namespace gossamer::rt {

namespace {

atomic<dump_hook> hook{nullptr};
atomic<bool> dumped{false};
atomic<long> dying{0};  // thread id
char first_words[256];  // of the death; the dying thread's

void write_all(const char* text, size_t n) {
    while (n > 0) {
        ssize_t w = ::write(2, text, n);
        if (w <= 0) return;
        text += w;
        n -= size_t(w);
    }
}

void vprint(const char* format, va_list args) {
    char line[1024];
    int n = vsnprintf(line, sizeof line, format, args);
    if (n < 0) return;
    if (dying.load() != 0 && first_words[0] == 0) snprintf(first_words, sizeof first_words, "%.250s", line);
    write_all(line, size_t(n) < sizeof line ? size_t(n) : sizeof line - 1);
}

}  // namespace

void print_error(const char* format, ...) {
    va_list args;
    va_start(args, format);
    vprint(format, args);
    va_end(args);
}

void set_dump_hook(dump_hook h) { hook.store(h); }

const char* words_of_death() { return first_words; }

void dump_before_death() {
    if (dumped.exchange(true)) return;
    if (dump_hook h = hook.load()) h();
}

bool begin_death() {
    long nobody = 0, me = syscall(SYS_gettid);
    if (dying.compare_exchange_strong(nobody, me)) return true;
    if (nobody == me) return false;
    for (;;) pause();
}

void wait_if_dying() {
    if (dying.load() != 0 && dying.load() != syscall(SYS_gettid))
        for (;;) pause();
}

void fatal(const char* format, ...) {
    if (!begin_death()) _exit(2);
    char words[512];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    print_error("fatal error: %s\n", words);
    dump_before_death();
    _exit(2);
}

void broken(const char* sentence, code_place where) {
    if (!begin_death()) abort();
    print_error("runtime: broken invariant: %s (%s:%u, %s)\n", sentence, where.file, where.line, where.function);
    dump_before_death();
    abort();
}

}  // namespace gossamer::rt

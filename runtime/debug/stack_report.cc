// SPDX-License-Identifier: BSL-1.0
#include "runtime/debug/stack_report.h"

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "runtime/debug/cxx_name.h"
#include "runtime/debug/signal_thread.h"
#include "runtime/debug/symbols.h"
#include "runtime/sched/current.h"
#include "runtime/sched/stack_watch.h"

namespace gossamer::rt {

namespace {

// The function of the user's that started them, and where in it.
std::string place(symbols& names, const void* pc) {
    if (pc == nullptr) return "the runtime";
    std::vector<frame> frames;
    names.describe(reinterpret_cast<uintptr_t>(pc), true, frames);
    const frame* user = &frames.back();
    for (const frame& f : frames)
        if (!qualified(f.function).starts_with("gossamer::")) {
            user = &f;
            break;
        }
    std::string text(qualified(user->function));
    text += " at " + user->file;
    if (user->line != 0) return text + ":" + std::to_string(user->line);
    char offset[32];
    snprintf(offset, sizeof offset, " +0x%zx", size_t(user->offset));
    return text + offset;
}

void write_table(std::string* text) {
    size_t count = 0;
    std::unique_ptr<stack_use[], void (*)(void*)> uses(stack_uses(&count), free);
    symbols names;
    char line[120];
    snprintf(line, sizeof line, "%10s %10s %10s  %-16s %s\n", "deepest", "of", "goroutines", "name", "started by");
    *text = line;
    for (size_t i = 0; i < count; i++) {
        const stack_use& u = uses[i];
        snprintf(line, sizeof line, "%10zu %10zu %10zu  %-16.60s ", u.most, u.bytes, size_t(u.goroutines),
                 u.name != nullptr ? u.name : "");
        *text += line + place(names, u.creator_pc) + "\n";
    }
}

}  // namespace

std::string stack_report() {
    { in_runtime scope; }  // a thread that never called the runtime is known from now on
    std::string text;
    ask_signal_thread([](void* to) { write_table(static_cast<std::string*>(to)); }, &text, -1);
    return text;
}

}  // namespace gossamer::rt

// SPDX-License-Identifier: BSL-1.0
#include "runtime/debug/uncaught.h"

#include <cxxabi.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "runtime/base/atomic.h"
#include "runtime/base/fatal.h"
#include "runtime/debug/dump.h"
#include "runtime/debug/symbols.h"

namespace gossamer::rt {

namespace {

constinit atomic<panic_describer> registered{nullptr};

// The chain of panics, the oldest first: "first [recovered]" and, indented, "second" (SEMANTICS P6).
std::string chain(const panic_facts* facts) {
    if (facts->earlier == nullptr) return std::string("panic: ") + facts->text;
    return chain(facts->earlier) + (facts->earlier_recovered ? " [recovered]" : "") + "\n\tpanic: " + facts->text;
}

std::string describe_other() {
    const std::type_info* type = abi::__cxa_current_exception_type();
    std::string name = type != nullptr ? type_name(*type) : "an exception of another language";
    try {
        throw;
    } catch (const std::exception& e) {
        return "panic: " + name + ": " + e.what();
    } catch (...) {
        return "panic: an exception of type " + name;
    }
}

[[noreturn]] void report_exception(bool at_throw) {
    if (!begin_death()) _exit(2);
    static own_trace own;
    static std::string text;
    trace_self(&own);
    panic_describer describer = registered.load(relaxed);  // pairs with nothing: a function's address
    const panic_facts* facts = describer != nullptr ? describer() : nullptr;
    text = (facts != nullptr ? chain(facts) : describe_other()) + "\n";
    if (facts != nullptr) {
        own.count = facts->frame_count;
        std::copy_n(facts->frames, facts->frame_count, own.pcs);
    } else if (!at_throw) {
        own.count = 0;  // unwound already: only the creator is left to be told
    }
    die_with_report(box::cause::panic, text.c_str(), &own, false);
}

void on_terminate() {
    if (std::current_exception() != nullptr) report_exception(true);
    if (!begin_death()) _exit(2);
    static own_trace own;
    trace_self(&own);
    die_with_report(box::cause::panic, "fatal error: std::terminate called without an exception\n", &own, false);
}

}  // namespace

void set_panic_describer(panic_describer describer) {
    registered.store(describer, relaxed);  // pairs with nothing: a function's address, always the same
}

void uncaught(G*) { report_exception(false); }

void report_overflow(stack* full, void* address) {
    if (!begin_death()) _exit(2);
    static own_trace own;
    static char text[512];
    trace_self(&own);
    own.cut = own.count == own_trace::kMost;
    snprintf(text, sizeof text,
             "runtime: goroutine stack exceeds %zu-byte limit\nruntime: address=%p stack=[%p, %p]\nfatal error: stack "
             "overflow\n",
             size_t(full->top() - full->low()), address, static_cast<void*>(full->low()),
             static_cast<void*>(full->top()));
    die_with_report(box::cause::fatal_signal, text, &own, true);
}

void install_terminate_handler() {
    refuse_bad_traceback_level();
    std::set_terminate(on_terminate);
    std::atexit(wait_if_dying);  // main returning does not cut a report off (SEMANTICS G8)
}

}  // namespace gossamer::rt

// SPDX-License-Identifier: BSL-1.0
#include "runtime/debug/traceback.h"

#include <unwind.h>

#include <algorithm>

#include "runtime/stack/stack.h"

namespace gossamer::rt {

namespace {

// The innermost this many bytes of a stack are looked at.
constexpr size_t kMostCopied = 256 << 10;

struct collected {
    void** pcs;
    unsigned most;
    unsigned count;
    unsigned skip;
};

_Unwind_Reason_Code collect(_Unwind_Context* context, void* arg) {
    auto* c = static_cast<collected*>(arg);
    if (c->skip > 0) {
        c->skip--;
        return _URC_NO_REASON;
    }
    // A frame that a signal interrupted stands at its instruction, not behind a call: one further, so that all can be read alike. The
    // frames before it are the handler's.
    int interrupted = 0;
    uintptr_t pc = _Unwind_GetIPInfo(context, &interrupted);
    if (interrupted != 0) c->count = 0;
    if (c->count == c->most) return _URC_END_OF_STACK;
    c->pcs[c->count++] = reinterpret_cast<void*>(pc + (interrupted != 0 ? 1 : 0));
    return _URC_NO_REASON;
}

}  // namespace

__attribute__((noinline, no_sanitize("address", "thread", "undefined"))) uintptr_t word_at(uintptr_t address) {
    return *reinterpret_cast<const volatile uintptr_t*>(address);
}

void copy_context(const void* context, const void* top, stack_copy* copy) {
    uintptr_t at = reinterpret_cast<uintptr_t>(context);
    auto saved_word = [at](unsigned i) { return word_at(at + i * sizeof(uintptr_t)); };
    copy->registers.sp = at + arch::kContextWords * sizeof(uintptr_t);
    copy->registers.fp = saved_word(arch::kFpWord);
    copy->registers.pc = saved_word(arch::kPcWord);
    for (unsigned i = 0; i < std::size(arch::kSavedWords); i++)
        copy->registers.saved[i] = saved_word(arch::kSavedWords[i]);
    copy->begin = copy->registers.sp;
    size_t words = std::min(reinterpret_cast<uintptr_t>(top) - copy->begin, kMostCopied) / sizeof(uintptr_t);
    copy->bytes.resize(words * sizeof(uintptr_t));
    auto* to = reinterpret_cast<uintptr_t*>(copy->bytes.data());
    for (size_t i = 0; i < words; i++) to[i] = word_at(copy->begin + i * sizeof(uintptr_t));
}

bool copy_stack(const G* g, stack_copy* copy) {
    auto off_stack = [](g_status s) { return s == g_status::waiting || s == g_status::runnable; };
    g_status before = g->status.load();
    auto* context = reinterpret_cast<const char*>(word_at(reinterpret_cast<uintptr_t>(&g->context)));
    auto* stk = reinterpret_cast<const stack*>(word_at(reinterpret_cast<uintptr_t>(&g->stk)));
    if (!off_stack(before) || context == nullptr || stk == nullptr) return false;
    size_t in_use = size_t(stk->top() - context);
    if (context < stk->low() || context > stk->top() || in_use < arch::kContextWords * sizeof(uintptr_t)) return false;
    copy_context(context, stk->top(), copy);
    return off_stack(g->status.load()) &&
           word_at(reinterpret_cast<uintptr_t>(&g->context)) == reinterpret_cast<uintptr_t>(context);
}

unsigned here(void** pcs, unsigned most) {
    collected c{pcs, most, 0, 1};
    _Unwind_Backtrace(collect, &c);
    return c.count;
}

}  // namespace gossamer::rt

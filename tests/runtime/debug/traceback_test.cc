// SPDX-License-Identifier: BSL-1.0
#include "runtime/debug/traceback.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "runtime/os/os.h"
#include "runtime/stack/context.h"

using namespace gossamer::rt;
namespace fc = boost::context::detail;

namespace {

[[gnu::noinline]] void innermost_of_parked(transfer t) {
    fc::jump_fcontext(t.fctx, nullptr);
    asm volatile("" : : : "memory");
}
[[gnu::noinline]] void recurse_parked(transfer t, int n) {
    volatile char kept[100];
    kept[0] = char(n);
    if (n > 0)
        recurse_parked(t, n - 1);
    else
        innermost_of_parked(t);
    kept[1] = kept[0];
}
void entry_of_parked(transfer t) {
    recurse_parked(t, 3);
    asm volatile("" : : : "memory");  // no tail call
}

}  // namespace

TEST_CASE("the frames of a context that is off its stack are read from a copy of it") {
    constexpr size_t kBytes = 64 << 10;
    char* memory = static_cast<char*>(os::reserve(kBytes));
    transfer t = fc::jump_fcontext(fc::make_fcontext(memory + kBytes, kBytes, entry_of_parked), nullptr);
    stack_copy copy;
    copy_context(t.fctx, memory + kBytes, &copy);
    os::release(memory, kBytes);  // the copy must be enough

    symbols s;
    std::string functions;
    for (uintptr_t pc : s.unwind(copy, 100)) {
        std::vector<frame> frames;
        s.describe(pc, true, frames);
        for (const frame& f : frames) functions += f.function + "\n";
    }
    size_t innermost = functions.find("innermost_of_parked"), entry = functions.find("entry_of_parked");
    CHECK(innermost != std::string::npos);
    CHECK(entry != std::string::npos);
    CHECK(innermost < entry);
    unsigned turns = 0;
    for (size_t at = 0; (at = functions.find("recurse_parked", at)) != std::string::npos; at++) turns++;
    CHECK(turns == 4);
    CHECK(s.unwind(copy, 2).size() == 2);
}

TEST_CASE("a stack that cannot be read gives the first address and no crash") {
    stack_copy copy;
    copy.registers.pc = reinterpret_cast<uintptr_t>(&entry_of_parked) + 4;
    copy.registers.sp = copy.begin = 0x10;
    symbols s;
    CHECK(s.unwind(copy, 100).size() >= 1);
}

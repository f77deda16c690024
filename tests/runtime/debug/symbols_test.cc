// SPDX-License-Identifier: BSL-1.0
#include "runtime/debug/symbols.h"

#include <doctest/doctest.h>

#include "runtime/debug/traceback.h"

using namespace gossamer::rt;

namespace {

// Local to this file, so that only .symtab knows it.
[[gnu::noinline]] unsigned where_am_i(void** pcs, unsigned most) {
    unsigned n = here(pcs, most);
    asm volatile("" : : : "memory");  // no tail call
    return n;
}

}  // namespace

TEST_CASE("a function that is not exported is found by name") {
    void* pcs[16];
    unsigned n = where_am_i(pcs, 16);
    REQUIRE(n > 1);
    symbols s;
    std::vector<frame> frames;
    s.describe(reinterpret_cast<uintptr_t>(pcs[0]), true, frames);
    REQUIRE(!frames.empty());
    CHECK(frames.back().function.find("where_am_i(void**, unsigned int)") != std::string::npos);
    CHECK_FALSE(frames.back().file.empty());
}

TEST_CASE("an address that belongs to nothing is shown as a number") {
    symbols s;
    std::vector<frame> frames;
    s.describe(0x1000, false, frames);
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].function == "0x1000");
    CHECK(frames[0].file == "?");
}

TEST_CASE("a name that is not mangled stays as it is") {
    CHECK(demangle("main") == "main");
    CHECK(demangle("f") == "f");  // not float
    CHECK(demangle("i") == "i");
    CHECK(demangle("_Z1fi") == "f(int)");
    CHECK(type_name(typeid(float)) == "float");
}

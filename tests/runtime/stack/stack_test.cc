// SPDX-License-Identifier: BSL-1.0
#include "runtime/stack/stack.h"

#include <doctest/doctest.h>
#include <sys/mman.h>

#include <cstring>
#include <set>

#include "gossamer/go.h"
#include "gossamer/panic.h"
#include "runtime/stack/stack_cache.h"
#include "tests/support/harness.h"

using namespace gossamer;
using namespace gossamer::rt;

namespace {

size_t resident_pages(const stack* s) {
    unsigned char there[1 << 16];
    size_t bytes = s->bytes() - kGuardBytes;
    REQUIRE(bytes / os::kPage <= sizeof there);
    REQUIRE(mincore(s->low(), bytes, there) == 0);
    size_t n = 0;
    for (size_t i = 0; i < bytes / os::kPage; i++) n += there[i] & 1;
    return n;
}

stack* own_stack() {
    char here = 0;
    const void* p = &here;
    return stack_at(p);
}

}  // namespace

TEST_CASE("a stack's class is the power of two that holds it and its guard") {
    CHECK(stack_class_for(1) == kMinStackClass);
    CHECK(stack_class_for((256 << 10) - kGuardBytes) == 18);
    CHECK(stack_class_for((256 << 10) - kGuardBytes + 1) == 19);
    CHECK(stack_class_for(size_t(1) << 40) == 0);
}

TEST_CASE("every stack of a slab is found by any address in it, guarded, and its top is coloured") {
    unsigned n = 0;
    stack* first = new_stacks(15, 64, &n);
    REQUIRE(n == 64);
    std::set<uint32_t> colours;
    for (stack* s = first; s != nullptr; s = s->next) {
        CHECK(stack_at(s->base) == s);
        CHECK(stack_at(s->base + s->bytes() - 1) == s);
        CHECK(s->in_guard(s->base + kGuardBytes - 1));
        CHECK_FALSE(s->in_guard(s->low()));
        CHECK(s->guarded == (os::guards() != os::guard_kind::none));
        CHECK(s->top() > s->low());
        colours.insert(s->colour);
    }
    CHECK(colours.size() == 16);
    int elsewhere = 0;
    CHECK(stack_at(&elsewhere) == nullptr);
}

TEST_CASE("a goroutine has no stack memory but what it touches; a small one costs a page or two") {
    // A size that no other test case asks for: a stack of the default size may be one that another has gone deep on.
    std::promise<size_t> counted;
    tests::on_goroutine([&] {
        go({.stack = 3 << 20}, [&] {
            stack* s = own_stack();
            REQUIRE(s != nullptr);
            CHECK(s->klass == 22);
            counted.set_value(resident_pages(s));
        });
    });
    size_t pages = counted.get_future().get();
    CHECK(pages >= 1);
    CHECK(pages < 24);  // a debug build under a sanitizer included
}

TEST_CASE("a spawn may ask for its own size of stack, and an impossible one panics") {
    tests::on_goroutine([] {
        std::promise<unsigned> klass;
        go({.stack = 1 << 20}, [&] {
            volatile char deep[900 << 10];
            deep[0] = 1;
            memset(const_cast<char*>(deep), 1, sizeof deep);
            klass.set_value(own_stack()->klass);
        });
        CHECK(klass.get_future().get() == 21);
        CHECK_THROWS_WITH_AS(go({.stack = 100}, [] {}), doctest::Contains("stack size 100"), panic);
        CHECK_THROWS_AS(go({.stack = size_t(1) << 50}, [] {}), panic);
    });
}

TEST_CASE("memory of stacks that nobody wanted for a whole period goes back") {
    constexpr unsigned klass = 17, kMany = 40;
    for (int period = 0; period < 2; period++) {  // what other cases have left is more than one portion, perhaps
        trim_stacks(true);
        while (trim_stacks(false) != 0) {
        }
    }
    stack* list = nullptr;
    for (unsigned i = 0; i < kMany; i++) {
        stack* s = take_stack(nullptr, klass);
        REQUIRE(s != nullptr);
        memset(s->low(), 1, s->bytes() - kGuardBytes);
        s->next = list;
        list = s;
    }
    stack* one = list;
    while (list != nullptr) {
        stack* next = list->next;
        put_stack(nullptr, list);
        list = next;
    }
    size_t warm = warm_central_stacks();
    CHECK(warm >= kMany);
    trim_stacks(true);  // learns the level
    CHECK(trim_stacks(false) == 0);
    unsigned wanted = 10;
    while (wanted-- > 0) put_stack(nullptr, take_stack(nullptr, klass));  // one at a time: one is wanted
    CHECK(trim_stacks(true) >= kMany - 1);
    CHECK(trim_stacks(false) == 0);
    CHECK(warm_central_stacks() <= warm - (kMany - 1));
    trim_stacks(true);
    CHECK(resident_pages(one) == (one->guarded ? 0 : 1));  // the canary is written anew
    CHECK(one->runner == nullptr);
}

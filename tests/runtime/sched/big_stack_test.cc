// SPDX-License-Identifier: BSL-1.0
#include "runtime/sched/big_stack.h"

#include <doctest/doctest.h>

#include "gossamer/go.h"
#include "gossamer/runtime.h"
#include "gossamer/wait_group.h"
#include "runtime/sched/current.h"
#include "tests/support/harness.h"
#include "tests/support/with_procs.h"

using namespace gossamer;

TEST_CASE("who gives way at the end of the call on the big stack is told to stand where it stands") {
    tests::on_goroutine([] {
        tests::with_procs one(1);
        rt::G* me = rt::current_g();
        rt::stack* home = me->stk;
        bool looked = false, right = false, over = false;
        wait_group wg;
        wg.go([&] {
            while (!over) {
                if (rt::stack* s = me->stk; s != home) {
                    looked = true;
                    right = s->contains(me->context);
                }
                yield();
            }
        });
        rt::on_big_stack(
            1 << 20, [](void*) { rt::current_m()->attention.fetch_or(rt::kYield); }, nullptr);
        over = true;
        CHECK(me->stk == home);
        wg.wait();
        CHECK(looked);
        CHECK(right);
    });
}

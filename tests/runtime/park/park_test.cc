// SPDX-License-Identifier: BSL-1.0
#include "runtime/park/park.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "gossamer/go.h"
#include "gossamer/runtime.h"
#include "runtime/sched/migrate.h"
#include "tests/support/harness.h"
#include "tests/support/with_procs.h"

using namespace gossamer;
using namespace gossamer::rt;

namespace {

// One waiter, one wake-up: the smallest use of park and ready.
class gate {
  public:
    void wait() {
        in_runtime scope;
        park([](G* g, void* self) { return static_cast<gate*>(self)->publish(g); }, this, wait_reason::semacquire,
             this);
    }
    void open() {
        in_runtime scope;
        G* waiter = word_.exchange(opened());
        if (waiter != nullptr) ready(waiter);
    }

  private:
    static G* opened() { return reinterpret_cast<G*>(1); }
    bool publish(G* g) {
        G* none = nullptr;
        return word_.compare_exchange_strong(none, g);
    }
    std::atomic<G*> word_{nullptr};
};

}  // namespace

TEST_CASE("a goroutine parks and is made ready, before or after it is off its stack") {
    for (int i = 0; i < 2000; i++) {
        gate there, back;
        go([&] {
            there.wait();
            back.open();
        });
        there.open();
        back.wait();
    }
}

TEST_CASE("a plain thread parks as a thread and is made ready by a goroutine") {
    gate g;
    std::thread plain([&] { g.wait(); });
    go([&] { g.open(); });
    plain.join();
}

TEST_CASE("a commit that says no lets the goroutine run on") {
    tests::on_goroutine([] {
        for (int i = 0; i < 1000; i++) {
            in_runtime scope;
            int runs = 0;
            park(
                [](G*, void* n) {
                    ++*static_cast<int*>(n);
                    return false;
                },
                &runs, wait_reason::semacquire);
            CHECK(runs == 1);
        }
    });
}

TEST_CASE("at one proc the newest goroutine runs first, the others in order [G3]") {
    tests::with_procs one(1);
    std::vector<int> order;
    tests::on_goroutine([&] {
        gate done;
        std::atomic<int> left{6};
        for (int i = 0; i < 6; i++)
            go([&, i] {
                order.push_back(i);
                if (--left == 0) done.open();
            });
        done.wait();
    });
    CHECK(order == std::vector<int>{5, 0, 1, 2, 3, 4});
}

TEST_CASE("three goroutines that yield at one proc strictly alternate [G13, C10]") {
    tests::with_procs one(1);
    std::vector<int> order;
    tests::on_goroutine([&] {
        gate done;
        std::atomic<int> left{3};
        for (int i = 0; i < 3; i++)
            go([&, i] {
                for (int k = 0; k < 50; k++) {
                    order.push_back(i);
                    gossamer::yield();
                }
                if (--left == 0) done.open();
            });
        done.wait();
    });
    REQUIRE(order.size() == 150);
    for (size_t i = 3; i < order.size(); i++) CHECK(order[i] == order[i - 3]);
}

TEST_CASE("a list of goroutines is made ready in one go, in order") {
    tests::with_procs one(1);
    std::vector<int> order;
    tests::on_goroutine([&] {
        constexpr int n = 600;  // more than a ring
        static G* waiting[n];
        std::atomic<int> parked{0}, left{n};
        gate done;
        for (int i = 0; i < n; i++)
            go([&, i] {
                {
                    in_runtime scope;
                    waiting[i] = current_g();
                    park(
                        [](G*, void* count) {
                            static_cast<std::atomic<int>*>(count)->fetch_add(1);
                            return true;
                        },
                        &parked, wait_reason::semacquire);
                }
                order.push_back(i);
                if (--left == 0) done.open();
            });
        while (parked.load() != n) gossamer::yield();
        for (int i = 0; i < n; i++) waiting[i]->next = i + 1 < n ? waiting[i + 1] : nullptr;
        {
            in_runtime scope;
            CHECK(ready_batch(waiting[0]) == unsigned(n));
        }
        done.wait();
    });
    CHECK(order.size() == 600);
}

TEST_CASE(
    "a goroutine that waits for its children has them run depth first, the newest first; the order of one generation "
    "stays [G3]") {
    if (kMigrate) return;  // there every G goes through the loop
    tests::with_procs one(1);
    // Each node starts two children and waits for each in turn: while it waits, no sibling of its own parent begins.
    struct tree {
        static void walk(std::vector<int>& order, int node, int depth) {
            order.push_back(node);
            if (depth == 0) return;
            gate left, right;
            go([&] {
                walk(order, 2 * node, depth - 1);
                left.open();
            });
            go([&] {
                walk(order, 2 * node + 1, depth - 1);
                right.open();
            });
            right.wait();
            left.wait();
        }
    };
    // A walk makes some 14 picks; every 64th is the ring's, and so is the one after a slice's end. So most walks, not each.
    int exact = 0;
    for (int round = 0; round < 40; round++) {
        std::vector<int> order;
        tests::on_goroutine([&] { tree::walk(order, 1, 2); });
        CHECK(order.size() == 7);
        if (order == std::vector<int>{1, 3, 7, 6, 2, 5, 4}) exact++;
    }
    CHECK(exact >= 20);
}

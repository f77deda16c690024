// SPDX-License-Identifier: BSL-1.0
#include <doctest/doctest.h>
#include <gossamer/chan.h>
#include <gossamer/context.h>
#include <gossamer/defer.h>
#include <gossamer/go.h>
#include <gossamer/panic.h>
#include <gossamer/runtime.h>
#include <gossamer/select.h>
#include <gossamer/time.h>
#include <gossamer/wait_group.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "runtime/timer/timer_heap.h"
#include "tests/support/both.h"
#include "tests/support/harness.h"
#include "tests/support/panic_of.h"

using namespace gossamer;
using namespace std::chrono_literals;
using tests::both;
using tests::panic_of;

namespace {

bool is_closed(const recv_chan<unit>& done) { return select(recv(done), otherwise) == 0; }
bool is_done(const context& ctx) { return is_closed(ctx.done()); }

const error kBecauseA("because of A");
const error kBecauseB("because of B");

// Nothing to receive now.
bool is_quiet(const chan<int>& c) { return select(recv(c), otherwise) == 1; }

struct user {
    using type = std::string;
};
struct mark {
    using type = std::shared_ptr<int>;
};
struct request_id {
    int number;
};

}  // namespace

TEST_CASE("background and todo are never done and carry nothing [CX1]") {
    for (const context& ctx : {background(), todo()}) {
        CHECK(ctx.done() == nil);
        CHECK(ctx.err() == nullptr);
        CHECK(ctx.cause() == nullptr);
        CHECK_FALSE(ctx.deadline());
        CHECK(ctx.value<user>() == nullptr);
    }
    CHECK(background().to_string() == "context.Background");
    CHECK(todo().to_string() == "context.TODO");
    CHECK(background() == background());
    CHECK_FALSE(background() == todo());
}

TEST_CASE("done is the same channel each time, and err is fixed once it is closed [CX2]") {
    both([] {
        auto [early, cancel_early] = with_cancel(background());
        recv_chan<unit> done = early.done();
        CHECK(early.done() == done);
        CHECK(early.err() == nullptr);
        CHECK_FALSE(is_closed(done));
        cancel_early();
        CHECK(early.done() == done);
        CHECK(is_closed(done));
        CHECK(early.err() == context::canceled);

        // Asked for the first time when it is over.
        auto [late, cancel_late] = with_cancel(background());
        cancel_late();
        CHECK(is_done(late));
        CHECK(late.done() == late.done());
        CHECK(late.err() == context::canceled);
    });
}

TEST_CASE("once err says something, a receive on done never blocks, and the other way round [CX2]") {
    tests::on_goroutine([] {
        for (int i = 0; i < 2000; i++) {
            auto [ctx, cancel] = with_cancel(background());
            if (i % 2 == 0) CHECK_FALSE(is_done(ctx));
            chan<unit> over;
            go([=, cancel = cancel] {
                cancel();
                over.close();
            });
            if (i % 3 == 0) {
                while (!ctx.err()) yield();
                REQUIRE(is_done(ctx));
            } else {
                ctx.done().recv();
                REQUIRE(ctx.err() == context::canceled);
                REQUIRE(ctx.cause() == context::canceled);
            }
            over.recv();
        }
    });
}

TEST_CASE("cancel ends the context, any number of times, from many goroutines at once [CX3]") {
    tests::on_goroutine([] {
        auto [ctx, cancel] = with_cancel(background());
        wait_group all;
        for (int i = 0; i < 10; i++)
            all.go([ctx = ctx, cancel = cancel] {
                cancel();
                CHECK(ctx.err() == context::canceled);
            });
        all.wait();
        cancel();
        CHECK(is_done(ctx));
    });
}

TEST_CASE("the errors have Go's words and compare by errors::is [CX4]") {
    CHECK(context::canceled.message() == "context canceled");
    CHECK(context::deadline_exceeded.message() == "context deadline exceeded");
    CHECK(errors::is(wrap(context::canceled, "reading"), context::canceled));
    CHECK_FALSE(errors::is(context::canceled, context::deadline_exceeded));
    CHECK(errors::is(context::deadline_exceeded, std::errc::timed_out));
}

TEST_CASE("a parent's cancel ends all descendants; a child's ends neither parent nor sibling [CX5]") {
    both([] {
        auto [parent, cancel_parent] = with_cancel(background());
        auto [child, cancel_child] = with_cancel(parent);
        auto [sibling, cancel_sibling] = with_timeout(with_value<user>(parent, "x"), 1h);
        auto [grandchild, cancel_grandchild] = with_cancel(child);
        cancel_child();
        CHECK(is_done(child));
        CHECK(is_done(grandchild));
        CHECK_FALSE(is_done(parent));
        CHECK_FALSE(is_done(sibling));
        cancel_parent();
        CHECK(is_done(parent));
        CHECK(is_done(sibling));
        CHECK(sibling.err() == context::canceled);
    });
}

TEST_CASE("when cancel returns all descendants are done, whoever else cancels in the tree [CX6]") {
    tests::on_goroutine([] {
        for (int round = 0; round < 300; round++) {
            auto [root, cancel_root] = with_cancel(background());
            // A binary tree of 31 nodes and somebody at each inner one.
            std::vector<cancelable> tree;
            tree.push_back({root, cancel_root});
            for (size_t i = 1; i < 31; i++) tree.push_back(with_cancel(tree[(i - 1) / 2].ctx));
            wait_group all;
            for (size_t at : {size_t(1), size_t(2), size_t(5), size_t(0), size_t(1)})
                all.go([&tree, at] {
                    tree[at].cancel();
                    for (size_t i = at; i < tree.size(); i++) {
                        size_t up = i;
                        while (up > at) up = (up - 1) / 2;
                        if (up == at) REQUIRE(tree[i].ctx.err() == context::canceled);
                    }
                });
            all.wait();
            for (const cancelable& node : tree) REQUIRE(is_done(node.ctx));
        }
    });
}

TEST_CASE("a very deep tree is cancelled and freed on a small stack [CX6]") {
    tests::on_goroutine([] {
        auto [root, cancel] = with_cancel(background());
        context leaf = root;
        for (int i = 0; i < 100'000; i++) leaf = i % 2 == 0 ? with_cancel(leaf).ctx : with_value<user>(leaf, "x");
        cancel();
        CHECK(is_done(leaf));
        leaf = context();
    });
}

TEST_CASE("a child of an ended context has ended as its parent has [CX7]") {
    both([] {
        auto [parent, cancel] = with_cancel_cause(background());
        cancel(kBecauseA);
        auto [child, cancel_child] = with_cancel(parent);
        CHECK(is_done(child));
        CHECK(child.err() == context::canceled);
        CHECK(child.cause() == kBecauseA);
        auto [timed, cancel_timed] = with_timeout(parent, 1h);
        CHECK(is_done(timed));
        CHECK(timed.cause() == kBecauseA);
        auto [expired, cancel_expired] = with_timeout(background(), -1s);
        CHECK(with_cancel(expired).ctx.err() == context::deadline_exceeded);
    });
}

TEST_CASE("the first cancel gives the cause; none stands for canceled; err stays canceled [CX8]") {
    auto [ctx, cancel] = with_cancel_cause(background());
    CHECK(cause(ctx) == nullptr);
    cancel(kBecauseA);
    cancel(kBecauseB);
    CHECK(cause(ctx) == kBecauseA);
    CHECK(ctx.err() == context::canceled);
    CHECK(cause(with_value<user>(ctx, "x")) == kBecauseA);

    auto [plain, cancel_plain] = with_cancel_cause(background());
    cancel_plain(error());
    CHECK(cause(plain) == context::canceled);
}

TEST_CASE("a child keeps its own cause when it ended first, else it has the parent's [CX9]") {
    {
        auto [parent, cancel_parent] = with_cancel_cause(background());
        auto [child, cancel_child] = with_cancel_cause(parent);
        cancel_child(kBecauseB);
        cancel_parent(kBecauseA);
        CHECK(cause(child) == kBecauseB);
        CHECK(cause(parent) == kBecauseA);
    }
    {
        auto [parent, cancel_parent] = with_cancel_cause(background());
        auto [child, cancel_child] = with_cancel_cause(parent);
        cancel_parent(kBecauseA);
        cancel_child(kBecauseB);
        CHECK(cause(child) == kBecauseA);
        CHECK(cause(parent) == kBecauseA);
    }
}

TEST_CASE("an earlier deadline of the parent counts, and a cause given is dropped [CX10]") {
    tests::on_goroutine([] {
        auto [parent, cancel_parent] = with_timeout(background(), 2ms);
        auto [child, cancel_child] = with_timeout_cause(parent, 1h, kBecauseA);
        CHECK(child.deadline() == parent.deadline());
        CHECK(child.to_string().ends_with(".WithCancel"));
        child.done().recv();
        CHECK(child.err() == context::deadline_exceeded);
        CHECK(cause(child) == context::deadline_exceeded);
    });
}

TEST_CASE("a deadline ends the context at or after its moment; the goroutine that waits sees it [CX4, CX11]") {
    both([] {
        auto start = std::chrono::steady_clock::now();
        auto [ctx, cancel] = with_timeout(background(), 2ms);
        CHECK(ctx.deadline() >= start + 2ms);
        ctx.done().recv();
        CHECK(std::chrono::steady_clock::now() >= start + 2ms);
        CHECK(ctx.err() == context::deadline_exceeded);
        CHECK(cause(ctx) == context::deadline_exceeded);
        cancel();
        CHECK(ctx.err() == context::deadline_exceeded);
    });
}

TEST_CASE("what was written before cancel is seen by who hears of it, through done and through after_func [MM12]") {
    both([] {
        int written = 0;
        auto [ctx, cancel] = with_cancel(background());
        chan<int> seen(2);
        auto stop = after_func(ctx, [&, seen] { seen.send(written); });
        go([&, ctx = ctx, seen] {
            ctx.done().recv();
            seen.send(written);
        });
        written = 7;
        cancel();
        CHECK(*seen.recv() == 7);
        CHECK(*seen.recv() == 7);
    });
}

TEST_CASE("a deadline that has passed gives a context that is done [CX11]") {
    both([] {
        auto [past, cancel_past] = with_deadline(background(), std::chrono::steady_clock::now() - 1s);
        CHECK(is_done(past));
        CHECK(past.err() == context::deadline_exceeded);
        auto [zero, cancel_zero] = with_timeout_cause(background(), 0s, kBecauseA);
        CHECK(zero.err() == context::deadline_exceeded);
        CHECK(cause(zero) == kBecauseA);
        auto [never, cancel_never] = with_timeout(background(), std::chrono::hours::max());
        CHECK_FALSE(never.deadline());
        CHECK_FALSE(is_done(never));
        cancel_never();
        CHECK(is_done(never));
    });
}

TEST_CASE("a deadline's cause is given by the deadline, not by cancel [CX12]") {
    tests::on_goroutine([] {
        auto [late, cancel_late] = with_timeout_cause(background(), 1ms, kBecauseA);
        late.done().recv();
        CHECK(cause(late) == kBecauseA);
        CHECK(late.err() == context::deadline_exceeded);
        auto [ended, cancel_ended] = with_timeout_cause(background(), 1h, kBecauseA);
        cancel_ended();
        CHECK(cause(ended) == context::canceled);
    });
}

TEST_CASE("cancel stops the timer; a context nobody holds takes its timer with it [CX13]") {
    tests::on_goroutine([] {
        unsigned before = rt::pending_timers();
        auto [ctx, cancel] = with_timeout(background(), 1h);
        CHECK(rt::pending_timers() == before + 1);
        cancel();
        CHECK(rt::pending_timers() == before);
        {
            auto [dropped, cancel_dropped] = with_timeout(background(), 1h);
            CHECK(rt::pending_timers() == before + 1);
        }
        CHECK(rt::pending_timers() == before);
        auto [parent, cancel_parent] = with_cancel(background());
        auto [child, cancel_child] = with_timeout(parent, 1h);
        CHECK(rt::pending_timers() == before + 1);
        cancel_parent();
        CHECK(rt::pending_timers() == before);
    });
}

TEST_CASE("children that ended or were dropped leave their parent [CX13]") {
    both([] {
        auto marked = std::make_shared<int>(0);
        auto [parent, cancel] = with_cancel(background());
        std::vector<cancelable> kept;
        for (int i = 0; i < 1000; i++) {
            cancelable child = with_cancel(with_value<mark>(parent, marked));
            if (i % 3 == 0) child.cancel();
            if (i % 2 == 0) kept.push_back(child);
        }
        CHECK(marked.use_count() == 1 + 500);
        kept.clear();
        CHECK(marked.use_count() == 1);
        cancel();
    });
}

TEST_CASE("who copied the channel of a context that everybody dropped still hears of the end [CX2, CX13]") {
    tests::on_goroutine([] {
        auto [parent, cancel] = with_cancel(background());
        recv_chan<unit> done = with_cancel(parent).ctx.done();
        recv_chan<unit> late = with_timeout(background(), 2ms).ctx.done();
        CHECK_FALSE(is_closed(done));
        cancel();
        CHECK(is_closed(done));
        late.recv();
    });
}

TEST_CASE("the nearest value under a key is found, outwards, with its own type [CX14]") {
    both([] {
        context outer = with_value<user>(background(), "gopher");
        auto [ctx, cancel] = with_timeout(outer, 1h);
        context inner = with_value<request_id>(ctx, request_id{7});
        REQUIRE(inner.value<user>() != nullptr);
        CHECK(*inner.value<user>() == "gopher");
        CHECK(inner.value<request_id>()->number == 7);
        CHECK(ctx.value<request_id>() == nullptr);
        context innermost = with_value<user>(inner, "ferret");
        CHECK(*innermost.value<user>() == "ferret");
        CHECK(*inner.value<user>() == "gopher");
        // Deadline, done and err pass through.
        CHECK(innermost.deadline() == ctx.deadline());
        CHECK(innermost.done() == ctx.done());
        cancel();
        CHECK(innermost.err() == context::canceled);
    });
}

TEST_CASE("without_cancel keeps values and drops done, err, deadline and cause [CX15]") {
    auto [parent, cancel] = with_timeout(with_value<user>(background(), "gopher"), 1h);
    context ctx = without_cancel(parent);
    cancel();
    CHECK(ctx.done() == nil);
    CHECK(ctx.err() == nullptr);
    CHECK(ctx.cause() == nullptr);
    CHECK_FALSE(ctx.deadline());
    CHECK(*ctx.value<user>() == "gopher");
    auto [child, cancel_child] = with_cancel(ctx);
    CHECK_FALSE(is_done(child));
    CHECK(ctx.to_string().ends_with(".WithoutCancel"));
}

TEST_CASE("after_func runs its function in a goroutine once the context is done, at once when it is [CX16]") {
    both([] {
        auto [ctx, cancel] = with_cancel(background());
        chan<int> ran;
        auto stop = after_func(ctx, [=] { ran.send(1); });
        auto stop_other = after_func(with_value<user>(ctx, "x"), [=] { ran.send(2); });
        CHECK(is_quiet(ran));
        cancel();
        CHECK(*ran.recv() + *ran.recv() == 3);
        CHECK_FALSE(stop());
        CHECK_FALSE(stop_other());
        auto stop_late = after_func(ctx, [=] { ran.send(3); });
        CHECK(*ran.recv() == 3);
        CHECK_FALSE(stop_late());
    });
}

TEST_CASE("stop prevents the function, once, and leaves other registrations alone [CX16]") {
    both([] {
        auto [ctx, cancel] = with_timeout(background(), 1h);
        chan<int> ran(2);
        auto stop = after_func(ctx, [=] { ran.send(1); });
        auto kept = after_func(ctx, [=] { ran.send(2); });
        CHECK(stop());
        CHECK_FALSE(stop());
        cancel();
        CHECK(*ran.recv() == 2);
        CHECK_FALSE(stop());
        CHECK(is_quiet(ran));
        auto never = after_func(background(), [=] { ran.send(3); });
        CHECK(never());
        CHECK_FALSE(never());
    });
}

TEST_CASE("runs and stops of after_func add up, 2,000 races [CX16]") {
    tests::on_goroutine([] {
        std::atomic<int> runs{0};
        std::atomic<int> stops{0};
        for (int i = 0; i < 2000; i++) {
            auto [ctx, cancel] = with_cancel(background());
            auto stop = after_func(ctx, [&] { runs++; });
            wait_group racers;
            racers.go([cancel = cancel] { cancel(); });
            racers.go([&] { stops += stop(); });
            racers.wait();
        }
        CHECK(tests::eventually([&] { return runs + stops == 2000; }));
    });
}

TEST_CASE("a registered function keeps a dropped context's deadline alive, and what will never run is freed [CX16]") {
    tests::on_goroutine([] {
        chan<unit> ran;
        after_func(with_timeout(background(), 2ms).ctx, [=] { ran.send({}); });
        ran.recv();

        auto held = std::make_shared<int>(0);
        // Nobody can cancel this one any more.
        after_func(with_cancel(background()).ctx, [held] {});
        CHECK(held.use_count() == 1);
        {
            auto stop = after_func(with_cancel(background()).ctx, [held] {});
            CHECK(held.use_count() == 2);
        }
        CHECK(held.use_count() == 1);
        unsigned before = rt::pending_timers();
        {
            auto stop = after_func(with_timeout(background(), 1h).ctx, [held] {});
            CHECK(rt::pending_timers() == before + 1);
            CHECK(stop());
            CHECK(rt::pending_timers() == before);
        }
        CHECK(held.use_count() == 1);
    });
}

TEST_CASE("a nil context panics in Go's words [CX17]") {
    const std::string text = "cannot create context from nil parent";
    CHECK(panic_of([] { static_cast<void>(with_cancel(context())); }) == text);
    CHECK(panic_of([] { static_cast<void>(with_cancel_cause(context())); }) == text);
    CHECK(panic_of([] { static_cast<void>(with_timeout(context(), 1s)); }) == text);
    CHECK(panic_of([] { with_value<user>(context(), "x"); }) == text);
    CHECK(panic_of([] { without_cancel(context()); }) == text);
    CHECK(panic_of([] { context().done(); }) == "a nil context was asked");
    CHECK_FALSE(context());
}

TEST_CASE("a child costs no goroutine, and all may be used from everywhere at once [CX18]") {
    tests::on_goroutine([] {
        auto before = runtime::num_goroutines();
        auto [root, cancel] = with_timeout(background(), 1h);
        std::vector<cancelable> children;
        for (int i = 0; i < 100; i++) children.push_back(with_timeout(root, 1h));
        CHECK(runtime::num_goroutines() == before);

        std::atomic<bool> over{false};
        wait_group all;
        for (int i = 0; i < 4; i++)
            all.go([&, root = root] {
                while (!over) {
                    auto [ctx, stop] = with_cancel(with_value<request_id>(root, request_id{1}));
                    CHECK(ctx.value<request_id>()->number == 1);
                    if (ctx.err() != nullptr) CHECK(is_done(ctx));
                    stop();
                    CHECK(is_done(ctx));
                    yield();
                }
            });
        std::jthread plain([&, root = root] {
            while (!over) {
                auto [ctx, stop] = with_timeout(root, 1h);
                defer end{stop};
                CHECK_FALSE(ctx.done() == nil);
                CHECK(ctx.deadline().has_value());
            }
        });
        sleep(10ms);
        cancel();
        sleep(1ms);
        over = true;
        all.wait();
        for (const cancelable& c : children) CHECK(c.ctx.err() == context::canceled);
    });
}

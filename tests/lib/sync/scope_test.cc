// SPDX-License-Identifier: BSL-1.0
#include "gossamer/scope.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "tests/lib/sync/probe.h"

using gossamer::scope;

TEST_CASE("children end before the block does, on goroutines and on plain threads") {
    auto block = [] {
        int parts[8] = {};
        {
            scope s;
            for (int& part : parts)
                s.go([&] {
                    gossamer::yield();
                    part = 1;
                });
        }
        int sum = 0;
        for (int part : parts) sum += part;
        CHECK(sum == 8);
    };
    block();
    tests::on_goroutine(block);
}

TEST_CASE("a child may start children in the same scope") {
    std::atomic<int> ran{0};
    {
        scope s;
        s.go([&] {
            for (int i = 0; i < 10; i++)
                s.go([&] {
                    gossamer::yield();
                    ran++;
                });
        });
    }
    CHECK(ran.load() == 10);
}

TEST_CASE("a block that is left by an exception still waits for its children") {
    tests::on_goroutine([] {
        std::atomic<bool> child_ended{false};
        bool seen = false;
        try {
            scope s;
            s.go([&] {
                for (int i = 0; i < 100; i++) gossamer::yield();
                child_ended.store(true);
            });
            throw std::runtime_error("left");
        } catch (const std::runtime_error&) {
            seen = child_ended.load();
        }
        CHECK(seen);
    });
}

TEST_CASE("a block that is left by goexit still waits for its children") {
    std::atomic<bool> child_ended{false};
    std::atomic<bool> in_time{false};
    gossamer::wait_group end;
    end.go([&] {
        struct look {
            std::atomic<bool>&child, &result;
            ~look() { result.store(child.load()); }
        } after{child_ended, in_time};
        scope s;
        s.go([&] {
            for (int i = 0; i < 100; i++) gossamer::yield();
            child_ended.store(true);
        });
        gossamer::goexit();
    });
    end.wait();
    CHECK(in_time.load());
}

TEST_CASE("a scope can be waited for in its middle") {
    std::atomic<int> ran{0};
    scope s;
    s.go([&] { ran++; });
    s.wait();
    CHECK(ran.load() == 1);
    s.go([&] { ran++; });
    s.wait();
    CHECK(ran.load() == 2);
}

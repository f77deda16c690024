// SPDX-License-Identifier: BSL-1.0
// pair: two ends of a connection, for tests. Both ends are in this process.
#pragma once

#include <doctest/doctest.h>
#include <gossamer/net.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <utility>

namespace tests {

struct pair {
    gossamer::net::conn ours, theirs;
};

inline gossamer::net::listener must_listen(std::string_view network = "tcp", std::string_view address = "127.0.0.1:0") {
    auto [l, err] = gossamer::net::listen(network, address);
    REQUIRE(err.message() == "");
    return l;
}

inline pair connected(const gossamer::net::listener& l) {
    auto [ours, dial_err] = gossamer::net::dial(l.addr().network(), l.addr().string());
    REQUIRE(dial_err.message() == "");
    auto [theirs, accept_err] = l.accept();
    REQUIRE(accept_err.message() == "");
    return {std::move(ours), std::move(theirs)};
}

inline pair tcp_pair() {
    gossamer::net::listener l = must_listen();
    pair p = connected(l);
    CHECK(!l.close());
    return p;
}

// A name in the abstract namespace that no other process uses.
inline std::string abstract_name(const char* what) {
    return "@gossamer-test-" + std::to_string(::getpid()) + "-" + what;
}

inline pair unix_pair() {
    static std::atomic<int> number{0};
    gossamer::net::listener l = must_listen("unix", abstract_name(("pair" + std::to_string(number++)).c_str()));
    pair p = connected(l);
    CHECK(!l.close());
    return p;
}

inline auto in(std::chrono::steady_clock::duration d) { return std::chrono::steady_clock::now() + d; }
// A moment that has passed.
inline auto past() { return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(1)); }

// Fills the connection until a write would have to wait, and leaves the write deadline in the past.
inline size_t fill(const gossamer::net::conn& c) {
    std::string block(1 << 20, 'x');
    size_t written = 0;
    for (;;) {
        CHECK(!c.set_write_deadline(in(std::chrono::milliseconds(50))));
        auto [n, err] = c.write(block);
        written += n;
        if (err) return written;
    }
}

}  // namespace tests

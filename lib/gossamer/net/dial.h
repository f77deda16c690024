// SPDX-License-Identifier: BSL-1.0
// dial and resolver: from a name to a connection.
// Context: goroutines and plain threads. A wait costs no thread; a name that is not a literal is asked for on a thread of its own.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "gossamer/error.h"
#include "gossamer/net/addr.h"
#include "gossamer/net/conn.h"

namespace gossamer {

class context;

namespace net {

// Matches context::canceled; "operation was canceled" (SEMANTICS N24).
struct canceled_error {
    std::string message() const { return "operation was canceled"; }
    bool is(const error& target) const;
};
// Matches context::deadline_exceeded; "i/o timeout".
struct timeout_error {
    std::string message() const { return "i/o timeout"; }
    std::error_code code() const { return std::make_error_code(std::errc::timed_out); }
    bool is(const error& target) const;
};

// How to dial. The earliest of timeout, deadline and the context's deadline counts, name resolution included (SEMANTICS N23).
struct dialer {
    std::chrono::nanoseconds timeout{0};  // from the call; 0: none
    time_point deadline{};                // time_point{}: none
    // How long the first address family has a start over the second; < 0: one after the other (SEMANTICS N26).
    std::chrono::nanoseconds fallback_delay = std::chrono::milliseconds(300);
    // Probes after that much silence; 0: 15 s, < 0: off (SEMANTICS N16). TCP only.
    std::chrono::seconds keep_alive{0};

    // network: "tcp", "tcp4", "tcp6" with "host:port", or "unix" with a path or "@name". Several addresses are tried in order; the
    // first one's error is reported (SEMANTICS N25).
    conn_result dial(std::string_view network, std::string_view address) const;
    // The same until ctx is done; afterwards ctx has no effect on the connection.
    conn_result dial(const context& ctx, std::string_view network, std::string_view address) const;
};

conn_result dial(std::string_view network, std::string_view address);
// At most `timeout`.
conn_result dial_timeout(std::string_view network, std::string_view address, std::chrono::nanoseconds timeout);

struct [[nodiscard]] lookup_result {
    std::vector<std::string> addresses;
    error err;
};

// Names to addresses, by the system's getaddrinfo.
struct resolver {
    // IPv4 and IPv6 literals, the likeliest first. A literal is its own answer.
    lookup_result lookup_host(std::string_view name) const;
    // Gives up when ctx is done; what was asked goes on in the background.
    lookup_result lookup_host(const context& ctx, std::string_view name) const;
};
lookup_result lookup_host(std::string_view name);

}  // namespace net
}  // namespace gossamer

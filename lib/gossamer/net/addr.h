// SPDX-License-Identifier: BSL-1.0
// addr: where an end of a connection is, and the errors of net in Go's words.
// Context: values; goroutines and plain threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gossamer/error.h"

namespace gossamer::net {

namespace detail {
inline constexpr gossamer::detail::sentinel_node closed_node{"use of closed network connection"};
}

// Any use of a connection or listener after its close, and what the close interrupted (SEMANTICS N9).
inline constexpr error err_closed{&detail::closed_node};

// An address of TCP or of a Unix socket. The empty one prints "".
class addr {
  public:
    addr() = default;
    // IPv4 as ::ffff:a.b.c.d in ip; scope: the interface of a link-local IPv6 address, or 0.
    addr(const std::array<uint8_t, 16>& ip, uint32_t scope, uint16_t port)
        : kind_(kind::inet), scope_(scope), port_(port), ip_(ip) {}
    // No host: every address of this machine. ":80".
    static addr any(uint16_t port);
    // A path, or '@' and a name of the abstract namespace; empty for a socket without a name.
    static addr unix_socket(std::string path);

    explicit operator bool() const { return kind_ != kind::none; }
    // "tcp" or "unix".
    std::string_view network() const { return kind_ == kind::none ? "" : kind_ == kind::inet ? "tcp" : "unix"; }
    // "127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80", "/run/x.sock", "@name".
    std::string string() const;
    // Without the port and brackets; the path of a Unix socket.
    std::string host() const;
    uint16_t port() const { return port_; }
    bool is_ipv4() const;
    const std::array<uint8_t, 16>& ip() const { return ip_; }
    uint32_t scope() const { return scope_; }
    friend bool operator==(const addr&, const addr&) = default;

  private:
    enum class kind : uint8_t { none, inet, unix_socket };
    kind kind_ = kind::none;
    bool any_ = false;
    uint32_t scope_ = 0;
    uint16_t port_ = 0;
    std::array<uint8_t, 16> ip_{};
    std::string path_;
};

// What went wrong with which connection: "read tcp 127.0.0.1:80->127.0.0.1:5000: i/o timeout" (SEMANTICS N12).
struct op_error {
    std::string op;
    std::string network;
    addr source;
    addr address;
    error err;
    std::string message() const;
    error cause() const { return err; }
    bool timeout() const;
};
// A text that is no address: "address 80: missing port in address".
struct addr_error {
    std::string text;
    std::string address;
    std::string message() const { return address.empty() ? text : "address " + address + ": " + text; }
};
// A name that has no address: "lookup nowhere.example: no such host".
struct dns_error {
    std::string text;
    std::string name;
    bool is_not_found = false;
    bool is_temporary = false;
    std::string message() const { return "lookup " + name + ": " + text; }
};

// Whether the error, or one that it wraps, is about time: a deadline or a dialer's timeout (SEMANTICS N7, N24).
bool is_timeout(const error& err);

// "host:port", "[host]:port" taken apart; the brackets go. The port may be empty or a service's name.
struct [[nodiscard]] host_port {
    std::string host;
    std::string port;
    error err;
};
host_port split_host_port(std::string_view text);
// With brackets when the host has a colon.
std::string join_host_port(std::string_view host, std::string_view port);

}  // namespace gossamer::net

// SPDX-License-Identifier: BSL-1.0
#include "gossamer/net/addr.h"

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <string>

#include "gossamer/net.h"
#include "lib/net/resolve.h"
#include "lib/net/socket.h"

using namespace gossamer;

namespace {

std::string wrong(std::string_view text) {
    net::host_port r = net::split_host_port(text);
    CHECK(r.err);
    return r.err.message();
}

std::string shown(std::string_view literal, uint16_t port) {
    auto a = net::parse_ip(literal, port);
    return a ? a->string() : "none";
}

}  // namespace

TEST_CASE("host and port are split and joined as in Go") {
    for (auto [text, host, port] : {std::array<const char*, 3>{"localhost:80", "localhost", "80"},
                                    {":80", "", "80"},
                                    {"[::1]:http", "::1", "http"},
                                    {"[fe80::1%lo]:80", "fe80::1%lo", "80"},
                                    {"host:", "host", ""}}) {
        auto [h, p, err] = net::split_host_port(text);
        CHECK(!err);
        CHECK(h == host);
        CHECK(p == port);
        CHECK(net::join_host_port(h, p) == text);
    }
    CHECK(wrong("host") == "address host: missing port in address");
    CHECK(wrong("[::1]") == "address [::1]: missing port in address");
    CHECK(wrong("::1:80") == "address ::1:80: too many colons in address");
    CHECK(wrong("[::1]:80:90") == "address [::1]:80:90: too many colons in address");
    CHECK(wrong("[::1") == "address [::1: missing ']' in address");
    CHECK(wrong("[::1:80") == "address [::1:80: missing ']' in address");
    CHECK(wrong("a[b:80") == "address a[b:80: unexpected '[' in address");
    CHECK(wrong("[::1]:[80") == "address [::1]:[80: unexpected '[' in address");
    CHECK(wrong("[::1]:8]0") == "address [::1]:8]0: unexpected ']' in address");
    CHECK(wrong("a]b:80") == "address a]b:80: unexpected ']' in address");
}

TEST_CASE("literals are read and shown") {
    CHECK(shown("127.0.0.1", 80) == "127.0.0.1:80");
    CHECK(shown("::1", 80) == "[::1]:80");
    CHECK(shown("::ffff:10.0.0.1", 80) == "10.0.0.1:80");
    CHECK(shown("fe80::1%1", 80) == "[fe80::1%lo]:80");
    CHECK(shown("fe80::1%4000000000", 80) == "[fe80::1%4000000000]:80");
    CHECK(shown("fe80::1%nowhere", 80) == "none");
    CHECK(shown("1.2.3", 80) == "none");
    CHECK(shown("1.2.3.4%lo", 80) == "none");
    CHECK(shown("01.2.3.4", 80) == "none");
    CHECK(shown("", 80) == "none");
    CHECK(net::addr::any(80).string() == ":80");
    CHECK(net::addr().string().empty());
}

TEST_CASE("ports are numbers up to 65535 or services") {
    uint16_t port = 1;
    CHECK(!net::parse_port("", &port));
    CHECK(port == 0);
    CHECK(!net::parse_port("65535", &port));
    CHECK(port == 65535);
    CHECK(net::parse_port("65536", &port).message() == "address 65536: invalid port");
    CHECK(net::parse_port("99999999999999999999", &port).message() == "address 99999999999999999999: invalid port");
    CHECK(net::parse_port("-", &port));
    CHECK(net::parse_port("8o", &port).message() == "lookup tcp/8o: unknown port");
}

TEST_CASE("errors are worded as op, network, addresses, cause [N12]") {
    net::addr a = *net::parse_ip("127.0.0.1", 1), b = *net::parse_ip("127.0.0.1", 2);
    CHECK(net::op_error{"read", "tcp", a, b, os::err_deadline_exceeded}.message() ==
          "read tcp 127.0.0.1:1->127.0.0.1:2: i/o timeout");
    CHECK(net::op_error{"accept", "tcp", {}, a, net::err_closed}.message() ==
          "accept tcp 127.0.0.1:1: use of closed network connection");
    CHECK(net::op_error{"dial", "tcp", {}, {}, error("x")}.message() == "dial tcp: x");
    error reset = gossamer::detail::net_cause("read", ECONNRESET);
    CHECK(reset.message() == "read: connection reset by peer");
    CHECK(errors::is(errors::of(net::op_error{"read", "tcp", a, b, reset}), std::errc::connection_reset));
}

TEST_CASE("a socket's object is small enough for ten thousand idle connections") {
    CHECK(sizeof(gossamer::detail::socket) <= 192);
    CHECK(sizeof(rt::poll_desc) <= 192);
}

TEST_CASE("Unix names go to the kernel and back") {
    gossamer::detail::any_sockaddr a;
    for (std::string name :
         {std::string("/tmp/x.sock"), std::string("@abstract"), std::string(107, 'p'), "@" + std::string(107, 'q')}) {
        socklen_t size = gossamer::detail::to_sockaddr(net::addr::unix_socket(name), AF_UNIX, &a);
        REQUIRE(size > 0);
        CHECK(gossamer::detail::unix_name(a.un, size) == name);
    }
    CHECK(gossamer::detail::to_sockaddr(net::addr::unix_socket(std::string(108, 'p')), AF_UNIX, &a) == 0);
    CHECK(gossamer::detail::to_sockaddr(net::addr::unix_socket(std::string("a\0b", 3)), AF_UNIX, &a) == 0);
    CHECK(gossamer::detail::unix_name(a.un, sizeof a.un.sun_family) == "@");
}

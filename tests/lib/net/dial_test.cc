// SPDX-License-Identifier: BSL-1.0
#include <gossamer/chan.h>
#include <gossamer/context.h>
#include <gossamer/go.h>
#include <gossamer/net.h>
#include <gossamer/time.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/lib/net/pair.h"
#include "tests/support/harness.h"

using namespace gossamer;
using namespace std::chrono_literals;
using tests::on_goroutine;

namespace {

// A Unix listener that nobody accepts from is full after its backlog; a TCP one drops what comes then, so a dial hangs.
class deaf_listener {
  public:
    deaf_listener() {
        int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in a{};
        a.sin_family = AF_INET;
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof a;
        REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&a), size) == 0);
        REQUIRE(::listen(fd, 0) == 0);
        REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size) == 0);
        fd_ = fd;
        address_ = "127.0.0.1:" + std::to_string(ntohs(a.sin_port));
        // The kernel completes one more than the backlog says.
        for (;;) {
            auto [c, err] = net::dial_timeout("tcp", address_, 100ms);
            if (err) break;
            taken_.push_back(c);
        }
    }
    ~deaf_listener() { ::close(fd_); }
    const std::string& address() const { return address_; }

  private:
    int fd_;
    std::string address_;
    std::vector<net::conn> taken_;
};

std::string dial_error(std::string_view network, std::string_view address) {
    auto [c, err] = net::dial(network, address);
    CHECK(!c);
    return err.message();
}

}  // namespace

TEST_CASE("a refused dial matches connection_refused, with Go's text [N24]") {
    on_goroutine([] {
        net::listener l = tests::must_listen();
        std::string address = l.addr().string();
        CHECK(!l.close());
        error err = net::dial("tcp", address).err;
        CHECK(errors::is(err, std::errc::connection_refused));
        CHECK(err.message() == "dial tcp " + address + ": connect: connection refused");
        CHECK(!net::is_timeout(err));
        CHECK(dial_error("unix", "/nowhere.sock") == "dial unix /nowhere.sock: connect: no such file or directory");
    });
}

TEST_CASE("a dial that nobody answers ends with the dialer's timeout [N23][N24]") {
    on_goroutine([] {
        deaf_listener deaf;
        auto start = std::chrono::steady_clock::now();
        error err = net::dial_timeout("tcp", deaf.address(), 30ms).err;
        CHECK(net::is_timeout(err));
        CHECK(err.message() == "dial tcp " + deaf.address() + ": i/o timeout");
        CHECK((errors::is(err, os::err_deadline_exceeded) || errors::is(err, context::deadline_exceeded)));
        CHECK(std::chrono::steady_clock::now() - start >= 30ms);
        net::dialer d;
        d.deadline = tests::in(20ms);
        d.timeout = 1h;
        CHECK(net::is_timeout(d.dial("tcp", deaf.address()).err));
    });
}

TEST_CASE("a cancelled context ends a dial that waits, and one that has not begun [N23][N24]") {
    on_goroutine([] {
        deaf_listener deaf;
        for (bool early : {true, false}) {
            auto [ctx, cancel] = with_cancel(background());
            if (early)
                cancel();
            else
                go([cancel = cancel] {
                    sleep(10ms);
                    cancel();
                });
            error err = net::dialer{}.dial(ctx, "tcp", deaf.address()).err;
            CHECK(errors::is(err, context::canceled));
            CHECK(err.message() == "dial tcp " + deaf.address() + ": operation was canceled");
        }
        auto [ctx, cancel] = with_timeout(background(), 10ms);
        CHECK(net::is_timeout(net::dialer{}.dial(ctx, "tcp", deaf.address()).err));
        cancel();
    });
}

TEST_CASE("a context that ends after the dial does not touch the connection [N23]") {
    on_goroutine([] {
        net::listener l = tests::must_listen();
        auto [ctx, cancel] = with_timeout(background(), 1h);
        auto [c, err] = net::dialer{}.dial(ctx, "tcp", l.addr().string());
        REQUIRE(!err);
        cancel();
        auto [peer, accept_err] = l.accept();
        CHECK(!c.write("x").err);
        char buf[1];
        CHECK(peer.read(buf).n == 1);
    });
}

TEST_CASE("a name with addresses of both families finds the one that listens [N25][N26]") {
    on_goroutine([] {
        net::listener l = tests::must_listen("tcp4", "127.0.0.1:0");
        for (auto delay : {300ms, -1ms}) {
            net::dialer d;
            d.fallback_delay = delay;
            auto [c, err] = d.dial("tcp", "localhost:" + std::to_string(l.addr().port()));
            CHECK(err.message() == "");
            CHECK(c.remote_addr() == l.addr());
        }
    });
}

TEST_CASE("an empty host dials this machine") {
    on_goroutine([] {
        net::listener l = tests::must_listen();
        CHECK(!net::dial("tcp", ":" + std::to_string(l.addr().port())).err);
    });
}

TEST_CASE("a dialler's keep-alive can be set and turned off [N16]") {
    on_goroutine([] {
        net::listener l = tests::must_listen();
        for (auto idle : {30s, -1s}) {
            net::dialer d;
            d.keep_alive = idle;
            auto [c, err] = d.dial("tcp", l.addr().string());
            REQUIRE(!err);
            int on = -1, seconds = -1;
            socklen_t size = sizeof on;
            CHECK(!c.control([&](int fd) {
                ::getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &size);
                ::getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, &size);
            }));
            CHECK((on != 0) == (idle > 0s));
            if (idle > 0s) CHECK(seconds == 30);
        }
    });
}

TEST_CASE("addresses that are none are refused in words that name them [N24]") {
    on_goroutine([] {
        CHECK(dial_error("tcp", "nowhere") == "dial tcp: address nowhere: missing port in address");
        CHECK(dial_error("tcp", "127.0.0.1:70000") == "dial tcp: address 70000: invalid port");
        CHECK(dial_error("tcp6", "127.0.0.1:80") == "dial tcp6: address 127.0.0.1: no suitable address found");
        CHECK(dial_error("semaphore", "x") == "dial semaphore: unknown network semaphore");
        CHECK(dial_error("unix", "").ends_with("connect: invalid argument"));
        CHECK(dial_error("tcp", std::string("a\0b:1", 5)).ends_with("no such host"));
    });
}

TEST_CASE("a literal is its own answer; localhost has an address; a cancelled lookup says so") {
    on_goroutine([] {
        CHECK(net::lookup_host("192.0.2.7").addresses == std::vector<std::string>{"192.0.2.7"});
        CHECK(net::lookup_host("2001:db8::1").addresses == std::vector<std::string>{"2001:db8::1"});
        auto [all, err] = net::lookup_host("localhost");
        CHECK(!err);
        CHECK(!all.empty());
        CHECK(net::lookup_host("").err.message() == "lookup : no such host");
        auto [ctx, cancel] = with_cancel(background());
        cancel();
        CHECK(errors::is(net::resolver{}.lookup_host(ctx, "localhost").err, context::canceled));
        auto [live, stop] = with_cancel(background());
        CHECK(!net::resolver{}.lookup_host(live, "localhost").err);
        stop();
    });
}

TEST_CASE("a plain thread dials with a timeout") {
    deaf_listener deaf;
    CHECK(net::is_timeout(net::dial_timeout("tcp", deaf.address(), 20ms).err));
    net::listener l = tests::must_listen();
    CHECK(!net::dial_timeout("tcp", l.addr().string(), 1h).err);
}

// SPDX-License-Identifier: BSL-1.0
#include <fcntl.h>
#include <gossamer/chan.h>
#include <gossamer/defer.h>
#include <gossamer/go.h>
#include <gossamer/net.h>
#include <gossamer/os.h>
#include <gossamer/wait_group.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "tests/lib/net/pair.h"
#include "tests/support/harness.h"

using namespace gossamer;
using namespace std::chrono_literals;
using tests::on_goroutine;

namespace {

std::string listen_error(std::string_view network, std::string_view address) {
    auto [l, err] = net::listen(network, address);
    CHECK(!l);
    return err.message();
}

}  // namespace

TEST_CASE("port 0 picks a port, and addr tells which [N20]") {
    on_goroutine([] {
        net::listener l = tests::must_listen("tcp", "127.0.0.1:0");
        CHECK(l.addr().port() != 0);
        CHECK(l.addr().host() == "127.0.0.1");
        CHECK(l.addr().network() == "tcp");
        CHECK(!l.close());
    });
}

TEST_CASE("an empty host listens on IPv4 and IPv6 at once; tcp4 and tcp6 keep to one [N20]") {
    on_goroutine([] {
        net::listener both = tests::must_listen("tcp", ":0");
        std::string port = ":" + std::to_string(both.addr().port());
        CHECK(both.addr().string() == "[::]" + port);
        for (std::string host : {"127.0.0.1", "[::1]"}) {
            auto [c, err] = net::dial("tcp", host + port);
            CHECK(err.message() == "");
            auto [a, accept_err] = both.accept();
            CHECK(!accept_err);
            CHECK(a.local_addr().string() == host + port);
        }
        net::listener four = tests::must_listen("tcp4", ":0");
        CHECK(four.addr().string() == "0.0.0.0:" + std::to_string(four.addr().port()));
        CHECK(net::dial("tcp", "[::1]:" + std::to_string(four.addr().port())).err);
        net::listener six = tests::must_listen("tcp6", ":0");
        CHECK(net::dial("tcp", "127.0.0.1:" + std::to_string(six.addr().port())).err);
        net::listener literal = tests::must_listen("tcp", "[::1]:0");
        CHECK(literal.addr().host() == "::1");
    });
}

TEST_CASE("a name and the name of a service are looked up [N20]") {
    on_goroutine([] {
        net::listener l = tests::must_listen("tcp", "localhost:0");
        CHECK(l.addr().host() == "127.0.0.1");
    });
}

TEST_CASE("descriptors are non-blocking and closed on exec [N20]") {
    on_goroutine([] {
        tests::pair p = tests::tcp_pair();
        for (const net::conn& c : {p.ours, p.theirs}) {
            CHECK(!c.control([](int fd) {
                CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
                CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
            }));
        }
    });
}

TEST_CASE("addresses that are none are refused in words that name them [N20]") {
    on_goroutine([] {
        CHECK(listen_error("tcp", "80") == "listen tcp: address 80: missing port in address");
        CHECK(listen_error("tcp", "::1:80") == "listen tcp: address ::1:80: too many colons in address");
        CHECK(listen_error("tcp", "[::1:80") == "listen tcp: address [::1:80: missing ']' in address");
        CHECK(listen_error("tcp", "127.0.0.1:99999") == "listen tcp: address 99999: invalid port");
        CHECK(listen_error("tcp", "127.0.0.1:-1") == "listen tcp: address -1: invalid port");
        CHECK(listen_error("tcp", "127.0.0.1:nope") == "listen tcp: lookup tcp/nope: unknown port");
        CHECK(listen_error("tcp4", "[::1]:0") == "listen tcp4: address ::1: no suitable address found");
        CHECK(listen_error("tcp", "") == "listen tcp: missing port in address");
        CHECK(listen_error("carrier-pigeon", "x") == "listen carrier-pigeon: unknown network carrier-pigeon");
        CHECK(listen_error("unix", "/nowhere/at/all") ==
              "listen unix /nowhere/at/all: bind: no such file or directory");
        CHECK(listen_error("unix", std::string(200, 'x')).ends_with(": bind: invalid argument"));
    });
}

TEST_CASE("a port that is taken is an error that says so [N20]") {
    on_goroutine([] {
        net::listener l = tests::must_listen();
        auto [again, err] = net::listen("tcp", l.addr().string());
        CHECK(errors::is(err, std::errc::address_in_use));
        CHECK(err.message() == "listen tcp " + l.addr().string() + ": bind: address already in use");
    });
}

TEST_CASE("without a free descriptor every call says so; a connection that waits is accepted when there is one [N21]") {
    on_goroutine([] {
        net::listener l = tests::must_listen();
        auto [first, first_err] = net::dial("tcp", l.addr().string());
        REQUIRE(!first_err);
        auto [dead_peer, dead_err] = net::dial("tcp", "127.0.0.1:1");  // what a lookup loads is loaded
        CHECK(dead_err);
        rlimit usual{};
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual) == 0);
        {
            int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
            REQUIRE(next >= 0);
            ::close(next);
            rlimit none{static_cast<rlim_t>(next), usual.rlim_max};
            REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
            defer restore{[&] { ::setrlimit(RLIMIT_NOFILE, &usual); }};
            std::string at = l.addr().string();
            CHECK(l.accept().err.message() == "accept tcp " + at + ": accept4: too many open files");
            CHECK(net::dial("tcp", at).err.message() == "dial tcp " + at + ": socket: too many open files");
            CHECK(net::dial("tcp", "localhost:80").err.message() == "dial tcp: lookup localhost: too many open files");
            CHECK(listen_error("tcp", "127.0.0.1:0") == "listen tcp 127.0.0.1:0: socket: too many open files");
            CHECK(os::open("/etc/passwd").err.message() == "open /etc/passwd: too many open files");
            CHECK(os::pipe().err.message() == "pipe2: too many open files");
        }
        auto [served, err] = l.accept();
        CHECK(!err);
        CHECK(served.remote_addr() == first.local_addr());
    });
}

TEST_CASE("many goroutines accept at once; each connection goes to one [N21]") {
    on_goroutine([] {
        net::listener l = tests::must_listen();
        std::atomic<int> accepted{0};
        wait_group acceptors;
        for (int i = 0; i < 8; i++) {
            acceptors.go([&, l] {
                for (;;) {
                    auto [c, err] = l.accept();
                    if (err) {
                        CHECK(errors::is(err, net::err_closed));
                        return;
                    }
                    accepted++;
                    CHECK(!c.write("x").err);
                }
            });
        }
        wait_group dialers;
        for (int i = 0; i < 64; i++) {
            dialers.go([l] {
                auto [c, err] = net::dial("tcp", l.addr().string());
                REQUIRE(!err);
                char buf[1];
                CHECK(c.read(buf).n == 1);
            });
        }
        dialers.wait();
        CHECK(!l.close());
        acceptors.wait();
        CHECK(accepted == 64);
    });
}

TEST_CASE("close ends accepts that wait, with Go's text; a second close fails [N9]") {
    on_goroutine([] {
        net::listener l = tests::must_listen();
        chan<error> out(1);
        go([l, out] { out.send(l.accept().err); });
        yield();
        CHECK(!l.close());
        error err = *out.recv();
        CHECK(errors::is(err, net::err_closed));
        CHECK(err.message() == "accept tcp " + l.addr().string() + ": use of closed network connection");
        CHECK(errors::is(l.close(), net::err_closed));
    });
}

TEST_CASE("a listener's deadline ends accepts, and it works again after [N6]") {
    on_goroutine([] {
        net::listener l = tests::must_listen();
        CHECK(!l.set_deadline(tests::in(10ms)));
        CHECK(errors::is(l.accept().err, os::err_deadline_exceeded));
        CHECK(!l.set_deadline({}));
        tests::connected(l);
    });
}

TEST_CASE(
    "descriptors that have run out are an error of accept; the listener goes on when there are some again [N21]") {
    on_goroutine([] {
        net::listener l = tests::must_listen();
        auto [waiting, err] = net::dial("tcp", l.addr().string());
        REQUIRE(!err);
        rlimit old;
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &old) == 0);
        int next = ::dup(0);
        ::close(next);
        rlimit none{static_cast<rlim_t>(next), old.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
        std::vector<int> filled;  // numbers below the limit that others have freed meanwhile
        for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) filled.push_back(fd);
        error full = l.accept().err;
        for (int fd : filled) ::close(fd);
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &old) == 0);
        CHECK(errors::is(full, std::errc::too_many_files_open));
        CHECK(full.message() == "accept tcp " + l.addr().string() + ": accept4: too many open files");
        CHECK(!l.accept().err);
    });
}

TEST_CASE("a Unix listener takes its path away when it closes; '@' is a name without a file [N31]") {
    on_goroutine([] {
        std::string path = "/tmp/gossamer-test-" + std::to_string(::getpid()) + ".sock";
        {
            net::listener l = tests::must_listen("unix", path);
            CHECK(l.addr().string() == path);
            tests::pair p = tests::connected(l);
            CHECK(p.ours.remote_addr().string() == path);
            CHECK(::access(path.c_str(), F_OK) == 0);
            CHECK(!l.close());
            CHECK(::access(path.c_str(), F_OK) != 0);
        }
        { net::listener l = tests::must_listen("unix", path); }
        CHECK(::access(path.c_str(), F_OK) != 0);
        net::listener l = tests::must_listen("unix", tests::abstract_name("listen"));
        CHECK(l.addr().string() == tests::abstract_name("listen"));
        tests::connected(l);
    });
}

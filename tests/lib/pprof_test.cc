// SPDX-License-Identifier: BSL-1.0
#include "gossamer/pprof.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "gossamer/bufio.h"
#include "gossamer/chan.h"
#include "gossamer/go.h"
#include "gossamer/wait_group.h"
#include "tests/support/harness.h"

using namespace gossamer;

namespace {

// The whole answer to one request, head and body; the connection is closed behind it.
std::string ask(const std::string& address, const std::string& request) {
    auto [c, err] = net::dial("tcp", address);
    REQUIRE(!err);
    CHECK(!c.write(request + " HTTP/1.0\r\n\r\n").err);
    auto [all, failed] = io::read_all(c);
    CHECK(!failed);
    (void)c.close();
    return all;
}

// The server on a free port, while `with` runs.
template <class F>
void while_serving(F with) {
    tests::on_goroutine([&] {
        auto [made, err] = net::listen("tcp", "127.0.0.1:0");
        REQUIRE(!err);
        net::listener l = made;
        wait_group serving;
        serving.go([l] { CHECK(pprof::serve(l) == nullptr); });
        with(l.addr().string());
        CHECK(!l.close());
        serving.wait();
    });
}

}  // namespace

TEST_CASE("the paths of net/http/pprof answer, with text from the process itself [D14, D15]") {
    while_serving([](const std::string& at) {
        chan<int> gate;
        wait_group wg;
        for (int i = 0; i < 3; i++) wg.go([=] { gate.recv(); });
        CHECK(ask(at, "GET /debug/pprof/").find("goroutine?debug=1") != std::string::npos);
        CHECK(ask(at, "GET /debug/pprof/cmdline").find("lib_tests") != std::string::npos);
        CHECK(tests::eventually([&] {
            std::string text = ask(at, "GET /debug/pprof/goroutine?debug=1");
            return text.find("goroutine profile: total ") != std::string::npos &&
                   text.find("3 @ chan receive") != std::string::npos;
        }));
        std::string dump = ask(at, "GET /debug/pprof/goroutine?debug=2");
        CHECK(dump.starts_with("HTTP/1.1 200 OK\r\n"));
        CHECK(dump.find("[chan receive]:") != std::string::npos);
        gate.close();
        wg.wait();
    });
}

TEST_CASE("symbol names an address; what is not there is 404, what is no GET 400") {
    while_serving([](const std::string& at) {
        char address[32];
        snprintf(address, sizeof address, "0x%zx", reinterpret_cast<size_t>(&ask) + 1);
        CHECK(ask(at, "GET /debug/pprof/symbol").find("num_symbols: 1\n") != std::string::npos);
        CHECK(ask(at, std::string("GET /debug/pprof/symbol?") + address).find("ask") != std::string::npos);
        CHECK(ask(at, "GET /debug/pprof/nothing").find("HTTP/1.1 404 Not Found") == 0);
        CHECK(ask(at, "GET /").find("HTTP/1.1 404 Not Found") == 0);
        CHECK(ask(at, "DELETE /debug/pprof/").find("HTTP/1.1 400 Bad Request") == 0);
    });
}

TEST_CASE("without the command a profile is 501 and says what is missing") {
    ::setenv("GOSSAMER_TOOL", "/nonexistent/gossamer", 1);
    while_serving([](const std::string& at) {
        std::string text = ask(at, "GET /debug/pprof/heap");
        CHECK(text.find("404") != std::string::npos);
        text = ask(at, "GET /debug/pprof/profile?seconds=1");
        CHECK(text.find("HTTP/1.1 501 Not Implemented") == 0);
        CHECK(text.find("/nonexistent/gossamer") != std::string::npos);
    });
    ::unsetenv("GOSSAMER_TOOL");
}

TEST_CASE("a request without bounds is refused with 431, a body with 413, and the answer arrives") {
    while_serving([](const std::string& at) {
        auto is = [](const std::string& text, const char* status) {
            return text.starts_with(std::string("HTTP/1.1 ") + status) &&
                   text.find("\r\nConnection: close\r\n") != std::string::npos;
        };
        std::string get = "GET /debug/pprof/cmdline HTTP/1.0\r\n";
        CHECK(is(ask(at, std::string(100'000, 'x')), "431 Request Header Fields Too Large"));
        CHECK(is(ask(at, std::string(2'000'000, 'x')), "431"));
        CHECK(is(ask(at, get + "X: " + std::string(20'000, 'x') + "\r\n"), "431"));
        std::string many = get;
        for (int i = 0; i < 101; i++) many += "X-Header: y\r\n";
        CHECK(is(ask(at, many + "\r\n"), "431"));
        CHECK(is(ask(at, get + "Content-Length: 1048577\r\n\r\n" + std::string(1'048'577, 'b')), "413"));
        CHECK(is(ask(at, get + "Content-Length: many\r\n\r\n"), "400"));
        CHECK(ask(at, "GET /" + std::string(8'000, 'x')).starts_with("HTTP/1.1 404"));
        CHECK(ask(at, get + "X: " + std::string(8'000, 'x') + "\r\n\r\n").starts_with("HTTP/1.1 200"));
    });
}

TEST_CASE("nonsense in place of HTTP ends that connection alone") {
    while_serving([](const std::string& at) {
        CHECK(ask(at, "\x16\x03\x01").empty());
        CHECK(ask(at, "GET /debug/pprof/cmdline").find("200 OK") != std::string::npos);
    });
}

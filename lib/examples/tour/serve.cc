// SPDX-License-Identifier: BSL-1.0
// serve: two services on loopback, one goroutine for each connection, written as if each had a thread of its own. The clients are goroutines
// of the same process; each sends a request, waits for the answer, and notes how long that took.
#include <gossamer/bufio.h>
#include <gossamer/chan.h>
#include <gossamer/context.h>
#include <gossamer/error.h>
#include <gossamer/go.h>
#include <gossamer/io.h>
#include <gossamer/net.h>
#include <gossamer/runtime.h>
#include <gossamer/wait_group.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text.h"
#include "tour.h"

namespace tour {

namespace {

using namespace gossamer;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr auto kTime = 3s;

// --- The echo service: what comes in goes out.

void answer_echo(net::conn& c) {
    char piece[4096];
    for (;;) {
        auto [n, end] = c.read(piece);
        if (n == 0 || c.write({piece, n}).err) return;
    }
}

error ask_echo(net::conn& c, bufio::reader&) {
    char message[64] = "sixty-four bytes, there and back again, as often as time allows";
    if (error err = c.write(message).err) return err;
    return io::read_full(c, message).err;
}

// --- The HTTP service: GET, keep-alive, nothing else.

std::string response(std::string_view status, std::string_view body) {
    return "HTTP/1.1 " + std::string(status) +
           "\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string(body);
}

std::string answer_to(std::string_view request_line) {
    if (request_line.starts_with("GET / ")) return response("200 OK", "hello");
    if (request_line.starts_with("GET ")) return response("404 Not Found", "not here\n");
    return response("501 Not Implemented", "only GET is spoken here\n");
}

void answer_http(net::conn& c) {
    bufio::scanner in(c);
    std::string answer;
    while (in.scan()) {
        if (answer.empty()) {
            answer = answer_to(in.text());
        } else if (in.text().empty()) {  // the headers end, and a GET has no body
            if (c.write(answer).err) return;
            answer.clear();
        }
    }
}

error ask_http(net::conn& c, bufio::reader& in) {
    if (error err = c.write("GET / HTTP/1.1\r\nHost: tour\r\n\r\n").err) return err;
    constexpr std::string_view kLength = "Content-Length: ";
    size_t length = 0;
    for (bool first = true;; first = false) {
        auto [line, err] = in.read_line();
        if (err) return err;
        if (first && line != "HTTP/1.1 200 OK") return errors::make("the server said {}", line);
        if (line.starts_with(kLength)) length = std::stoul(line.substr(kLength.size()));
        if (line.empty()) break;
    }
    std::string body(length, '\0');
    return io::read_full(in, body).err;
}

// --- One service under load.

struct service {
    const char* name;
    void (*answer)(net::conn& c);                   // all requests of one connection
    error (*ask)(net::conn& c, bufio::reader& in);  // one request and its answer
};

// Accepts until the listener is closed; each connection gets a goroutine.
void accept_all(net::listener l, const service& s, wait_group& connections) {
    for (;;) {
        auto [c, err] = l.accept();
        if (err) return;
        connections.go([c = std::move(c), &s]() mutable { s.answer(c); });
    }
}

struct outcome {
    std::vector<nanoseconds> times;  // of all requests that were answered
    uint64_t lost = 0;               // requests that were not
    error first_error;
    nanoseconds shutdown{};
    unsigned connections = 0;
};

outcome under_load(const service& s, unsigned clients) {
    auto [listener, failed] = net::listen("tcp", "127.0.0.1:0");
    outcome o;
    o.first_error = failed;
    if (failed) return o;
    std::string address = listener.addr().string();
    wait_group connections, accepting;
    accepting.go([&, l = listener] { accept_all(l, s, connections); });

    struct client {
        std::vector<nanoseconds> times;
        error err;
        bool connected = false;
    };
    std::vector<client> all(clients);
    wait_group ready, finished;
    ready.add(static_cast<int>(clients));
    chan<context> start;
    for (client& me : all) {
        finished.go([&me, &ready, &s, start, address] {
            auto [c, err] = net::dial("tcp", address);
            me.err = err;
            me.connected = !err;
            ready.done();
            context ctx = *start.recv();
            if (!me.connected) return;
            bufio::reader in(c);
            while (!me.err && !ctx.err()) {
                auto before = clock::now();
                me.err = s.ask(c, in);
                if (!me.err) me.times.push_back(clock::now() - before);
            }
        });
    }
    ready.wait();
    auto [ctx, cancel] = with_timeout(background(), kTime);
    for (unsigned i = 0; i < clients; ++i) start << ctx;
    finished.wait();
    cancel();

    // The clients have hung up; the server takes no more, finishes what it has, and is gone.
    auto stop = clock::now();
    o.first_error = listener.close();
    accepting.wait();
    connections.wait();
    o.shutdown = clock::now() - stop;
    for (client& c : all) {
        o.connections += c.connected;
        o.times.insert(o.times.end(), c.times.begin(), c.times.end());
        if (c.err) {
            ++o.lost;
            if (!o.first_error) o.first_error = c.err;
        }
    }
    return o;
}

nanoseconds percentile(std::vector<nanoseconds>& times, int percent) {
    auto at = times.begin() + static_cast<ptrdiff_t>((times.size() - 1) * static_cast<size_t>(percent) / 100);
    std::nth_element(times.begin(), at, times.end());
    return *at;
}

// How many clients this process may have: each needs a descriptor, and so does its connection on the server's side. The soft limit is
// often 1,024; it may be raised up to the hard one.
unsigned clients_allowed(unsigned wanted) {
    constexpr rlim_t kOthers = 64;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
    rlim_t needed = 2 * static_cast<rlim_t>(wanted) + kOthers;
    if (limit.rlim_cur < needed) {
        limit.rlim_cur = std::min(needed, limit.rlim_max);
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur >= needed ? wanted
                                    : static_cast<unsigned>((std::max(limit.rlim_cur, kOthers + 2) - kOthers) / 2);
}

}  // namespace

int serve(unsigned wanted) {
    unsigned clients = clients_allowed(wanted);
    headline("serve", "Two services, " + grouped(clients) +
                          " connections, a goroutine each: plain blocking code that scales as callbacks do.");
    if (clients < wanted) remark("the limit of open files (ulimit -n) allows " + grouped(clients) + " clients");
    int status = 0;
    for (const service& s : {service{"echo, 64 bytes", answer_echo, ask_echo},
                             service{"HTTP, GET / answers hello", answer_http, ask_http}}) {
        outcome o = under_load(s, clients);
        if (o.first_error) {
            complain("serve", grouped(o.lost) + " requests without an answer: " + o.first_error.message());
            status = kFailed;
        }
        if (o.times.empty()) continue;
        double rate = static_cast<double>(o.times.size()) / std::chrono::duration<double>(kTime).count();
        row(s.name, grouped(static_cast<uint64_t>(rate)), "requests/s",
            "p50 " + span(percentile(o.times, 50)) + ", p99 " + span(percentile(o.times, 99)));
        row("shut down after", fixed(std::chrono::duration<double, std::milli>(o.shutdown).count(), 2), "ms",
            grouped(o.connections) + " connections ended, " + grouped(o.lost) + " requests lost");
    }
    return status;
}

}  // namespace tour

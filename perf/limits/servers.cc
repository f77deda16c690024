// SPDX-License-Identifier: BSL-1.0
// servers: echo and HTTP with nothing between the socket and the loop. One thread an epoll, edge-triggered; the main thread accepts and deals
// the connections out in turn, so that every thread has as many as the next.
// Not done: an accepting socket for each thread (SO_REUSEPORT): the kernel deals by hash, and a thread may get most of 64 connections.

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <thread>
#include <vector>

#include "perf/limits/costs.h"
#include "perf/limits/sockets.h"
#include "perf/support/process.h"

namespace perf {

namespace {

struct connection {
    int fd;
    unsigned matched = 0;  // bytes of the blank line that ends a request, seen so far
};

// What came in, and the buffer that an answer may be made in; false when the connection is to be closed.
using answer = bool (*)(connection& c, std::string_view in);

bool send_all(const connection& c, std::string_view out) {
    // One message in flight: it always fits into the socket's buffer.
    return ::send(c.fd, out.data(), out.size(), MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(out.size());
}

bool send_back(connection& c, std::string_view in) { return send_all(c, in); }

bool say_hello(connection& c, std::string_view in) {
    constexpr std::string_view kEnd = "\r\n\r\n";
    constexpr std::string_view kHello =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello";
    for (char byte : in) {
        c.matched = byte == kEnd[c.matched] ? c.matched + 1 : byte == kEnd[0] ? 1 : 0;
        if (c.matched < kEnd.size()) continue;
        c.matched = 0;
        if (!send_all(c, kHello)) return false;
    }
    return true;
}

// Reads what is there. A read that does not fill the buffer has emptied the socket: the next edge will come.
bool serve_one(connection& c, answer f) {
    std::array<char, 4096> buffer;
    for (;;) {
        ssize_t n = ::recv(c.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (n < 0) return errno == EAGAIN || errno == EINTR;
        if (n == 0 || !f(c, {buffer.data(), static_cast<std::size_t>(n)})) return false;
        if (n < static_cast<ssize_t>(buffer.size())) return true;
    }
}

void serve_all(int epoll, answer f) {
    std::array<epoll_event, 256> events;
    for (;;) {
        int n = ::epoll_wait(epoll, events.data(), events.size(), -1);
        if (n < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < n; i++) {
            auto* c = static_cast<connection*>(events[static_cast<std::size_t>(i)].data.ptr);
            if (serve_one(*c, f)) continue;
            ::close(c->fd);
            delete c;
        }
    }
}

void serve(const bench& b, answer f) {
    raise_file_limit();
    std::vector<int> epolls(static_cast<std::size_t>(b.procs));
    for (int& epoll : epolls) {
        epoll = ::epoll_create1(EPOLL_CLOEXEC);
        if (epoll < 0) die("epoll_create");
        std::thread(serve_all, epoll, f).detach();
    }
    int listener = listen_on(b.n);
    for (std::size_t next = 0;; next++) {
        int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) die("accept");
        send_at_once(fd);
        epoll_event e{.events = EPOLLIN | EPOLLET, .data = {.ptr = new connection{.fd = fd}}};
        if (::epoll_ctl(epolls[next % epolls.size()], EPOLL_CTL_ADD, fd, &e) != 0) die("epoll_ctl");
    }
}

}  // namespace

void serve_echo(bench& b) { serve(b, send_back); }
void serve_http(bench& b) { serve(b, say_hello); }

}  // namespace perf

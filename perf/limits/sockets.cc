// SPDX-License-Identifier: BSL-1.0
// sockets: 64 bytes written at one end of a loopback connection and read at the other, by one thread that never waits.

#include "perf/limits/sockets.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "perf/limits/costs.h"

namespace perf {

void die(const char* what) {
    std::perror(what);
    std::exit(1);
}

int listen_on(std::int64_t port) {
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0) die("socket");
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(static_cast<std::uint16_t>(port));
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0 || ::listen(fd, SOMAXCONN) != 0) die("listen");
    return fd;
}

void send_at_once(int fd) {
    int one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

void tcp(bench& b) {
    int listener = listen_on(0), near = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in a{};
    socklen_t size = sizeof a;
    if (::getsockname(listener, reinterpret_cast<sockaddr*>(&a), &size) != 0 ||
        ::connect(near, reinterpret_cast<sockaddr*>(&a), size) != 0)
        die("connect");
    int far = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (far < 0) die("accept");
    send_at_once(near);
    std::array<char, 64> out{}, in{};
    std::int64_t bytes = 0;
    per_op(b, b.n, "ns_per_message", [&] {
        for (std::int64_t i = 0; i < b.n; i++) {
            out.fill(static_cast<char>(i));
            if (::send(near, out.data(), out.size(), MSG_NOSIGNAL) != ssize_t{64}) die("send");
            if (::recv(far, in.data(), in.size(), MSG_WAITALL) != ssize_t{64} || in != out) die("receive");
            bytes += 64;
        }
    });
    check(b, bytes, 2 * 64 * b.n, "bytes");
    for (int fd : {near, far, listener}) ::close(fd);
}

}  // namespace perf

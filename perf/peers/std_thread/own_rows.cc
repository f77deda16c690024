// SPDX-License-Identifier: BSL-1.0
// skynet, and the echo server with a thread for every connection.

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "perf/peers/std_thread/threads.h"

namespace perf {

namespace {

void skynet_node(channel& out, std::int64_t first, std::int64_t size) {
    if (size == 1) return out.push(first);
    channel children;
    std::int64_t part = size / 10, sum = 0;
    std::vector<std::thread> threads;
    for (std::int64_t i = 0; i < 10; i++) {
        threads.emplace_back([&children, first, part, i] { skynet_node(children, first + i * part, part); });
    }
    for (int i = 0; i < 10; i++) sum += children.take();
    for (std::thread& t : threads) t.join();
    out.push(sum);
}

void echo_connection(int fd) {
    char buffer[64];
    for (;;) {
        ssize_t n = ::read(fd, buffer, sizeof buffer);
        if (n <= 0 || ::write(fd, buffer, static_cast<std::size_t>(n)) != n) break;
    }
    ::close(fd);
}

}  // namespace

void skynet(bench& b) {
    b.n = power_of_ten_from(b.n);
    auto once = [&] {
        channel root;
        std::thread top([&] { skynet_node(root, 0, b.n); });
        check(b, root.take(), sum_below(b.n), "sum of the leaves");
        top.join();
    };
    once();
    auto begin = clock::now();
    once();
    emit(b, ns_since(begin) / 1e6, "ms");
}

void serve_echo(bench& b) {
    raise_file_limit();
    int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(static_cast<std::uint16_t>(b.n));
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0 || ::listen(listener, SOMAXCONN) != 0) {
        std::perror("serve_echo");
        std::_Exit(1);
    }
    for (;;) {
        int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) {
            std::perror("accept");
            std::_Exit(1);
        }
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        thread_rival::spawn([fd] { echo_connection(fd); });
    }
}

}  // namespace perf

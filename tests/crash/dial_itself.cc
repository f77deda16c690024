// SPDX-License-Identifier: BSL-1.0
// A connection to a port of this machine may get that very port at its own end, and is then connected to itself; and a port may be free for
// nobody for a moment. Either is tried again, twice [N27].
#include <gossamer/go.h>
#include <gossamer/net.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>

using namespace gossamer;

static std::atomic<int> calls{0}, to_itself{0}, none_free{0};

// Stands before the C library's.
extern "C" int connect(int fd, const sockaddr* to, socklen_t size) {
    calls++;
    if (none_free > 0) {
        none_free--;
        errno = EADDRNOTAVAIL;
        return -1;
    }
    if (to_itself > 0) {
        to_itself--;
        linger at_once{1, 0};  // closed, the port is free for the next
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        if (bind(fd, to, size) != 0) return -1;
    }
    return int(syscall(SYS_connect, fd, to, size));
}

static void dial(const char* what, const std::string& address) {
    calls = 0;
    auto [c, err] = net::dial("tcp", address);
    std::printf("%s: %s after %d\n", what,
                err ? err.message().substr(err.message().rfind(':') + 2).c_str() : "connected", calls.load());
}

int main() {
    return run([] {
        auto [l, none] = net::listen("tcp", "127.0.0.1:0");
        if (none) return 1;
        auto [closed, no] = net::listen("tcp", "127.0.0.1:0");
        if (no) return 1;
        std::string nobody = closed.addr().string();
        if (closed.close()) return 1;
        to_itself = 2;
        dial("to itself twice", nobody);
        none_free = 2;
        dial("none free twice", l.addr().string());
        none_free = 3;
        dial("none free", l.addr().string());
        return 0;
    });
}

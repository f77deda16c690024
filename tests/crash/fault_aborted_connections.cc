// SPDX-License-Identifier: BSL-1.0
// Peers that were gone before they were accepted: the kernel tells each of them as ECONNABORTED, and accept waits for the next [N21].
#include <gossamer/go.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>

#include "../support/everything.h"

static std::atomic<int> asked{0};

// Stands before the C library's: of three calls the first two fail.
extern "C" int accept4(int fd, sockaddr* from, socklen_t* size, int flags) {
    if (asked++ % 3 != 2) {
        errno = ECONNABORTED;
        return -1;
    }
    return int(syscall(SYS_accept4, fd, from, size, flags));
}

int main() {
    return gossamer::run([] {
        tests::do_everything();
        return asked >= 300 ? 0 : 1;
    });
}

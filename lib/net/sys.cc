// SPDX-License-Identifier: BSL-1.0
#include "lib/net/sys.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>

namespace gossamer::detail::sys {
namespace {

template <class T>
T or_errno(T r) {
    return r < 0 ? static_cast<T>(-errno) : r;
}

}  // namespace

[[gnu::noinline]] ssize_t recv(int fd, void* data, size_t size) { return or_errno(::recv(fd, data, size, 0)); }
[[gnu::noinline]] ssize_t send(int fd, const void* data, size_t size) {
    return or_errno(::send(fd, data, size, MSG_NOSIGNAL));
}
[[gnu::noinline]] ssize_t sendmsg(int fd, const iovec* parts, int count) {
    msghdr m{};
    m.msg_iov = const_cast<iovec*>(parts);
    m.msg_iovlen = static_cast<size_t>(count);
    return or_errno(::sendmsg(fd, &m, MSG_NOSIGNAL));
}
[[gnu::noinline]] ssize_t read(int fd, void* data, size_t size) { return or_errno(::read(fd, data, size)); }
[[gnu::noinline]] ssize_t write(int fd, const void* data, size_t size) { return or_errno(::write(fd, data, size)); }
[[gnu::noinline]] ssize_t write_without_sigpipe(int fd, const void* data, size_t size) {
    sigset_t pipe_signal, old, pending;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &old);
    sigpending(&pending);
    ssize_t r = or_errno(::write(fd, data, size));
    // One that was pending before is not ours to eat.
    if (r == -EPIPE && sigismember(&pending, SIGPIPE) == 0) {
        timespec no_wait{};
        while (::sigtimedwait(&pipe_signal, nullptr, &no_wait) < 0 && errno == EINTR) {
        }
    }
    pthread_sigmask(SIG_SETMASK, &old, nullptr);
    return r;
}
[[gnu::noinline]] ssize_t read_cached(int fd, void* data, size_t size, int64_t offset) {
    iovec part{data, size};
    return or_errno(::preadv2(fd, &part, 1, offset, RWF_NOWAIT));
}
[[gnu::noinline]] ssize_t pread(int fd, void* data, size_t size, int64_t offset) {
    return or_errno(::pread(fd, data, size, offset));
}
[[gnu::noinline]] ssize_t pwrite(int fd, const void* data, size_t size, int64_t offset) {
    return or_errno(::pwrite(fd, data, size, offset));
}
[[gnu::noinline]] int64_t lseek(int fd, int64_t offset, int whence) {
    return or_errno(static_cast<int64_t>(::lseek(fd, offset, whence)));
}
[[gnu::noinline]] int open(const char* path, int flags, mode_t mode) {
    return or_errno(::open(path, flags | O_CLOEXEC, mode));
}
// The number is free whatever close says; EINTR among it.
[[gnu::noinline]] int close(int fd) {
    int r = or_errno(::close(fd));
    return r == -EINTR ? 0 : r;
}
[[gnu::noinline]] int fstat(int fd, struct stat* out) { return or_errno(::fstat(fd, out)); }
[[gnu::noinline]] int fsync(int fd) { return or_errno(::fsync(fd)); }
[[gnu::noinline]] int ftruncate(int fd, int64_t size) { return or_errno(::ftruncate(fd, size)); }
[[gnu::noinline]] int unlink(const char* path) { return or_errno(::unlink(path)); }
[[gnu::noinline]] int pipe(int ends[2]) { return or_errno(::pipe2(ends, O_CLOEXEC | O_NONBLOCK)); }
[[gnu::noinline]] int get_flags(int fd) { return or_errno(::fcntl(fd, F_GETFL)); }
[[gnu::noinline]] int set_flags(int fd, int flags) { return or_errno(::fcntl(fd, F_SETFL, flags)); }

[[gnu::noinline]] int socket(int family, int type, int protocol) {
    return or_errno(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
}
[[gnu::noinline]] int bind(int fd, const sockaddr* to, socklen_t size) { return or_errno(::bind(fd, to, size)); }
[[gnu::noinline]] int listen(int fd, int backlog) { return or_errno(::listen(fd, backlog)); }
[[gnu::noinline]] int connect(int fd, const sockaddr* to, socklen_t size) { return or_errno(::connect(fd, to, size)); }
[[gnu::noinline]] int accept(int fd, sockaddr* from, socklen_t* size) {
    return or_errno(::accept4(fd, from, size, SOCK_NONBLOCK | SOCK_CLOEXEC));
}
[[gnu::noinline]] int shutdown(int fd, int how) { return or_errno(::shutdown(fd, how)); }
[[gnu::noinline]] int getsockname(int fd, sockaddr* out, socklen_t* size) {
    return or_errno(::getsockname(fd, out, size));
}
[[gnu::noinline]] int getpeername(int fd, sockaddr* out, socklen_t* size) {
    return or_errno(::getpeername(fd, out, size));
}
[[gnu::noinline]] int set_option(int fd, int level, int name, int value) {
    return or_errno(::setsockopt(fd, level, name, &value, sizeof value));
}
[[gnu::noinline]] int get_option(int fd, int level, int name, int* value) {
    socklen_t size = sizeof *value;
    return or_errno(::getsockopt(fd, level, name, value, &size));
}
[[gnu::noinline]] int set_linger(int fd, int seconds) {
    linger l{};
    l.l_onoff = seconds >= 0;
    l.l_linger = seconds >= 0 ? seconds : 0;
    return or_errno(::setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l));
}

}  // namespace gossamer::detail::sys

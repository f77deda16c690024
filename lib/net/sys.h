// SPDX-License-Identifier: BSL-1.0
// sys: the system calls of net and os. Each is out of line and gives -errno: a caller may wake up on another thread, and the compiler
// believes that errno's address never changes.
// Called by / on: a goroutine or a plain thread, outside the runtime (a processor may be taken meanwhile).
#pragma once

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

namespace gossamer::detail::sys {

// A single call moves at most this (SEMANTICS N14).
inline constexpr size_t kMost = size_t{1} << 30;

ssize_t recv(int fd, void* data, size_t size);
ssize_t send(int fd, const void* data, size_t size);
ssize_t sendmsg(int fd, const iovec* parts, int count);
ssize_t read(int fd, void* data, size_t size);
ssize_t write(int fd, const void* data, size_t size);
// For a pipe: the signal that a missing reader would cause is kept from the process; the call says EPIPE.
ssize_t write_without_sigpipe(int fd, const void* data, size_t size);
// Only what is in memory: -EAGAIN when the disk would be needed, -EOPNOTSUPP when the file cannot tell. offset -1: the file's own.
ssize_t read_cached(int fd, void* data, size_t size, int64_t offset);
ssize_t pread(int fd, void* data, size_t size, int64_t offset);
ssize_t pwrite(int fd, const void* data, size_t size, int64_t offset);
int64_t lseek(int fd, int64_t offset, int whence);
int open(const char* path, int flags, mode_t mode);
int close(int fd);
int fstat(int fd, struct stat* out);
int fsync(int fd);
int ftruncate(int fd, int64_t size);
int unlink(const char* path);
int pipe(int ends[2]);
int get_flags(int fd);
int set_flags(int fd, int flags);

int socket(int family, int type, int protocol);  // non-blocking, close-on-exec
int bind(int fd, const sockaddr* to, socklen_t size);
int listen(int fd, int backlog);
int connect(int fd, const sockaddr* to, socklen_t size);
int accept(int fd, sockaddr* from, socklen_t* size);  // non-blocking, close-on-exec
int shutdown(int fd, int how);
int getsockname(int fd, sockaddr* out, socklen_t* size);
int getpeername(int fd, sockaddr* out, socklen_t* size);
int set_option(int fd, int level, int name, int value);
int get_option(int fd, int level, int name, int* value);
int set_linger(int fd, int seconds);  // < 0: off

}  // namespace gossamer::detail::sys

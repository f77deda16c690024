// SPDX-License-Identifier: BSL-1.0
// os: files that never hold a processor. A read or write that the kernel can answer from memory is done at once; one that would sleep
// gives the processor to others. Pipes, FIFOs, terminals and sockets wait on the poller: there deadlines work and close unblocks.
// Context: goroutines and plain threads; any number at once on one file (reads exclude each other, so do writes; read_at and write_at
// exclude nobody; SEMANTICS N1, N36).
#pragma once

#include <fcntl.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>

#include "gossamer/error.h"
#include "gossamer/io.h"

namespace gossamer {

namespace detail {
class file_core;
}

namespace os {

namespace detail {
using gossamer::detail::sentinel_node;
inline constexpr sentinel_node closed_node{"file already closed"};
inline constexpr sentinel_node deadline_exceeded_node{"i/o timeout", std::errc::timed_out};
inline constexpr sentinel_node no_deadline_node{"file type does not support deadline"};
inline constexpr sentinel_node invalid_node{"invalid argument", std::errc::invalid_argument};
inline constexpr sentinel_node not_exist_node{"file does not exist", std::errc::no_such_file_or_directory};
inline constexpr sentinel_node exist_node{"file already exists", std::errc::file_exists};
inline constexpr sentinel_node permission_node{"permission denied", std::errc::permission_denied};
inline constexpr sentinel_node too_many_node{"too many concurrent operations on a single file or socket (max 1048575)"};
}  // namespace detail

inline constexpr error err_closed{&detail::closed_node};
// A deadline that passed, of a file or a connection (SEMANTICS N7).
inline constexpr error err_deadline_exceeded{&detail::deadline_exceeded_node};
inline constexpr error err_no_deadline{&detail::no_deadline_node};
inline constexpr error err_invalid{&detail::invalid_node};
inline constexpr error err_not_exist{&detail::not_exist_node};
inline constexpr error err_exist{&detail::exist_node};
inline constexpr error err_permission{&detail::permission_node};
inline constexpr error err_too_many_operations{&detail::too_many_node};

// What the kernel said to a call: "read: connection reset by peer". Its code() is the errno value.
struct syscall_error {
    std::string call;
    int number = 0;
    std::string message() const;
    std::error_code code() const { return {number, std::generic_category()}; }
    // err_not_exist, err_exist, err_permission by their errno values.
    bool is(const error& target) const;
};

// What went wrong with which file: "open /nowhere: no such file or directory".
struct path_error {
    std::string op;
    std::string path;
    error err;
    std::string message() const { return op + " " + path + ": " + err.message(); }
    error cause() const { return err; }
};

class file;

struct [[nodiscard]] offset_result {
    int64_t offset = 0;
    error err;
};

// A counted handle: copies are the same open file, which is closed with the last of them if close() was not called.
class file {
  public:
    using time_point = std::chrono::steady_clock::time_point;

    file() = default;
    file(const file& other);
    file(file&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    file& operator=(file other) noexcept {
        std::swap(core_, other.core_);
        return *this;
    }
    ~file();
    // An open file that somebody else opened; closed by us. On the poller only if it is non-blocking already (SEMANTICS N35). The kernel
    // tells nobody when a number is closed behind the file's back: a read that waits then waits for its deadline. close() wakes it.
    static file from_fd(int fd, std::string_view name);
    explicit operator bool() const { return core_ != nullptr; }

    // Up to b.size() bytes; io::eof at the end.
    io::result read(io::buffer b) const;
    // All of b, or an error and how much was written.
    io::result write(io::bytes b) const;
    // At an offset of the file, without moving its own: all of b, or an error (io::eof when the file is shorter).
    io::result read_at(io::buffer b, int64_t offset) const;
    io::result write_at(io::bytes b, int64_t offset) const;
    // whence as lseek's: SEEK_SET, SEEK_CUR, SEEK_END.
    offset_result seek(int64_t offset, int whence) const;
    offset_result size() const;
    [[nodiscard]] error sync() const;
    [[nodiscard]] error truncate(int64_t size) const;
    // Waits until operations under way on a pipe or terminal have left; the second close fails with err_closed (SEMANTICS N9).
    error close() const;

    // Absolute; a time_point{} clears. err_no_deadline for a regular file (SEMANTICS N34).
    [[nodiscard]] error set_deadline(time_point t) const;
    [[nodiscard]] error set_read_deadline(time_point t) const;
    [[nodiscard]] error set_write_deadline(time_point t) const;

    std::string_view name() const;
    // The number, in blocking mode from now on: later reads and writes tie up a thread, deadlines stop working (SEMANTICS N35).
    // -1 when closed. Valid as long as the file is open.
    int fd() const;

  private:
    friend struct file_access;
    error explain(const char* op, int error) const;
    error set_deadlines(bool read, bool write, time_point t) const;

    gossamer::detail::file_core* core_ = nullptr;
};

struct [[nodiscard]] file_result {
    file f;
    error err;
};
// For reading.
file_result open(std::string_view path);
// For reading and writing, emptied, made with mode 0666 before umask.
file_result create(std::string_view path);
// flags of open(2): O_RDWR | O_APPEND and so on.
file_result open_file(std::string_view path, int flags, mode_t mode = 0666);

// Both ends on the poller.
struct [[nodiscard]] pipe_result {
    file reader;
    file writer;
    error err;
};
pipe_result pipe();

io::contents read_file(std::string_view path);
[[nodiscard]] error write_file(std::string_view path, io::bytes data, mode_t mode = 0666);

}  // namespace os
}  // namespace gossamer

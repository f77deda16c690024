// SPDX-License-Identifier: BSL-1.0
#include <cerrno>
#include <string>
#include <utility>

#include "gossamer/os.h"
#include "lib/net/fd.h"
#include "lib/net/sys.h"
#include "lib/os/errors.h"
#include "runtime/park/syscall.h"

namespace gossamer {

namespace detail {

class file_core : public fd {
  public:
    file_core(int number, fd_kind kind, rt::poll_desc* desc, std::string_view name)
        : fd(number, kind, desc), name(name) {}
    const std::string name;
};

namespace {

// What can wait goes on the poller. A terminal, FIFO or device that was opened blocking is switched; /dev/null and others that the
// kernel cannot poll are switched back.
file_core* adopt(int number, std::string_view name, bool may_switch) {
    struct stat st {};
    int flags = sys::get_flags(number);
    if (sys::fstat(number, &st) < 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || flags < 0)
        return new file_core(number, fd_kind::file, nullptr, name);
    bool blocking = (flags & O_NONBLOCK) == 0;
    if (blocking && !may_switch)
        return new file_core(number, S_ISFIFO(st.st_mode) ? fd_kind::stream : fd_kind::file, nullptr, name);
    if (blocking) sys::set_flags(number, flags | O_NONBLOCK);
    rt::poll_desc* desc = nullptr;
    if (rt::poll_open(number, &desc) == 0)
        return new file_core(number, S_ISSOCK(st.st_mode) ? fd_kind::socket : fd_kind::stream, desc, name);
    if (blocking)
        sys::set_flags(number, flags);  // else it is not ours to change: another file may wait on the poller for it
    return new file_core(number, fd_kind::file, nullptr, name);
}

}  // namespace
}  // namespace detail

namespace os {

namespace sys = gossamer::detail::sys;
using gossamer::detail::errno_error;
using gossamer::detail::file_core;

struct file_access {
    static file make(file_core* core) {
        file f;
        f.core_ = core;
        return f;
    }
};

file::file(const file& other) : core_(other.core_) {
    if (core_ != nullptr) core_->retain();
}

file::~file() {
    if (core_ != nullptr) core_->release();
}

file file::from_fd(int fd, std::string_view name) {
    return fd < 0 ? file() : file_access::make(gossamer::detail::adopt(fd, name, false));
}

error file::explain(const char* op, int number) const {
    error cause;
    switch (number) {
        case 0:
            return nullptr;
        case gossamer::detail::kEnd:
            return io::eof;
        case gossamer::detail::kClosedFd:
            cause = err_closed;
            break;
        case gossamer::detail::kTimedOut:
            cause = err_deadline_exceeded;
            break;
        case gossamer::detail::kNoDeadline:
            cause = err_no_deadline;
            break;
        case gossamer::detail::kTooManyOps:
            cause = err_too_many_operations;
            break;
        default:
            cause = errno_error("", number);
    }
    return errors::of(path_error{op, std::string(name()), std::move(cause)});
}

io::result file::read(io::buffer b) const {
    if (core_ == nullptr) return {0, err_invalid};
    auto [n, number] = core_->read(b.data(), b.size());
    return {n, explain("read", number)};
}

io::result file::write(io::bytes b) const {
    if (core_ == nullptr) return {0, err_invalid};
    auto [n, number] = core_->write(b.data(), b.size());
    return {n, explain("write", number)};
}

io::result file::read_at(io::buffer b, int64_t offset) const {
    if (core_ == nullptr) return {0, err_invalid};
    if (offset < 0) return {0, errors::of(path_error{"readat", std::string(name()), error("negative offset")})};
    auto [n, number] = core_->read_at(b.data(), b.size(), offset);
    return {n, explain("read", number)};
}

io::result file::write_at(io::bytes b, int64_t offset) const {
    if (core_ == nullptr) return {0, err_invalid};
    if (offset < 0) return {0, errors::of(path_error{"writeat", std::string(name()), error("negative offset")})};
    auto [n, number] = core_->write_at(b.data(), b.size(), offset);
    return {n, explain("write", number)};
}

offset_result file::seek(int64_t offset, int whence) const {
    if (core_ == nullptr) return {0, err_invalid};
    int64_t at = 0;
    int number = core_->with_number([&](int fd) {
        at = sys::lseek(fd, offset, whence);
        return at < 0 ? static_cast<int>(-at) : 0;
    });
    return {number == 0 ? at : 0, explain("seek", number)};
}

offset_result file::size() const {
    if (core_ == nullptr) return {0, err_invalid};
    struct stat st {};
    int number = core_->with_number([&](int fd) { return -sys::fstat(fd, &st); });
    return {st.st_size, explain("stat", number)};
}

error file::sync() const {
    if (core_ == nullptr) return err_invalid;
    return explain("sync", core_->with_number([](int fd) {
        rt::begin_blocking();
        int r = sys::fsync(fd);
        rt::end_blocking();
        return -r;
    }));
}

error file::truncate(int64_t size) const {
    if (core_ == nullptr) return err_invalid;
    return explain("truncate", core_->with_number([&](int fd) { return -sys::ftruncate(fd, size); }));
}

error file::close() const {
    if (core_ == nullptr) return err_invalid;
    return explain("close", core_->close());
}

error file::set_deadlines(bool read, bool write, time_point t) const {
    if (core_ == nullptr) return err_invalid;
    return explain("set deadline", core_->set_deadline(read, write, t));
}
error file::set_deadline(time_point t) const { return set_deadlines(true, true, t); }
error file::set_read_deadline(time_point t) const { return set_deadlines(true, false, t); }
error file::set_write_deadline(time_point t) const { return set_deadlines(false, true, t); }

std::string_view file::name() const { return core_ == nullptr ? std::string_view() : core_->name; }

int file::fd() const {
    if (core_ == nullptr) return -1;
    int found = -1;
    int number = core_->with_number([&](int fd) {
        found = fd;
        if (core_->polled()) sys::set_flags(fd, sys::get_flags(fd) & ~O_NONBLOCK);
        return 0;
    });
    return number == 0 ? found : -1;
}

file_result open_file(std::string_view path, int flags, mode_t mode) {
    std::string name(path);
    if (name.find('\0') != name.npos) return {{}, errors::of(path_error{"open", name, errno_error("", EINVAL)})};
    int fd;
    do {
        // May sleep (a FIFO, a network): sysmon sees that. Announced it would cost a wake-up each time.
        fd = sys::open(name.c_str(), flags, mode);
    } while (fd == -EINTR);
    if (fd < 0) return {{}, errors::of(path_error{"open", name, errno_error("", -fd)})};
    return {file_access::make(gossamer::detail::adopt(fd, path, true)), nullptr};
}
file_result open(std::string_view path) { return open_file(path, O_RDONLY, 0); }
file_result create(std::string_view path) { return open_file(path, O_RDWR | O_CREAT | O_TRUNC, 0666); }

pipe_result pipe() {
    int ends[2];
    if (int r = sys::pipe(ends); r < 0) return {{}, {}, errno_error("pipe2", -r)};
    return {file_access::make(gossamer::detail::adopt(ends[0], "|0", true)),
            file_access::make(gossamer::detail::adopt(ends[1], "|1", true)), nullptr};
}

io::contents read_file(std::string_view path) {
    auto [f, err] = open(path);
    if (err) return {{}, std::move(err)};
    // One read more than the size tells the end without growing the text.
    std::string data;
    if (auto [size, size_err] = f.size(); !size_err && size > 0)
        data.resize(static_cast<size_t>(size) + 1);
    else
        return io::read_all(f);
    size_t used = 0;
    for (;;) {
        if (used == data.size()) data.resize(2 * used);
        auto [n, read_err] = f.read({data.data() + used, data.size() - used});
        used += n;
        if (read_err) {
            data.resize(used);
            return {std::move(data), read_err == io::eof ? error() : std::move(read_err)};
        }
    }
}

error write_file(std::string_view path, io::bytes data, mode_t mode) {
    auto [f, err] = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    if (err) return err;
    auto [n, write_err] = f.write(data);
    error close_err = f.close();
    return write_err ? write_err : close_err;
}

}  // namespace os
}  // namespace gossamer

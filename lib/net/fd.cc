// SPDX-License-Identifier: BSL-1.0
#include "lib/net/fd.h"

#include <algorithm>
#include <cerrno>

#include "lib/net/sys.h"
#include "runtime/park/park.h"
#include "runtime/park/syscall.h"

namespace gossamer::detail {
namespace {

using rt::direction;

// Announces a call that is known to sleep in the kernel, so that the processor goes to others at once. One that only might (a write into
// the page cache, an open) is not announced: handing the processor on costs a wake-up each time, and when the call does sleep sysmon
// sees it.
template <class F>
auto announced(F f) {
    rt::begin_blocking();
    auto r = f();
    rt::end_blocking();
    return r;
}

bool wait_for_destroy(rt::G* g, void* arg) {
    uintptr_t open = 0;
    return static_cast<rt::atomic<uintptr_t>*>(arg)->compare_exchange_strong(open, reinterpret_cast<uintptr_t>(g));
}

}  // namespace

fd::~fd() {
    if (mutex_.close()) {
        if (desc_ != nullptr) rt::poll_evict(desc_);
        if (mutex_.release()) destroy();
    }
}

int fd::check(direction d) const {
    if (desc_ == nullptr) return 0;
    rt::poll_status s = rt::poll_check(desc_, d);
    return s == rt::poll_status::ready ? 0 : refusal(s);
}

int fd::wait(direction d) {
    if (desc_ == nullptr) return EAGAIN;  // a non-blocking descriptor that the poller does not know
    rt::poll_status s = rt::poll_wait(desc_, d);
    return s == rt::poll_status::ready ? 0 : refusal(s);
}

ssize_t fd::read_once(void* data, size_t size) {
    size = std::min(size, sys::kMost);
    switch (kind_) {
        case fd_kind::tcp:
        case fd_kind::socket:
            return sys::recv(number_, data, size);
        case fd_kind::stream:
            return sys::read(number_, data, size);
        case fd_kind::file:
            break;
    }
    ssize_t r = sys::read_cached(number_, data, size, -1);
    if (r == -EAGAIN) return announced([&] { return sys::read(number_, data, size); });
    return r == -EOPNOTSUPP || r == -ESPIPE ? sys::read(number_, data, size) : r;
}

ssize_t fd::write_once(const void* data, size_t size) {
    size = std::min(size, sys::kMost);
    switch (kind_) {
        case fd_kind::tcp:
        case fd_kind::socket:
            return sys::send(number_, data, size);
        case fd_kind::stream:
            break;
        case fd_kind::file:
            return sys::write(number_, data, size);
    }
    // A program whose output nobody reads is to end, as in Go (SEMANTICS N10).
    return number_ <= 2 ? sys::write(number_, data, size) : sys::write_without_sigpipe(number_, data, size);
}

io_count fd::read(void* data, size_t size) {
    if (rt::admission a = mutex_.lock(direction::read); a != rt::admission::granted) [[unlikely]]
        return {0, refusal(a)};
    io_count r = read_locked(data, size);
    if (mutex_.unlock(direction::read)) [[unlikely]]
        destroy();
    return r;
}

io_count fd::read_locked(void* data, size_t size) {
    if (size == 0) return {0, 0};
    if (int error = check(direction::read); error != 0) [[unlikely]]
        return {0, error};
    if (drained_) {
        drained_ = false;
        if ((desc_->flags.load() & rt::kHungUp) == 0) {
            if (int error = wait(direction::read); error != 0) return {0, error};
        }
    }
    for (;;) {
        ssize_t n = read_once(data, size);
        if (n > 0) {
            drained_ = kind_ == fd_kind::tcp && static_cast<size_t>(n) < size;
            return {static_cast<size_t>(n), 0};
        }
        if (n == 0) return {0, kEnd};
        if (n == -EINTR) continue;
        if (n != -EAGAIN) return {0, static_cast<int>(-n)};
        if (int error = wait(direction::read); error != 0) return {0, error};
    }
}

io_count fd::write(const void* data, size_t size) {
    if (rt::admission a = mutex_.lock(direction::write); a != rt::admission::granted) [[unlikely]]
        return {0, refusal(a)};
    io_count r = write_locked(data, size);
    if (mutex_.unlock(direction::write)) [[unlikely]]
        destroy();
    return r;
}

io_count fd::write_locked(const void* data, size_t size) {
    if (int error = check(direction::write); error != 0) [[unlikely]]
        return {0, error};
    size_t done = 0;
    while (done < size) {
        ssize_t n = write_once(static_cast<const char*>(data) + done, size - done);
        if (n >= 0)
            done += static_cast<size_t>(n);
        else if (n == -EAGAIN) {
            if (int error = wait(direction::write); error != 0) return {done, error};
        } else if (n != -EINTR)
            return {done, static_cast<int>(-n)};
        if (n > 0 && done < size) {
            // A peer that always makes room must not hide a deadline or a close.
            if (int error = check(direction::write); error != 0) return {done, error};
        }
    }
    return {done, 0};
}

io_count fd::writev(iovec* parts, int count) {
    if (rt::admission a = mutex_.lock(direction::write); a != rt::admission::granted) return {0, refusal(a)};
    io_count r = writev_locked(parts, count);
    if (mutex_.unlock(direction::write)) destroy();
    return r;
}

io_count fd::writev_locked(iovec* parts, int count) {
    constexpr int kMostParts = 1024;  // IOV_MAX
    if (int error = check(direction::write); error != 0) return {0, error};
    size_t done = 0;
    while (count > 0) {
        if (parts->iov_len == 0) {
            parts++, count--;
            continue;
        }
        ssize_t n = sys::sendmsg(number_, parts, std::min(count, kMostParts));
        if (n == -EAGAIN) {
            if (int error = wait(direction::write); error != 0) return {done, error};
            continue;
        }
        if (n == -EINTR) continue;
        if (n < 0) return {done, static_cast<int>(-n)};
        done += static_cast<size_t>(n);
        for (size_t left = static_cast<size_t>(n); left > 0;) {
            size_t now = std::min(left, parts->iov_len);
            parts->iov_base = static_cast<char*>(parts->iov_base) + now;
            parts->iov_len -= now;
            left -= now;
            if (parts->iov_len == 0) parts++, count--;
        }
    }
    return {done, 0};
}

io_count fd::read_at(void* data, size_t size, int64_t offset) {
    size_t done = 0;
    int error = with_number([&](int number) {
        while (done < size) {
            char* to = static_cast<char*>(data) + done;
            size_t most = std::min(size - done, sys::kMost);
            int64_t at = offset + static_cast<int64_t>(done);
            ssize_t n = sys::read_cached(number, to, most, at);
            if (n == -EAGAIN)
                n = announced([&] { return sys::pread(number, to, most, at); });
            else if (n == -EOPNOTSUPP)
                n = sys::pread(number, to, most, at);
            if (n == 0) return kEnd;
            if (n == -EINTR) continue;
            if (n < 0) return static_cast<int>(-n);
            done += static_cast<size_t>(n);
        }
        return 0;
    });
    return {done, error};
}

io_count fd::write_at(const void* data, size_t size, int64_t offset) {
    size_t done = 0;
    int error = with_number([&](int number) {
        while (done < size) {
            ssize_t n = sys::pwrite(number, static_cast<const char*>(data) + done, std::min(size - done, sys::kMost),
                                    offset + static_cast<int64_t>(done));
            if (n >= 0)
                done += static_cast<size_t>(n);
            else if (n != -EINTR)
                return static_cast<int>(-n);
        }
        return 0;
    });
    return {done, error};
}

io_count fd::accept(sockaddr* from, socklen_t* size) {
    if (rt::admission a = mutex_.lock(direction::read); a != rt::admission::granted) return {0, refusal(a)};
    io_count r = accept_locked(from, size);
    if (mutex_.unlock(direction::read)) destroy();
    return r;
}

io_count fd::accept_locked(sockaddr* from, socklen_t* size) {
    if (int error = check(direction::read); error != 0) return {0, error};
    socklen_t room = *size;
    for (;;) {
        *size = room;
        int n = sys::accept(number_, from, size);
        if (n >= 0) return {static_cast<size_t>(n), 0};
        if (n == -EINTR || n == -ECONNABORTED)  // the peer was gone before we came (SEMANTICS N21)
            continue;
        if (n != -EAGAIN) return {0, -n};
        if (int error = wait(direction::read); error != 0) return {0, error};
    }
}

int fd::wait_writable() {
    if (rt::admission a = mutex_.lock(direction::write); a != rt::admission::granted) return refusal(a);
    int error = check(direction::write);
    if (error == 0) error = wait(direction::write);
    if (mutex_.unlock(direction::write)) destroy();
    return error;
}

int fd::close() {
    if (!mutex_.close()) return kClosedFd;
    if (desc_ != nullptr) rt::poll_evict(desc_);
    if (mutex_.release()) {
        destroy();
    } else if (desc_ != nullptr) {
        rt::in_runtime scope;
        rt::park(wait_for_destroy, &destroyed_, rt::wait_reason::io_wait, this);
    } else {
        return 0;  // a blocked read of a file is not waited for
    }
    return close_error_;
}

void fd::destroy() {
    if (desc_ != nullptr) rt::poll_close(desc_);
    close_error_ = -sys::close(number_);
    uintptr_t waiter = destroyed_.exchange(1);
    if (waiter != 0) {
        rt::in_runtime scope;
        rt::ready(reinterpret_cast<rt::G*>(waiter));
    }
}

int fd::set_deadline(bool read, bool write, std::chrono::steady_clock::time_point t) {
    if (desc_ == nullptr) return closed() ? kClosedFd : kNoDeadline;
    if (rt::admission a = mutex_.acquire(); a != rt::admission::granted) return refusal(a);
    int64_t when = 0;
    if (t != std::chrono::steady_clock::time_point{})
        when = std::max<int64_t>(1, std::chrono::nanoseconds(t.time_since_epoch()).count());
    bool open = true;
    if (read) open = rt::poll_set_deadline(desc_, direction::read, when) && open;
    if (write) open = rt::poll_set_deadline(desc_, direction::write, when) && open;
    if (mutex_.release()) destroy();
    return open ? 0 : kClosedFd;
}

}  // namespace gossamer::detail

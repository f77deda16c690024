// SPDX-License-Identifier: BSL-1.0
// fd: a descriptor that goroutines share: what the kernel answers at once is done at once, else the goroutine parks. Counted; sockets
// and files are made of it.
// Called by / on: a goroutine or a plain thread, outside the runtime.
// Invariants:
//   1 The number is closed once, by whoever leaves last after close() (fd_mutex); close() of a polled descriptor waits for that, and
//     wakes all that wait before.
//   2 drained_ belongs to who holds the read direction. It is set when a TCP read gave less than was asked for: then the socket was
//     empty, anything that comes makes a new edge, and the next read parks without asking the kernel first. Not after a hang-up or
//     urgent data (kHungUp), whose edge may have come before, and not for other sockets, which also stop short at credentials.
// Not done: a wait on the poller before the first try. A fresh connection often has its request there already.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <chrono>
#include <cstddef>
#include <utility>

#include "runtime/netpoll/fd_mutex.h"
#include "runtime/netpoll/poll_desc.h"

namespace gossamer::detail {

// 0 for success, an errno value, or one of these.
inline constexpr int kClosedFd = -1;
inline constexpr int kTimedOut = -2;
inline constexpr int kEnd = -3;  // the orderly end of what is read
inline constexpr int kTooManyOps = -4;
inline constexpr int kNoDeadline = -5;  // regular files know none

struct io_count {
    size_t n;
    int error;
};

enum class fd_kind : uint8_t { tcp, socket, stream, file };  // stream: pipe, FIFO, terminal; file: not on the poller

class fd {
  public:
    // Takes over the number, and its place on the poller (poll_open()) if it has one: then it is non-blocking.
    fd(int number, fd_kind kind, rt::poll_desc* desc) : number_(number), kind_(kind), desc_(desc) {}
    fd(const fd&) = delete;
    fd& operator=(const fd&) = delete;

    void retain() { refs_.fetch_add(1, rt::relaxed); }  // pairs with nothing: whoever copies a handle holds one
    void release() {
        if (refs_.fetch_sub(1, rt::acq_rel) == 1)  // pairs with the release half of the other handles' ends
            delete this;
    }

    // One piece; kEnd at the end. An empty one gives 0 at once (SEMANTICS N8).
    io_count read(void* data, size_t size);
    // All of it, or an error and how much went out (N2).
    io_count write(const void* data, size_t size);
    // `parts` is used up.
    io_count writev(iovec* parts, int count);
    // Positioned, without the directions' locks (N36). kEnd before anything was read.
    io_count read_at(void* data, size_t size, int64_t offset);
    io_count write_at(const void* data, size_t size, int64_t offset);
    // A connection's number in n.
    io_count accept(sockaddr* from, socklen_t* size);
    // Waits for a connect() under way; 0 when the descriptor became writable.
    int wait_writable();

    // 0 or kClosedFd; or what the kernel says to the close of a file.
    int close();
    // No wait in the destructor: nobody can be inside any more.
    int set_deadline(bool read, bool write, std::chrono::steady_clock::time_point t);

    // f(number) with the number kept open; its result, or kClosedFd, kTooManyOps.
    template <class F>
    int with_number(F f) {
        if (rt::admission a = mutex_.acquire(); a != rt::admission::granted) return refusal(a);
        int result = f(number_);
        if (mutex_.release()) destroy();
        return result;
    }
    bool closed() const { return mutex_.closed(); }
    bool polled() const { return desc_ != nullptr; }

  protected:
    virtual ~fd();

  private:
    static int refusal(rt::admission a) { return a == rt::admission::closed ? kClosedFd : kTooManyOps; }
    static int refusal(rt::poll_status s) { return s == rt::poll_status::closing ? kClosedFd : kTimedOut; }

    int check(rt::direction d) const;
    int wait(rt::direction d);
    io_count read_locked(void* data, size_t size);
    io_count write_locked(const void* data, size_t size);
    io_count writev_locked(iovec* parts, int count);
    io_count accept_locked(sockaddr* from, socklen_t* size);
    ssize_t read_once(void* data, size_t size);
    ssize_t write_once(const void* data, size_t size);
    void destroy();

    rt::atomic<uint32_t> refs_{1};
    const int number_;
    const fd_kind kind_;
    bool drained_ = false;
    rt::poll_desc* const desc_;
    rt::fd_mutex mutex_;
    int close_error_ = 0;                 // set by destroy() before it opens the gate
    rt::atomic<uintptr_t> destroyed_{0};  // 1 when it is, or the closer's G that waits for it
};

// A counted pointer to an fd's descendant.
template <class T>
class fd_ref {
  public:
    fd_ref() = default;
    explicit fd_ref(T* taken) : p_(taken) {}
    fd_ref(const fd_ref& o) : p_(o.p_) {
        if (p_ != nullptr) p_->retain();
    }
    fd_ref(fd_ref&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
    fd_ref& operator=(fd_ref o) noexcept {
        std::swap(p_, o.p_);
        return *this;
    }
    ~fd_ref() {
        if (p_ != nullptr) p_->release();
    }
    T* get() const { return p_; }
    T* operator->() const { return p_; }
    T* leave() { return std::exchange(p_, nullptr); }

  private:
    T* p_ = nullptr;
};

}  // namespace gossamer::detail

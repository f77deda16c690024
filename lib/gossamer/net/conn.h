// SPDX-License-Identifier: BSL-1.0
// conn and listener: TCP and Unix streams. A goroutine that waits costs no thread.
// Context: goroutines and plain threads. Every call may be made by any number of them at once: a read and a write go in parallel, reads
// exclude each other, so do writes (SEMANTICS N1). Deadlines are absolute, for all operations of their direction, pending ones too (N3).
#pragma once

#include <chrono>
#include <initializer_list>
#include <span>
#include <type_traits>
#include <utility>

#include "gossamer/error.h"
#include "gossamer/io.h"
#include "gossamer/net/addr.h"

namespace gossamer {

namespace detail {
class socket;
// A counted pointer to a socket.
class socket_handle {
  public:
    socket_handle() noexcept = default;
    explicit socket_handle(socket* taken) noexcept : s_(taken) {}
    socket_handle(const socket_handle& other) noexcept;
    socket_handle(socket_handle&& other) noexcept : s_(std::exchange(other.s_, nullptr)) {}
    socket_handle& operator=(socket_handle other) noexcept {
        std::swap(s_, other.s_);
        return *this;
    }
    ~socket_handle();
    socket* get() const noexcept { return s_; }
    socket* operator->() const noexcept { return s_; }

  private:
    socket* s_ = nullptr;
};
}  // namespace detail

namespace net {

using time_point = std::chrono::steady_clock::time_point;

// A counted handle: copies are the same connection, which is closed with the last of them if close() was not called.
class conn {
  public:
    conn() = default;
    explicit conn(gossamer::detail::socket_handle taken) : socket_(std::move(taken)) {}
    explicit operator bool() const { return socket_.get() != nullptr; }

    // What is there, at most b.size() bytes; waits when nothing is. io::eof after the peer's end.
    io::result read(io::buffer b) const;
    // All of b in one run, or an error and how much went out (SEMANTICS N2). Never raises SIGPIPE.
    io::result write(io::bytes b) const;
    // Several pieces as one write.
    io::result writev(std::span<const io::bytes> parts) const;
    io::result writev(std::initializer_list<io::bytes> parts) const { return writev({parts.begin(), parts.size()}); }

    // Ends what waits, and all later calls, with err_closed; returns when the descriptor is free (SEMANTICS N9).
    error close() const;
    // Sends the end: the peer reads io::eof, our reads go on (SEMANTICS N11).
    error close_write() const;
    // Our reads give io::eof.
    error close_read() const;

    // time_point{} clears. The past makes operations fail at once with os::err_deadline_exceeded (SEMANTICS N4, N5).
    error set_deadline(time_point t) const;
    error set_read_deadline(time_point t) const;
    error set_write_deadline(time_point t) const;

    addr local_addr() const;
    addr remote_addr() const;

    // Small writes at once (the default) or gathered. TCP only.
    error set_no_delay(bool on) const;
    // Probes after that much silence, and then as often; zero or less turns them off. The default is 15 s (SEMANTICS N16). TCP only.
    error set_keep_alive(std::chrono::seconds idle) const;
    // What close does with unsent data: < 0 sends it in the background (the default), 0 throws it away.
    error set_linger(int seconds) const;
    error set_read_buffer(int bytes) const;
    error set_write_buffer(int bytes) const;

    // f(number) with the descriptor kept open meanwhile; it stays ours and non-blocking.
    template <class F>
    error control(F&& f) const {
        return control([](int number, void* arg) { (*static_cast<std::remove_reference_t<F>*>(arg))(number); }, &f);
    }

  private:
    error control(void (*f)(int number, void* arg), void* arg) const;
    error set_deadlines(bool read, bool write, time_point t) const;
    error set_option(const char* what, int level, int name, int value) const;
    error shut(const char* what, int how) const;

    gossamer::detail::socket_handle socket_;
};

struct [[nodiscard]] conn_result {
    conn c;
    error err;
};

// A counted handle, as conn.
class listener {
  public:
    listener() = default;
    explicit listener(gossamer::detail::socket_handle taken) : socket_(std::move(taken)) {}
    explicit operator bool() const { return socket_.get() != nullptr; }

    // The next connection; any number may wait, each connection goes to one (SEMANTICS N21). When descriptors have run out that is
    // an error, and accept can be called again later.
    conn_result accept() const;
    // Ends all accepts with err_closed. Unlinks the path of a Unix socket (SEMANTICS N31).
    error close() const;
    net::addr addr() const;
    // For accepts (SEMANTICS N6).
    error set_deadline(time_point t) const;

  private:
    gossamer::detail::socket_handle socket_;
};

struct [[nodiscard]] listener_result {
    listener l;
    error err;
};

// network: "tcp", "tcp4", "tcp6" with "host:port" (an empty host is every address, port 0 picks one); "unix" with a path or "@name".
listener_result listen(std::string_view network, std::string_view address);

}  // namespace net
}  // namespace gossamer

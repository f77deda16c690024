// SPDX-License-Identifier: BSL-1.0
#include "gossamer/net/conn.h"

#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "gossamer/os.h"
#include "lib/net/socket.h"
#include "lib/net/sys.h"
#include "lib/os/errors.h"

namespace gossamer::net {

namespace sys = gossamer::detail::sys;

io::result conn::read(io::buffer b) const {
    if (!*this) [[unlikely]]
        return {0, os::err_invalid};
    auto [n, number] = socket_->read(b.data(), b.size());
    if (number == 0) [[likely]]
        return {n, nullptr};
    return {n, socket_->explain("read", number)};
}

io::result conn::write(io::bytes b) const {
    if (!*this) [[unlikely]]
        return {0, os::err_invalid};
    auto [n, number] = socket_->write(b.data(), b.size());
    if (number == 0) [[likely]]
        return {n, nullptr};
    return {n, socket_->explain("write", number)};
}

io::result conn::writev(std::span<const io::bytes> parts) const {
    if (!*this) return {0, os::err_invalid};
    std::array<iovec, 16> few;
    std::unique_ptr<iovec[]> many;
    iovec* list = few.data();
    if (parts.size() > few.size()) {
        many.reset(new iovec[parts.size()]);
        list = many.get();
    }
    for (size_t i = 0; i < parts.size(); i++) list[i] = {const_cast<std::byte*>(parts[i].data()), parts[i].size()};
    auto [n, number] = socket_->writev(list, static_cast<int>(parts.size()));
    return {n, number == 0 ? error() : socket_->explain("writev", number)};
}

error conn::close() const {
    if (!*this) return os::err_invalid;
    return socket_->explain("close", socket_->close());
}

error conn::shut(const char* what, int how) const {
    if (!*this) return os::err_invalid;
    int number = socket_->with_number([&](int fd) { return -sys::shutdown(fd, how); });
    if (number == 0) return nullptr;
    return errors::of(op_error{what, socket_->network(), socket_->local(), socket_->remote(),
                               gossamer::detail::net_cause("shutdown", number)});
}
error conn::close_write() const { return shut("close", SHUT_WR); }
error conn::close_read() const { return shut("close", SHUT_RD); }

error conn::set_deadlines(bool read, bool write, time_point t) const {
    if (!*this) return os::err_invalid;
    int number = socket_->set_deadline(read, write, t);
    return number == 0 ? error() : socket_->explain("set", number);
}
error conn::set_deadline(time_point t) const { return set_deadlines(true, true, t); }
error conn::set_read_deadline(time_point t) const { return set_deadlines(true, false, t); }
error conn::set_write_deadline(time_point t) const { return set_deadlines(false, true, t); }

addr conn::local_addr() const { return *this ? socket_->local() : addr(); }
addr conn::remote_addr() const { return *this ? socket_->remote() : addr(); }

error conn::set_option(const char* call, int level, int name, int value) const {
    if (!*this || (level == IPPROTO_TCP && !socket_->is_tcp())) return os::err_invalid;
    int number = socket_->with_number([&](int fd) { return -sys::set_option(fd, level, name, value); });
    if (number == 0) return nullptr;
    return errors::of(op_error{"set", socket_->network(), socket_->local(), socket_->remote(),
                               gossamer::detail::net_cause(call, number)});
}

error conn::set_no_delay(bool on) const { return set_option("setsockopt", IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0); }

error conn::set_keep_alive(std::chrono::seconds idle) const {
    if (!*this || !socket_->is_tcp()) return os::err_invalid;
    if (idle.count() <= 0) return set_option("setsockopt", SOL_SOCKET, SO_KEEPALIVE, 0);
    int seconds = static_cast<int>(std::min<std::chrono::seconds::rep>(idle.count(), 32767));  // the kernel's limit
    for (int name : {TCP_KEEPIDLE, TCP_KEEPINTVL}) {
        if (error err = set_option("setsockopt", IPPROTO_TCP, name, seconds)) return err;
    }
    return set_option("setsockopt", SOL_SOCKET, SO_KEEPALIVE, 1);
}

error conn::set_linger(int seconds) const {
    if (!*this) return os::err_invalid;
    int number = socket_->with_number([&](int fd) { return -sys::set_linger(fd, seconds); });
    return number == 0 ? error() : socket_->explain("set", number);
}
error conn::set_read_buffer(int bytes) const { return set_option("setsockopt", SOL_SOCKET, SO_RCVBUF, bytes); }
error conn::set_write_buffer(int bytes) const { return set_option("setsockopt", SOL_SOCKET, SO_SNDBUF, bytes); }

error conn::control(void (*f)(int number, void* arg), void* arg) const {
    if (!*this) return os::err_invalid;
    int number = socket_->with_number([&](int fd) {
        f(fd, arg);
        return 0;
    });
    return number == 0 ? error() : socket_->explain("raw-control", number);
}

}  // namespace gossamer::net

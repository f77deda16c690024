// SPDX-License-Identifier: BSL-1.0
#include "lib/net/socket.h"

#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "gossamer/io.h"
#include "gossamer/net/conn.h"
#include "gossamer/os.h"
#include "lib/net/sys.h"
#include "lib/os/errors.h"

namespace gossamer::detail {

[[gnu::noinline]] int last_errno() { return errno; }
[[gnu::noinline]] void clear_errno() { errno = 0; }

endpoint from_sockaddr(const sockaddr* from, socklen_t size) {
    endpoint e;
    if (from->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
        sockaddr_in v4;
        std::memcpy(&v4, from, sizeof v4);
        e.ip[10] = e.ip[11] = 0xff;
        std::memcpy(&e.ip[12], &v4.sin_addr, 4);
        e.port = ntohs(v4.sin_port);
        e.inet = true;
    } else if (from->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
        sockaddr_in6 v6;
        std::memcpy(&v6, from, sizeof v6);
        std::memcpy(e.ip.data(), &v6.sin6_addr, 16);
        e.scope = v6.sin6_scope_id;
        e.port = ntohs(v6.sin6_port);
        e.inet = true;
    }
    return e;
}

std::string unix_name(const sockaddr_un& from, socklen_t size) {
    constexpr socklen_t kHead = offsetof(sockaddr_un, sun_path);
    if (size <= kHead) return "@";
    std::string name(from.sun_path, std::min<size_t>(size - kHead, sizeof from.sun_path));
    if (name[0] == '\0') {
        name[0] = '@';
        return name;
    }
    return name.substr(0, name.find('\0'));
}

socklen_t to_sockaddr(const net::addr& a, int family, any_sockaddr* out) {
    std::memset(out, 0, sizeof *out);
    if (a.network() == "unix") {
        std::string path = a.host();
        bool abstract = path.starts_with('@');
        // A path ends in a zero, a name of the abstract namespace begins with one.
        if (path.empty() || path.size() + (abstract ? 0 : 1) > sizeof out->un.sun_path || path.find('\0') != path.npos)
            return 0;
        out->un.sun_family = AF_UNIX;
        std::memcpy(out->un.sun_path, path.data(), path.size());
        if (abstract) out->un.sun_path[0] = '\0';
        return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1));
    }
    if (family == AF_INET) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(a.port());
        std::memcpy(&out->v4.sin_addr, &a.ip()[12], 4);
        return sizeof out->v4;
    }
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = htons(a.port());
    out->v6.sin6_scope_id = a.scope();
    std::memcpy(&out->v6.sin6_addr, a.ip().data(), 16);
    return sizeof out->v6;
}

socket::~socket() { unlink_path(); }

void socket::unlink_path() {
    if (names_ != nullptr && names_->unlink_local && !unlinked_.exchange(true)) sys::unlink(names_->local.c_str());
}

error net_cause(const char* call, int number) {
    switch (number) {
        case kClosedFd:
            return net::err_closed;
        case kTimedOut:
            return os::err_deadline_exceeded;
        case kTooManyOps:
            return os::err_too_many_operations;
        default:
            return errno_error(call, number);
    }
}

error socket::explain(const char* op, int number) const {
    if (number == 0) return nullptr;
    if (number == kEnd) return io::eof;
    return errors::of(net::op_error{op, network_, local(), remote(), net_cause(op, number)});
}

error socket::explain_listener(const char* op, const char* call, int number) const {
    if (number == 0) return nullptr;
    return errors::of(net::op_error{op, network_, {}, local(), net_cause(call, number)});
}

endpoint local_of(int number) {
    any_sockaddr a;
    socklen_t size = sizeof a;
    return sys::getsockname(number, &a.base, &size) < 0 ? endpoint{} : from_sockaddr(&a.base, size);
}

void set_tcp_defaults(int number) {
    constexpr int kSeconds = 15, kProbes = 9;
    // A kernel that refuses one of these still has a connection that works.
    sys::set_option(number, IPPROTO_TCP, TCP_NODELAY, 1);
    sys::set_option(number, SOL_SOCKET, SO_KEEPALIVE, 1);
    sys::set_option(number, IPPROTO_TCP, TCP_KEEPIDLE, kSeconds);
    sys::set_option(number, IPPROTO_TCP, TCP_KEEPINTVL, kSeconds);
    sys::set_option(number, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
}

socket_result adopt_socket(int number, fd_kind kind, const char* network, const endpoint* local, const endpoint& remote,
                           std::unique_ptr<socket::unix_names> names) {
    rt::poll_desc* desc = nullptr;
    if (int failed = rt::poll_open(number, &desc); failed != 0) {
        sys::close(number);
        return {{}, failed, "epoll_ctl"};
    }
    endpoint own = local != nullptr ? *local : names == nullptr ? local_of(number) : endpoint{};
    return {fd_ref<socket>(new socket(number, kind, desc, network, own, remote, std::move(names))), 0, ""};
}

socket_handle::socket_handle(const socket_handle& other) noexcept : s_(other.s_) {
    if (s_ != nullptr) s_->retain();
}
socket_handle::~socket_handle() {
    if (s_ != nullptr) s_->release();
}

}  // namespace gossamer::detail

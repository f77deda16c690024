// SPDX-License-Identifier: BSL-1.0
#include <netinet/in.h>

#include <cerrno>
#include <memory>
#include <string>

#include "gossamer/net/conn.h"
#include "gossamer/os.h"
#include "lib/net/resolve.h"
#include "lib/net/socket.h"
#include "lib/net/sys.h"

namespace gossamer::net {

namespace sys = gossamer::detail::sys;
using gossamer::detail::any_sockaddr;
using gossamer::detail::endpoint;
using gossamer::detail::fd_kind;
using gossamer::detail::socket;
using gossamer::detail::socket_handle;

namespace {

constexpr int kBacklog = 1 << 16;  // the kernel cuts it to net.core.somaxconn

listener_result failed(std::string_view network, addr address, error cause) {
    return {{}, errors::of(op_error{"listen", std::string(network), {}, std::move(address), std::move(cause)})};
}

// Bound and listening, or -errno and the call that said it.
int open_listener(int family, bool only_v6, const addr& address, const char** call) {
    *call = "socket";
    int number = sys::socket(family, SOCK_STREAM, 0);
    if (number < 0) return number;
    if (family == AF_INET6) sys::set_option(number, IPPROTO_IPV6, IPV6_V6ONLY, only_v6 ? 1 : 0);
    if (family != AF_UNIX) {
        sys::set_option(number, SOL_SOCKET, SO_REUSEADDR, 1);
        // Linux copies these to each connection that is accepted.
        gossamer::detail::set_tcp_defaults(number);
    }
    any_sockaddr a;
    socklen_t size = gossamer::detail::to_sockaddr(address, family, &a);
    *call = "bind";
    int r = size == 0 ? -EINVAL : sys::bind(number, &a.base, size);
    if (r == 0) {
        *call = "listen";
        r = sys::listen(number, kBacklog);
    }
    if (r < 0) {
        sys::close(number);
        return r;
    }
    return number;
}

listener_result listen_unix(std::string_view path) {
    addr address = addr::unix_socket(std::string(path));
    const char* call = "";
    int number = open_listener(AF_UNIX, false, address, &call);
    if (number < 0) return failed("unix", address, gossamer::detail::net_cause(call, -number));
    auto names = std::make_unique<socket::unix_names>();
    names->local = path;
    names->unlink_local = !path.starts_with('@');
    auto [s, err, what] =
        gossamer::detail::adopt_socket(number, fd_kind::socket, "unix", nullptr, {}, std::move(names));
    if (err != 0) {
        if (!path.starts_with('@')) sys::unlink(std::string(path).c_str());
        return failed("unix", address, gossamer::detail::net_cause(what, err));
    }
    return {listener(socket_handle(s.leave())), nullptr};
}

listener_result listen_tcp(const char* network, family f, std::string_view address) {
    host_port where = split_host_port(address);
    if (where.err) return failed(network, {}, where.err);
    uint16_t port = 0;
    if (error err = parse_port(where.port, &port)) return failed(network, {}, std::move(err));
    const char* call = "";
    int number;
    addr at;
    if (where.host.empty()) {
        at = addr::any(port);
        // One socket for both families; without IPv6 in the kernel one for the other.
        number = f == family::v4 ? -EAFNOSUPPORT : open_listener(AF_INET6, f == family::v6, at, &call);
        if (number == -EAFNOSUPPORT && f != family::v6) number = open_listener(AF_INET, false, at, &call);
    } else {
        addresses all = resolve_host(where.host, f, port);
        if (all.err) return failed(network, {}, all.err);
        at = all.found.front();
        for (const addr& a : all.found) {
            if (a.is_ipv4()) {
                at = a;
                break;
            }
        }
        number = open_listener(at.is_ipv4() ? AF_INET : AF_INET6, f == family::v6, at, &call);
    }
    if (number < 0) return failed(network, at, gossamer::detail::net_cause(call, -number));
    auto [s, err, what] = gossamer::detail::adopt_socket(number, fd_kind::tcp, network, nullptr, {}, nullptr);
    if (err != 0) return failed(network, at, gossamer::detail::net_cause(what, err));
    return {listener(socket_handle(s.leave())), nullptr};
}

// Whether connections to it have its own address.
bool has_one_address(const endpoint& e) {
    for (uint8_t byte : e.ip) {
        if (byte != 0) return true;
    }
    return false;
}

}  // namespace

listener_result listen(std::string_view network, std::string_view address) {
    if (network == "unix") return listen_unix(address);
    std::optional<family> f = tcp_family(network);
    if (!f) return failed(network, {}, error("unknown network " + std::string(network)));
    return listen_tcp(*f == family::any ? "tcp" : *f == family::v4 ? "tcp4" : "tcp6", *f, address);
}

conn_result listener::accept() const {
    if (!*this) return {{}, os::err_invalid};
    any_sockaddr from;
    socklen_t size = sizeof from;
    auto [n, number] = socket_->accept(&from.base, &size);
    if (number != 0) return {{}, socket_->explain_listener("accept", "accept4", number)};
    std::unique_ptr<socket::unix_names> names;
    endpoint remote;
    const endpoint* local = nullptr;
    if (socket_->is_tcp()) {
        remote = gossamer::detail::from_sockaddr(&from.base, size);
        if (has_one_address(socket_->local_endpoint())) local = &socket_->local_endpoint();
    } else {
        names = std::make_unique<socket::unix_names>();
        names->local = socket_->local().string();
        names->remote = gossamer::detail::unix_name(from.un, size);
    }
    auto [s, err, call] =
        gossamer::detail::adopt_socket(static_cast<int>(n), socket_->is_tcp() ? fd_kind::tcp : fd_kind::socket,
                                       socket_->network(), local, remote, std::move(names));
    if (err != 0) return {{}, socket_->explain_listener("accept", call, err)};
    return {conn(socket_handle(s.leave())), nullptr};
}

error listener::close() const {
    if (!*this) return os::err_invalid;
    // Before the close: afterwards the path may be somebody else's.
    if (!socket_->closed()) socket_->unlink_path();
    return socket_->explain_listener("close", "close", socket_->close());
}

addr listener::addr() const { return *this ? socket_->local() : net::addr(); }

error listener::set_deadline(time_point t) const {
    if (!*this) return os::err_invalid;
    return socket_->explain_listener("set", "set", socket_->set_deadline(true, false, t));
}

}  // namespace gossamer::net

// SPDX-License-Identifier: BSL-1.0
// Texts of addresses and ports, and addresses as the kernel gives them. What has been taken apart must become the same text again.
#include <cstdlib>
#include <cstring>
#include <string>

#include "gossamer/net/addr.h"
#include "lib/net/resolve.h"
#include "lib/net/socket.h"

using namespace gossamer;

namespace {

void must(bool cond) {
    if (!cond) std::abort();
}

void text(const std::string& whole) {
    net::host_port parts = net::split_host_port(whole);
    if (parts.err) {
        must(!parts.err.message().empty());
        net::parse_ip(whole, 1);
        return;
    }
    net::host_port again = net::split_host_port(net::join_host_port(parts.host, parts.port));
    must(!again.err && again.host == parts.host && again.port == parts.port);
    uint16_t port = 0;
    if (error err = net::parse_port(parts.port, &port)) {
        must(!err.message().empty());
        return;
    }
    std::optional<net::addr> a = net::parse_ip(parts.host, port);
    if (!a) return;
    std::optional<net::addr> back = net::parse_ip(a->host(), port);
    must(back && *back == *a && a->port() == port && !a->string().empty());
    net::addresses found = net::resolve_host(parts.host, net::family::v4, port);
    must(found.err ? !a->is_ipv4() : found.found.size() == 1 && found.found[0] == *a);
    detail::any_sockaddr raw;
    socklen_t n = detail::to_sockaddr(*a, a->is_ipv4() ? AF_INET : AF_INET6, &raw);
    must(detail::from_sockaddr(&raw.base, n).to_addr(port) == *a);
}

void unix_path(const std::string& path) {
    detail::any_sockaddr raw;
    socklen_t n = detail::to_sockaddr(net::addr::unix_socket(path), AF_UNIX, &raw);
    must(n <= sizeof raw.un);
    if (n != 0) must(detail::unix_name(raw.un, n) == path);
}

void from_kernel(const uint8_t* data, size_t size) {
    detail::any_sockaddr raw{};
    auto n = socklen_t(std::min(size, sizeof raw));
    std::memcpy(static_cast<void*>(&raw), data, n);
    net::addr a = detail::from_sockaddr(&raw.base, n).to_addr(1);
    static_cast<void>(a.string());
    if (n >= sizeof raw.un.sun_family && n <= sizeof raw.un) static_cast<void>(detail::unix_name(raw.un, n));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string whole(reinterpret_cast<const char*>(data), size);
    text(whole);
    unix_path(whole);
    from_kernel(data, size);
    return 0;
}

// SPDX-License-Identifier: BSL-1.0
#include "lib/net/resolve.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "lib/net/socket.h"
#include "lib/os/errors.h"
#include "runtime/park/syscall.h"

namespace gossamer::net {
namespace {

bool fits(const addr& a, family f) { return f == family::any || a.is_ipv4() == (f == family::v4); }

addr mapped(const in_addr& v4, uint16_t port) {
    std::array<uint8_t, 16> ip{};
    ip[10] = ip[11] = 0xff;
    std::memcpy(&ip[12], &v4, sizeof v4);
    return {ip, 0, port};
}

dns_error explain(int code, int system, const std::string& name) {
    if (code == EAI_NONAME || code == EAI_NODATA || code == EAI_ADDRFAMILY) return {"no such host", name, true, false};
    if (code == EAI_SYSTEM)
        return {gossamer::detail::errno_text(system), name, false, system == EMFILE || system == ENFILE};
    return {::gai_strerror(code), name, false, code == EAI_AGAIN};
}

}  // namespace

std::optional<family> tcp_family(std::string_view network) {
    if (network == "tcp") return family::any;
    if (network == "tcp4") return family::v4;
    if (network == "tcp6") return family::v6;
    return std::nullopt;
}

std::optional<addr> parse_ip(std::string_view text, uint16_t port) {
    std::string host(text.substr(0, text.find('%')));
    in_addr v4;
    if (host.size() == text.size() && ::inet_pton(AF_INET, host.c_str(), &v4) == 1) return mapped(v4, port);
    in6_addr v6;
    if (::inet_pton(AF_INET6, host.c_str(), &v6) != 1) return std::nullopt;
    uint32_t scope = 0;
    if (host.size() < text.size()) {
        std::string zone(text.substr(host.size() + 1));
        scope = ::if_nametoindex(zone.c_str());
        if (scope == 0) {
            auto [end, failed] = std::from_chars(zone.data(), zone.data() + zone.size(), scope);
            if (failed != std::errc{} || end != zone.data() + zone.size()) return std::nullopt;
        }
    }
    std::array<uint8_t, 16> ip;
    std::memcpy(ip.data(), &v6, sizeof v6);
    return addr(ip, scope, port);
}

error parse_port(std::string_view text, uint16_t* port) {
    *port = 0;
    if (text.empty()) return nullptr;
    const char* end = text.data() + text.size();
    auto [stop, failed] = std::from_chars(text.data(), end, *port);
    if (stop == end && failed == std::errc{}) return nullptr;
    bool number = std::all_of(text.begin() + (text[0] == '-' || text[0] == '+'), text.end(),
                              [](char c) { return c >= '0' && c <= '9'; });
    if (number) return errors::of(addr_error{"invalid port", std::string(text)});
    servent entry, *found = nullptr;
    char room[1024];
    if (::getservbyname_r(std::string(text).c_str(), "tcp", &entry, room, sizeof room, &found) == 0 &&
        found != nullptr) {
        *port = ntohs(static_cast<uint16_t>(found->s_port));
        return nullptr;
    }
    return errors::of(dns_error{"unknown port", "tcp/" + std::string(text), true, false});
}

addresses lookup(const std::string& name, family f, uint16_t port) {
    addrinfo hints{}, *list = nullptr;
    hints.ai_family = f == family::v4 ? AF_INET : f == family::v6 ? AF_INET6 : AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    rt::begin_blocking();
    gossamer::detail::clear_errno();
    int code = ::getaddrinfo(name.c_str(), nullptr, &hints, &list);
    int system = code != 0 ? gossamer::detail::last_errno() : 0;
    // The C library takes a file that it could not open for want of a descriptor for one that does not exist, and what errno says afterwards is
    // chance (EBUSY has been seen).
    if (code != 0) {
        int probe = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        int failed = probe < 0 ? gossamer::detail::last_errno() : 0;
        if (probe >= 0) ::close(probe);
        if (failed == EMFILE || failed == ENFILE) {
            code = EAI_SYSTEM;
            system = failed;
        }
    }
    rt::end_blocking();
    if (code != 0) return {{}, errors::of(explain(code, system, name))};
    std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, ::freeaddrinfo);
    addresses all;
    for (const addrinfo* i = list; i != nullptr; i = i->ai_next) {
        addr a = gossamer::detail::from_sockaddr(i->ai_addr, i->ai_addrlen).to_addr(port);
        if (a && fits(a, f) && std::find(all.found.begin(), all.found.end(), a) == all.found.end())
            all.found.push_back(a);
    }
    if (all.found.empty()) all.err = errors::of(dns_error{"no such host", name, true, false});
    return all;
}

addresses resolve_host(const std::string& host, family f, uint16_t port) {
    if (std::optional<addr> literal = parse_ip(host, port)) {
        if (fits(*literal, f)) return {{*literal}, nullptr};
        return {{}, errors::of(addr_error{"no suitable address found", host})};
    }
    if (host.find('\0') != host.npos || host.size() > 253)
        return {{}, errors::of(dns_error{"no such host", host, true, false})};
    return lookup(host, f, port);
}

}  // namespace gossamer::net

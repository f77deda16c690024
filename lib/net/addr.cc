// SPDX-License-Identifier: BSL-1.0
#include "gossamer/net/addr.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>

#include "gossamer/os.h"

namespace gossamer::net {

addr addr::any(uint16_t port) {
    addr a({}, 0, port);
    a.any_ = true;
    return a;
}

addr addr::unix_socket(std::string path) {
    addr a;
    a.kind_ = kind::unix_socket;
    a.path_ = std::move(path);
    return a;
}

bool addr::is_ipv4() const {
    static constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return kind_ == kind::inet && std::equal(kMapped.begin(), kMapped.end(), ip_.begin());
}

std::string addr::host() const {
    if (kind_ != kind::inet) return path_;
    if (any_) return "";
    char text[INET6_ADDRSTRLEN] = "";
    if (is_ipv4()) return ::inet_ntop(AF_INET, &ip_[12], text, sizeof text);
    ::inet_ntop(AF_INET6, ip_.data(), text, sizeof text);
    std::string host = text;
    if (scope_ != 0) {
        char name[IF_NAMESIZE];
        host += '%';
        host += ::if_indextoname(scope_, name) != nullptr ? std::string(name) : std::to_string(scope_);
    }
    return host;
}

std::string addr::string() const { return kind_ == kind::inet ? join_host_port(host(), std::to_string(port_)) : path_; }

std::string op_error::message() const {
    std::string text = op;
    if (!network.empty()) text += " " + network;
    if (source) text += " " + source.string();
    if (address) text += (source ? "->" : " ") + address.string();
    return text + ": " + err.message();
}

bool op_error::timeout() const { return is_timeout(err); }

bool is_timeout(const error& err) { return errors::is(err, std::errc::timed_out); }

std::string join_host_port(std::string_view host, std::string_view port) {
    std::string text(host);
    if (host.find(':') != host.npos) text = "[" + text + "]";
    return text.append(":").append(port);
}

host_port split_host_port(std::string_view text) {
    auto wrong = [&](const char* why) { return host_port{"", "", errors::of(addr_error{why, std::string(text)})}; };
    size_t colon = text.rfind(':');
    if (colon == text.npos) return wrong("missing port in address");
    std::string_view host = text.substr(0, colon);
    if (text.starts_with('[')) {
        size_t end = text.find(']');
        if (end == text.npos) return wrong("missing ']' in address");
        if (end + 1 == text.size()) return wrong("missing port in address");
        if (end + 1 != colon)
            return wrong(text[end + 1] == ':' ? "too many colons in address" : "missing port in address");
        host = text.substr(1, end - 1);
        if (text.find('[', 1) != text.npos) return wrong("unexpected '[' in address");
        if (text.find(']', colon) != text.npos) return wrong("unexpected ']' in address");
    } else {
        if (host.find(':') != host.npos) return wrong("too many colons in address");
        if (text.find('[') != text.npos) return wrong("unexpected '[' in address");
        if (text.find(']') != text.npos) return wrong("unexpected ']' in address");
    }
    return {std::string(host), std::string(text.substr(colon + 1)), nullptr};
}

}  // namespace gossamer::net

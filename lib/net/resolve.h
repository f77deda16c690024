// SPDX-License-Identifier: BSL-1.0
// resolve: from "host:port" to addresses. Literals cost nothing; names go through getaddrinfo, which blocks a thread and no processor.
// Called by / on: a goroutine or a plain thread, outside the runtime.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gossamer/error.h"
#include "gossamer/net/addr.h"

namespace gossamer::net {

enum class family : uint8_t { any, v4, v6 };

// "tcp", "tcp4", "tcp6"; nothing for another network.
std::optional<family> tcp_family(std::string_view network);
// An IPv4 or IPv6 literal, with a zone if it has one.
std::optional<addr> parse_ip(std::string_view text, uint16_t port);
// A number or the name of a service.
error parse_port(std::string_view text, uint16_t* port);

struct addresses {
    std::vector<addr> found;
    error err;
};
// What getaddrinfo says, in its order. Blocks.
addresses lookup(const std::string& name, family f, uint16_t port);
// The same, for a literal without asking anybody. An IPv4 literal is no address of "tcp6".
addresses resolve_host(const std::string& host, family f, uint16_t port);

}  // namespace gossamer::net

// SPDX-License-Identifier: BSL-1.0
// sockets: what the limits share that speak TCP on loopback. Each ends the process when the kernel refuses.

#pragma once

#include <cstdint>

namespace perf {

[[noreturn]] void die(const char* what);

// Port 0: any that is free.
int listen_on(std::int64_t port);

void send_at_once(int fd);

}  // namespace perf

// SPDX-License-Identifier: BSL-1.0
// serve_echo: the server of the rows echo and idle_conns: a task for every connection, 64-byte messages; N is the port.

#include <gossamer/go.h>
#include <gossamer/net/conn.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

#include "perf/support/process.h"
#include "perf/workloads/rows.h"

namespace perf {

namespace {

void echo(const gossamer::net::conn& c) {
    std::array<char, 64> buffer;
    for (;;) {
        auto [n, err] = c.read(std::span(buffer));
        if (err) return;
        if (auto [sent, failed] = c.write(std::span(buffer).first(n)); failed) return;
    }
}

}  // namespace

void serve_echo(bench& b) {
    raise_file_limit();
    auto [listener, err] = gossamer::net::listen("tcp4", "127.0.0.1:" + std::to_string(b.n));
    while (!err) {
        auto [c, failed] = listener.accept();
        err = failed;
        if (!err) gossamer::go([c = std::move(c)] { echo(c); });
    }
    std::fprintf(stderr, "%s: %s\n", b.workload, err.message().c_str());
    std::_Exit(1);
}

}  // namespace perf

// SPDX-License-Identifier: BSL-1.0
// serve_http: the smallest HTTP/1.1 server with keep-alive, answers 'hello' to whatever is asked; N is the port.

#include <gossamer/go.h>
#include <gossamer/net/conn.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "perf/support/process.h"
#include "perf/workloads/rows.h"

namespace perf {

namespace {

constexpr std::string_view kAnswer =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello";
constexpr std::string_view kRefusal = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

// The length of the first whole request at the head of `text`, 0 when more must be read. Requests have no body here.
std::size_t request_length(std::string_view text) {
    std::size_t end = text.find("\r\n\r\n");
    return end == std::string_view::npos ? 0 : end + 4;
}

bool understood(std::string_view request) {
    std::string_view line = request.substr(0, request.find("\r\n"));
    return line.starts_with("GET /") && line.ends_with(" HTTP/1.1");
}

void serve(const gossamer::net::conn& c) {
    std::array<char, 4096> buffer;
    std::size_t filled = 0;
    while (filled < buffer.size()) {  // a request that does not fit is not answered
        auto [n, err] = c.read(std::span(buffer).subspan(filled));
        if (err) return;
        filled += n;
        std::string_view text(buffer.data(), filled);
        while (std::size_t length = request_length(text)) {
            bool good = understood(text.substr(0, length));
            auto [sent, failed] = c.write(std::span(good ? kAnswer : kRefusal));
            if (failed || !good) return;
            text.remove_prefix(length);
        }
        std::memmove(buffer.data(), text.data(), text.size());
        filled = text.size();
    }
}

}  // namespace

void serve_http(bench& b) {
    raise_file_limit();
    auto [listener, err] = gossamer::net::listen("tcp4", "127.0.0.1:" + std::to_string(b.n));
    while (!err) {
        auto [c, failed] = listener.accept();
        err = failed;
        if (!err) gossamer::go([c = std::move(c)] { serve(c); });
    }
    std::fprintf(stderr, "%s: %s\n", b.workload, err.message().c_str());
    std::_Exit(1);
}

}  // namespace perf

// SPDX-License-Identifier: BSL-1.0
// The server of pprof over a real socket: whatever comes, in pieces, it answers in HTTP or hangs up, and serves the next one.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gossamer/go.h"
#include "gossamer/io.h"
#include "gossamer/net.h"
#include "gossamer/pprof.h"

using namespace gossamer;

namespace {

void must(bool cond) {
    if (!cond) std::abort();
}

std::string start_server() {
    ::setenv("GOSSAMER_TOOL", "/nonexistent/gossamer", 1);  // what is fuzzed is the server
    auto [l, err] = net::listen("unix", "@gossamer-fuzz-" + std::to_string(::getpid()));
    must(!err);
    go([l = l] { must(pprof::serve(l) == nullptr); });
    return l.addr().string();
}

// Every answer of it in order: a status line, headers, as many bytes as they say.
void check(std::string_view all) {
    while (!all.empty()) {
        must(all.starts_with("HTTP/1.1 "));
        size_t end = all.find("\r\n\r\n"), length = all.find("Content-Length: ");
        must(end != all.npos && length < end);
        size_t n = std::strtoul(all.data() + length + 16, nullptr, 10);
        all.remove_prefix(end + 4);
        must(n <= all.size());
        all.remove_prefix(n);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const std::string at = start_server();
    if (size == 0) return 0;
    auto [c, err] = net::dial("unix", at);
    must(!err);
    size_t step = data[0] == 0 ? size : data[0];
    for (size_t i = 1; i < size; i += step)
        if (c.write({reinterpret_cast<const char*>(data) + i, std::min(step, size - i)}).err) break;  // it has hung up
    static_cast<void>(c.close_write());
    auto [all, failed] = io::read_all(c);
    if (!failed) check(all);
    static_cast<void>(c.close());
    return 0;
}

// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/thread_clock.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace insp {

namespace {
constexpr size_t kMostFiles = 128;  // kept open
}

thread_clocks::~thread_clocks() {
    for (auto& [tid, f] : files_)
        if (f.fd >= 0) ::close(f.fd);
}

thread_times thread_clocks::read(uint64_t tid) {
    auto at = files_.find(tid);
    if (at == files_.end()) {
        if (files_.size() >= kMostFiles) return {};
        char path[80];
        std::snprintf(path, sizeof path, "/proc/%u/task/%llu/schedstat", pid_, static_cast<unsigned long long>(tid));
        at = files_.emplace(tid, open_file{::open(path, O_RDONLY | O_CLOEXEC), true}).first;
    }
    at->second.used = true;
    char text[96];
    ssize_t n = at->second.fd >= 0 ? ::pread(at->second.fd, text, sizeof text - 1, 0) : -1;
    if (n <= 0) return {};
    text[n] = 0;
    char* end;
    thread_times t;
    t.ran = std::strtoull(text, &end, 10);
    t.waited = std::strtoull(end, &end, 10);
    t.runs = std::strtoull(end, nullptr, 10);
    t.known = true;
    return t;
}

void thread_clocks::forget_unused() {
    for (auto at = files_.begin(); at != files_.end();) {
        if (at->second.used) {
            at->second.used = false;
            ++at;
        } else {
            if (at->second.fd >= 0) ::close(at->second.fd);
            at = files_.erase(at);
        }
    }
}

}  // namespace insp

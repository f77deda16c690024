// SPDX-License-Identifier: BSL-1.0

#include "perf/support/process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

namespace perf {

namespace {

[[noreturn]] void die(const char* what) {
    std::perror(what);
    std::exit(1);
}

}  // namespace

std::int64_t rss_bytes() {
    static const int fd = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    static const long page = ::sysconf(_SC_PAGESIZE);
    char text[128];
    ssize_t n = ::pread(fd, text, sizeof text - 1, 0);
    if (n <= 0) die("/proc/self/statm");
    text[n] = '\0';
    long long size = 0, resident = 0;
    if (std::sscanf(text, "%lld %lld", &size, &resident) != 2) die("/proc/self/statm");
    return resident * page;
}

std::chrono::nanoseconds cpu_time() {
    rusage u{};
    if (::getrusage(RUSAGE_SELF, &u) != 0) die("getrusage");
    auto of = [](const timeval& t) { return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec); };
    return of(u.ru_utime) + of(u.ru_stime);
}

void raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) die("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) die("setrlimit");
}

void become_load_client(bench& b) {
    namespace fs = std::filesystem;
    fs::path self = fs::read_symlink("/proc/self/exe");
    std::string procs = std::to_string(b.procs), n = std::to_string(b.n);
    const char* argv[] = {"load_client", b.workload, self.c_str(), procs.c_str(), b.n > 0 ? n.c_str() : nullptr,
                          nullptr};
    for (const fs::path& dir : {self.parent_path(), self.parent_path().parent_path()}) {
        fs::path client = dir / "load_client";
        ::execv(client.c_str(), const_cast<char* const*>(argv));
    }
    die("load_client");
}

}  // namespace perf

// SPDX-License-Identifier: BSL-1.0
// The values of the variables of the environment, and what the kernel's files say of the CPUs that may be used. Every value is taken, and is then in
// its range, or refused with status 2.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "runtime/os/os.h"
#include "runtime/sched/config.h"

using namespace gossamer;

namespace {

struct refused {
    int status;
};

void must(bool cond) {
    if (!cond) std::abort();
}

constexpr const char* kNames[] = {
    "GOSSAMER_PROCS", "GOSSAMER_STACK", "GOSSAMER_MAX_THREADS", "GOSSAMER_SEED",         "GOSSAMER_GUARDS",
    "GOSSAMER_DEBUG", "GOSSAMER_BOX",   "GOSSAMER_TRACE",       "GOSSAMER_TRACE_STACKS", "GOSSAMER_TRACE_RING"};

void environment(std::string_view text) {
    // One variable a line; those without a line are not set.
    for (const char* name : kNames) {
        std::string value(text.substr(0, text.find('\n')));
        text.remove_prefix(std::min(value.size() + 1, text.size()));
        value.empty() ? ::unsetenv(name) : ::setenv(name, value.c_str(), 1);
    }
    try {
        rt::config c = rt::read_config();
        must(c.procs <= rt::kMaxProcs && c.stack_bytes >= 16 << 10 && c.stack_bytes <= size_t(1) << 30);
        must(c.max_threads >= 4 && c.max_threads <= 1'000'000 && c.seed <= SIZE_MAX >> 1);
        must(c.schedtrace_ms <= 86'400'000 && c.trace_ring <= 1u << 30);
    } catch (const refused& r) {
        must(r.status == 2);
    }
}

// A file of its own, under a directory that is gone with the process.
struct place {
    char path[40] = "/dev/shm/gossamer-fuzz-XXXXXX";
    std::string group, limit;
    place() {
        must(::mkdtemp(path) != nullptr);
        group = std::string(path) + "/cgroup";
        limit = std::string(path) + "/cpu.max";
    }
    ~place() {
        ::unlink(group.c_str());
        ::unlink(limit.c_str());
        ::rmdir(path);
    }
};

void write_file(const std::string& path, std::string_view text) {
    FILE* f = std::fopen(path.c_str(), "we");
    must(f != nullptr && std::fwrite(text.data(), 1, text.size(), f) == text.size() && std::fclose(f) == 0);
}

void quota(std::string_view text) {
    static place here;
    size_t end = std::min(text.find('\n'), text.size());
    write_file(here.group, "1:name=systemd:/\n0::" + std::string(text.substr(0, end)) + "\n");
    write_file(here.limit, text.substr(std::min(end + 1, text.size())));
    unsigned n = rt::os::cpus_under(here.path, here.group.c_str(), 64);
    must(n >= 1 && n <= 64);
}

}  // namespace

// In place of the end of the process.
extern "C" void __wrap__exit(int status) { throw refused{status}; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    data[0] % 4 == 0 ? quota(text) : environment(text);
    return 0;
}

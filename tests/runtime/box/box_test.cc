// SPDX-License-Identifier: BSL-1.0
#include "runtime/box/box.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "gossamer/chan.h"
#include "gossamer/runtime.h"
#include "runtime/box/version.h"
#include "runtime/sched/g.h"
#include "runtime/sched/sched.h"
#include "tests/support/harness.h"

using namespace gossamer;
using namespace gossamer::rt;

namespace {

std::string contents(const std::string& path) {
    int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return "";
    std::string all;
    std::vector<char> some(1 << 20);
    for (ssize_t n; (n = ::read(fd, some.data(), some.size())) > 0;) all.append(some.data(), size_t(n));
    ::close(fd);
    return all;
}

const box::region* regions(const std::string& file, uint32_t* count) {
    auto* h = reinterpret_cast<const box::header*>(file.data());
    *count = h->region_count.load();
    return reinterpret_cast<const box::region*>(file.data() + h->regions_at);
}

// All text of one kind.
std::string text_of(const std::string& file, box::region_kind kind) {
    uint32_t n;
    const box::region* r = regions(file, &n);
    std::string all;
    for (uint32_t i = 0; i < n; i++)
        if (r[i].kind == kind) all += file.c_str() + r[i].offset;
    return all;
}

// The box of this process; the runtime is at work.
std::string own_box() {
    tests::on_goroutine([] {});
    return contents(box_path());
}

}  // namespace

TEST_CASE("the box is a file of this user alone, and says whose it is") {
    std::string file = own_box();
    REQUIRE(file.size() > sizeof(box::header));
    struct stat s;
    REQUIRE(::stat(box_path(), &s) == 0);
    CHECK((s.st_mode & 0777) == 0600);
    auto* h = reinterpret_cast<const box::header*>(file.data());
    CHECK(memcmp(h->magic, box::kMagic, sizeof h->magic) == 0);
    CHECK(h->version == box::kVersion);
    CHECK(h->pid == uint32_t(getpid()));
    CHECK(h->state.load() == box::life::running);
    CHECK(h->start_ticks != 0);
    CHECK(std::string(h->exe).find("runtime_tests") != std::string::npos);
    CHECK(std::string(h->library) == kLibraryVersion);
    CHECK(std::count(h->library, h->library + strlen(h->library), '.') == 2);
}

TEST_CASE("how many processors there are stands in the box from the first moment on") {
    tests::on_goroutine([] {
        unsigned before = runtime::procs();
        CHECK(the_box()->procs.load() == before);
        for (unsigned n : {before + 1, before + 3, before}) {
            runtime::set_procs(int(n));
            CHECK(the_box()->procs.load() == n);
        }
    });
}

TEST_CASE("a goroutine that waits is found in the box by the description, with what it waits for") {
    tests::on_goroutine([] {
        chan<int> go_on;
        go({.name = "the one who waits"}, [=] { go_on.recv(); });
        const void* object = nullptr;
        CHECK(tests::eventually([&] {
            std::string file = contents(box_path());
            std::string description = text_of(file, box::region_kind::text);
            auto field = [&](const char* name) {
                size_t at = description.find(std::string(name) + " ");
                REQUIRE(at != std::string::npos);
                return size_t(atoi(description.c_str() + at + strlen(name) + 1));
            };
            size_t status = field("G.status"), reason = field("G.reason"), what = field("G.wait_object"),
                   name = field("G.name");
            uint32_t n;
            const box::region* r = regions(file, &n);
            for (uint32_t i = 0; i < n; i++) {
                if (r[i].kind != box::region_kind::gs) continue;
                for (uint64_t at = r[i].offset; at + r[i].stride <= r[i].offset + r[i].in_file; at += r[i].stride) {
                    const char* g = file.data() + at;
                    const char* named;
                    memcpy(&named, g + name, sizeof named);
                    if (g[status] != char(g_status::waiting) || g[reason] != char(wait_reason::chan_receive)) continue;
                    if (named == nullptr || strcmp(named, "the one who waits") != 0) continue;
                    memcpy(&object, g + what, sizeof object);
                    return object != nullptr;
                }
            }
            return false;
        }));
        go_on.close();
    });
}

TEST_CASE("the modules name the program's own code") {
    std::string modules = text_of(own_box(), box::region_kind::modules);
    auto here = reinterpret_cast<uintptr_t>(&own_box);
    bool found = false;
    for (size_t at = 0; at < modules.size(); at = modules.find('\n', at) + 1) {
        unsigned long long begin, end, offset;
        char id[128], path[4096];
        REQUIRE(sscanf(modules.c_str() + at, "%llx %llx %llx %127s %4095[^\n]", &begin, &end, &offset, id, path) == 5);
        if (here >= begin && here < end) found = std::string(path).find("runtime_tests") != std::string::npos;
    }
    CHECK(found);
}

TEST_CASE("a copy of the box is the box; where it cannot be written the errno value says why") {
    own_box();
    std::string to = "/tmp/gossamer-box-test-" + std::to_string(getpid());
    CHECK(save_box(to.c_str()) == 0);
    std::string copy = contents(to);
    ::unlink(to.c_str());
    REQUIRE(copy.size() > sizeof(box::header));
    CHECK(memcmp(copy.data(), box::kMagic, sizeof box::kMagic) == 0);
    CHECK(text_of(copy, box::region_kind::text).find("P.ring ") != std::string::npos);
    CHECK(save_box("/nonexistent/directory/file") == ENOENT);
    CHECK(save_box("/dev/full") != 0);
}

TEST_CASE("what a forked child writes is not seen in its parent's box") {
    own_box();
    rt::atomic<uint32_t>& word = the_box()->wanted.ring_bytes;  // nobody else writes it
    uint32_t before = word.load();
    pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        word.store(before + 77);
        _exit(word.load() == before + 77 ? 0 : 1);
    }
    int status = -1;
    CHECK(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    CHECK(word.load() == before);
}

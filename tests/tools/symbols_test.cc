// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/symbols.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "tools/gossamer/frame_rules.h"
#include "tools/gossamer/stopped_thread.h"

using namespace insp;

extern "C" [[gnu::noinline]] int f(int n) {
    asm volatile("" : "+r"(n));
    return n;
}

namespace somewhere {
template <class T>
[[gnu::noinline]] T twice(T n) {
    asm volatile("" : "+r"(n));
    return n + n;
}
}  // namespace somewhere

namespace {

std::vector<module> own_modules() {
    std::vector<module> all;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        unsigned long begin, end, offset, inode;
        char rights[8];
        int path_at = 0;
        if (std::sscanf(line.c_str(), "%lx-%lx %7s %lx %*s %lu %n", &begin, &end, rights, &offset, &inode, &path_at) <
                5 ||
            rights[2] != 'x')
            continue;
        std::string path = line.substr(std::min<size_t>(size_t(path_at), line.size()));
        all.push_back({begin, end, offset, "", path, inode != 0 ? path : ""});
    }
    return all;
}

bool read_self(uint64_t address, void* to, size_t bytes) {
    std::memcpy(to, reinterpret_cast<const void*>(address), bytes);
    return true;
}

template <class F>
uint64_t address_of(F* function) {
    return reinterpret_cast<uint64_t>(function);
}

const code_frame& last(const std::vector<code_frame>& frames) { return frames.back(); }

[[gnu::noinline]] std::vector<uint64_t> pcs_by_library() {
    std::vector<uint64_t> pcs;
    _Unwind_Backtrace(
        [](_Unwind_Context* c, void* arg) {
            if (uint64_t pc = _Unwind_GetIP(c)) static_cast<std::vector<uint64_t>*>(arg)->push_back(pc);
            return _URC_NO_REASON;
        },
        &pcs);
    return pcs;
}

const machine& own_machine() { return *find_machine(object_file::open("/proc/self/exe", "")->machine()); }

volatile bool stands = true;

// In a child: tells its frames and stands still, in a function that is called through others whose frames have no fixed size.
[[gnu::noinline]] void stand(int to, int depth, int room) {
    if (depth > 0) {
        auto* kept = static_cast<volatile char*>(__builtin_alloca(size_t(room)));
        kept[0] = 1;
        stand(to, depth - 1, room + 100);
        kept[0] = 2;
        return;
    }
    std::vector<uint64_t> pcs = pcs_by_library();
    if (write(to, pcs.data(), pcs.size() * sizeof pcs[0]) < 0) _exit(1);
    while (stands) continue;
}

struct child {
    std::vector<uint64_t> pcs;  // innermost first, from stand() on
    pid_t pid;
    explicit child(int depth) : pcs(1000) {
        int ends[2];
        REQUIRE(pipe(ends) == 0);
        pid = fork();
        if (pid == 0) stand(ends[1], depth, 50);
        ssize_t n = read(ends[0], pcs.data(), pcs.size() * sizeof pcs[0]);
        close(ends[0]);
        close(ends[1]);
        REQUIRE(n > 0);
        pcs.resize(size_t(n) / sizeof pcs[0]);
        pcs.erase(pcs.begin());
    }
    ~child() {
        kill(pid, SIGKILL);
        waitpid(pid, nullptr, 0);
    }
};

std::vector<uint64_t> walk(frame_rules& rules, thread_copy& copy) {
    std::vector<uint64_t> pcs;
    uint64_t begin = copy.at.value[own_machine().sp];
    auto read = [&](uint64_t address, uint64_t* word) {
        if (address < begin || address - begin + 8 > copy.stack.size()) return false;
        std::memcpy(word, copy.stack.data() + (address - begin), 8);
        return true;
    };
    for (registers r = copy.at; pcs.size() < 200;) {
        pcs.push_back(r.pc);
        if (rules.step(own_machine(), r, read) != frame_rules::outcome::stepped) break;
    }
    return pcs;
}

}  // namespace

TEST_CASE("a function of this program has its name, without the type it returns") {
    symbols s(own_modules(), true, read_self);
    CHECK(last(s.describe(address_of(&somewhere::twice<int>), false)).function == "somewhere::twice<int>(int)");
    // Demangled, "f" would be the type float.
    CHECK(last(s.describe(address_of(&f), false)).function == "f");
    CHECK(last(s.describe(address_of(&f), false)).offset == 0);
    CHECK(last(s.describe(address_of(&f) + 1, true)).offset == 1);
    CHECK(f(2) + somewhere::twice(1) == 4);
}

TEST_CASE("the return address behind a function's last call names that function, not the next") {
    symbols s(own_modules(), true, read_self);
    uint64_t begin = address_of(&f);
    CHECK(last(s.describe(begin, true)).function != "f");
    CHECK(last(s.describe(begin, false)).function == "f");
}

TEST_CASE("an address outside of all modules is its own name") {
    symbols s(own_modules(), true, read_self);
    CHECK(last(s.describe(0x10, false)).function == "0x10");
    CHECK(last(s.describe(0, true)).function == "0x0");
    CHECK(last(s.describe(~uint64_t(0), true)).function == "0xffffffffffffffff");
}

TEST_CASE("a module whose file cannot be had gives the address and the file's name") {
    symbols s({{0x1000, 0x2000, 0, "", "/nowhere/at-all", ""}}, false, read_self);
    CHECK(last(s.describe(0x1234, false)).function == "0x1234 in /nowhere/at-all");
    CHECK(s.find(0x1234).file == nullptr);
}

TEST_CASE("a file with another build-id is not believed") {
    std::string self = std::filesystem::read_symlink("/proc/self/exe");
    auto file = object_file::open(self, "");
    REQUIRE(file != nullptr);
    if (!file->build_id().empty()) CHECK(object_file::open(self, file->build_id()) != nullptr);
    CHECK(object_file::open(self, "0011223344556677") == nullptr);
    CHECK(object_file::open("/proc/self/status", "") == nullptr);
    CHECK(object_file::open("/", "") == nullptr);
}

TEST_CASE("the code that the kernel maps into each process has names too") {
    std::vector<module> modules = own_modules();
    auto vdso = std::find_if(modules.begin(), modules.end(), [](const module& m) { return m.path == "[vdso]"; });
    if (vdso == modules.end()) return;
    symbols s(modules, true, read_self);
    CHECK(s.find(vdso->begin).file != nullptr);
}

TEST_CASE("the runtime's own functions are told from the user's") {
    CHECK(is_runtime_function("gossamer::rt::park(int)"));
    CHECK(is_runtime_function("std::__invoke_impl<void>(int)"));
    CHECK_FALSE(is_runtime_function("gossamer::mutex::lock()"));
    CHECK_FALSE(is_runtime_function("my::gossamer::rt::f()"));
    CHECK(is_gossamer_function("gossamer::mutex::lock()"));
}

TEST_CASE("the frames of a running thread are those that the compiler's own library finds in it") {
    symbols s(own_modules(), true, read_self);
    frame_rules rules(s);
    for (int depth : {0, 6, 6}) {  // the second time by the rules that were kept
        child c(depth);
        REQUIRE(c.pcs.size() > 5);
        // It stands behind the call in which it told its frames; at first it is on its way from there.
        std::vector<uint64_t> pcs;
        for (int turn = 0; turn < 2000 && pcs.size() != c.pcs.size(); turn++) {
            if (turn > 0) usleep(1000);
            thread_copy copy = copy_thread(uint64_t(c.pid), uint64_t(c.pid), own_machine(), 64 << 10, [] {});
            if (copy.why.find("refused") != std::string::npos) {
                MESSAGE("skipped: " << copy.why);
                return;
            }
            CHECK(copy.why.empty());
            CHECK(copy.stopped_ns > 0);
            pcs = walk(rules, copy);
        }
        REQUIRE(pcs.size() == c.pcs.size());
        CHECK(std::equal(pcs.begin() + 1, pcs.end(), c.pcs.begin() + 1));
        int status = 0;
        CHECK(waitpid(c.pid, &status, WNOHANG) == 0);  // it runs on
    }
}

TEST_CASE("a walk over stacks of nonsense ends") {
    symbols s(own_modules(), true, read_self);
    frame_rules rules(s);
    std::mt19937_64 random(1);
    std::vector<module> modules = own_modules();
    for (int turn = 0; turn < 2000; turn++) {
        registers r;
        for (unsigned i = 0; i < 16; i++) r.set(i, random());
        const module& m = modules[random() % modules.size()];
        r.pc = m.begin + random() % (m.end - m.begin);
        auto read = [&](uint64_t, uint64_t* word) {
            const module& to = modules[random() % modules.size()];
            *word = random() % 3 == 0 ? random() : to.begin + random() % (to.end - to.begin);
            return random() % 16 != 0;
        };
        int steps = 0;
        while (steps < 100 && rules.step(own_machine(), r, read) == frame_rules::outcome::stepped) steps++;
    }
    CHECK(true);
}

TEST_CASE("a damaged file gives no names, or wrong ones, but no crash") {
    std::ifstream in("/proc/self/exe", std::ios::binary);
    std::string whole{std::istreambuf_iterator<char>(in), {}};
    std::string path = std::filesystem::temp_directory_path() / ("gossamer-damaged-" + std::to_string(getpid()));
    std::mt19937_64 random(2);
    for (int turn = 0; turn < 24; turn++) {
        std::string bytes = whole;
        if (turn % 2 == 0)
            bytes.resize(random() % bytes.size());
        else
            for (int i = 0; i < 2000; i++) bytes[random() % bytes.size()] = char(random());
        if (turn % 4 == 1) std::memcpy(bytes.data(), whole.data(), 64);  // it begins as it should
        std::ofstream(path, std::ios::binary) << bytes;
        symbols s({{0x400000, 0x800000, 0, "", path, path}}, false, read_self);
        frame_rules rules(s);
        for (int i = 0; i < 50; i++) {
            uint64_t pc = 0x400000 + random() % 0x200000;
            CHECK_FALSE(last(s.describe(pc, true)).function.empty());
            registers r;
            r.pc = pc;
            r.set(7, 0x1000);
            rules.step(own_machine(), r, [](uint64_t, uint64_t*) { return false; });
        }
    }
    std::filesystem::remove(path);
}

TEST_CASE("a thread that is not there cannot be copied, and the reason is told") {
    thread_copy copy = copy_thread(uint64_t(getpid()), 0x3ffffffe, own_machine(), 4096, [] {});
    CHECK(copy.why == "the thread has ended");
    // A process cannot trace itself.
    copy = copy_thread(uint64_t(getpid()), uint64_t(getpid()), own_machine(), 4096, [] {});
    CHECK_FALSE(copy.why.empty());
}

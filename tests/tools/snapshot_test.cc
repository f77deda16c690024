// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/snapshot.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <random>
#include <utility>

#include "box_builder.h"
#include "tools/gossamer/saved_g.h"

using namespace insp_test;

namespace {

// Three goroutines that wait, run and are ready, on two processors and three threads.
struct small_world {
    box_builder b;
    uint64_t g1, g2, g3, g4, p0, m1;

    small_world() {
        // Slots in another order than the numbers of the goroutines.
        g3 = b.add_g({.id = 3, .status = runnable, .creator_id = 1});
        g2 = b.add_g({.id = 2,
                      .status = waiting,
                      .reason = 10,
                      .name = "accept loop",
                      .creator_id = 1,
                      .creator_pc = 0x401000,
                      .object = 0xabc0,
                      .site = 0x402000,
                      .since = 5'500'000'000});
        b.add_g({.id = 9, .status = dead});
        g4 = b.add_g({.id = 4, .status = fresh, .invoke = 0x403000});
        m1 = b.add_m({.number = 1, .tid = 100, .in_runtime = 1, .events = {5, 1}, .histogram = {0, 7}});
        g1 = b.add_g({.id = 1, .status = running, .flags = 4, .m = m1});
        p0 =
            b.add_p({.id = 0, .status = 1, .m = m1, .next = g4, .queue = {g3, 0, 0x10, g2}, .head = 254, .created = 4});
        b.add_p({.id = 1, .deadline = 7'000'000'000});
        b.put(m1 + 8, p0);
        b.put(m1 + 16, g1);
        b.add_m({.tid = 102, .is_thread = true, .parked = true});
        b.add_m({.number = 2, .tid = 101, .spinning = true, .events = {10, 2, 3}, .histogram = {1, 1}});
    }
};

std::string message_of(const std::string& what) {
    try {
        auto t = insp::target::open(what);
        insp::take_snapshot(*t);
        return "no error";
    } catch (const insp::error& e) {
        return e.what();
    }
}

bool has(const std::string& text, const std::string& part) {
    bool found = text.find(part) != std::string::npos;
    if (!found) MESSAGE(text);
    return found;
}

// Runs fn in a child and gives back what it returned.
template <class F>
std::string in_child(F fn) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        std::string text = fn();
        ssize_t n = write(ends[1], text.data(), text.size());
        _exit(n == ssize_t(text.size()) ? 0 : 1);
    }
    close(ends[1]);
    std::string text(4096, 0);
    ssize_t n = read(ends[0], text.data(), text.size());
    close(ends[0]);
    waitpid(child, nullptr, 0);
    text.resize(size_t(std::max<ssize_t>(n, 0)));
    return text;
}

}  // namespace

TEST_CASE("a snapshot shows goroutines by number, with what each does") {
    small_world w;
    scratch_file f(w.b);
    auto t = insp::target::open(f.path());
    CHECK_FALSE(t->is_live());
    insp::snapshot s = insp::take_snapshot(*t);
    REQUIRE(s.goroutines.size() == 4);
    CHECK(s.taken_ns == 6'000'000'000);
    CHECK(s.taken_real_ns == 1'700'000'001'000'000'000);
    const insp::goroutine& one = s.goroutines[0];
    CHECK(one.id == 1);
    CHECK(one.state == insp::g_state::running);
    CHECK(one.is_locked);
    REQUIRE(one.thread == 0);
    CHECK(s.threads[0].tid == 100);
    const insp::goroutine& two = s.goroutines[1];
    CHECK(two.name == "accept loop");
    CHECK(std::string(insp::reason_words(two.reason)) == "sync.Mutex.Lock");
    CHECK(two.object == 0xabc0);
    CHECK(two.site_pc == 0x402000);
    CHECK(two.creator_pc == 0x401000);
    CHECK(two.waits_since_ns == 5'500'000'000);
    CHECK(two.address == w.g2);
    CHECK(s.find(3)->state == insp::g_state::runnable);
    CHECK(s.find(4)->state == insp::g_state::fresh);
    CHECK(s.find(4)->invoke_pc == 0x403000);
    CHECK(s.find(9) == nullptr);
    CHECK(s.find(77) == nullptr);
}

TEST_CASE("a snapshot shows processors with their queues, threads, and sums of the counters") {
    small_world w;
    scratch_file f(w.b);
    auto t = insp::target::open(f.path());
    insp::snapshot s = insp::take_snapshot(*t);
    REQUIRE(s.processors.size() == 2);
    const insp::processor& p = s.processors[0];
    CHECK(std::string(p.status) == "running");
    CHECK(p.running == 1);
    CHECK(p.next == 4);
    CHECK(p.queue == std::vector<uint64_t>{3, 2});  // round the end of the ring, without what is no G
    CHECK(p.thread == 0);
    CHECK(p.created == 4);
    CHECK(p.next_deadline_ns == 0);
    CHECK(s.processors[1].next_deadline_ns == 7'000'000'000);
    CHECK(s.processors[1].thread == -1);
    REQUIRE(s.threads.size() == 3);
    CHECK(s.threads[0].processor == 0);
    CHECK(s.threads[0].in_runtime);
    CHECK(s.threads[1].is_plain);
    CHECK(s.threads[1].parked);
    CHECK(s.threads[2].searching);
    REQUIRE(s.counters.size() == 4);
    CHECK(s.counters[0] == std::pair<std::string, uint64_t>{"steals", 15});
    CHECK(s.counters[2].second == 3);
    CHECK(s.wait_histogram.size() == box_builder::kBuckets);
    CHECK(s.wait_histogram[1] == 8);
}

TEST_CASE("ticks become nanoseconds by the two readings of the clocks") {
    box_builder b;
    scratch_file f(b);
    auto t = insp::target::open(f.path());
    CHECK(t->ns_of(1000) == 5'000'000'000);
    CHECK(t->ns_of(1'000'001'000) == 5'500'000'000);
    CHECK(t->ns_of(4'000'001'000) == 7'000'000'000);
    CHECK(t->real_ns_of(5'000'000'001) == 1'700'000'000'000'000'001);
}

TEST_CASE("the box of a process that runs is live, and what is not in the file is read from its memory") {
    small_world w;
    w.b.become_own();
    // Gs that found no room in the file.
    alignas(64) static unsigned char table[4 * box_builder::kG];
    uint64_t id = 50;
    std::memcpy(table + 2 * box_builder::kG + 8, &id, sizeof id);
    table[2 * box_builder::kG + 89] = runnable;
    static const char kName[] = "in memory";
    const char* name = kName;
    std::memcpy(table + 2 * box_builder::kG + 32, &name, sizeof name);
    w.b.note_region(
        {uint64_t(reinterpret_cast<uintptr_t>(table)), sizeof table, 0, 0, box::region_kind::gs, box_builder::kG});
    scratch_file f(w.b, box_builder::own_path());
    chmod(f.path().c_str(), 0600);
    auto t = insp::target::open(std::to_string(getpid()));
    CHECK(t->is_live());
    CHECK(t->pid() == uint32_t(getpid()));
    insp::snapshot s = insp::take_snapshot(*t);
    REQUIRE(s.goroutines.size() == 5);
    CHECK(s.goroutines[4].id == 50);
    CHECK(s.goroutines[4].name == "in memory");
    int32_t number = 0;
    static const int32_t kHere = 4711;
    CHECK(t->read(uint64_t(reinterpret_cast<uintptr_t>(&kHere)), &number, sizeof number));
    CHECK(number == 4711);
    CHECK_FALSE(t->read(16, &number, sizeof number));
    t->control().level = 3;
    CHECK(t->head().wanted.level == 3);
    CHECK(insp::target::open(f.path())->is_live());
    scratch_file copy(w.b);
    CHECK_FALSE(insp::target::open(copy.path())->is_live());
}

TEST_CASE("a region that comes later, behind the end of the file as it was, is found") {
    small_world w;
    w.b.become_own();
    scratch_file f(w.b, box_builder::own_path());
    auto t = insp::target::open(std::to_string(getpid()));
    CHECK(insp::take_snapshot(*t).goroutines.size() == 4);
    w.b.add_table(box::region_kind::gs, 64);
    uint64_t at = w.b.add_g({.id = 60, .status = runnable});
    CHECK(t->at(at, 8) == nullptr);
    w.b.write(f.path());  // truncates: pages vanish under the map, and come back
    CHECK(t->at(at, 8) != nullptr);
    CHECK(insp::take_snapshot(*t).goroutines.size() == 5);
}

TEST_CASE("a file that is cut short after it was mapped reads as zeros, and does not kill the reader") {
    small_world w;
    scratch_file f(w.b);
    auto t = insp::target::open(f.path());
    const std::byte* g = t->at(w.g1, 8);
    REQUIRE(g != nullptr);
    REQUIRE(truncate(f.path().c_str(), 100) == 0);
    CHECK(*g == std::byte{0});
    CHECK(insp::take_snapshot(*t).goroutines.empty());
}

TEST_CASE("a process that has died is told from one that runs, by its number, its state and when it began") {
    small_world w;
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    std::string path = "/dev/shm/gossamer." + std::to_string(geteuid()) + "." + std::to_string(child);
    w.b.head().pid = uint32_t(child);
    w.b.head().start_ticks = 1;  // another process had the number then
    scratch_file f(w.b, path);
    CHECK_FALSE(insp::target::open(std::to_string(child))->is_live());
    w.b.head().start_ticks = 0;  // not known
    w.b.write(path);
    CHECK(insp::target::open(std::to_string(child))->is_live());
    w.b.head().state = box::life::died;
    w.b.write(path);
    CHECK_FALSE(insp::target::open(std::to_string(child))->is_live());
    w.b.head().state = box::life::running;
    w.b.write(path);
    auto t = insp::target::open(std::to_string(child));
    CHECK(t->is_live());
    kill(child, SIGKILL);
    siginfo_t info;
    waitid(P_PID, id_t(child), &info, WEXITED | WNOWAIT);
    CHECK_FALSE(t->is_live());
    CHECK_FALSE(insp::target::open(std::to_string(child))->is_live());  // a zombie
    waitpid(child, nullptr, 0);
    auto left = insp::target::open(std::to_string(child));
    CHECK_FALSE(left->is_live());
    CHECK(insp::take_snapshot(*left).goroutines.size() == 4);
    CHECK_THROWS_AS(left->control(), insp::error);
}

TEST_CASE("what cannot be opened is named with the reason") {
    insp::running_command = "ps";
    CHECK(message_of("1073741823") == "gossamer: ps 1073741823: no such process");
    CHECK(has(message_of("99999999999999999999"), "no such process"));
    CHECK(has(message_of("/nowhere/at/all"), "there is no such file"));
    CHECK(has(message_of("/tmp"), "not a file"));
    CHECK(has(message_of(std::to_string(getpid())), "does not run on Gossamer"));
    CHECK(has(message_of("/proc/self/exe"), "no core"));

    box_builder b;
    scratch_file f(b);
    auto with_bytes = [&](std::vector<char> bytes) {
        box_builder::write(f.path(), bytes);
        return message_of(f.path());
    };
    CHECK(has(with_bytes({}), "neither a box nor a window"));
    CHECK(has(with_bytes(std::vector<char>(5000, 'x')), "neither a box nor a window"));
    CHECK(has(with_bytes(std::vector<char>(b.bytes().begin(), b.bytes().begin() + 100)), "cut short"));
    b.head().version = 2;
    CHECK(has(with_bytes(b.bytes()), "version 2, this program reads version 1"));
    b.head().version = 0;
    CHECK(has(with_bytes(b.bytes()), "older"));
    b.head().version = box::kVersion;
    b.head().header_bytes = 8;
    CHECK(has(with_bytes(b.bytes()), "damaged"));
    b.head().header_bytes = sizeof(box::header);
    std::memset(b.head().why, 'x', sizeof b.head().why);
    CHECK(has(with_bytes(b.bytes()), "no end"));
    b.head().why[0] = 0;
    std::memset(b.head().why, 0, sizeof b.head().why);
    uint64_t moment = std::exchange(b.head().mono_ns_0, uint64_t{1} << 63);
    CHECK(has(with_bytes(b.bytes()), "its clocks"));
    b.head().mono_ns_0 = std::exchange(moment, uint64_t{1} << 63);
    b.head().mono_ns_1 = moment;
    CHECK(has(with_bytes(b.bytes()), "its clocks"));
    b.head().mono_ns_1 = 0;
    b.head().region_count = 0;
    CHECK(has(with_bytes(b.bytes()), "does not describe"));
}

TEST_CASE("a field that lies where no struct reaches is none") {
    box_builder b;
    uint64_t g = b.add_g({.id = 1, .status = waiting, .context = 0x1000, .stack = 0x2000});
    const std::string was = "G.context 72 8\nG.stk 80 8\n", is = "G.context 4294967292 8\n\n\n\n",
                      rest = "G.stk 80 8\n";
    auto at = std::search(b.bytes().begin(), b.bytes().end(), was.begin(), was.end());
    REQUIRE(at != b.bytes().end());
    std::copy(is.begin(), is.end(), at);
    b.add_region(box::region_kind::text, rest.c_str(), rest.size() + 1, 0);
    scratch_file f(b);
    auto t = insp::target::open(f.path());
    CHECK_FALSE(t->find_field("G.context").there());
    CHECK(t->find_field("G.stk").offset == 80);
    insp::saved_g saved;
    CHECK_FALSE(insp::saved_g_reader(*t).read(g, saved));
    CHECK(insp::take_snapshot(*t).goroutines.size() == 1);
}

TEST_CASE("moments that cannot be are cut to what can be subtracted, and no bytes can be read anywhere") {
    box_builder b;
    b.add_g({.id = 1, .status = waiting, .since = INT64_MIN});
    b.add_p({.id = 0, .deadline = INT64_MIN});
    scratch_file f(b);
    auto t = insp::target::open(f.path());
    insp::snapshot s = insp::take_snapshot(*t);
    REQUIRE(s.goroutines.size() == 1);
    CHECK(s.goroutines[0].waits_since_ns == -insp::kMostNs);
    REQUIRE(s.processors.size() == 1);
    CHECK(s.processors[0].next_deadline_ns == -insp::kMostNs);
    for (uint64_t ticks : {uint64_t{0}, uint64_t{1} << 63, UINT64_MAX}) {
        CHECK(t->ns_of(ticks) <= insp::kMostNs);
        CHECK(t->ns_of(ticks) >= -insp::kMostNs);
    }
    for (int64_t ns : {INT64_MIN, INT64_MAX}) CHECK(std::abs(t->real_ns_of(ns)) <= insp::kMostNs);
    CHECK(t->read(1, nullptr, 0));
}

TEST_CASE("somebody else's process is refused with the owner's name") {
    small_world w;
    w.b.become_own();
    scratch_file f(w.b, box_builder::own_path());
    chmod(f.path().c_str(), 0600);
    std::string own = std::to_string(getpid());
    bool mighty = geteuid() == 0;
    std::string said = in_child([&] {
        if (mighty && setuid(65534) != 0) return std::string("cannot become nobody");
        return message_of(mighty ? own : "1") + "|" + message_of(mighty ? f.path() : "1");
    });
    CHECK(has(said, "it belongs to user root (0): one must be that user, or root|"));
}

TEST_CASE("a forked child has no box of its own") {
    small_world w;
    w.b.become_own();
    scratch_file f(w.b, box_builder::own_path());
    int fd = open(f.path().c_str(), O_RDONLY);
    REQUIRE(fd >= 0);
    void* map = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    CHECK(has(message_of(std::to_string(child)), "forked child of process " + std::to_string(getpid())));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    munmap(map, 4096);
}

TEST_CASE("regions behind the end of a file that was cut short are left out, the rest is shown") {
    small_world w;
    uint64_t whole = w.b.bytes().size();
    uint64_t more = w.b.add_g({.id = 5, .status = runnable});
    w.b.add_table(box::region_kind::gs, 64);
    w.b.add_g({.id = 6, .status = runnable});
    scratch_file f(w.b);
    CHECK(insp::take_snapshot(*insp::target::open(f.path())).goroutines.size() == 6);
    REQUIRE(truncate(f.path().c_str(), off_t(whole)) == 0);
    auto t = insp::target::open(f.path());
    CHECK(insp::take_snapshot(*t).goroutines.size() == 5);
    CHECK(t->at(more, box_builder::kG) != nullptr);
}

TEST_CASE("two thousand boxes cut short and spoiled end in an error or a snapshot") {
    small_world w;
    std::mt19937 random(20240607);
    const std::vector<char> good = w.b.bytes();
    scratch_file f(w.b);
    unsigned shown = 0, refused = 0;
    std::fflush(stderr);
    int saved = dup(2);
    REQUIRE(freopen("/dev/null", "w", stderr) != nullptr);  // the warnings are many
    for (int i = 0; i < 2000; i++) {
        std::vector<char> bad = good;
        if (i % 2 == 0) bad.resize(random() % bad.size());
        unsigned flips = i % 4 == 0 ? 0 : 1 + random() % 40;
        for (unsigned k = 0; k < flips && !bad.empty(); k++) {
            // Most of a box is zeros: aim at the header, the regions, the description and the tables in turn.
            size_t areas[] = {sizeof(box::header), 8192, bad.size()};
            size_t at = random() % std::min(areas[random() % 3], bad.size());
            if (random() % 8 == 0 && at + 8 < bad.size())
                std::memset(&bad[at], int(random() % 2 * 0xff), 8);
            else
                bad[at] = char(bad[at] ^ (1 << random() % 8));
        }
        box_builder::write(f.path(), bad);
        try {
            auto t = insp::target::open(f.path());
            insp::snapshot s = insp::take_snapshot(*t);
            uint64_t sum = 0;
            for (const insp::goroutine& g : s.goroutines) sum += g.name.size() + g.id + (s.find(g.id) != nullptr);
            for (const insp::goroutine& g : s.goroutines) t->read_string(g.invoke_pc);
            sum += uint64_t(t->ns_of(random()));
            shown += sum != 1;
        } catch (const insp::error&) {
            refused++;
        }
    }
    std::fflush(stderr);
    dup2(saved, 2);
    close(saved);
    MESSAGE("shown ", shown, ", refused ", refused);
    CHECK(shown + refused >= 1999);
    CHECK(shown > 200);
    CHECK(refused > 200);
}

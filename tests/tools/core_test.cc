// SPDX-License-Identifier: BSL-1.0
// Cores, and the memory of programs that have died: made by hand here, as the kernel writes them.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <random>
#include <sstream>

#include "core_builder.h"
#include "tools/gossamer/core_file.h"
#include "tools/gossamer/snapshot.h"
#include "tools/gossamer/target_inside.h"

using namespace insp_test;

namespace {

struct dead_program {
    box_builder b;
    std::string path = "/dev/shm/gossamer." + std::to_string(geteuid()) + ".1073741822";
    core_builder core;

    dead_program() {
        uint64_t g = b.add_g({.id = 1, .status = runnable, .creator_pc = 0});
        b.put(g + 32, kHeap + 64);  // its name is memory of the process
        std::strcpy(core.heap.data() + 64, "from the heap");
        core.files.push_back({box_builder::kBase, box_builder::kBase + b.bytes().size(), 0, path});
    }
};

std::string message_of(const std::string& what) {
    try {
        insp::target::open(what);
        return "no error";
    } catch (const insp::error& e) {
        return e.what();
    }
}

}  // namespace

TEST_CASE("a core finds the box that its process had, and its segments are the memory") {
    dead_program d;
    scratch_file box_left(d.b, d.path), core(scratch_file::temporary());
    box_builder::write(core.path(), d.core.bytes());
    auto t = insp::target::open(core.path());
    CHECK_FALSE(t->is_live());
    insp::snapshot s = insp::take_snapshot(*t);
    REQUIRE(s.goroutines.size() == 1);
    CHECK(s.goroutines[0].name == "from the heap");
    CHECK(t->read_string(kHeap + 69) == "the heap");
    char end[16];
    CHECK_FALSE(t->read(kHeap + 4096 - 8, end, sizeof end));
}

TEST_CASE("a core that was written with shared mappings has the box inside") {
    dead_program d;
    d.core.more.emplace_back(box_builder::kBase, d.b.bytes());
    scratch_file core(scratch_file::temporary());
    box_builder::write(core.path(), d.core.bytes());
    auto t = insp::target::open(core.path());
    insp::snapshot s = insp::take_snapshot(*t);
    REQUIRE(s.goroutines.size() == 1);
    CHECK(s.goroutines[0].name == "from the heap");
}

TEST_CASE("a core without a box, or whose box is another's by now, is refused") {
    dead_program d;
    scratch_file core(scratch_file::temporary());
    box_builder::write(core.path(), d.core.bytes());
    CHECK(message_of(core.path()).find("its box " + d.path + " is gone") != std::string::npos);
    d.core.files[0].page = 1;  // its regions would lie elsewhere in that file
    box_builder::write(core.path(), d.core.bytes());
    scratch_file other(d.b, d.path);
    CHECK(message_of(core.path()).find("another process's") != std::string::npos);
    d.core.files[0].path = "/usr/lib/libc.so";
    box_builder::write(core.path(), d.core.bytes());
    CHECK(message_of(core.path()).find("not of a process that runs on Gossamer") != std::string::npos);
}

TEST_CASE("a box that is a pipe by now is not waited for") {
    dead_program d;
    REQUIRE(mkfifo(d.path.c_str(), 0600) == 0);
    scratch_file pipe(d.path), core(scratch_file::temporary());
    box_builder::write(core.path(), d.core.bytes());
    CHECK(message_of(core.path()).find("it is not a box") != std::string::npos);
}

TEST_CASE("a core that promises a gigabyte of notes and does not have it costs no gigabyte") {
    core_builder c;
    c.threads = 1;
    std::vector<char> bytes = c.bytes();
    Elf64_Phdr notes;
    std::memcpy(&notes, bytes.data() + sizeof(Elf64_Ehdr), sizeof notes);
    notes.p_filesz = (1 << 30) - 1;
    std::memcpy(bytes.data() + sizeof(Elf64_Ehdr), &notes, sizeof notes);
    scratch_file core(scratch_file::temporary()), copy(scratch_file::temporary());
    box_builder::write(core.path(), bytes);
    rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    std::string message;
    try {
        insp::copy_core(core.path(), copy.path(), "");
    } catch (const insp::error& e) {
        message = e.what();
    }
    getrusage(RUSAGE_SELF, &after);
    CHECK(message.find("the core is cut short") != std::string::npos);
    CHECK(after.ru_maxrss - before.ru_maxrss < 100 << 10);  // kilobytes
}

TEST_CASE("cores that are cut short or spoiled end in an error or a snapshot") {
    dead_program d;
    d.core.more.emplace_back(box_builder::kBase, d.b.bytes());
    const std::vector<char> good = d.core.bytes();
    scratch_file core(scratch_file::temporary());
    std::mt19937 random(7);
    unsigned shown = 0, refused = 0;
    for (int i = 0; i < 300; i++) {
        std::vector<char> bad = good;
        if (i % 3 == 0) bad.resize(random() % bad.size());
        for (int k = 0; k < 1 + i % 5 && !bad.empty(); k++) {
            size_t at = random() % std::min<size_t>(bad.size(), 512);  // headers and notes
            bad[at] = char(random());
        }
        box_builder::write(core.path(), bad);
        try {
            insp::take_snapshot(*insp::target::open(core.path()));
            shown++;
        } catch (const insp::error&) {
            refused++;
        }
    }
    CHECK(shown > 20);
    CHECK(refused > 20);
}

TEST_CASE("texts of a program that has died are read from its own file") {
    static const char kLiteral[] = "a name in the program's constants";
    box_builder b;
    uint64_t g = b.add_g({.id = 1, .status = runnable});
    b.put(g + 32, uint64_t(reinterpret_cast<uintptr_t>(kLiteral)));
    std::ostringstream lines;
    lines << std::hex;
    for (const insp::module& m : insp::modules_of_process(uint32_t(getpid())))
        lines << m.begin << ' ' << m.end << ' ' << m.offset << " - " << m.path << '\n';
    std::string text = lines.str();
    b.add_region(box::region_kind::modules, text.c_str(), text.size() + 1, 0);
    scratch_file f(b);
    auto t = insp::target::open(f.path());
    insp::snapshot s = insp::take_snapshot(*t);
    CHECK(s.goroutines[0].name == kLiteral);

    // The same file by name, but built anew: its constants say nothing.
    box_builder other;
    g = other.add_g({.id = 1, .status = runnable});
    other.put(g + 32, uint64_t(reinterpret_cast<uintptr_t>(kLiteral)));
    for (size_t at = 0; (at = text.find(" - ", at)) != std::string::npos;) text.replace(at, 3, " 0123456789 ");
    other.add_region(box::region_kind::modules, text.c_str(), text.size() + 1, 0);
    scratch_file f2(other);
    auto t2 = insp::target::open(f2.path());
    CHECK(insp::take_snapshot(*t2).goroutines[0].name == "");
}

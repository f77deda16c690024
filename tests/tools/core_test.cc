// SPDX-License-Identifier: BSL-1.0
// Cores, and the memory of programs that have died: made by hand here, as the kernel writes them.
#include <doctest/doctest.h>
#include <elf.h>
#include <fcntl.h>

#include <random>
#include <sstream>

#include "box_builder.h"
#include "tools/gossamer/snapshot.h"
#include "tools/gossamer/target_inside.h"

using namespace insp_test;

namespace {

constexpr uint64_t kHeap = 0x5555'0000'0000;

// A core with one segment, at kHeap, and the note that names the box.
class core_builder {
  public:
    struct mapped {
        uint64_t begin, end, page;
        std::string path;
    };
    std::vector<mapped> files;
    std::string heap = std::string(4096, 0);
    // Segments beyond the heap: what a core has that was written with shared mappings.
    std::vector<std::pair<uint64_t, std::vector<char>>> more;

    std::vector<char> bytes() const {
        std::string note = note_file();
        size_t loads = 1 + more.size();
        uint64_t at = sizeof(Elf64_Ehdr) + (1 + loads) * sizeof(Elf64_Phdr);
        Elf64_Ehdr e{};
        std::memcpy(e.e_ident, ELFMAG, SELFMAG);
        e.e_ident[EI_CLASS] = ELFCLASS64;
        e.e_ident[EI_DATA] = ELFDATA2LSB;
        e.e_type = ET_CORE;
        e.e_phoff = sizeof e;
        e.e_phentsize = sizeof(Elf64_Phdr);
        e.e_phnum = uint16_t(1 + loads);
        std::string out(reinterpret_cast<char*>(&e), sizeof e);
        std::string body;
        auto add = [&](uint32_t type, uint64_t address, const char* data, size_t size) {
            Elf64_Phdr p{};
            p.p_type = type;
            p.p_flags = PF_R | PF_W;
            p.p_offset = at + body.size();
            p.p_vaddr = address;
            p.p_filesz = p.p_memsz = size;
            out.append(reinterpret_cast<char*>(&p), sizeof p);
            body.append(data, size);
        };
        add(PT_NOTE, 0, note.data(), note.size());
        add(PT_LOAD, kHeap, heap.data(), heap.size());
        for (auto& [address, data] : more) add(PT_LOAD, address, data.data(), data.size());
        out += body;
        return {out.begin(), out.end()};
    }

  private:
    static void number(std::string& to, uint64_t n) { to.append(reinterpret_cast<char*>(&n), sizeof n); }
    std::string note_file() const {
        std::string content, names;
        number(content, files.size());
        number(content, 4096);
        for (const mapped& f : files) {
            number(content, f.begin);
            number(content, f.end);
            number(content, f.page);
            names += f.path + '\0';
        }
        content += names;
        Elf64_Nhdr n{5, uint32_t(content.size()), NT_FILE};
        std::string note(reinterpret_cast<char*>(&n), sizeof n);
        note += std::string("CORE\0\0\0\0", 8) + content;
        note.resize((note.size() + 3) / 4 * 4);
        return note;
    }
};

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

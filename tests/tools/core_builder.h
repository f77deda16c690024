// SPDX-License-Identifier: BSL-1.0
// core_builder: cores by hand, as the kernel writes them.
#pragma once

#include <elf.h>

#include "tests/tools/box_builder.h"

namespace insp_test {

inline constexpr uint64_t kHeap = 0x5555'0000'0000;

// A core with one segment, at kHeap, and the note that names the box.
class core_builder {
  public:
    struct mapped {
        uint64_t begin, end, page;
        std::string path;
    };
    std::vector<mapped> files;
    std::string heap = std::string(4096, 0);
    unsigned threads = 0;  // notes of so many
    // Segments beyond the heap: what a core has that was written with shared mappings.
    std::vector<std::pair<uint64_t, std::vector<char>>> more;

    std::vector<char> bytes() const {
        std::string note = note_file();
        for (unsigned i = 0; i < threads; i++) note += thread_note();
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
    static std::string thread_note() {
        Elf64_Nhdr n{5, 336, NT_PRSTATUS};
        return std::string(reinterpret_cast<char*>(&n), sizeof n) + std::string("CORE\0\0\0\0", 8) +
               std::string(336, 0);
    }
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

}  // namespace insp_test

// SPDX-License-Identifier: BSL-1.0
// object_file: one ELF file on disk: its symbols, its debug information (its own, or that of the separate file under /usr/lib/debug with the same
// build-id), its rules of unwinding. Addresses here are those that the file itself gives (before loading). The network is never asked.
// Not done: libdwfl. It wants all modules reported before the first question, and finds no function that clang describes inside of another.
#pragma once

#include <elfutils/libdw.h>
#include <gelf.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "tools/gossamer/target.h"

namespace insp {

class object_file {
  public:
    // Null when the file cannot be read, is no ELF file, or is not the one with this build-id ("": any will do).
    static std::unique_ptr<object_file> open(const std::string& path, const std::string& build_id);
    // The same of bytes, as those that the kernel maps into each process.
    static std::unique_ptr<object_file> from_image(std::vector<char> image, const std::string& name);
    object_file(const object_file&) = delete;
    object_file& operator=(const object_file&) = delete;
    ~object_file();

    const std::string& path() const { return path_; }
    const std::string& build_id() const { return build_id_; }  // lower-case hex; "": it has none
    unsigned machine() const { return machine_; }              // EM_X86_64, …
    // The address at which the file wants the byte at this offset of it.
    std::optional<uint64_t> address_of_offset(uint64_t offset) const;
    // Names an address: appends the innermost inlined function first, at least one. `pc` is what frames say; `at` is looked up.
    void describe(uint64_t at, uint64_t pc, std::vector<code_frame>& out);
    // The tables that hold rules; null when there is none.
    Dwarf_CFI* eh_frame();
    Dwarf_CFI* debug_frame();

  private:
    struct symbol {
        uint64_t address, bytes;
        const char* name;
        int rank;  // the better of two names for one address has the lower
    };
    struct stretch {  // of code
        uint64_t begin, end;
        Dwarf_Off die;  // of the unit or function
    };
    struct segment {
        uint64_t address, offset, bytes;
    };

    object_file() = default;
    bool read_header(const std::string& wanted_id);
    void read_symbols();
    bool add_symbols(Elf* elf, unsigned section_type);
    const symbol* find_symbol(uint64_t at);
    Elf* debug_elf();
    // object_dwarf.cc
    Dwarf* dwarf();
    void read_units();
    const std::vector<stretch>& functions_of(Dwarf_Die* unit);
    bool find_unit(uint64_t at, Dwarf_Die* unit);
    // Appends what was inlined, innermost first, and completes f, the frame it was inlined into. `named`: f has its name.
    void describe_lines(uint64_t at, bool named, code_frame& f, std::vector<code_frame>& out);

    std::string path_, build_id_;
    unsigned machine_ = 0;
    std::vector<char> image_;
    int fd_ = -1, debug_fd_ = -1;
    Elf* elf_ = nullptr;
    Elf* debug_elf_ = nullptr;  // the separate file
    Dwarf* dwarf_ = nullptr;
    Dwarf_CFI* eh_frame_ = nullptr;
    bool has_looked_for_debug_ = false, has_looked_for_dwarf_ = false, has_symbols_ = false, has_units_ = false,
         has_eh_frame_ = false;
    std::vector<segment> segments_;  // of code
    std::vector<symbol> symbols_;
    std::vector<stretch> units_;
    std::unordered_map<Dwarf_Off, std::vector<stretch>> functions_;
};

// "f(int)" from its mangled name: without the return type that a template's has. Other names stay as they are.
std::string demangle(const char* name);

}  // namespace insp

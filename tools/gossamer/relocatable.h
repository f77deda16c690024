// SPDX-License-Identifier: BSL-1.0
// relocatable: object files before linking (.o, .a) as a checker of machine code wants them: functions, their bytes, and what each relocation names.
// Damaged files give an error that says what is wrong with which file, or less than they hold; never a read outside of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/gossamer/target.h"

namespace insp {

struct relocation {
    uint64_t offset;  // in its section
    uint32_t type;    // R_X86_64_…
    int64_t addend;
    std::string symbol;  // empty: a section's own
    uint32_t section;    // that the symbol lies in; 0: in none of this object
    uint64_t value;      // of the symbol, in that section
};

struct object_section {
    std::string name;
    bool is_code = false;
    std::vector<uint8_t> bytes;
    std::vector<relocation> relocations;  // by offset
};

struct object_function {
    std::string symbol;
    uint32_t section;
    uint64_t begin, end;
    bool is_local;
};

struct relocatable {
    std::string name;                        // "x.o", "libx.a(x.o)"
    std::vector<object_section> sections;    // by their number in the file
    std::vector<object_function> functions;  // by section and address
};

// The objects of a .o or .a. Throws error: what is not there, no ELF file, not for x86-64, not relocatable.
std::vector<relocatable> read_relocatables(const std::string& path);

}  // namespace insp

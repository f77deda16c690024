// SPDX-License-Identifier: BSL-1.0
// symbols: addresses of this process to function, file and line; and frames of a stack that stands still. All by libdw,
// from the files on disk: .symtab for what is not exported, debug information where there is some. Called by / on:
// whoever prints a dump, one thread for one object. Allocates; needs a deep stack (the signal thread has one). Not
// done: one object for the life of the process. A dump is rare, and a library may have been loaded since the last.
#pragma once

#include <elfutils/libdwfl.h>

#include <cstdint>
#include <string>
#include <typeinfo>
#include <unordered_map>
#include <vector>

#include "runtime/arch/saved_context.h"

namespace gossamer::rt {

// One line pair of a dump.
struct frame {
    std::string function;        // demangled; never empty
    std::string file;            // of the source, or of the object when lines are not known
    int line = 0;                // 0: not known
    bool holds_inlined = false;  // the frames before it were inlined into it
    uintptr_t offset = 0;        // from the start of the function, or of the object when not even the function is known
};

// Bytes of a stack that were copied while it stood still, with the registers to start from.
struct stack_copy {
    uintptr_t begin = 0;  // address that bytes[0] was copied from
    std::vector<unsigned char> bytes;
    arch::saved_context registers;
};

class symbols {
  public:
    symbols();
    ~symbols();
    symbols(const symbols&) = delete;
    symbols& operator=(const symbols&) = delete;

    // Appends the frames of one address, the innermost inlined function first. A return address names the call before
    // it.
    void describe(uintptr_t pc, bool is_return_address, std::vector<frame>& out);
    // Return addresses, innermost first, at most `most`.
    std::vector<uintptr_t> unwind(const stack_copy& copy, unsigned most);

  private:
    void look_up(uintptr_t pc, bool is_return_address, std::vector<frame>& out);
    static bool read_word(Dwfl*, Dwarf_Addr address, Dwarf_Word* result, void* self);
    static bool first_registers(Dwfl_Thread* thread, void* self);

    Dwfl* dwfl_ = nullptr;
    bool attached_ = false;
    std::unordered_map<uintptr_t, std::vector<frame>> known_;  // a million goroutines wait in a few places
    const stack_copy* copy_ = nullptr;                         // during unwind()
};

// "void f(int)" from its mangled name; a name that is not mangled is left as it is.
std::string demangle(const char* name);
std::string type_name(const std::type_info& type);

}  // namespace gossamer::rt

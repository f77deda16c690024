// SPDX-License-Identifier: BSL-1.0
// symbols: addresses of a target to functions, files and lines, from the ELF files of its modules. Every address is looked up once.
// Called by / on: target::describe(), the unwinder. One thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tools/gossamer/object_file.h"
#include "tools/gossamer/target_inside.h"

namespace insp {

class symbols {
  public:
    using read_memory = std::function<bool(uint64_t address, void* to, size_t bytes)>;
    // `is_live`: a file with a module's path but no build-id to compare may be another by now, and is left alone.
    symbols(std::vector<module> modules, bool is_live, read_memory read);

    // Innermost inlined function first, at least one. A return address names the call before it. The reference stays good.
    const std::vector<code_frame>& describe(uint64_t pc, bool is_return_address);

    struct place {
        object_file* file = nullptr;  // null: not in a module, or its file cannot be had
        uint64_t at = 0;              // the address as the file gives it
    };
    place find(uint64_t pc);
    // Says that the modules may be others now; what has been named stays.
    void set_modules(std::vector<module> modules);

  private:
    struct known_module {
        module what;
        object_file* file = nullptr;
        uint64_t bias = 0;  // address in the process minus that in the file
        bool has_looked = false;
    };
    void look_for(known_module& m);
    std::unique_ptr<object_file> open(const module& m);

    std::vector<known_module> modules_;  // by address
    bool is_live_;
    read_memory read_;
    std::unordered_map<std::string, std::unique_ptr<object_file>> files_;  // by path and build-id
    std::unordered_map<uint64_t, std::vector<code_frame>> known_[2];       // [is_return_address]
};

// Those of a target, made when first asked for.
symbols& symbols_of(const target& t);

// Whether a dump hides the function unless asked: the runtime's own and the standard library's, as Go hides its own.
bool is_runtime_function(std::string_view function);
// Of Gossamer, its public functions included.
bool is_gossamer_function(std::string_view function);

}  // namespace insp

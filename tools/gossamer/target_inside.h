// SPDX-License-Identifier: BSL-1.0
// target_inside: what a target holds. For the files that define members of `target`: target.cc, symbols.cc, unwind.cc.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "tools/gossamer/box_file.h"
#include "tools/gossamer/target.h"

namespace insp {

// A mapping of the target that holds code.
struct module {
    uint64_t begin = 0, end = 0;  // addresses
    uint64_t offset = 0;          // of `begin` in the file
    std::string build_id;  // lower-case hex; "" when it is not known: a live process's is to be read from the file
    std::string path;      // as the target names it, without " (deleted)"; for people
    std::string
        open_path;  // where to open it now (of a live process in another root: through /proc); "" when it has no file
};

// A stretch of memory that lies in a file: a segment of a core, or read-only data of a program.
struct file_stretch {
    uint64_t address = 0, bytes = 0, offset = 0;
    uint32_t file = 0;  // index into inside::files
};

struct target::inside {
    std::string name;               // as given to open()
    uint32_t pid = 0;               // as this process sees it
    bool is_live = false;           // a process that runs: process_vm_readv, /proc
    std::string box_path;           // where control() opens it again
    std::unique_ptr<box_file> box;  // never null once open() has returned
    file_handle pidfd;              // of a live one: readable when it has ended
    std::vector<module> modules;    // by address
    std::string exe_path;           // of the program, to be opened now; "" when it is not known

    // Cores and dead processes. By address.
    std::vector<std::unique_ptr<file_map>> files;
    std::vector<file_stretch> stretches;
    bool is_core = false;
    bool has_constants =
        false;  // the read-only data of the program's files is in `stretches`: found when first asked for
    // Null when it is in none of them.
    const std::byte* stretch(uint64_t address, uint64_t bytes);

    std::unordered_map<std::string, field> fields;         // the description
    std::vector<std::pair<std::string, uint32_t>> events;  // likewise: name and index, in its order
    std::unordered_map<uint64_t, std::string> names;       // of goroutines, by the address of the text
    box::header* control_page = nullptr;                   // writable, once asked for

    // Ticks to nanoseconds: a reading of both clocks, and the rate.
    uint64_t anchor_ticks = 0;
    int64_t anchor_ns = 0;
    double ns_a_tick = 0;

    std::shared_ptr<void> symbols;  // the caches of describe() and unwind()

    ~inside();
};

// Each fills in what it finds out, or throws error. target_live.cc, target_core.cc
void open_process(target::inside& in, uint32_t pid);
void open_core(target::inside& in, std::unique_ptr<file_map> core);
void see_whether_live(target::inside& in);  // the process of a box that was named by its path
std::vector<module> modules_of_process(uint32_t pid);
std::vector<module> modules_of_box(const target& t);
void find_constants(target::inside& in);
// The text of all regions of a kind.
std::string text_of(const target& t, box::region_kind kind);
// "it belongs to user alice (1000): …"
std::string not_yours(uint32_t uid);

}  // namespace insp

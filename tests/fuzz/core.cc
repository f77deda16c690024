// SPDX-License-Identifier: BSL-1.0
// A core with its box inside, with bytes changed in either: what of it can be shown, and its goroutines as threads in a copy.
#include <cstring>
#include <string>

#include "tests/fuzz/commands_over.h"
#include "tests/fuzz/edits.h"
#include "tests/tools/core_builder.h"
#include "tools/gossamer/core_file.h"
#include "tools/gossamer/core_notes.h"

namespace {

std::vector<char> whole_core() {
    insp_test::box_builder b;
    insp_test::core_builder core;
    uint64_t g = b.add_g({.id = 1, .status = insp_test::waiting, .reason = 1});
    b.put(g + 32, insp_test::kHeap + 64);  // its name is memory of the process
    b.add_g({.id = 2,
             .status = insp_test::waiting,
             .reason = 1,
             .context = insp_test::kHeap + 512,
             .stack = insp_test::kHeap});
    b.add_m({.number = 1, .tid = 101});
    std::strcpy(core.heap.data() + 64, "from the heap");
    core.threads = 1;
    core.files.push_back({insp_test::box_builder::kBase, insp_test::box_builder::kBase + b.bytes().size(), 0,
                          "/dev/shm/gossamer.0.1073741822"});
    core.more.emplace_back(insp_test::box_builder::kBase, b.bytes());
    return core.bytes();
}

const fuzz::command_line kLines[] = {
    {insp::ps_command, {"@", "--json"}}, {insp::wait_command, {"@"}}, {insp::leaks_command, {"@"}},
    {insp::stack_command, {"@"}},        {insp::tree_command, {"@"}}, {insp::metrics_command, {"@"}},
};

// What core2threads does; there is no processor in this core whose stacks could be read.
void make_threads(const std::string& from, const std::string& to) {
    try {
        std::string notes;
        insp::add_note(notes, NT_PRSTATUS, std::string(336, 'x'));
        insp::copy_core(from, to, notes);
    } catch (const insp::error&) {
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static fuzz::edited_file file(whole_core());
    static fuzz::edited_file copy({'x'});
    static const std::string to = copy.edit(nullptr, 0);
    if (size == 0) return 0;
    const std::string& path = file.edit(data + 1, size - 1);
    constexpr size_t kCount = std::size(kLines);
    size_t which = data[0] % (kCount + 4);
    which < kCount ? fuzz::run(kLines[which], path) : make_threads(path, to);
    return 0;
}

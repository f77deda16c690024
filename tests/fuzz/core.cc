// SPDX-License-Identifier: BSL-1.0
// A core with its box inside, with bytes changed in either: what of it can be shown, and its goroutines as threads in a copy.
#include <cstring>
#include <string>

#include "tests/fuzz/commands_over.h"
#include "tests/fuzz/edits.h"
#include "tests/tools/core_builder.h"

namespace {

// A parked goroutine whose frames are those of a library that can be read.
void add_stack(insp_test::box_builder& b, std::string& heap) {
    constexpr uint64_t kLibrary = 0x400000, kCode = 0x1100, kStack = insp_test::kHeap;
    std::string fields = "stack.base 0 8\nstack.klass 8 1\n", modules = "400000 410000 0 - " FUZZ_LIBRARY "\n";
    b.add_region(insp_test::box::region_kind::text, fields.c_str(), fields.size() + 1, 0);
    b.add_region(insp_test::box::region_kind::modules, modules.c_str(), modules.size() + 1, 0);
    auto put = [&](uint64_t at, uint64_t word) { std::memcpy(&heap[at], &word, sizeof word); };
    put(0, kStack);
    put(8, 12);  // two to the twelfth bytes
    for (uint64_t at = 512; at + 8 <= heap.size(); at += 8)
        put(at, at % 32 == 24 ? kStack + at + 64 : kLibrary + kCode + at % 1024);
}

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
    add_stack(b, core.heap);
    std::strcpy(core.heap.data() + 64, "from the heap");
    core.threads = 1;
    core.files.push_back({insp_test::box_builder::kBase, insp_test::box_builder::kBase + b.bytes().size(), 0,
                          "/dev/shm/gossamer.0.1073741822"});
    core.more.emplace_back(insp_test::box_builder::kBase, b.bytes());
    return core.bytes();
}

const fuzz::command_line kLines[] = {
    {insp::ps_command, {"@", "--json"}},
    {insp::wait_command, {"@"}},
    {insp::leaks_command, {"@"}},
    {insp::stack_command, {"@"}},
    {insp::stack_command, {"@", "--all", "--json"}},
    {insp::prof_command, {"goroutine", "@", "-o", "/dev/null"}},
    {insp::tree_command, {"@"}},
    {insp::metrics_command, {"@"}},
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static fuzz::edited_file file(whole_core());
    static fuzz::edited_file copy({'x'});
    static const fuzz::command_line make_threads{insp::core2threads_command, {"@", "-o", copy.edit(nullptr, 0)}};
    if (size == 0) return 0;
    const std::string& path = file.edit(data + 1, size - 1);
    constexpr size_t kCount = std::size(kLines);
    size_t which = data[0] % (kCount + 4);
    fuzz::run(which < kCount ? kLines[which] : make_threads, path);
    return 0;
}

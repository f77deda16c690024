// SPDX-License-Identifier: BSL-1.0
// Names, lines and rules of unwinding out of a library's file with bytes changed in it: symbols, DWARF and call frames, as far as they can be read.
#include "tools/gossamer/symbols.h"

#include <cstdlib>
#include <string>

#include "tests/fuzz/edits.h"
#include "tools/gossamer/frame_rules.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static fuzz::edited_file file(fuzz::bytes_of(FUZZ_LIBRARY));
    constexpr size_t kLooks = 4;
    constexpr uint64_t kBegin = 0x400000, kBytes = 0x10000;
    if (size < 2 * kLooks) return 0;
    const std::string& path = file.edit(data + 2 * kLooks, size - 2 * kLooks);
    auto read = [](uint64_t, void*, size_t) { return false; };
    insp::symbols names({{kBegin, kBegin + kBytes, 0, "", path, path}}, false, read);
    insp::frame_rules rules(names);
    for (size_t i = 0; i < kLooks; i++) {
        insp::registers r;
        r.pc = kBegin + data[2 * i] + 256u * data[2 * i + 1];
        if (names.describe(r.pc, i % 2 != 0).back().function.empty()) std::abort();
        for (unsigned k = 0; k < 17; k++) r.set(k, 0x1000 + k);
        auto word = [](uint64_t address, uint64_t* to) {
            *to = kBegin + address % kBytes;
            return address % 16 != 0;
        };
        for (int steps = 0; steps < 20; steps++)
            if (rules.step(*insp::find_machine(EM_X86_64), r, word) != insp::frame_rules::outcome::stepped) break;
    }
    return 0;
}

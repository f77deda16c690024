// SPDX-License-Identifier: BSL-1.0
// `gossamer tls-lint` over an object file and an archive with bytes changed in it: findings, or what is wrong with the file.
#include "tests/fuzz/edits.h"
#include "tools/gossamer/tls_lint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static fuzz::edited_file object(fuzz::bytes_of(FUZZ_OBJECT)), archive(fuzz::bytes_of(FUZZ_ARCHIVE));
    if (size == 0) return 0;
    insp::tls_options options;
    options.unknown_parks = (data[0] & 2) != 0;
    try {
        insp::lint_tls(insp::read_relocatables((data[0] & 1 ? archive : object).edit(data + 1, size - 1)), options);
    } catch (const insp::error&) {
    }
    return 0;
}

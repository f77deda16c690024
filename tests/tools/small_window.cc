// SPDX-License-Identifier: BSL-1.0
#include "tests/tools/small_window.h"

#include <random>

namespace insp::testing {

trace_window foreign_window(uint64_t seed) {
    std::mt19937_64 random(seed);
    auto any = [&]() -> uint64_t {
        switch (random() % 4) {
            case 0:
                return random();
            case 1:
                return random() % 2 ? UINT64_MAX : uint64_t{1} << 63;
            default:
                return random() % 6;
        }
    };
    trace_window w;
    w.pid = uint32_t(any());
    w.procs = uint32_t(random() % 4);
    w.begin_ns = int64_t(any());
    w.end_ns = int64_t(any());
    w.begin_real_ns = int64_t(any());
    w.threads.resize(random() % 3);
    if (random() % 2) w.texts = {"", "a", std::string("b\0\xff\xc0", 4), std::string(1, '\0')};
    if (random() % 2) w.stacks = {{}, {any(), any()}, {}};
    w.names[1] = {};
    w.names[2] = {{"", "", -5}, {"\xed\xa0\x80", "f\"\\\n", 1 << 30}};
    w.goroutines[1].name = "\xf0\x9f";
    w.goroutines[any()].creator_pc = any();
    for (size_t i = 0; i < 300; i++) {
        event e;
        e.ns = int64_t(any());
        e.g = any();
        e.by = any();
        e.a = any();
        e.pc = any();
        e.thread = uint32_t(any());
        e.p = int32_t(any());
        e.text = uint32_t(any());
        e.stack = uint32_t(any());
        e.kind = gossamer::rt::box::kind(random() % 40);
        e.reason = uint8_t(any());
        w.events.push_back(e);
    }
    return w;
}

}  // namespace insp::testing

// SPDX-License-Identifier: BSL-1.0
// Every command that reads a box or a saved window, over one whose bytes are somebody else's. A trace that is made of it is one that Go will take.
#include <cstdlib>
#include <string>

#include "tests/fuzz/commands_over.h"
#include "tests/fuzz/edits.h"
#include "tests/tools/ring_builder.h"
#include "tools/gossamer/go_check.h"
#include "tools/gossamer/go_trace.h"
#include "tools/gossamer/window.h"

namespace {

insp_test::box_builder whole_box() {
    insp_test::box_builder b = insp_test::small_box();
    uint64_t queued = b.add_g({.id = 3, .status = insp_test::runnable, .name = "queued", .creator_id = 1});
    uint64_t running = b.add_g({.id = 4, .status = insp_test::running, .creator_id = 3, .object = 0x77});
    uint64_t m = b.add_m({.number = 3, .tid = 103, .curg = running, .events = {1, 2, 3, 4}, .histogram = {1, 2}});
    b.add_p({.id = 0, .status = 1, .m = m, .next = queued, .queue = {queued}, .head = 5, .created = 4});
    b.add_p({.id = 1});
    return b;
}

void make_trace(const std::string& path) {
    try {
        auto t = insp::target::open(path);
        insp::trace_window w = insp::load_window(*t);
        insp::put_in_order(w);
        std::string out;
        insp::make_go_trace(w, {}, out);
        insp::go_check_result r = insp::check_go_trace(out);
        if (!r.ok) {
            std::fprintf(stderr, "go trace: byte %llu: %s\n", static_cast<unsigned long long>(r.offset),
                         r.error.c_str());
            std::abort();
        }
    } catch (const insp::error&) {
    }
}

const fuzz::command_line kLines[] = {
    {insp::ps_command, {"@", "--json"}},
    {insp::ps_command, {"@", "--by", "creator,state"}},
    {insp::ps_command, {"@", "--list"}},
    {insp::tree_command, {"@"}},
    {insp::wait_command, {"@"}},
    {insp::obj_command, {"@"}},
    {insp::leaks_command, {"@"}},
    {insp::metrics_command, {"@"}},
    {insp::stack_command, {"@", "--json"}},
    {insp::replay_command, {"@", "--at", "+1us", "--why", "2"}},
    {insp::snap_command, {"@", "-o", "/dev/null"}},
    {insp::export_command, {"@", "--json", "-o", "/dev/null"}},
    {insp::export_command, {"@", "--perfetto", "-o", "/dev/null"}},
    {insp::report_command, {"@", "-o", "/dev/null"}},
    {insp::prof_command, {"block", "@", "-o", "/dev/null"}},
    {insp::prof_command, {"mutex", "@", "-o", "/dev/null"}},
    {insp::prof_command, {"runnable", "@", "-o", "/dev/null"}},
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static fuzz::edited_file file(whole_box().bytes());
    if (size == 0) return 0;
    const std::string& path = file.edit(data + 1, size - 1);
    constexpr size_t kCount = std::size(kLines);
    size_t which = data[0] % (kCount + 4);
    which < kCount ? fuzz::run(kLines[which], path) : make_trace(path);
    return 0;
}

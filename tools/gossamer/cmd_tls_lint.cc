// SPDX-License-Identifier: BSL-1.0
// tls-lint: reports addresses of thread-locals that object code keeps across a call that may park.
#include <cstdio>

#include "tools/gossamer/commands.h"
#include "tools/gossamer/graph_text.h"
#include "tools/gossamer/json.h"
#include "tools/gossamer/labels.h"
#include "tools/gossamer/tls_lint.h"
#include "tools/gossamer/x86_code.h"

namespace insp {

namespace {

void print_text(const tls_report& r) {
    for (const tls_finding& f : r.findings)
        std::printf(
            "%s: %s: the address of %s, formed at +0x%llx, is used at +0x%llx, after the call of %s at +0x%llx, which "
            "may park\n",
            f.object.c_str(), f.function.c_str(), f.what.c_str(), static_cast<unsigned long long>(f.formed_at),
            static_cast<unsigned long long>(f.used_at), f.call.c_str(), static_cast<unsigned long long>(f.call_at));
    std::printf("%s in %s of %s (%zu may park)\n", plural(r.findings.size(), "finding").c_str(),
                plural(r.functions, "function").c_str(), plural(r.objects, "object").c_str(), r.parking);
}

void print_json(const tls_report& r) {
    std::string out;
    json_writer json(out);
    json.begin_object().key("objects").number(uint64_t(r.objects)).key("functions").number(uint64_t(r.functions));
    json.key("parking").number(uint64_t(r.parking)).key("findings").begin_array();
    for (const tls_finding& f : r.findings) {
        json.begin_object().key("object").string(f.object).key("function").string(f.function);
        json.key("thread_local").string(f.what).key("call").string(f.call).key("formed_at").number(f.formed_at);
        json.key("call_at").number(f.call_at).key("used_at").number(f.used_at).end_object();
    }
    json.end_array().end_object();
    out += '\n';
    std::fwrite(out.data(), 1, out.size(), stdout);
}

int run(arguments& args) {
    bool as_json = args.flag("--json");
    tls_options options;
    options.unknown_parks = args.flag("--assume-parks");
    while (auto name = args.value("--parks")) options.parks.push_back(*name);
    std::vector<std::string> paths{args.positional("object file")};
    while (auto more = args.optional_positional()) paths.push_back(*more);
    args.done();
    if (!can_decode_x86())
        throw error(
            "gossamer: tls-lint: this build has no decoder of machine code: it was made without Capstone "
            "(Debian: libcapstone-dev)");
    std::vector<relocatable> objects;
    for (const std::string& path : paths)
        for (relocatable& o : read_relocatables(path)) objects.push_back(std::move(o));
    tls_report r = lint_tls(objects, options);
    as_json ? print_json(r) : print_text(r);
    return r.findings.empty() ? 0 : 1;
}

}  // namespace

const command tls_lint_command = {
    "tls-lint", "addresses of thread-locals that object code keeps across a call that may park",
    "usage: gossamer tls-lint FILE.o… [--parks NAME]… [--assume-parks] [--json]\n\n"
    "Reads object files and archives for x86-64, from before linking. Reports each function that forms the address of "
    "a\n"
    "thread-local, or of errno, and uses it after a call that may park: the goroutine may have come back on another\n"
    "thread, and the address is the old one's. Values that were read before are no matter, nor are accesses by %fs:x,\n"
    "which find the thread anew each time.\n\n"
    "May park: what is in namespace gossamer and in none of the files; gossamer_jump and jump_fcontext; whatever in "
    "the\n"
    "files calls such a function, directly or not.\n\n"
    "  --parks NAME     functions whose name, mangled or not, begins so; may be given more than once\n"
    "  --assume-parks   also calls through pointers, and C++ functions that are neither in the files nor in std\n"
    "  --json           as JSON\n\n"
    "Exit status: 0 nothing found, 1 something found, or not possible (the reason on stderr), 2 wrong use.\n\n"
    "example: gossamer tls-lint build/libgossamer.a\n",
    run};

}  // namespace insp

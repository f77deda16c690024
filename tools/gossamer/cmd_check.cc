// SPDX-License-Identifier: BSL-1.0
// check: whether the viewers of Go will take a file.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "tools/gossamer/commands.h"
#include "tools/gossamer/go_check.h"
#include "tools/gossamer/json.h"

namespace insp {

namespace {

std::string read_whole(const std::string& path) {
    std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
    auto fail = [&] { throw error("gossamer: check " + path + ": " + std::strerror(errno)); };
    if (file == nullptr) fail();
    std::string bytes;
    char piece[1 << 16];
    while (size_t n = std::fread(piece, 1, sizeof piece, file.get())) bytes.append(piece, n);
    if (std::ferror(file.get())) fail();
    return bytes;
}

void print_json(const std::string& path, const go_check_result& r) {
    std::string out;
    json_writer j(out);
    j.begin_object().key("file").string(path).key("ok").boolean(r.ok);
    if (!r.ok) j.key("error").string(r.error).key("offset").number(r.offset);
    j.key("version").string("1." + std::to_string(r.version));
    const std::pair<const char*, uint64_t> kNumbers[] = {
        {"generations", r.generations}, {"batches", r.batches}, {"events", r.events},
        {"strings", r.strings},         {"stacks", r.stacks},   {"goroutines", r.goroutines},
        {"processors", r.processors},   {"threads", r.threads}, {"duration_ns", r.last_time - r.first_time},
    };
    for (auto& [name, n] : kNumbers) j.key(name).number(n);
    j.key("kinds").begin_object();
    for (auto& [name, n] : r.kinds) j.key(name).number(n);
    j.end_object().end_object();
    std::printf("%s\n", out.c_str());
}

void print_words(const std::string& path, const go_check_result& r) {
    std::printf("%s: execution trace of Go 1.%d, in order\n", path.c_str(), r.version);
    std::printf("  %llu events in %.6f s, %llu goroutines, %llu processors, %llu threads, %llu stacks\n",
                static_cast<unsigned long long>(r.events), double(r.last_time - r.first_time) / 1e9,
                static_cast<unsigned long long>(r.goroutines), static_cast<unsigned long long>(r.processors),
                static_cast<unsigned long long>(r.threads), static_cast<unsigned long long>(r.stacks));
    for (auto& [name, n] : r.kinds) std::printf("  %-20s %10llu\n", name.c_str(), static_cast<unsigned long long>(n));
}

int run_check(arguments& args) {
    bool json = args.flag("--json");
    std::string path = args.positional("FILE");
    args.done();
    go_check_result r = check_go_trace(read_whole(path));
    if (json)
        print_json(path, r);
    else if (r.ok)
        print_words(path, r);
    else
        throw error("gossamer: check " + path + ": byte " + std::to_string(r.offset) + ": " + r.error);
    return r.ok ? 0 : 1;
}

}  // namespace

const command check_command = {
    "check", "whether the viewers of Go will take an execution trace",
    "usage: gossamer check FILE [--json]\n\n"
    "Reads an execution trace of Go 1.22 or later, as `record` or `export` wrote it, by the rules of `go tool trace`: "
    "bytes,\n"
    "tables, and whether all of it can have happened in that order. Says what is in it, or the first thing that is\n"
    "wrong and at which byte. Exit status: 0 in order, 1 not.\n\n"
    "  --json   the same as JSON: ok, error, offset, counts, events by kind\n\n"
    "Example: gossamer check run.trace && go tool trace run.trace\n",
    run_check};

}  // namespace insp

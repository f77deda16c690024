// SPDX-License-Identifier: BSL-1.0
// pprof: a server of HTTP/1.1 GETs, no more than profilers ask. What needs debug information is left to the command `gossamer`, started as a child that
// may look at its parent.
#include "gossamer/pprof.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gossamer/blocking.h"
#include "gossamer/bufio.h"
#include "gossamer/debug.h"
#include "gossamer/go.h"
#include "gossamer/os.h"
#include "runtime/debug/symbols.h"

namespace gossamer::pprof {

namespace {

constexpr size_t kLongestBody = 1 << 20;
constexpr size_t kLongestLine = 8 << 10;
constexpr int kMostHeaders = 100;
constexpr std::chrono::seconds kPatience{1};  // with one whose request was refused, and who still sends

struct request {
    std::string method, path;
    std::map<std::string, std::string> query;
    std::string body;
    bool keep = true;

    unsigned number(const char* name, unsigned otherwise, unsigned most) const {
        auto at = query.find(name);
        unsigned n = otherwise;
        if (at != query.end()) std::from_chars(at->second.data(), at->second.data() + at->second.size(), n);
        return std::clamp(n, 0u, most);
    }
};

struct answer {
    int status = 200;
    const char* type = "text/plain; charset=utf-8";
    std::string body;
};

answer failure(int status, std::string words) { return {status, "text/plain; charset=utf-8", std::move(words) + "\n"}; }

const char* words(int status) {
    return status == 200   ? "OK"
           : status == 400 ? "Bad Request"
           : status == 404 ? "Not Found"
           : status == 413 ? "Content Too Large"
           : status == 431 ? "Request Header Fields Too Large"
           : status == 501 ? "Not Implemented"
                           : "Internal Server Error";
}

void split_query(std::string_view text, std::map<std::string, std::string>& query) {
    while (!text.empty()) {
        std::string_view one = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(one.size() + 1, text.size()));
        size_t equals = one.find('=');
        query[std::string(one.substr(0, equals))] = equals == one.npos ? "" : std::string(one.substr(equals + 1));
    }
}

// One line without its end. False at the end of the connection, or when it is too long: then *status says so.
bool read_line(bufio::reader& in, std::string& line, int* status) {
    for (line.clear();;) {
        auto [c, err] = in.read_byte();
        if (err) return false;
        if (c == '\n') break;
        if (line.size() == kLongestLine) {
            *status = 431;
            return false;
        }
        line += c;
    }
    if (line.ends_with('\r')) line.pop_back();
    return true;
}

// 200: a request; 0: the end of the connection, or no HTTP; else with what to refuse it.
int read_request(bufio::reader& in, request& r) {
    int status = 0;
    std::string line;
    if (!read_line(in, line, &status)) return status;
    size_t first = line.find(' '), last = line.rfind(' ');
    if (first == line.npos || last == first || line.compare(last + 1, 5, "HTTP/") != 0) return 0;
    r.method = line.substr(0, first);
    std::string target = line.substr(first + 1, last - first - 1);
    size_t mark = target.find('?');
    r.path = target.substr(0, mark);
    if (mark != target.npos) split_query(std::string_view(target).substr(mark + 1), r.query);
    r.keep = line.compare(last + 1, 8, "HTTP/1.0") != 0;
    size_t length = 0;
    for (int n = 0; n <= kMostHeaders; n++) {
        if (!read_line(in, line, &status)) return status;
        if (line.empty()) {
            if (length > kLongestBody) return 413;
            r.body.resize(length);
            return length == 0 || !io::read_full(in, r.body).err ? 200 : 0;
        }
        std::string name = line.substr(0, line.find(':'));
        std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return char(std::tolower(c)); });
        size_t at = line.find_first_not_of(" \t", name.size() + 1);
        std::string value = at != line.npos ? line.substr(at) : "";
        if (name == "content-length") {
            const char* end = value.data() + value.size();
            auto [stop, bad] = std::from_chars(value.data(), end, length);
            if (bad != std::errc() || stop != end) return 400;
        }
        if (name == "connection" && value == "close") r.keep = false;
    }
    return 431;
}

// --- What the command makes.

// A directory of our own, removed with what is in it.
struct workplace {
    char path[32] = "/tmp/gossamer-pprof-XXXXXX";
    bool made = ::mkdtemp(path) != nullptr;
    std::string out = std::string(path) + "/out", err = std::string(path) + "/err";
    ~workplace() {
        if (!made) return;
        ::unlink(out.c_str());
        ::unlink(err.c_str());
        ::rmdir(path);
    }
};

// Runs it with -o FILE behind the words, or, with `stdout_is_it`, takes its standard output.
answer by_command(std::vector<std::string> words, bool stdout_is_it, const char* type) {
    const char* named = ::getenv("GOSSAMER_TOOL");
    std::string tool = named != nullptr && *named != 0 ? named : "gossamer";
    workplace place;
    if (!place.made) return failure(500, std::string("no place for a file in /tmp: ") + std::strerror(errno));
    words.insert(words.begin(), tool);
    if (!stdout_is_it) words.insert(words.end(), {"-o", place.out});
    std::vector<char*> argv;
    for (std::string& w : words) argv.push_back(w.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&files, 1, stdout_is_it ? place.out.c_str() : "/dev/null",
                                       O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::posix_spawn_file_actions_addopen(&files, 2, place.err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pid_t child = 0;
    int failed = ::posix_spawnp(&child, tool.c_str(), &files, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    if (failed != 0)
        return failure(501, "this profile is made by the command \"" + tool +
                                "\" (GOSSAMER_TOOL names another), which cannot be started: " + std::strerror(failed));
    ::prctl(PR_SET_PTRACER, child, 0, 0, 0);  // where the kernel lets only ancestors look (Yama)
    int status = 0;
    blocking([&] {
        while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
    });
    if (status != 0) return failure(500, os::read_file(place.err).data);
    return {200, type, os::read_file(place.out).data};
}

answer profile(const std::string& kind, const request& r, unsigned seconds) {
    std::vector<std::string> words{"prof", kind, std::to_string(::getpid())};
    if (seconds != 0) words.insert(words.end(), {"--for", std::to_string(r.number("seconds", seconds, 3600)) + "s"});
    return by_command(std::move(words), false, "application/octet-stream");
}

// --- What the process says itself.

answer goroutines_grouped() {
    std::map<std::string, size_t> groups;
    std::vector<runtime::goroutine> all = runtime::goroutines();
    rt::symbols names;
    for (const runtime::goroutine& g : all) {
        std::string key = g.name.empty() ? g.state : g.name + ": " + g.state;
        if (g.where != nullptr) {
            std::vector<rt::frame> frames;
            names.describe(reinterpret_cast<uintptr_t>(g.where), true, frames);
            for (const rt::frame& f : frames)
                key += "\n#\t" + f.function + "\t" + f.file + (f.line > 0 ? ":" + std::to_string(f.line) : "");
        }
        groups[key]++;
    }
    std::vector<std::pair<size_t, const std::string*>> sorted;
    for (auto& [key, n] : groups) sorted.push_back({n, &key});
    std::sort(sorted.begin(), sorted.end(), [](auto& a, auto& b) { return a.first > b.first; });
    answer a;
    a.body = "goroutine profile: total " + std::to_string(all.size()) + "\n";
    for (auto& [n, key] : sorted) a.body += std::to_string(n) + " @ " + *key + "\n\n";
    return a;
}

answer symbols_of(const request& r) {
    answer a{200, "text/plain; charset=utf-8", "num_symbols: 1\n"};
    rt::symbols names;
    std::string asked = r.body.empty() && !r.query.empty() ? r.query.begin()->first : r.body;
    for (size_t at = 0; at < asked.size();) {
        size_t end = std::min(asked.find('+', at), asked.size());
        std::string one = asked.substr(at, end - at);
        at = end + 1;
        uintptr_t pc = std::strtoull(one.c_str(), nullptr, 16);
        std::vector<rt::frame> frames;
        if (pc != 0) names.describe(pc, true, frames);
        if (!frames.empty()) a.body += one + " " + frames.front().function + "\n";
    }
    return a;
}

constexpr const char* kIndex = R"(<!DOCTYPE html><title>/debug/pprof/</title><h1>/debug/pprof/</h1><ul>
<li><a href="goroutine?debug=1">goroutine?debug=1</a>: counts by place
<li><a href="goroutine?debug=2">goroutine?debug=2</a>: every goroutine's stack
<li><a href="goroutine">goroutine</a>, <a href="goroutineleak">goroutineleak</a>, <a href="block?seconds=1">block</a>, <a href="mutex?seconds=1">mutex</a>, <a href="profile?seconds=5">profile</a>: for go tool pprof
<li><a href="trace?seconds=1">trace</a>: for go tool trace
<li><a href="cmdline">cmdline</a>, <a href="symbol">symbol</a>, <a href="/metrics">metrics</a>
</ul>
)";

answer answer_to(const request& r) {
    if (r.method != "GET" && !(r.method == "POST" && r.path == "/debug/pprof/symbol"))
        return failure(400, r.method + " is not answered here");
    std::string pid = std::to_string(::getpid());
    if (r.path == "/metrics") return by_command({"metrics", pid}, true, "text/plain; version=0.0.4");
    if (!r.path.starts_with("/debug/pprof")) return failure(404, r.path + " is not here; /debug/pprof/ is");
    std::string name = r.path.size() > 13 ? r.path.substr(13) : "";
    if (name.empty()) return {200, "text/html; charset=utf-8", kIndex};
    if (name == "cmdline") return {200, "text/plain; charset=utf-8", os::read_file("/proc/self/cmdline").data};
    if (name == "symbol") return symbols_of(r);
    unsigned debug = r.number("debug", 0, 2);
    if (name == "goroutine" && debug == 1) return goroutines_grouped();
    if (name == "goroutine" && debug == 2) return {200, "text/plain; charset=utf-8", runtime::stack_dump()};
    if (name == "goroutine") return profile("goroutine", r, 0);
    if (name == "goroutineleak") return profile("leak", r, 0);
    if (name == "block" || name == "mutex") return profile(name, r, 1);
    if (name == "profile") return profile("cpu", r, 30);
    if (name == "trace")
        return by_command({"record", pid, "--go", "--for", std::to_string(r.number("seconds", 1, 3600)) + "s"}, false,
                          "application/octet-stream");
    return failure(404, "Unknown profile " + name);
}

error send(const net::conn& c, const answer& a, bool keep) {
    std::string head = "HTTP/1.1 " + std::to_string(a.status) + " " + words(a.status) + "\r\nContent-Type: " + a.type +
                       "\r\nContent-Length: " + std::to_string(a.body.size()) +
                       "\r\nX-Content-Type-Options: nosniff\r\n" + (keep ? "" : "Connection: close\r\n") + "\r\n";
    return c.writev({head, a.body}).err;
}

void serve_one(const net::conn& c) {
    bufio::reader in(c);
    for (;;) {
        request r;
        int status = read_request(in, r);
        if (status == 0) return;
        if (status != 200) {
            if (send(c, failure(status, "the request is too long, or its length is no number"), false)) return;
            // What is not read when the connection is closed would take the answer with it.
            (void)c.close_write();
            (void)c.set_read_deadline(std::chrono::steady_clock::now() + kPatience);
            (void)io::copy(io::discard, c);
            return;
        }
        if (send(c, answer_to(r), r.keep) || !r.keep) return;
    }
}

}  // namespace

error serve(net::listener l) {
    for (;;) {
        auto [c, err] = l.accept();
        if (errors::is(err, net::err_closed)) return nullptr;
        if (err) return err;
        go({.name = "pprof"}, [c = c] {
            serve_one(c);
            (void)c.close();
        });
    }
}

}  // namespace gossamer::pprof

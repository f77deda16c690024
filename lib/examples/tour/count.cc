// SPDX-License-Identifier: BSL-1.0
// count: the words of all text files of a directory tree. One goroutine walks, a bounded number of them read and count, one draws the
// progress; an errgroup holds them together, and a context ends them all: at the deadline, on Ctrl-C, or on the first real failure.
#include <gossamer/chan.h>
#include <gossamer/context.h>
#include <gossamer/defer.h>
#include <gossamer/errgroup.h>
#include <gossamer/error.h>
#include <gossamer/os.h>
#include <gossamer/runtime.h>
#include <gossamer/select.h>
#include <gossamer/signal.h>
#include <gossamer/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "text.h"
#include "tour.h"

namespace tour {

namespace {

using namespace gossamer;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;

constexpr auto kDeadline = 25s;
constexpr size_t kAhead = 1 << 16;  // how far the walk may run ahead, so that the progress bar soon knows the whole
constexpr size_t kChunk = 64 << 10;
constexpr size_t kShortest = 4;  // letters of a word that counts
constexpr size_t kLongest = 40;  // what is longer is no word but a blob of letters
constexpr size_t kTop = 8;

// Looks words up by string_view, so that only a new word is copied.
struct hash_text {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
};
using tally = std::unordered_map<std::string, uint64_t, hash_text, std::equal_to<>>;

// What all goroutines report and the progress line shows.
struct meter {
    std::atomic<uint64_t> found = 0, counted = 0, bytes = 0;
    std::atomic<uint64_t> not_text = 0, not_readable = 0;
    std::atomic<bool> walked = false;

    uint64_t handled() const { return counted + not_text + not_readable; }
};

// Sends the path of each regular file. Directories that may not be read are passed over. Reading a directory blocks the thread for a
// moment, and need not be announced.
error walk(context ctx, const std::vector<std::string>& directories, send_chan<std::string> paths, meter& shown) {
    defer end{[&] { paths.close(); }};
    for (const std::string& directory : directories) {
        std::error_code failed;
        fs::recursive_directory_iterator entry(directory, fs::directory_options::skip_permission_denied, failed);
        for (; !failed && entry != fs::recursive_directory_iterator(); entry.increment(failed)) {
            std::error_code unknown;
            if (entry->symlink_status(unknown).type() != fs::file_type::regular) continue;
            ++shown.found;
            switch (select(send(paths, entry->path().string()), recv(ctx.done()))) {
                case 0:
                    continue;
                case 1:
                    return ctx.err();
            }
        }
        if (failed) return wrap(error(failed), "walking {}", directory);
    }
    shown.walked = true;
    return {};
}

// Splits text that comes in pieces into words of lower case letters.
class splitter {
  public:
    explicit splitter(tally& words) : words_(words) {}
    ~splitter() { end_word(); }
    splitter(const splitter&) = delete;
    splitter& operator=(const splitter&) = delete;

    void add(std::string_view text) {
        for (char c : text) {
            char lower = static_cast<char>(c | 0x20);
            if (lower >= 'a' && lower <= 'z') {
                if (length_ < kLongest) word_[length_] = lower;
                ++length_;
            } else if (length_ != 0) {
                end_word();
            }
        }
    }

  private:
    void end_word() {
        size_t length = std::exchange(length_, 0);
        if (length < kShortest || length > kLongest) return;
        std::string_view word(word_.data(), length);
        if (auto known = words_.find(word); known != words_.end())
            ++known->second;
        else
            words_.emplace(word, 1);
    }

    tally& words_;
    std::array<char, kLongest> word_;
    size_t length_ = 0;
};

// One file, in pieces. One that cannot be read, or is no text, is noted and passed over: that is no reason to stop the others.
void count_file(const context& ctx, const std::string& path, std::vector<char>& chunk, tally& words, meter& shown) {
    auto [file, failed] = os::open(path);
    if (failed) {
        ++shown.not_readable;
        return;
    }
    splitter split(words);
    for (bool first = true; !ctx.err(); first = false) {
        auto [n, err] = file.read(std::as_writable_bytes(std::span(chunk)));
        if (n == 0) {
            ++(err == io::eof ? shown.counted : shown.not_readable);
            return;
        }
        if (first && std::memchr(chunk.data(), 0, n) != nullptr) {
            ++shown.not_text;
            return;
        }
        split.add({chunk.data(), n});
        shown.bytes += n;
    }
}

// Counts files until there are no more; what it has counted comes out whole or in part.
error work(context ctx, recv_chan<std::string> paths, send_chan<tally> results, meter& shown) {
    tally words;
    std::vector<char> chunk(kChunk);
    for (;;) {
        switch (auto s = select(recv(paths), recv(ctx.done())); s) {
            case 0:
                if (auto [path, more] = s.get<0>(); more) {
                    count_file(ctx, path, chunk, words, shown);
                    continue;
                }
                break;
            case 1:
                break;
        }
        results << std::move(words);
        return ctx.err();
    }
}

std::string speed(uint64_t bytes, clock::duration time) {
    return fixed(static_cast<double>(bytes) / 1e6 / std::chrono::duration<double>(time).count(), 0);
}

// Draws until the group has ended.
void draw(const meter& shown, clock::time_point start, recv_chan<unit> ended) {
    progress line;
    ticker frame(100ms);
    for (;;) {
        switch (select(recv(frame.c), recv(ended))) {
            case 0: {
                std::string found = grouped(shown.found) + (shown.walked ? "" : "+");
                line.show(shown.handled(), shown.found,
                          grouped(shown.handled()) + " of " + found + " files, " + bytes(shown.bytes) + ", " +
                              speed(shown.bytes, clock::now() - start) + " MB/s");
                continue;
            }
            case 1:
                line.finish();
                return;
        }
    }
}

void print_top(const tally& words) {
    std::vector<std::pair<uint64_t, std::string_view>> top;
    for (const auto& [word, times] : words) top.emplace_back(times, word);
    size_t n = std::min(kTop, top.size());
    std::partial_sort(top.begin(), top.begin() + static_cast<ptrdiff_t>(n), top.end(), std::greater<>());
    for (size_t i = 0; i < n; ++i) row("  " + std::string(top[i].second), grouped(top[i].first), "times");
}

// Why that is no directory to count; empty when it is one.
std::string objection(const std::string& directory) {
    std::error_code unknown;
    if (!fs::exists(directory, unknown)) return unknown ? unknown.message() : "no such directory";
    if (!fs::is_directory(directory, unknown)) return "not a directory";
    if (::access(directory.c_str(), R_OK | X_OK) != 0) return "may not be read";
    return {};
}

}  // namespace

int count(const std::vector<std::string>& wanted) {
    std::vector<std::string> directories = wanted;
    if (wanted.empty())
        for (const char* usual : {"/usr/include", "/usr/share/doc"})
            if (fs::is_directory(usual)) directories.emplace_back(usual);
    for (const std::string& directory : directories)
        if (std::string why = objection(directory); !why.empty()) {
            complain("count", why + ": " + directory);
            return kUsage;
        }
    unsigned workers = 4 * runtime::procs();
    headline("count", "A walk, " + std::to_string(workers) +
                          " bounded workers, a deadline and Ctrl-C: Go's way of writing a pipeline, in C++.");

    auto [interrupt, stop_listening] = signal::notify_context(background(), {SIGINT, SIGTERM});
    auto [deadline, cancel] = with_timeout(interrupt, kDeadline);
    defer release{[stop = stop_listening, cancel = cancel] { cancel(), stop(); }};

    // The first Ctrl-C ends the count; a second one, while a read hangs, ends the program.
    after_func(interrupt, stop_listening);

    meter shown;
    chan<std::string> paths(kAhead);
    chan<tally> results(workers);
    chan<unit> ended;
    auto start = clock::now();

    auto [group, ctx] = errgroup::with_context(deadline);
    group.go([&, ctx = ctx] { return walk(ctx, directories, paths, shown); });
    for (unsigned i = 0; i < workers; ++i) group.go([&, ctx = ctx] { return work(ctx, paths, results, shown); });
    wait_group drawing;
    drawing.go([&] { draw(shown, start, ended); });

    error err = group.wait();
    auto took = clock::now() - start;
    ended.close();
    drawing.wait();

    tally words;
    uint64_t total = 0;
    results.close();
    for (const tally& part : results)
        for (const auto& [word, times] : part) words[word] += times, total += times;

    bool interrupted = interrupt.err() != nullptr;
    if (interrupted)
        remark("Ctrl-C: this is what was counted until then");
    else if (errors::is(err, context::deadline_exceeded))
        remark("the deadline of " + span(kDeadline) + " has passed: this is what was counted until then");
    else if (err)
        complain("count", err.message());
    row("files counted", grouped(shown.counted), "of " + grouped(shown.found),
        "not text: " + grouped(shown.not_text) + ", not readable: " + grouped(shown.not_readable));
    row("words of four letters or more", grouped(total), "",
        grouped(words.size()) + " different ones; the most frequent:");
    print_top(words);
    row("read and counted", speed(shown.bytes, took), "MB/s", bytes(shown.bytes) + " in " + span(took));
    return interrupted ? kInterrupted : err && !errors::is(err, context::deadline_exceeded) ? kFailed : 0;
}

}  // namespace tour

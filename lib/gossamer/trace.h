// SPDX-License-Identifier: BSL-1.0
// trace: Go's runtime/trace: the recorder switched on and off by the program, and the program's own words in it. The command `gossamer record` does the same
// from outside, without a line of code; `gossamer report`, `export` and `replay` read what start() or save() wrote.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "gossamer/error.h"

namespace gossamer::trace {

struct start_options {
    // With the whole stack of each wait and each go(), 32 frames at most, not only the call that waits.
    bool stacks = false;
    // Of each thread's ring, 64 KiB to 1 GiB; 0: 4 MiB, or what an earlier recording has made. Memory is taken as it is written, and kept.
    std::size_t ring_bytes = 0;
};
// Records from now on: who ran where and when, what each waited for, who woke it. 4 MiB a thread, the last of it kept (some 80,000 switches; with
// stacks 20,000). Costs about 15 ns a switch. Error when it records already, when ring_bytes is out of range, or when there is no box (GOSSAMER_BOX=off). Any goroutine or thread.
error start(start_options how = {});
// Ends it, and writes what was kept to `path`. Error: the file cannot be written; nothing was recorded.
error stop(const std::string& path);
// Writes what was kept so far and goes on recording (Go's FlightRecorder.WriteTo).
error save(const std::string& path);
// True between start() and stop(), or while the command records. For programs that would compute a log's text for nothing.
bool enabled() noexcept;

// A piece of work of the calling goroutine, from its construction to its destruction. Regions nest. The name is copied (1,024 bytes at most).
class region {
  public:
    explicit region(std::string_view name);
    ~region();
    region(const region&) = delete;
    region& operator=(const region&) = delete;

  private:
    std::string name_;
    bool begun_ = false;  // was recorded
};

// A piece of work of several goroutines. Ends with end() or the last of its life. Cheap to make; movable.
class task {
  public:
    explicit task(std::string_view name, const task* parent = nullptr);
    ~task() { end(); }
    task(task&& other) noexcept : id_(other.id_) { other.id_ = 0; }
    task& operator=(task&& other) noexcept;
    void end() noexcept;
    std::uint64_t id() const noexcept { return id_; }

  private:
    std::uint64_t id_;
};

// A line of text, with a word that says what kind it is. Of a task, or of none.
void log(std::string_view category, std::string_view text, const task* of = nullptr);
// A number that is drawn over time.
void counter(std::string_view name, std::int64_t value);

}  // namespace gossamer::trace

// SPDX-License-Identifier: BSL-1.0
// record: the tour watches itself: the recorder runs beside its last three sections, and the command gossamer makes a page of what it kept.
#include "record.h"

#include <gossamer/blocking.h>
#include <gossamer/trace.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string>

#include "text.h"

namespace tour {

namespace {

using gossamer::runtime::counters;

// Where the tour's own program lies, with a slash behind it; empty when the kernel does not tell.
std::string own_directory() {
    char path[PATH_MAX];
    ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
    std::string whole(path, n > 0 ? static_cast<size_t>(n) : 0);
    return whole.substr(0, whole.rfind('/') + 1);
}

// The exit status of a program that is run with these words; -1 when it cannot be started.
int run_program(std::string program, std::string command, std::string from, std::string option, std::string to) {
    char* words[] = {program.data(), command.data(), from.data(), option.data(), to.data(), nullptr};
    pid_t child = 0;
    if (::posix_spawnp(&child, program.c_str(), nullptr, nullptr, words, environ) != 0) return -1;
    int status = -1;
    gossamer::blocking([&] {
        while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
    });
    return status;
}

void summary(const counters& before, const counters& now) {
    auto since = [&](std::uint64_t counters::*c) { return grouped(now.*c - before.*c); };
    row("goroutines started", since(&counters::goroutines_created), "", grouped(now.threads) + " threads made so far");
    row("taken from another processor", since(&counters::stolen_goroutines), "goroutines",
        since(&counters::global_got_goroutines) + " by way of the global queue");
    row("threads woken", since(&counters::wakes), "times", since(&counters::sleeps) + " times one went to sleep");
    row("taken from blocked threads", since(&counters::retakes), "processors",
        since(&counters::preemptions) + " goroutines asked to give way");
    row("made ready by the network", since(&counters::polled_goroutines), "goroutines",
        since(&counters::timers_run) + " timers ran");
}

}  // namespace

recording::recording() : before_(gossamer::runtime::metrics()), on_(!gossamer::trace::start()) {}

recording::~recording() {
    if (!on_) return;
    headline("what the scheduler did", "Counted all the time; recorded for the last three sections.");
    summary(before_, gossamer::runtime::metrics());
    std::string place = own_directory();
    if (place.empty() || ::access(place.c_str(), W_OK) != 0) place = "/tmp/gossamer-";
    std::string window = place + "tour.window", page = place + "tour.html";
    if (gossamer::error failed = gossamer::trace::stop(window)) {
        complain("record", failed.message());
        return;
    }
    std::string tool = own_directory() + "../../../tools/gossamer/gossamer";
    if (::access(tool.c_str(), X_OK) != 0) tool = "gossamer";
    if (run_program(tool, "report", window, "-o", page) == 0)
        remark("open in a browser: " + page);
    else
        remark("recorded: " + window + " (the command gossamer reads it)");
}

}  // namespace tour

// SPDX-License-Identifier: BSL-1.0
// tour: the four sections. Each runs as a goroutine, prints its figures and gives the program's exit status: 0, 1 when something that must
// hold did not, 2 for a wrong argument, 130 when Ctrl-C ended it early.
#pragma once

#include <string>
#include <vector>

namespace tour {

inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kInterrupted = 130;

// n goroutines wait on one channel.
int parked(unsigned n);
// The words of all text files under these directories.
int count(const std::vector<std::string>& directories);
// An echo and an HTTP service with that many client connections each.
int serve(unsigned clients);
// A blocking call and a spinning loop beside goroutines that want to be on time.
int stall();

}  // namespace tour

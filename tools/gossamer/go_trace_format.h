// SPDX-License-Identifier: BSL-1.0
// go_trace_format: numbers of Go's execution trace, format v2 (Go 1.22 and later), as far as they are written (go_trace.h) or understood (go_check.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace insp::go {

enum op : uint8_t {
    kBatch = 1,
    kStacks = 2,
    kStack = 3,
    kStrings = 4,
    kString = 5,
    kSamples = 6,
    kSample = 7,
    kFrequency = 8,
    kProcsChange = 9,
    kProcStart = 10,
    kProcStop = 11,
    kProcSteal = 12,
    kProcStatus = 13,
    kGoCreate = 14,
    kGoCreateSyscall = 15,
    kGoStart = 16,
    kGoDestroy = 17,
    kGoDestroySyscall = 18,
    kGoStop = 19,
    kGoBlock = 20,
    kGoUnblock = 21,
    kGoSyscallBegin = 22,
    kGoSyscallEnd = 23,
    kGoSyscallEndBlocked = 24,
    kGoStatus = 25,
    kStwBegin = 26,
    kStwEnd = 27,
    kHeapAlloc = 37,
    kHeapGoal = 38,
    kGoLabel = 39,
    kTaskBegin = 40,
    kTaskEnd = 41,
    kRegionBegin = 42,
    kRegionEnd = 43,
    kLog = 44,
    kGoSwitch = 45,
    kGoSwitchDestroy = 46,
    kGoCreateBlocked = 47,
    kGoStatusStack = 48,
    kExperimental = 49,
    kSync = 50,
    kClock = 51,
    kEnd = 52,
};

enum g_status : uint8_t { kRunnable = 1, kRunning = 2, kSyscall = 3, kWaiting = 4 };
enum p_status : uint8_t { kProcRunning = 1, kProcIdle = 2, kProcSyscall = 3, kProcAbandoned = 4 };

inline constexpr uint64_t kNone = ~uint64_t{0};  // no thread, no processor, no goroutine
inline constexpr size_t kHeaderBytes = 16;
inline constexpr size_t kMostBatch = 65536;
inline constexpr size_t kMostString = 1024;
inline constexpr size_t kMostFrames = 128;

}  // namespace insp::go

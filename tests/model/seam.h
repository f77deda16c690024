// SPDX-License-Identifier: BSL-1.0
// seam: compiled in front of the code under test: `atomic`, also the standard's in public headers, becomes one that the checker drives.
#pragma once

// Whatever uses the standard's own atomics comes first.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/arch/cpu.h"
#include "tests/model/checked_atomic.h"

#define atomic checked_atomic
#define atomic_thread_fence checked_thread_fence
#define atomic_signal_fence checked_signal_fence
#define cpu_relax checked_relax

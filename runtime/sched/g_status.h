// SPDX-License-Identifier: BSL-1.0
// g_status: the states of a goroutine and all its transitions.
//
//   from        to          cause                                   who owns the stack
//   dead        fresh       spawn: go()                             nobody: a fresh G has none
//   fresh       running     picked from a queue                     the M that runs it
//   running     waiting     park(), after the switch                nobody (the context is saved)
//   waiting     runnable    ready(), or commit said no              nobody
//   running     runnable    yield(), or its P was taken and none
//                           is free when it enters the runtime      nobody
//   runnable    running     picked from a queue                     the M that runs it
//   running     dead        the function returned or goexit()       the M, to be used by the next fresh G
//   thread      thread      a plain thread's stand-in: it never leaves its stack; waiting is told by G::thread_waits
//
// `running` says nothing about a P: a G whose P was taken while it was outside the runtime runs on without one.
#pragma once

#include <cstdint>

namespace gossamer::rt {

enum class g_status : uint8_t { dead, fresh, runnable, running, waiting };

const char* words(g_status s);

}  // namespace gossamer::rt

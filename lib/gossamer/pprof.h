// SPDX-License-Identifier: BSL-1.0
// pprof: the paths of Go's net/http/pprof on a listener of your own, so that `go tool pprof http://…` and `go tool trace` work on a C++ program. Off
// until called: no port is opened by itself. Whoever can connect sees names and stacks: listen on 127.0.0.1.
#pragma once

#include "gossamer/error.h"
#include "gossamer/net.h"

namespace gossamer::pprof {

// Serves until the listener is closed; then null. A goroutine a connection. Text (SEMANTICS D14, D15) comes from the process itself:
//   /debug/pprof/                     what there is
//   /debug/pprof/cmdline              words of the command line, 0 between
//   /debug/pprof/goroutine?debug=1    grouped counts        ?debug=2   every goroutine's stack, as a dump
//   /debug/pprof/symbol               num_symbols: 1; POST 0xa+0xb: a line "0xa name" each
// Profiles are made by the command gossamer, a program of its own, found in PATH or named by GOSSAMER_TOOL; without it they are answered with 501 and a
// sentence: goroutine, block, mutex, profile, goroutineleak (?seconds=N, 30 for profile, 1 for the others), trace (?seconds=N), metrics (Prometheus).
// A request line or header of more than 8 KiB, or more than 100 headers, are answered with 431, a body of more than 1 MiB with 413; then it hangs up.
error serve(net::listener l);

}  // namespace gossamer::pprof

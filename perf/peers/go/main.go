// SPDX-License-Identifier: BSL-1.0
// The rows of the workload table in Go: `prog WORKLOAD PROCS [N]`, `serve_echo PROCS PORT`, `serve_http PROCS PORT`.

package main

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
)

// row is one workload: its default N and what runs it. A row prints its own figures through emit.
type row struct {
	n   int
	run func(r *bench)
}

var rows = map[string]row{
	"spawn_join":      {1_000_000, spawnJoin},
	"spawn_batch":     {1_000, spawnBatch},
	"yield2":          {5_000_000, yield2},
	"yield1k":         {5_000, yield1k},
	"pingpong":        {1_000_000, pingpong},
	"chan_buf":        {5_000_000, chanBuf},
	"chan_mpmc":       {4_000_000, chanMpmc},
	"select4":         {1_000_000, select4},
	"select_try":      {20_000_000, selectTry},
	"mutex_free":      {50_000_000, mutexFree},
	"mutex_hot":       {4_000_000, mutexHot},
	"sieve":           {2_000, sieve},
	"skynet":          {1_000_000, skynet},
	"fib":             {27, fib},
	"parked":          {1_000_000, parked},
	"spawned_not_run": {1_000_000, spawnedNotRun},
	"sleepers":        {100_000, sleepers},
	"timer_churn":     {10_000_000, timerChurn},
	"ticker_hog":      {2_000, tickerHog},
	"block_sys":       {100, blockSys},
	"echo":            {0, loadClient},
	"idle_conns":      {0, loadClient},
	"http":            {0, loadClient},
	"serve_echo":      {0, serveEcho},
	"serve_http":      {0, serveHTTP},
}

func usage() {
	names := make([]string, 0, len(rows))
	for name := range rows {
		names = append(names, name)
	}
	sort.Strings(names)
	fmt.Fprintln(os.Stderr, "usage: prog WORKLOAD PROCS [N]; workloads:", names)
	os.Exit(64)
}

func positive(text string) int {
	v, err := strconv.Atoi(text)
	if err != nil || v < 1 {
		fmt.Fprintf(os.Stderr, "prog: %q is not a positive number\n", text)
		os.Exit(64)
	}
	return v
}

func main() {
	if len(os.Args) < 3 || len(os.Args) > 4 {
		usage()
	}
	w, ok := rows[os.Args[1]]
	if !ok {
		usage()
	}
	b := &bench{workload: os.Args[1], procs: positive(os.Args[2]), n: w.n}
	if len(os.Args) == 4 {
		b.n = positive(os.Args[3])
	}
	runtime.GOMAXPROCS(b.procs)
	w.run(b)
}

// SPDX-License-Identifier: BSL-1.0
// What a waiting and a not yet run task hold: parked, spawned_not_run.

package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

type parkedFigures struct {
	bytes        int64
	create, wake time.Duration
}

func parkedOnce(b *bench, n, statm int) (f parkedFigures) {
	c := make(chan int)
	var arrived, woken atomic.Int64
	var wg sync.WaitGroup
	wg.Add(n)
	before := rss(statm)
	start := time.Now()
	for range n {
		go func() {
			arrived.Add(1)
			if _, ok := <-c; !ok {
				woken.Add(1)
			}
			wg.Done()
		}()
	}
	for arrived.Load() < int64(n) {
		runtime.Gosched()
	}
	f.create = time.Since(start)
	time.Sleep(50 * time.Millisecond) // the last to arrive may still be on its way to sleep
	f.bytes = rss(statm) - before
	start = time.Now()
	close(c)
	wg.Wait()
	f.wake = time.Since(start)
	b.check(woken.Load(), int64(n), "tasks woken by close")
	return f
}

func parked(b *bench) {
	statm := openStatm()
	parkedOnce(b, 1_000, statm)
	f := parkedOnce(b, b.n, statm)
	n := float64(b.n)
	b.emit(float64(f.bytes)/n, "bytes_per_task")
	b.emit(float64(f.create.Nanoseconds())/n, "ns_per_task_create")
	b.emit(float64(f.wake.Nanoseconds())/n, "ns_per_task_wake")
}

// The default N is small: after 10 ms the runtime takes the processor from the starter, and then queues it behind all
// tasks that it has started, so that all of them run. spawnedOnce returns the memory held by a task that was started and has not run, counted over those that have not.
func spawnedOnce(n, statm int) float64 {
	var ran atomic.Int64
	var wg sync.WaitGroup
	wg.Add(n)
	before := rss(statm)
	for range n {
		go func() {
			ran.Add(1)
			wg.Done()
		}()
	}
	grown := rss(statm) - before
	waiting := int64(n) - ran.Load()
	wg.Wait()
	if waiting < int64(n)/2 {
		fmt.Fprintf(os.Stderr, "spawned_not_run: %d of %d tasks ran before the measurement\n", int64(n)-waiting, n)
		os.Exit(1)
	}
	return float64(grown) / float64(waiting)
}

func spawnedNotRun(b *bench) {
	b.procs = 1 // the row is defined for one processor: on two, the other one would run the tasks
	runtime.GOMAXPROCS(1)
	statm := openStatm()
	spawnedOnce(10, statm)
	runtime.Gosched() // a fresh time slice
	b.emit(spawnedOnce(b.n, statm), "bytes_per_task")
}

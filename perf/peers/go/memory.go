// SPDX-License-Identifier: BSL-1.0
// What a waiting and a not yet run task hold: parked, spawned_not_run.

package main

import (
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

// spawnedOnce returns how many tasks were started and the memory they held before the first of them ran. A starter that
// computes for 10 ms loses its processor and is queued behind all that it has started, so that they run: memory is read
// every 500 tasks, and the last reading before that counts.
func spawnedOnce(n, statm int) (started, bytes int64) {
	var ran atomic.Int64
	var wg sync.WaitGroup
	wg.Add(n)
	before := rss(statm)
	for i := 1; i <= n; i++ {
		go func() {
			ran.Add(1)
			wg.Done()
		}()
		if i%500 == 0 && ran.Load() == 0 {
			now := rss(statm) - before
			if ran.Load() == 0 {
				started, bytes = int64(i), now
			}
		}
	}
	wg.Wait()
	return started, bytes
}

func spawnedNotRun(b *bench) {
	b.procs = 1 // the row is defined for one processor: on two, the other one would run the tasks
	runtime.GOMAXPROCS(1)
	statm := openStatm()
	spawnedOnce(10, statm)
	runtime.Gosched() // a fresh time slice
	started, bytes := spawnedOnce(b.n, statm)
	if started == 0 {
		b.check(0, 1, "readings before any task ran")
	}
	b.n = int(started)
	b.emit(float64(bytes)/float64(started), "bytes_per_task")
}

// SPDX-License-Identifier: BSL-1.0
// Time: sleepers, timer_churn, ticker_hog, block_sys.

package main

import (
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const sleepsEach = 3

// sleepLength is the fixed pseudo-random 1..1000 ms of sleep number i: the same numbers in every runtime.
func sleepLength(i int) time.Duration {
	x := uint32(i)*2654435761 + 12345
	x ^= x >> 15
	x *= 2246822519
	x ^= x >> 13
	return time.Duration(1+x%1000) * time.Millisecond
}

func sleepersOnce(n int) (cpu time.Duration, late []time.Duration) {
	late = make([]time.Duration, n*sleepsEach)
	var wg sync.WaitGroup
	wg.Add(n)
	before := cpuTime()
	for i := range n {
		go func() {
			for k := i * sleepsEach; k < (i+1)*sleepsEach; k++ {
				d := sleepLength(k)
				start := time.Now()
				time.Sleep(d)
				late[k] = time.Since(start) - d
			}
			wg.Done()
		}()
	}
	wg.Wait()
	return cpuTime() - before, late
}

func sleepers(b *bench) {
	sleepersOnce(100)
	cpu, late := sleepersOnce(b.n)
	slices.Sort(late)
	early := int64(0)
	if late[0] < 0 {
		early = 1
	}
	b.check(early, 0, "sleeps that ended early")
	b.emit(float64(cpu.Nanoseconds())/float64(len(late)), "cpu_ns_per_sleep")
	b.emit(float64(late[len(late)*99/100].Nanoseconds())/1e3, "us_late_p99")
}

func timerChurn(b *bench) {
	b.perOp(int64(b.n), "ns_per_pair", func() {
		done := make(chan int64)
		go func() {
			stopped := int64(0)
			for range b.n {
				t := time.NewTimer(10 * time.Second)
				if t.Stop() {
					stopped++
				}
			}
			done <- stopped
		}()
		b.check(<-done, int64(b.n), "timers stopped")
	})
}

//go:noinline
func spin(rounds int64) uint64 {
	x := uint64(rounds)
	for range rounds {
		x = x*6364136223846793005 + 1442695040888963407
	}
	return x
}

func tickerHog(b *bench) {
	// N is the length of the spin in ms; the rounds for it are measured, so that the spin itself looks at no clock.
	const probe = 50_000_000
	spin(probe)
	start := time.Now()
	spin(probe)
	rounds := int64(float64(probe) * float64(b.n) * 1e6 / float64(time.Since(start).Nanoseconds()))

	var sink atomic.Uint64
	var running atomic.Int64
	running.Store(int64(b.procs))
	ready := make(chan bool)
	worst := make(chan time.Duration)
	go func() {
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		<-ticker.C
		ready <- true
		last, gap := time.Now(), time.Duration(0)
		for running.Load() > 0 {
			<-ticker.C
			now := time.Now()
			gap = max(gap, now.Sub(last))
			last = now
		}
		worst <- gap
	}()
	<-ready
	for range b.procs {
		go func() {
			sink.Add(spin(rounds))
			running.Add(-1)
		}()
	}
	b.emit(float64((<-worst).Nanoseconds())/1e6, "ms")
}

// rawNanosleep blocks the thread unannounced. The runtime's preemption signal interrupts it: it sleeps what remains.
func rawNanosleep(ts syscall.Timespec) {
	for {
		_, _, errno := syscall.RawSyscall(syscall.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)), uintptr(unsafe.Pointer(&ts)), 0)
		if errno != syscall.EINTR {
			return
		}
	}
}

func blockSysOnce(n int) time.Duration {
	var wg sync.WaitGroup
	wg.Add(n)
	start := time.Now()
	for range n {
		go func() {
			rawNanosleep(syscall.Timespec{Nsec: 50_000_000})
			wg.Done()
		}()
	}
	wg.Wait()
	return time.Since(start)
}

func blockSys(b *bench) {
	blockSysOnce(1)
	b.emit(float64(blockSysOnce(b.n).Nanoseconds())/1e6, "ms")
}

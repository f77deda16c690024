// SPDX-License-Identifier: BSL-1.0
// Clock, memory, processor time and output: what every row needs and none measures.

package main

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

type bench struct {
	workload string
	procs    int
	n        int
}

func (b *bench) emit(value float64, unit string) {
	fmt.Printf("workload=%s procs=%d n=%d value=%s unit=%s\n", b.workload, b.procs, b.n,
		strconv.FormatFloat(value, 'g', 6, 64), unit)
}

// check ends the process when a row's answer is wrong: a fast wrong answer is no figure.
func (b *bench) check(got, want int64, what string) {
	if got != want {
		fmt.Fprintf(os.Stderr, "%s: %s is %d, want %d\n", b.workload, what, got, want)
		os.Exit(1)
	}
}

// perOp runs f twice, the first time to warm up, and prints the second run's nanoseconds per operation.
func (b *bench) perOp(ops int64, unit string, f func()) {
	f()
	start := time.Now()
	f()
	b.emit(float64(time.Since(start).Nanoseconds())/float64(ops), unit)
}

func openStatm() int {
	fd, err := syscall.Open("/proc/self/statm", syscall.O_RDONLY, 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, "/proc/self/statm:", err)
		os.Exit(1)
	}
	return fd
}

// rss reads the resident bytes by a raw call, so that the read itself cannot hand the processor to another task.
func rss(fd int) int64 {
	var buf [128]byte
	n, _, errno := syscall.RawSyscall6(syscall.SYS_PREAD64, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])), 128, 0, 0, 0)
	if errno != 0 {
		fmt.Fprintln(os.Stderr, "/proc/self/statm:", errno)
		os.Exit(1)
	}
	field, pages := 0, int64(0)
	for _, c := range buf[:n] {
		if c == ' ' {
			field++
		} else if field == 1 {
			pages = pages*10 + int64(c-'0')
		}
	}
	return pages * int64(os.Getpagesize())
}

// cpuTime is the user and system time of the whole process so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		fmt.Fprintln(os.Stderr, "getrusage:", err)
		os.Exit(1)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

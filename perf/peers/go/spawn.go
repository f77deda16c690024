// SPDX-License-Identifier: BSL-1.0
// Starting tasks: spawn_join, spawn_batch, skynet, fib.

package main

import (
	"sync"
	"sync/atomic"
	"time"
)

func spawnJoin(b *bench) {
	var sum atomic.Int64
	b.perOp(int64(b.n), "ns_per_task", func() {
		var wg sync.WaitGroup
		wg.Add(b.n)
		for range b.n {
			go func() {
				sum.Add(1)
				wg.Done()
			}()
		}
		wg.Wait()
	})
	b.check(sum.Load(), 2*int64(b.n), "tasks run")
}

func spawnBatch(b *bench) {
	const batch = 1_000
	var sum atomic.Int64
	b.perOp(int64(b.n)*batch, "ns_per_task", func() {
		for range b.n {
			var wg sync.WaitGroup
			wg.Add(batch)
			for range batch {
				go func() {
					sum.Add(1)
					wg.Done()
				}()
			}
			wg.Wait()
		}
	})
	b.check(sum.Load(), 2*int64(b.n)*batch, "tasks run")
}

func skynetNode(out chan<- int64, first, size int64) {
	if size == 1 {
		out <- first
		return
	}
	children := make(chan int64)
	part := size / 10
	for i := range int64(10) {
		go skynetNode(children, first+i*part, part)
	}
	sum := int64(0)
	for range 10 {
		sum += <-children
	}
	out <- sum
}

func skynet(b *bench) {
	leaves := int64(1)
	for leaves < int64(b.n) {
		leaves *= 10
	}
	b.n = int(leaves)
	once := func() {
		root := make(chan int64)
		go skynetNode(root, 0, leaves)
		b.check(<-root, leaves*(leaves-1)/2, "sum of the leaves")
	}
	once()
	start := time.Now()
	once()
	b.emit(float64(time.Since(start).Nanoseconds())/1e6, "ms")
}

func fibTask(n int) int64 {
	if n < 2 {
		return int64(n)
	}
	left := make(chan int64, 1)
	go func() { left <- fibTask(n - 1) }()
	right := fibTask(n - 2)
	return <-left + right
}

func fibPlain(n int) (a int64) {
	next := int64(1)
	for range n {
		a, next = next, a+next
	}
	return a
}

func fib(b *bench) {
	// Every call with n > 1 starts one task: fib(n+1) - 1 of them.
	tasks := max(fibPlain(b.n+1)-1, 1)
	b.perOp(tasks, "ns_per_task", func() {
		b.check(fibTask(b.n), fibPlain(b.n), "fib")
	})
}

// SPDX-License-Identifier: BSL-1.0
// mutex_free and mutex_hot.

package main

import "sync"

func mutexFree(b *bench) {
	b.perOp(int64(b.n), "ns_per_pair", func() {
		done := make(chan int64)
		go func() {
			var mu sync.Mutex
			count := int64(0)
			for range b.n {
				mu.Lock()
				count++
				mu.Unlock()
			}
			done <- count
		}()
		b.check(<-done, int64(b.n), "count")
	})
}

func mutexHot(b *bench) {
	const tasks = 8
	each := max(b.n/tasks, 1)
	b.n = each * tasks
	b.perOp(int64(b.n), "ns_per_pair", func() {
		var mu sync.Mutex
		var wg sync.WaitGroup
		count := int64(0)
		wg.Add(tasks)
		for range tasks {
			go func() {
				for range each {
					mu.Lock()
					count++
					mu.Unlock()
				}
				wg.Done()
			}()
		}
		wg.Wait()
		b.check(count, int64(b.n), "count")
	})
}

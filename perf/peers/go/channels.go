// SPDX-License-Identifier: BSL-1.0
// Handing over values and the processor: yield2, yield1k, pingpong, chan_buf, chan_mpmc, select4, select_try, sieve.

package main

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

func yields(tasks, each int) {
	var wg sync.WaitGroup
	wg.Add(tasks)
	for range tasks {
		go func() {
			for range each {
				runtime.Gosched()
			}
			wg.Done()
		}()
	}
	wg.Wait()
}

func yield2(b *bench) {
	b.perOp(2*int64(b.n), "ns_per_yield", func() { yields(2, b.n) })
}

func yield1k(b *bench) {
	b.perOp(1_000*int64(b.n), "ns_per_yield", func() { yields(1_000, b.n) })
}

func pingpong(b *bench) {
	b.perOp(int64(b.n), "ns_per_round_trip", func() {
		ping, pong := make(chan int), make(chan int)
		var wg sync.WaitGroup
		wg.Add(2)
		go func() {
			for i := range b.n {
				ping <- i
				b.check(int64(<-pong), int64(i)+1, "answer")
			}
			wg.Done()
		}()
		go func() {
			for range b.n {
				pong <- <-ping + 1
			}
			wg.Done()
		}()
		wg.Wait()
	})
}

func chanBuf(b *bench) {
	b.perOp(int64(b.n), "ns_per_item", func() {
		c := make(chan int, 128)
		sum := make(chan int64)
		go func() {
			for i := range b.n {
				c <- i
			}
			close(c)
		}()
		go func() {
			s := int64(0)
			for v := range c {
				s += int64(v)
			}
			sum <- s
		}()
		b.check(<-sum, int64(b.n)*int64(b.n-1)/2, "sum")
	})
}

func chanMpmc(b *bench) {
	const sides = 8
	each := max(b.n/sides, 1)
	b.n = each * sides
	b.perOp(int64(b.n), "ns_per_item", func() {
		c := make(chan int, 128)
		var sum atomic.Int64
		var producers, consumers sync.WaitGroup
		producers.Add(sides)
		consumers.Add(sides)
		for range sides {
			go func() {
				for i := range each {
					c <- i
				}
				producers.Done()
			}()
			go func() {
				s := int64(0)
				for v := range c {
					s += int64(v)
				}
				sum.Add(s)
				consumers.Done()
			}()
		}
		producers.Wait()
		close(c)
		consumers.Wait()
		b.check(sum.Load(), sides*int64(each)*int64(each-1)/2, "sum")
	})
}

func select4(b *bench) {
	const sides = 4
	each := max(b.n/sides, 1)
	b.n = each * sides
	b.perOp(int64(b.n), "ns_per_item", func() {
		var c [sides]chan int
		for i := range sides {
			c[i] = make(chan int)
			go func() {
				for v := range each {
					c[i] <- v
				}
			}()
		}
		sum := make(chan int64)
		go func() {
			s := int64(0)
			for range b.n {
				select {
				case v := <-c[0]:
					s += int64(v)
				case v := <-c[1]:
					s += int64(v)
				case v := <-c[2]:
					s += int64(v)
				case v := <-c[3]:
					s += int64(v)
				}
			}
			sum <- s
		}()
		b.check(<-sum, sides*int64(each)*int64(each-1)/2, "sum")
	})
}

func selectTry(b *bench) {
	b.perOp(int64(b.n), "ns_per_select", func() {
		misses := make(chan int64)
		go func() {
			c := make(chan int, 1)
			m := int64(0)
			for range b.n {
				select {
				case <-c:
				default:
					m++
				}
			}
			misses <- m
		}()
		b.check(<-misses, int64(b.n), "selects that took the default")
	})
}

func sieveOnce(count int) (prime int) {
	c := make(chan int)
	go func() {
		for i := 2; ; i++ {
			c <- i
		}
	}()
	in := c
	for range count {
		prime = <-in
		out := make(chan int)
		go func(in <-chan int, out chan<- int, prime int) {
			for {
				if v := <-in; v%prime != 0 {
					out <- v
				}
			}
		}(in, out, prime)
		in = out
	}
	return prime
}

// nthPrime is the answer by trial division, which needs no task.
func nthPrime(count int) int {
	primes := make([]int, 0, count)
next:
	for v := 2; len(primes) < count; v++ {
		for _, p := range primes {
			if p*p > v {
				break
			}
			if v%p == 0 {
				continue next
			}
		}
		primes = append(primes, v)
	}
	return primes[count-1]
}

func sieve(b *bench) {
	want := int64(nthPrime(b.n))
	b.check(int64(sieveOnce(b.n)), want, "last prime")
	time.Sleep(50 * time.Millisecond) // the warm-up's filters run on until all of them are blocked
	start := time.Now()
	got := sieveOnce(b.n)
	elapsed := time.Since(start)
	b.check(int64(got), want, "last prime")
	b.emit(float64(elapsed.Nanoseconds())/1e6, "ms")
}

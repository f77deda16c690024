// SPDX-License-Identifier: BSL-1.0

// leaks NAME: the scenario of that name as in leaking.cc, deadlocked.cc and healthy.cc, in Go; says how many of its goroutines Go's own
// goroutineleak profile calls leaked. Without a name: which there are. Needs GOEXPERIMENT=goroutineleakprofile (Go 1.26).
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The sender left without sending.
func forgottenReceiver() {
	c := make(chan int)
	go func() { <-c }()
}

// The receiver took one value of two.
func forgottenSender() {
	c := make(chan string)
	for i := 0; i < 2; i++ {
		go func() { c <- "answer" }()
	}
	<-c
}

// Nobody closes: the loop waits for more.
func missingClose() {
	jobs := make(chan int, 4)
	go func() {
		for range jobs {
		}
	}()
	for i := 0; i < 3; i++ {
		jobs <- i
	}
}

func worker(jobs, results chan int) {
	for job := range jobs {
		results <- job * 2
	}
}

// The first has a result that nobody takes, the other no more jobs.
func byValue() {
	jobs, results := make(chan int), make(chan int)
	for i := 0; i < 2; i++ {
		go worker(jobs, results)
	}
	jobs <- 1
}

// The caller gives up after a while; the one who works cannot hand over any more.
func timeoutAbandonsSender() {
	result, gaveUp := make(chan int), make(chan struct{})
	go func() {
		<-gaveUp
		result <- 1
	}()
	select {
	case <-result:
	case <-time.After(time.Millisecond):
		close(gaveUp)
	}
}

// Returns at the first error; the second worker stays.
func earlyReturn() {
	errors := make(chan bool)
	go func() { errors <- false }()
	go func() {
		time.Sleep(5 * time.Millisecond)
		errors <- true
	}()
	<-errors
}

func selectWithoutOtherSide() {
	c, d := make(chan int), make(chan string)
	go func() {
		select {
		case <-c:
		case <-d:
		}
	}()
}

// Each waits for the other to begin.
func mutual() {
	a, b := make(chan int), make(chan int)
	go func() {
		<-a
		b <- 1
	}()
	go func() {
		<-b
		a <- 1
	}()
}

// A chain: each stage waits for the one before, and the first for nobody.
func pipeline() {
	in := make(chan int)
	for stage := 0; stage < 5; stage++ {
		from, out := in, make(chan int)
		go func() {
			for v := range from {
				out <- v + 1
			}
			close(out)
		}()
		in = out
	}
}

// The parent waits for a child that nobody wakes.
func stuckChild() {
	go func() {
		var children sync.WaitGroup
		never := make(chan int)
		for i := 0; i < 3; i++ {
			children.Go(func() { <-never })
		}
		children.Wait()
	}()
}

// Holds a lock while it waits for ever; others want the lock.
func lockHeld() {
	m := new(sync.Mutex)
	c, locked := make(chan int), make(chan struct{})
	go func() {
		m.Lock()
		defer m.Unlock()
		close(locked)
		<-c
	}()
	<-locked
	for i := 0; i < 3; i++ {
		go func() {
			m.Lock()
			defer m.Unlock()
		}()
	}
}

func largeClosure() {
	var ballast [100]byte
	c := make(chan int)
	go func() { c <- int(ballast[3]) }()
}

func nilChannel() {
	go func() { <-(chan int)(nil) }()
}

func many() {
	for i := 0; i < 1000; i++ {
		forgottenReceiver()
	}
}

// Counts those who hold their first lock; nobody goes on to the second before all do.
type meeting struct{ missing atomic.Int32 }

func (m *meeting) wait() {
	for m.missing.Add(-1); m.missing.Load() > 0; {
		runtime.Gosched()
	}
}

type table struct {
	m   [3]sync.Mutex
	all meeting
}

func lockBoth(t *table, first, second int) {
	t.m[first].Lock()
	defer t.m[first].Unlock()
	t.all.wait()
	t.m[second].Lock()
	defer t.m[second].Unlock()
}

func pair() {
	t := new(table)
	t.all.missing.Store(2)
	go lockBoth(t, 0, 1)
	go lockBoth(t, 1, 0)
	for t.all.missing.Load() > 0 {
		runtime.Gosched()
	}
	for i := 0; i < 3; i++ {
		go func() {
			t.m[0].Lock()
			defer t.m[0].Unlock()
		}()
	}
}

func three() {
	t := new(table)
	t.all.missing.Store(3)
	for i := 0; i < 3; i++ {
		go lockBoth(t, i, (i+1)%3)
	}
}

func doubleLock() {
	t := new(table)
	t.all.missing.Store(1)
	go lockBoth(t, 0, 0)
}

// A reader waits for a writer that waits for the reader's mutex.
func rwPair() {
	var data sync.RWMutex
	var log sync.Mutex
	var all meeting
	all.missing.Store(2)
	go func() {
		data.Lock()
		defer data.Unlock()
		all.wait()
		log.Lock()
		defer log.Unlock()
	}()
	go func() {
		log.Lock()
		defer log.Unlock()
		all.wait()
		data.RLock()
	}()
}

// What the workers wait for is kept by one that sleeps.
func idleServer() {
	jobs, calls := make(chan int, 16), make(chan func())
	var workers sync.WaitGroup
	for i := 0; i < 20; i++ {
		workers.Go(func() {
			for range jobs {
			}
		})
	}
	go func() {
		for call := range calls {
			call()
		}
	}()
	go func() {
		for {
			time.Sleep(2 * time.Millisecond)
			select {
			case jobs <- 1:
			case calls <- func() {}:
			}
		}
	}()
	go workers.Wait()
}

// Everything is in the hands of one who waits, and is used by reference.
func byReference() {
	go func() {
		done, ticks := make(chan int), make(chan int)
		var m sync.Mutex
		count := 0
		for i := 0; i < 4; i++ {
			go func() {
				for {
					time.Sleep(time.Millisecond)
					m.Lock()
					count++
					end := count < 0
					m.Unlock()
					if end {
						break
					}
				}
				done <- count
			}()
		}
		go func() {
			for {
				time.Sleep(3 * time.Millisecond)
				ticks <- 1
			}
		}()
		go func() {
			for range ticks {
			}
		}()
		<-done
	}()
}

var sink atomic.Uint32

// The only other handle belongs to a goroutine that computes, or sleeps.
func knownToWhoComputes() {
	c := make(chan int)
	go func() { <-c }()
	go func() {
		e := make(chan int)
		go func() { <-e }()
		for sink.Add(1) != 0xffffffff {
		}
		e <- 1
	}()
	go func() {
		time.Sleep(time.Hour)
		c <- 1
	}()
}

// Channels travel: through channels, into new goroutines.
func travelling() {
	hands := make(chan chan int, 8)
	for i := 0; i < 8; i++ {
		go func() {
			for {
				reply := make(chan int)
				hands <- reply
				<-reply
			}
		}()
	}
	for i := 0; i < 4; i++ {
		go func() {
			for reply := range hands {
				go func() {
					runtime.Gosched()
					reply <- 1
				}()
			}
		}()
	}
}

// Contended locks, conditions, timers, contexts.
func busyLocks() {
	var m [4]sync.Mutex
	var rw sync.RWMutex
	changed := sync.NewCond(&m[0])
	n := 0
	for i := 0; i < 16; i++ {
		low, high := min(i%4, (i+1)%4), max(i%4, (i+1)%4)
		go func() {
			for {
				m[low].Lock()
				m[high].Lock()
				n++
				m[high].Unlock()
				m[low].Unlock()
				if low == 0 {
					changed.Signal()
				}
				runtime.Gosched()
			}
		}()
	}
	for i := 0; i < 4; i++ {
		go func() {
			for {
				if i == 0 {
					rw.Lock()
					runtime.Gosched()
					rw.Unlock()
				} else {
					rw.RLock()
					time.Sleep(100 * time.Microsecond)
					rw.RUnlock()
				}
			}
		}()
	}
	go func() {
		m[0].Lock()
		for {
			changed.Wait()
		}
	}()
	go func() { <-time.After(time.Hour) }()
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		<-ctx.Done()
	}()
	go func() {
		select {
		case <-time.NewTicker(time.Hour).C:
		case <-make(chan int):
		}
	}()
}

// A structure that only the one who waits has, on the heap.
type mailbox struct {
	letters chan int
	others  []chan int
}

func ownHeap() {
	go func() {
		box := &mailbox{letters: make(chan int), others: make([]chan int, 8)}
		<-box.letters
		runtime.KeepAlive(box)
	}()
}

// Two who share a wait group that nobody counts down.
func waitGroupOnHeap() {
	missing := new(sync.WaitGroup)
	missing.Add(1)
	for i := 0; i < 2; i++ {
		go missing.Wait()
	}
}

// Nobody is left who could signal.
func condition() {
	var m sync.Mutex
	changed := sync.NewCond(&m)
	go func() {
		m.Lock()
		changed.Wait()
	}()
}

var kept chan int

// A global variable has it: somebody may use it still.
func globalChannel() {
	kept = make(chan int)
	go func(c chan int) { <-c }(kept)
}

var scenarios = map[string]func(){
	"forgotten_receiver": forgottenReceiver, "forgotten_sender": forgottenSender, "missing_close": missingClose,
	"by_value": byValue, "timeout_abandons_sender": timeoutAbandonsSender, "early_return": earlyReturn,
	"select_without_other_side": selectWithoutOtherSide, "mutual": mutual, "pipeline": pipeline,
	"stuck_child": stuckChild, "lock_held": lockHeld, "large_closure": largeClosure, "nil_channel": nilChannel,
	"many": many, "pair": pair, "three": three, "double_lock": doubleLock, "rw_pair": rwPair,
	"idle_server": idleServer, "by_reference": byReference, "known_to_who_computes": knownToWhoComputes,
	"travelling": travelling, "busy_locks": busyLocks, "own_heap": ownHeap,
	"wait_group_on_heap": waitGroupOnHeap, "condition": condition, "global_channel": globalChannel,
}

// The profile looks for leaks when it is written, not when it is counted.
func leaked() int {
	var text bytes.Buffer
	if err := pprof.Lookup("goroutineleak").WriteTo(&text, 1); err != nil {
		panic(err)
	}
	var n int
	if _, err := fmt.Sscanf(text.String(), "goroutineleak profile: total %d", &n); err != nil {
		panic(strings.SplitN(text.String(), "\n", 2)[0])
	}
	return n
}

func main() {
	if pprof.Lookup("goroutineleak") == nil {
		fmt.Println("no goroutineleak profile")
		os.Exit(3)
	}
	if len(os.Args) == 1 {
		for name := range scenarios {
			fmt.Println(name)
		}
		return
	}
	run := scenarios[os.Args[1]]
	for i := 0; i < 4; i++ {
		go func() {
			for {
				time.Sleep(time.Millisecond)
			}
		}()
	}
	run()
	// Until three looks in a row say the same: goroutines take their time to come to where they wait.
	for same, last := 0, -1; same < 3; {
		time.Sleep(20 * time.Millisecond)
		if now := leaked(); now == last {
			same++
		} else {
			same, last = 0, now
		}
	}
	fmt.Println(leaked())
}

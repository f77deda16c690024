// SPDX-License-Identifier: BSL-1.0
// sieve: the concurrent prime sieve over unbuffered channels, the first N primes.

#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/time.h>

#include "perf/support/answers.h"
#include "perf/workloads/rows.h"

namespace perf {

namespace {

int sieve_once(std::int64_t count) {
    gossamer::chan<int> in;
    gossamer::go([in] {
        for (int i = 2;; i++) in.send(i);
    });
    int prime = 0;
    for (std::int64_t k = 0; k < count; k++) {
        prime = *in.recv();
        gossamer::chan<int> out;
        gossamer::go([in, out, prime] {
            for (;;) {
                int v = *in.recv();
                if (v % prime != 0) out.send(v);
            }
        });
        in = out;
    }
    return prime;
}

}  // namespace

void sieve(bench& b) {
    using namespace std::chrono_literals;
    int want = nth_prime(b.n);
    b.ops = 2 * b.n;
    check(b, sieve_once(b.n), want, "last prime");
    gossamer::sleep(50ms);  // the warm-up's filters run on until all of them are blocked
    auto start = clock::now();
    int got = sieve_once(b.n);
    double took = ns_since(start);
    check(b, got, want, "last prime");
    emit(b, took / 1e6, "ms");
}

}  // namespace perf

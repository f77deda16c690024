// SPDX-License-Identifier: BSL-1.0
// The concurrent prime sieve: a chain of goroutines, one for each prime, that grows while it runs.
#include <gossamer/chan.h>
#include <gossamer/go.h>

#include <cstdio>

using namespace gossamer;

// Sends 2, 3, 4, … until nobody listens. Ends with the program, like all goroutines.
void generate(send_chan<int> out) {
    for (int i = 2;; ++i) out << i;
}

// Passes on what the prime does not divide.
void filter(recv_chan<int> in, send_chan<int> out, int prime) {
    for (int i : in)
        if (i % prime != 0) out << i;
}

int main() {
    return run([] {
        chan<int> numbers;
        go(generate, numbers);
        for (int i = 0; i < 20; ++i) {
            int prime = *numbers.recv();
            std::printf(i == 0 ? "%d" : " %d", prime);
            chan<int> rest;
            go(filter, numbers, rest, prime);
            numbers = rest;
        }
        std::printf("\n");
        return 0;
    });
}

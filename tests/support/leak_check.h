// SPDX-License-Identifier: BSL-1.0
// leak_check: after each test case as many goroutines must live as before the first one.
#pragma once

namespace tests {

// Counts what lives now as the start.
void start_leak_check();
// n more goroutines than at the start are right from now on.
void forgive_leaked(int n);
// Waits, boundedly, until the surplus has ended; how many goroutines too many still live (0: no leak).
int leaked();

}  // namespace tests

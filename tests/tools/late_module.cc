// SPDX-License-Identifier: BSL-1.0
// late_module: code that record_target loads while it runs.
extern "C" [[gnu::visibility("default")]] void waits_in_late_module(void (*wait)()) {
    wait();
    asm volatile("" : : : "memory");  // no tail call
}

// SPDX-License-Identifier: BSL-1.0
// recurse: a recursion without end, a few hundred bytes a frame. Global, so that a traceback shows its bare name.
#pragma once

[[gnu::noinline]] inline int recurse(int n) {
    volatile char room[200];
    room[0] = char(n);
    return n < 0 ? 0 : recurse(n + 1) + room[0];
}

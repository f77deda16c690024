// SPDX-License-Identifier: BSL-1.0
// until_input_ends: how a program that tests look at says that it stands, and is told to end.
#pragma once

#include <gossamer/chan.h>

#include <atomic>
#include <cstdio>
#include <thread>

// Says "ready". At the end of the input `is_over` is set and `end` is closed.
inline void say_ready(gossamer::chan<int> end, std::atomic<bool>& is_over) {
    std::printf("ready\n");
    std::fflush(stdout);
    std::thread([end, &is_over] {
        while (std::getchar() != EOF) continue;
        is_over = true;
        end.close();
    }).detach();
}

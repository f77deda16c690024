// SPDX-License-Identifier: BSL-1.0
// The main thread begins to wait long after everything else has come to rest [DL1].
#include <gossamer/chan.h>
#include <gossamer/go.h>

#include <chrono>
#include <thread>

using namespace gossamer;
using namespace std::chrono_literals;

int main() {
    chan<int> a;
    go([=] { a.send(1); });
    a.recv();
    std::this_thread::sleep_for(500ms);
    a.recv();
}

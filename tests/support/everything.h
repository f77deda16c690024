// SPDX-License-Identifier: BSL-1.0
// everything: a little of all that goroutines do, with a sum that comes out right only when nothing was lost.
#pragma once

#include <gossamer/blocking.h>
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/io.h>
#include <gossamer/mutex.h>
#include <gossamer/net/dial.h>
#include <gossamer/os.h>
#include <gossamer/select.h>
#include <gossamer/time.h>
#include <gossamer/wait_group.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>

namespace tests {

[[noreturn]] inline void broken(const char* what, const gossamer::error& err) {
    std::printf("%s: %s\n", what, err ? err.message().c_str() : "wrong");
    std::fflush(stdout);
    _exit(1);
}

inline int echoed(const gossamer::net::listener& l) {
    using namespace gossamer;
    auto [c, refused] = net::dial("tcp", l.addr().string());
    if (refused) broken("dial", refused);
    char text[] = "0123456789", back[sizeof text];
    if (auto [n, err] = c.write({text, sizeof text}); err) broken("write", err);
    if (auto [n, err] = io::read_full(c, {back, sizeof back}); err) broken("read", err);
    return std::string(text) == back ? 1 : 0;
}

// On a goroutine. Prints "all N done", or what was wrong and ends the process with status 1.
inline void do_everything(int each = 100, const char* who = "") {
    using namespace gossamer;
    using namespace std::chrono_literals;
    chan<int> done(8);
    mutex m;
    wait_group all;
    auto [l, err] = net::listen("tcp", "127.0.0.1:0");
    if (err) broken("listen", err);
    all.go([l = l, each] {
        for (int i = 0; i < each; i++) {
            auto [c, lost] = l.accept();
            if (lost) broken("accept", lost);
            go([c = c] {
                char some[64];
                for (;;) {
                    auto [n, end] = c.read({some, sizeof some});
                    if (end) return;
                    if (auto [w, gone] = c.write({some, n}); gone) broken("write back", gone);
                }
            });
        }
    });
    for (int i = 0; i < each; i++) {
        all.go([=] { done.send(1); });
        all.go([&m, done] {
            std::lock_guard hold(m);
            yield();
            done.send(1);
        });
        all.go([=] {
            sleep(1ms);
            done.send(1);
        });
        all.go([=] {
            blocking([] { ::usleep(100); });
            done.send(1);
        });
        all.go([=] { select(send(done, 1), recv(after(1min))); });
        all.go([l = l, done] { done.send(echoed(l)); });
        all.go([=] {
            auto [file, bad] = os::open("/proc/self/stat");
            if (bad) broken("open", bad);
            char some[64];
            if (auto [n, none] = file.read({some, sizeof some}); none) broken("read of a file", none);
            done.send(1);
        });
    }
    int sum = 0;
    for (int i = 0; i < 7 * each; i++) sum += *done.recv();
    all.wait();
    std::printf("%sall %d done\n", who, sum);
    std::fflush(stdout);
    if (sum != 7 * each) _exit(1);
}

}  // namespace tests

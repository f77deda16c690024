// SPDX-License-Identifier: BSL-1.0
// Rate-limited fan-in: three sources speak as fast as they can, one listener hears them all, and a ticker sets the pace.
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/select.h>
#include <gossamer/time.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <string>

using namespace gossamer;
using namespace std::chrono_literals;

struct message {
    int source;
    int number;
};

recv_chan<message> speak(int source, int messages) {
    chan<message> out;
    go([=] {
        for (int n = 0; n < messages; ++n) out << message{source, n};
        out.close();
    });
    return out;
}

// One channel out of three. A source that has ended is set to nil: its case is never ready again.
recv_chan<message> merge(recv_chan<message> a, recv_chan<message> b, recv_chan<message> c) {
    chan<message> out;
    go([=]() mutable {
        while (a != nil || b != nil || c != nil) {
            auto forward = [&](recv_chan<message>& from, const received<message>& m) {
                if (m.ok)
                    out << m.value;
                else
                    from = nil;
            };
            switch (auto s = select(recv(a), recv(b), recv(c)); s) {
                case 0:
                    forward(a, s.get<0>());
                    break;
                case 1:
                    forward(b, s.get<1>());
                    break;
                case 2:
                    forward(c, s.get<2>());
                    break;
            }
        }
        out.close();
    });
    return out;
}

int main() {
    return run([] {
        constexpr int kMessages = 10;
        constexpr auto kPace = 1ms;
        std::array<int, 3> heard{};
        bool in_order = true;

        auto start = std::chrono::steady_clock::now();
        ticker pace(kPace);
        for (const message& m : merge(speak(0, kMessages), speak(1, kMessages), speak(2, kMessages))) {
            pace.c.recv();
            in_order = in_order && m.number == heard[m.source];
            ++heard[m.source];
        }
        auto took = std::chrono::steady_clock::now() - start;

        for (int source = 0; source < 3; ++source) std::printf("source %d: %d messages\n", source, heard[source]);
        std::printf("each source in its own order: %s\n", in_order ? "yes" : "no");
        std::printf("no faster than one a millisecond: %s\n", took >= 3 * kMessages * kPace ? "yes" : "no");
        return 0;
    });
}

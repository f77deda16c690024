// SPDX-License-Identifier: BSL-1.0
// A pipeline whose stages stop when the reader has seen enough: each send waits for its receiver or for the end of the context,
// so that no stage is left behind.
#include <gossamer/chan.h>
#include <gossamer/context.h>
#include <gossamer/defer.h>
#include <gossamer/go.h>
#include <gossamer/select.h>
#include <gossamer/wait_group.h>

#include <cstdio>
#include <vector>

using namespace gossamer;

// False when nobody wants the value any more.
bool offer(context ctx, send_chan<long> out, long value) {
    switch (select(send(out, value), recv(ctx.done()))) {
        case 0:
            return true;
        case 1:
            break;
    }
    return false;
}

// 1, 2, 3, … for as long as somebody listens.
recv_chan<long> count_up(context ctx, wait_group& stages) {
    chan<long> out;
    stages.go([=] {
        defer end{[=] { out.close(); }};
        for (long n = 1; offer(ctx, out, n); ++n) {
        }
    });
    return out;
}

recv_chan<long> square(context ctx, wait_group& stages, recv_chan<long> in) {
    chan<long> out;
    stages.go([=] {
        defer end{[=] { out.close(); }};
        for (long n : in)
            if (!offer(ctx, out, n * n)) return;
    });
    return out;
}

recv_chan<long> add_up(context ctx, wait_group& stages, recv_chan<long> in) {
    chan<long> out;
    stages.go([=] {
        defer end{[=] { out.close(); }};
        long sum = 0;
        for (long n : in)
            if (!offer(ctx, out, sum += n)) return;
    });
    return out;
}

int main() {
    return run([] {
        auto [ctx, cancel] = with_cancel(background());
        wait_group stages;

        recv_chan<long> sums = add_up(ctx, stages, square(ctx, stages, count_up(ctx, stages)));
        for (long sum : sums) {
            std::printf("%ld\n", sum);
            if (sum > 300) break;
        }

        cancel();
        stages.wait();
        std::printf("all stages have ended: %s\n", ctx.err().message().c_str());
        return 0;
    });
}

// SPDX-License-Identifier: BSL-1.0
#include <gossamer.h>
#include <unistd.h>

#include <chrono>
#include <iostream>

using namespace gossamer;
using namespace std::chrono_literals;

// Squares numbers until there are none left, or until nobody wants the results any more.
void worker(context ctx, recv_chan<int> numbers, send_chan<int> squares) {
    for (int n : numbers) {
        ::usleep(1000);  // an ordinary blocking call, announced to nobody: all other goroutines run on
        switch (select(send(squares, n * n), recv(ctx.done()))) {
            case 0:
                continue;
            case 1:
                return;
        }
    }
}

int main() {
    return run([] {
        auto [ctx, cancel] = with_timeout(background(), 10s);
        defer stop{cancel};

        chan<int> numbers, squares(16);
        wait_group workers;
        for (int i = 0; i < 50; ++i) workers.go([=, ctx = ctx] { worker(ctx, numbers, squares); });
        go([=] {
            for (int n = 1; n <= 1000; ++n) numbers << n;
            numbers.close();
        });
        go([&workers, squares] {
            workers.wait();
            squares.close();
        });

        long sum = 0;
        for (int square : squares) sum += square;
        if (error err = ctx.err()) {
            std::cerr << "gave up: " << err.message() << "\n";
            return 1;
        }
        std::cout << "1² + 2² + … + 1000² = " << sum << "\n";
        return 0;
    });
}

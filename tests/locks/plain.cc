// SPDX-License-Identifier: BSL-1.0
// plain: locks and threads, and not a goroutine. Prints the sum that they come to.
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

int main() {
    std::mutex mutex;
    std::shared_mutex shared;
    std::condition_variable more;
    long sum = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++)
        threads.emplace_back([&] {
            for (int i = 0; i < 1000; i++) {
                std::shared_lock reader(shared);
                std::lock_guard lock(mutex);
                sum++;
                more.notify_one();
            }
        });
    {
        std::unique_lock lock(mutex);
        more.wait(lock, [&] { return sum == 4000; });
    }
    for (auto& t : threads) t.join();
    std::printf("%ld\n", sum);
}

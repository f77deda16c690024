// SPDX-License-Identifier: BSL-1.0
// The dining philosophers: each fork is a channel of one, and a waiter seats at most four of the five, so that somebody can always eat.
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/semaphore.h>
#include <gossamer/wait_group.h>

#include <array>
#include <cstdio>

using namespace gossamer;

constexpr int kPhilosophers = 5;
constexpr int kMeals = 1000;
constexpr std::array<const char*, kPhilosophers> kNames = {"Plato", "Hypatia", "Ibn Rushd", "Spinoza", "Arendt"};

int main() {
    return run([] {
        std::array<chan<unit>, kPhilosophers> forks;
        for (chan<unit>& fork : forks) {
            fork = chan<unit>(1);
            fork << unit{};
        }
        semaphore waiter(kPhilosophers - 1);
        std::array<int, kPhilosophers> meals{};

        wait_group dinner;
        for (int seat = 0; seat < kPhilosophers; ++seat) {
            dinner.go([&, seat] {
                chan<unit> left = forks[seat], right = forks[(seat + 1) % kPhilosophers];
                while (meals[seat] < kMeals) {
                    waiter.acquire();
                    left.recv();
                    right.recv();
                    ++meals[seat];
                    yield();  // eats slowly, while the others want the forks
                    right << unit{};
                    left << unit{};
                    waiter.release();
                }
            });
        }
        dinner.wait();
        for (int seat = 0; seat < kPhilosophers; ++seat) std::printf("%-9s ate %d times\n", kNames[seat], meals[seat]);
        return 0;
    });
}

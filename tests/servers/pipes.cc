// SPDX-License-Identifier: BSL-1.0
// stdio on pipes: each reads lines from a pipe of its own with fgets(), which a thread fills slowly.
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "load.h"

namespace {

constexpr int kLines = 10;

std::string line(int task, int i) { return "line " + std::to_string(i) + " for " + std::to_string(task) + "\n"; }

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::array<int, 2>> ends(load::kTasks);
    for (auto& e : ends)
        if (pipe(e.data()) != 0) return std::perror("pipe"), 1;
    std::thread feeder([&] {
        for (int i = 0; i < kLines; i++) {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            for (int task = 0; task < load::kTasks; task++) {
                std::string text = line(task, i);
                if (write(ends[size_t(task)][1], text.data(), text.size()) != ssize_t(text.size())) std::abort();
            }
        }
    });
    int status = load::run(argc, argv, [&](int task) {
        std::unique_ptr<FILE, decltype(&std::fclose)> in(fdopen(ends[size_t(task)][0], "r"), std::fclose);
        char text[100];
        for (int i = 0; i < kLines; i++)
            if (std::fgets(text, sizeof text, in.get()) == nullptr || text != line(task, i))
                throw std::runtime_error("not the line that was written");
    });
    feeder.join();
    return status;
}

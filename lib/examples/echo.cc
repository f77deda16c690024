// SPDX-License-Identifier: BSL-1.0
// A TCP service and its clients in one program: a goroutine for each connection, a deadline for a peer that says nothing, and an end in
// good order.
#include <gossamer/bufio.h>
#include <gossamer/error.h>
#include <gossamer/go.h>
#include <gossamer/net.h>
#include <gossamer/os.h>
#include <gossamer/wait_group.h>

#include <array>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

using namespace gossamer;
using namespace std::chrono_literals;

// Answers each line in capitals, until the peer hangs up or is silent for too long.
void shout(net::conn c, std::chrono::milliseconds patience) {
    bufio::reader in(c);
    for (;;) {
        if (c.set_read_deadline(std::chrono::steady_clock::now() + patience)) return;
        auto [line, err] = in.read_line();
        if (errors::is(err, os::err_deadline_exceeded))
            line = "say something";
        else if (err)
            return;
        for (char& letter : line) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
        if (c.write(line + "\n").err || err) return;
    }
}

// Sends the lines one by one and collects the answers.
std::string talk(const std::string& address, const std::array<const char*, 2>& lines) {
    auto [c, err] = net::dial("tcp", address);
    if (err) return err.message();
    bufio::reader in(c);
    std::string heard;
    for (const char* line : lines) {
        if (line != nullptr && c.write(line).err) break;
        heard += in.read_line().line + "\n";
    }
    return heard;
}

int main() {
    return run([] {
        auto [listener, failed] = net::listen("tcp", "127.0.0.1:0");
        if (failed) {
            std::printf("%s\n", failed.message().c_str());
            return 1;
        }
        wait_group connections, accepting;
        accepting.go([&connections, l = listener] {
            for (;;) {
                auto [c, err] = l.accept();
                if (err) {
                    std::printf("accept ends: %s\n",
                                errors::is(err, net::err_closed) ? "the listener was closed" : err.message().c_str());
                    return;
                }
                connections.go([c = std::move(c)] { shout(c, 300ms); });
            }
        });

        std::string address = listener.addr().string();
        std::array<std::string, 3> heard;
        wait_group clients;
        clients.go([&] { heard[0] = talk(address, {"hello\n", "world\n"}); });
        clients.go([&] { heard[1] = talk(address, {"good\n", "bye\n"}); });
        clients.go([&] { heard[2] = talk(address, {"psst\n", nullptr}); });
        clients.wait();
        for (const std::string& lines : heard) std::printf("%s", lines.c_str());

        if (error err = listener.close()) std::printf("%s\n", err.message().c_str());
        accepting.wait();
        connections.wait();
        return 0;
    });
}

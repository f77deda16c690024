// SPDX-License-Identifier: BSL-1.0
// A TCP service and its clients in one program: a goroutine for each connection, a deadline for an answer that does not come, and an end in
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
#include <vector>

using namespace gossamer;
using namespace std::chrono_literals;

// Answers each line in capitals, until the peer hangs up. The connection is closed with its last handle.
void shout(net::conn c) {
    bufio::scanner in(c);
    while (in.scan()) {
        std::string line(in.text());
        for (char& letter : line) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
        if (c.write(line + "\n").err) return;
    }
}

// Says the lines one by one and collects the answers.
std::string talk(const std::string& address, const std::vector<std::string>& lines) {
    auto [c, failed] = net::dial("tcp", address);
    if (failed) return failed.message() + "\n";
    bufio::reader in(c);
    std::string heard;
    for (const std::string& line : lines) {
        if (error err = c.write(line + "\n").err) return err.message() + "\n";
        auto [answer, err] = in.read_line();
        if (err) return err.message() + "\n";
        heard += answer + "\n";
    }
    return heard;
}

// Says nothing and waits for an answer.
std::string listen_only(const std::string& address) {
    auto [c, failed] = net::dial("tcp", address);
    if (failed) return failed.message() + "\n";
    if (error err = c.set_read_deadline(std::chrono::steady_clock::now() + 20ms)) return err.message() + "\n";
    bufio::reader in(c);
    auto [answer, err] = in.read_line();
    return errors::is(err, os::err_deadline_exceeded) ? "no answer within 20 ms\n" : answer + "\n";
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
                    bool closed = errors::is(err, net::err_closed);
                    std::printf("accept ends: %s\n", closed ? "the listener was closed" : err.message().c_str());
                    return;
                }
                connections.go([c = std::move(c)] { shout(c); });
            }
        });

        std::string address = listener.addr().string();
        std::array<std::string, 3> heard;
        wait_group clients;
        clients.go([&] { heard[0] = talk(address, {"hello", "world"}); });
        clients.go([&] { heard[1] = talk(address, {"good", "bye"}); });
        clients.go([&] { heard[2] = listen_only(address); });
        clients.wait();
        for (const std::string& lines : heard) std::printf("%s", lines.c_str());

        if (error err = listener.close()) std::printf("%s\n", err.message().c_str());
        accepting.wait();
        connections.wait();
        return 0;
    });
}

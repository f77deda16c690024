// SPDX-License-Identifier: BSL-1.0
#include <gossamer/chan.h>
#include <gossamer/context.h>
#include <gossamer/go.h>
#include <gossamer/net.h>
#include <gossamer/runtime.h>
#include <gossamer/time.h>
#include <gossamer/unit.h>
#include <gossamer/wait_group.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "runtime/netpoll/netpoll.h"
#include "tests/lib/net/pair.h"
#include "tests/support/harness.h"

using namespace gossamer;
using namespace std::chrono_literals;
using tests::on_goroutine;

namespace {

// A goroutine that reads once, and says on the channel what came of it.
chan<io::result> read_in_background(const net::conn& c) {
    chan<io::result> out(1);
    go([c, out] {
        char byte[1];
        out.send(c.read(byte));
    });
    return out;
}

int option(const net::conn& c, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    CHECK(!c.control([&](int fd) { ::getsockopt(fd, level, name, &value, &size); }));
    return value;
}

}  // namespace

TEST_CASE("what is written comes out at the other end, both ways, on TCP and on Unix sockets") {
    on_goroutine([] {
        for (tests::pair p : {tests::tcp_pair(), tests::unix_pair()}) {
            char buf[16];
            CHECK(p.ours.write("hello").n == 5);
            auto [n, err] = p.theirs.read(buf);
            CHECK(!err);
            CHECK(std::string_view(buf, n) == "hello");
            CHECK(!p.theirs.write(std::string("back")).err);
            CHECK(!io::read_full(p.ours, std::span(buf).first(4)).err);
            CHECK(std::string_view(buf, 4) == "back");
            CHECK(p.ours.local_addr() == p.theirs.remote_addr());
            CHECK(p.ours.remote_addr() == p.theirs.local_addr());
        }
    });
}

TEST_CASE("an echo from many goroutines at once gives each its own bytes [N1]") {
    on_goroutine([] {
        net::listener l = tests::must_listen();
        constexpr int kClients = 40, kRounds = 50;
        wait_group all;
        all.go([l] {
            for (int i = 0; i < kClients; i++) {
                auto [c, err] = l.accept();
                REQUIRE(!err);
                go([c = c] {
                    char buf[32];
                    for (;;) {
                        auto [n, end] = c.read(buf);
                        if (end || c.write({buf, n}).err) return;
                    }
                });
            }
        });
        std::atomic<int> right{0};
        for (int i = 0; i < kClients; i++) {
            all.go([l, i, &right] {
                auto [c, err] = net::dial("tcp", l.addr().string());
                REQUIRE(err.message() == "");
                for (int r = 0; r < kRounds; r++) {
                    std::string mine = std::to_string(i) + "/" + std::to_string(r);
                    std::string back(mine.size(), 0);
                    if (!c.write(mine).err && !io::read_full(c, back).err && back == mine) right++;
                }
            });
        }
        all.wait();
        CHECK(right == kClients * kRounds);
        CHECK(!l.close());
    });
}

TEST_CASE("a read and a write go in parallel; reads exclude each other [N1]") {
    on_goroutine([] {
        tests::pair p = tests::tcp_pair();
        chan<io::result> first = read_in_background(p.ours), second = read_in_background(p.ours);
        CHECK(!p.ours.write("x").err);
        CHECK(!p.theirs.write("ab").err);
        CHECK(first.recv()->n == 1);
        CHECK(second.recv()->n == 1);
    });
}

TEST_CASE("concurrent large writes arrive as whole runs [N2]") {
    on_goroutine([] {
        tests::pair p = tests::tcp_pair();
        static constexpr size_t kSize = 2 << 20;
        wait_group writers;
        for (char c : {'a', 'b', 'c', 'd'}) {
            writers.go([c, out = p.ours] {
                auto [n, err] = out.write(std::string(kSize, c));
                CHECK(n == kSize);
                CHECK(!err);
            });
        }
        std::string got(4 * kSize, 0);
        CHECK(!io::read_full(p.theirs, got).err);
        writers.wait();
        int runs = 1;
        for (size_t i = 1; i < got.size(); i++) runs += got[i] != got[i - 1];
        CHECK(runs == 4);
    });
}

TEST_CASE(
    "writev sends its pieces as one run, empty ones and more than the kernel takes at once among them [N2][N17]") {
    on_goroutine([] {
        tests::pair p = tests::tcp_pair();
        CHECK(p.ours.writev({"one ", "", "two ", "three"}).n == 13);
        char buf[13];
        CHECK(!io::read_full(p.theirs, buf).err);
        CHECK(std::string_view(buf, 13) == "one two three");
        std::string piece(1000, 'p');
        std::vector<io::bytes> many(3000, piece);
        wait_group reader;
        reader.go([&] {
            std::string got(3'000'000, 0);
            CHECK(!io::read_full(p.theirs, got).err);
            CHECK(got == std::string(3'000'000, 'p'));
        });
        CHECK(p.ours.writev(many).n == 3'000'000);
        reader.wait();
    });
}

TEST_CASE("a past deadline fails a read although data is there, and the data is read after clearing [N4]") {
    on_goroutine([] {
        tests::pair p = tests::tcp_pair();
        CHECK(!p.theirs.write("data").err);
        char buf[4];
        CHECK(!p.ours.set_read_deadline(tests::past()));
        auto [n, err] = p.ours.read(buf);
        CHECK(n == 0);
        CHECK(errors::is(err, os::err_deadline_exceeded));
        CHECK(!p.ours.set_read_deadline({}));
        CHECK(!io::read_full(p.ours, buf).err);
        CHECK(std::string_view(buf, 4) == "data");
    });
}

TEST_CASE("setting a past deadline unblocks a read that waits; the connection works again after [N5]") {
    on_goroutine([] {
        tests::pair p = tests::tcp_pair();
        for (int i = 0; i < 50; i++) {
            chan<io::result> out = read_in_background(p.ours);
            if (i % 2 == 0) yield();
            CHECK(!p.ours.set_deadline(tests::past()));
            CHECK(errors::is(out.recv()->err, os::err_deadline_exceeded));
            CHECK(!p.ours.set_deadline({}));
        }
        chan<io::result> out = read_in_background(p.ours);
        CHECK(!p.theirs.write("x").err);
        CHECK(out.recv()->n == 1);
    });
}

TEST_CASE("a deadline that comes ends a read that waits, not before it [N3][N5]") {
    on_goroutine([] {
        tests::pair p = tests::tcp_pair();
        auto when = tests::in(20ms);
        CHECK(!p.ours.set_read_deadline(when));
        char buf[1];
        auto [n, err] = p.ours.read(buf);
        CHECK(errors::is(err, os::err_deadline_exceeded));
        CHECK(std::chrono::steady_clock::now() >= when);
    });
}

TEST_CASE("extending or clearing a deadline while a read waits makes the old one void [N5]") {
    on_goroutine([] {
        tests::pair p = tests::tcp_pair();
        CHECK(!p.ours.set_read_deadline(tests::in(30ms)));
        chan<io::result> out = read_in_background(p.ours);
        auto later = tests::in(120ms);
        CHECK(!p.ours.set_read_deadline(later));
        CHECK(errors::is(out.recv()->err, os::err_deadline_exceeded));
        CHECK(std::chrono::steady_clock::now() >= later);

        CHECK(!p.ours.set_read_deadline(tests::in(30ms)));
        out = read_in_background(p.ours);
        CHECK(!p.ours.set_read_deadline({}));
        sleep(60ms);
        CHECK(out.len() == 0);
        CHECK(!p.theirs.write("x").err);
        CHECK(out.recv()->n == 1);
    });
}

TEST_CASE("shortening a deadline while a read waits takes effect [N5]") {
    on_goroutine([] {
        tests::pair p = tests::tcp_pair();
        CHECK(!p.ours.set_read_deadline(tests::in(1h)));
        chan<io::result> out = read_in_background(p.ours);
        CHECK(!p.ours.set_read_deadline(tests::in(10ms)));
        CHECK(errors::is(out.recv()->err, os::err_deadline_exceeded));
    });
}

TEST_CASE("a read deadline does not touch writes, nor a write deadline reads [N6]") {
    on_goroutine([] {
        tests::pair p = tests::tcp_pair();
        CHECK(!p.ours.set_read_deadline(tests::past()));
        CHECK(!p.ours.write("x").err);
        CHECK(!p.ours.set_read_deadline({}));
        CHECK(!p.ours.set_write_deadline(tests::past()));
        CHECK(errors::is(p.ours.write("y").err, os::err_deadline_exceeded));
        CHECK(!p.theirs.write("z").err);
        char buf[1];
        CHECK(p.ours.read(buf).n == 1);
    });
}

TEST_CASE("a write that runs into its deadline tells how much went out [N2][N7]") {
    on_goroutine([] {
        tests::pair p = tests::tcp_pair();
        size_t sent = tests::fill(p.ours);
        CHECK(!p.ours.set_write_deadline({}));
        CHECK(!p.ours.close_write());
        auto [data, err] = io::read_all(p.theirs);
        CHECK(!err);
        CHECK(data.size() == sent);
    });
}

TEST_CASE("a timeout is os::err_deadline_exceeded with Go's text, and no context error [N7][N12]") {
    on_goroutine([] {
        tests::pair p = tests::tcp_pair();
        CHECK(!p.ours.set_deadline(tests::past()));
        char buf[1];
        error err = p.ours.read(buf).err;
        CHECK(err.message() ==
              "read tcp " + p.ours.local_addr().string() + "->" + p.ours.remote_addr().string() + ": i/o timeout");
        CHECK(net::is_timeout(err));
        CHECK(errors::as<net::op_error>(err)->timeout());
        CHECK(!errors::is(err, context::deadline_exceeded));
    });
}

TEST_CASE(
    "an empty read is done at once, even past the deadline, but not on a closed connection; an empty write looks at it "
    "[N8]") {
    on_goroutine([] {
        tests::pair p = tests::tcp_pair();
        CHECK(!p.ours.set_deadline(tests::past()));
        CHECK(!p.ours.read(io::buffer()).err);
        CHECK(errors::is(p.ours.write("").err, os::err_deadline_exceeded));
        CHECK(!p.ours.close());
        CHECK(errors::is(p.ours.read(io::buffer()).err, net::err_closed));
    });
}

TEST_CASE("close ends a read and a write that wait, and every later call, with err_closed [N9]") {
    on_goroutine([] {
        tests::pair p = tests::tcp_pair();
        tests::fill(p.ours);
        CHECK(!p.ours.set_write_deadline({}));
        chan<io::result> reader = read_in_background(p.ours), writer(1);
        go([c = p.ours, writer] { writer.send(c.write(std::string(64 << 20, 'x'))); });
        yield();
        CHECK(!p.ours.close());
        CHECK(errors::is(reader.recv()->err, net::err_closed));
        CHECK(errors::is(writer.recv()->err, net::err_closed));
        char buf[1];
        CHECK(errors::is(p.ours.read(buf).err, net::err_closed));
        CHECK(errors::is(p.ours.write("x").err, net::err_closed));
        CHECK(errors::is(p.ours.close(), net::err_closed));
        CHECK(errors::is(p.ours.set_deadline({}), net::err_closed));
        CHECK(errors::is(p.ours.close_write(), net::err_closed));
        CHECK(errors::is(p.ours.set_no_delay(true), net::err_closed));
        CHECK(p.ours.close().message().ends_with(": use of closed network connection"));
    });
}

TEST_CASE("reads that queue behind a read are told of the close too [N1][N9]") {
    on_goroutine([] {
        tests::pair p = tests::tcp_pair();
        std::vector<chan<io::result>> readers;
        for (int i = 0; i < 5; i++) readers.push_back(read_in_background(p.ours));
        for (int i = 0; i < 10; i++) yield();
        CHECK(!p.ours.close());
        for (auto& r : readers) CHECK(errors::is(r.recv()->err, net::err_closed));
    });
}

TEST_CASE("the descriptor's number is free when close returns, whatever was under way [N9]") {
    on_goroutine([] {
        for (int i = 0; i < 20; i++) {
            tests::pair p = tests::tcp_pair();
            int number = -1;
            CHECK(!p.ours.control([&](int fd) { number = fd; }));
            chan<io::result> reader = read_in_background(p.ours);
            yield();
            CHECK(!p.ours.close());
            // Nobody else opens descriptors meanwhile, so the lowest free number is that one or a lower one.
            int probe = ::dup(0);
            CHECK(probe <= number);
            ::close(probe);
            CHECK(errors::is(reader.recv()->err, net::err_closed));
        }
    });
}

TEST_CASE("the last handle closes the connection; the peer reads io::eof, unwrapped [N10]") {
    on_goroutine([] {
        tests::pair p = tests::tcp_pair();
        net::conn copy = p.theirs;
        p.theirs = {};
        CHECK(!copy.write("x").err);
        copy = {};
        char buf[1];
        CHECK(p.ours.read(buf).n == 1);
        CHECK(p.ours.read(buf).err == io::eof);
        CHECK(p.ours.read(buf).err == io::eof);
    });
}

TEST_CASE("a reset peer gives connection reset once, then the end [N10][N12]") {
    on_goroutine([] {
        tests::pair p = tests::tcp_pair();
        CHECK(!p.theirs.set_linger(0));
        CHECK(!p.theirs.close());
        char buf[1];
        error err = p.ours.read(buf).err;
        CHECK(errors::is(err, std::errc::connection_reset));
        CHECK(err.message().ends_with(": read: connection reset by peer"));
        CHECK(p.ours.read(buf).err == io::eof);
    });
}

TEST_CASE("writing to a peer that is gone ends in an error, never in a signal [N10]") {
    on_goroutine([] {
        for (tests::pair p : {tests::tcp_pair(), tests::unix_pair()}) {
            CHECK(!p.theirs.close());
            error err;
            while (!err) err = p.ours.write("x").err;
            CHECK((errors::is(err, std::errc::broken_pipe) || errors::is(err, std::errc::connection_reset)));
            CHECK(p.ours.writev({"x", "y"}).err);
        }
    });
}

TEST_CASE("close_write gives the peer the end, own reads go on, own writes fail [N11]") {
    on_goroutine([] {
        for (tests::pair p : {tests::tcp_pair(), tests::unix_pair()}) {
            CHECK(!p.ours.write("bye").err);
            CHECK(!p.ours.close_write());
            CHECK(io::read_all(p.theirs).data == "bye");
            CHECK(errors::is(p.ours.write("x").err, std::errc::broken_pipe));
            CHECK(!p.theirs.write("still here").err);
            CHECK(!p.theirs.close());
            CHECK(io::read_all(p.ours).data == "still here");
        }
    });
}

TEST_CASE("close_read ends own reads, also one that waits [N11]") {
    on_goroutine([] {
        tests::pair p = tests::tcp_pair();
        chan<io::result> waiting = read_in_background(p.ours);
        yield();
        CHECK(!p.ours.close_read());
        CHECK(waiting.recv()->err == io::eof);
        char buf[1];
        CHECK(p.ours.read(buf).err == io::eof);
    });
}

TEST_CASE("data and the end that come together are both read, although the first read is short [N10]") {
    on_goroutine([] {
        for (int i = 0; i < 200; i++) {
            tests::pair p = tests::tcp_pair();
            chan<unit> go_on;
            go([c = p.theirs, go_on] {
                go_on.recv();
                CHECK(!c.write("ab").err);
                CHECK(!c.close());
            });
            char buf[64];
            if (i % 2 == 0)
                go_on.close();
            else
                go([go_on] { go_on.close(); });
            CHECK(!io::read_at_least(p.ours, buf, 2).err);
            CHECK(p.ours.read(buf).err == io::eof);
        }
    });
}

TEST_CASE("urgent data does not hide what comes after it from a read that stopped short") {
    on_goroutine([] {
        tests::pair p = tests::tcp_pair();
        CHECK(!p.theirs.write("a").err);
        CHECK(!p.theirs.control([](int fd) { CHECK(::send(fd, "!", 1, MSG_OOB) == 1); }));
        CHECK(!p.theirs.write("b").err);
        CHECK(!p.ours.set_read_deadline(tests::in(tests::kLongestWait)));
        char buf[64];
        std::string got;
        while (got.size() < 2) {
            auto [n, err] = p.ours.read(buf);
            REQUIRE(!err);
            got.append(buf, n);
        }
        CHECK(got == "ab");
    });
}

TEST_CASE("two hundred reads that wait cost no thread [N13]") {
    on_goroutine([] {
        net::listener l = tests::must_listen();
        std::vector<tests::pair> pairs;
        std::vector<chan<io::result>> readers;
        for (int i = 0; i < 200; i++) {
            pairs.push_back(tests::connected(l));
            readers.push_back(read_in_background(pairs.back().ours));
        }
        CHECK(tests::eventually([] { return rt::netpoll_waiters() >= 200; }));
        auto [status, err] = os::read_file("/proc/self/status");
        CHECK(!err);
        size_t at = status.find("Threads:");
        REQUIRE(at != status.npos);
        int threads = std::stoi(status.substr(at + 8));
        CHECK(threads < 60);
        for (tests::pair& p : pairs) CHECK(!p.theirs.write("x").err);
        for (auto& r : readers) CHECK(r.recv()->n == 1);
        CHECK(!l.close());
    });
}

TEST_CASE("every TCP connection, dialled or accepted, has no delay and keep-alive 15 s, 15 s, 9 times [N16]") {
    on_goroutine([] {
        tests::pair p = tests::tcp_pair();
        for (const net::conn& c : {p.ours, p.theirs}) {
            CHECK(option(c, IPPROTO_TCP, TCP_NODELAY) != 0);
            CHECK(option(c, SOL_SOCKET, SO_KEEPALIVE) != 0);
            CHECK(option(c, IPPROTO_TCP, TCP_KEEPIDLE) == 15);
            CHECK(option(c, IPPROTO_TCP, TCP_KEEPINTVL) == 15);
            CHECK(option(c, IPPROTO_TCP, TCP_KEEPCNT) == 9);
        }
        CHECK(!p.ours.set_no_delay(false));
        CHECK(option(p.ours, IPPROTO_TCP, TCP_NODELAY) == 0);
        CHECK(!p.ours.set_keep_alive(40s));
        CHECK(option(p.ours, IPPROTO_TCP, TCP_KEEPIDLE) == 40);
        CHECK(!p.ours.set_keep_alive(-1s));
        CHECK(option(p.ours, SOL_SOCKET, SO_KEEPALIVE) == 0);
        CHECK(!p.ours.set_read_buffer(64 << 10));
        CHECK(!p.ours.set_write_buffer(64 << 10));
    });
}

TEST_CASE("an option of TCP on a Unix socket, and any call on no connection, is an error that says so [N15]") {
    on_goroutine([] {
        tests::pair p = tests::unix_pair();
        CHECK(p.ours.set_no_delay(true) == os::err_invalid);
        CHECK(p.ours.set_keep_alive(1s) == os::err_invalid);
        net::conn none;
        char buf[1];
        CHECK(none.read(buf).err == os::err_invalid);
        CHECK(none.write("x").err == os::err_invalid);
        CHECK(none.close() == os::err_invalid);
        CHECK(none.set_deadline({}) == os::err_invalid);
        CHECK(none.local_addr().string().empty());
    });
}

TEST_CASE("plain threads read, write, wait for deadlines and are unblocked by close") {
    tests::pair p = tests::tcp_pair();
    std::thread echo([c = p.theirs] {
        char buf[8];
        auto [n, err] = c.read(buf);
        CHECK(!err);
        CHECK(!c.write({buf, n}).err);
        CHECK(errors::is(c.read(buf).err, net::err_closed));
    });
    CHECK(!p.ours.write("ping").err);
    char buf[4];
    CHECK(!io::read_full(p.ours, buf).err);
    CHECK(!p.ours.set_read_deadline(tests::in(10ms)));
    CHECK(errors::is(p.ours.read(buf).err, os::err_deadline_exceeded));
    CHECK(!p.theirs.close());
    echo.join();
}

TEST_CASE("signals that interrupt system calls harm no dial, accept, read, write or sleep [PR5]") {
    struct sigaction old, plain = {};
    plain.sa_handler = [](int) {};
    plain.sa_flags = SA_ONSTACK;  // and no SA_RESTART
    REQUIRE(::sigaction(SIGURG, &plain, &old) == 0);
    std::atomic<bool> over{false};
    std::thread storm([&] {
        while (!over.load()) {
            for (auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
                long thread = std::stol(task.path().filename().string());
                if (thread != ::gettid()) ::syscall(SYS_tgkill, ::getpid(), thread, SIGURG);
            }
            std::this_thread::sleep_for(100us);
        }
    });
    auto exchange = [] {
        net::listener l = tests::must_listen();
        std::string text(1 << 20, 'x'), back(text.size(), ' ');
        for (int i = 0; i < 20; i++) {
            tests::pair p = tests::connected(l);
            wait_group both_ways;
            both_ways.go([&] { CHECK(!p.ours.write(text).err); });
            CHECK(!io::read_full(p.theirs, back).err);
            both_ways.wait();
            CHECK(back == text);
            auto start = std::chrono::steady_clock::now();
            sleep(1ms);
            CHECK(std::chrono::steady_clock::now() - start >= 1ms);
        }
    };
    on_goroutine(exchange);
    exchange();
    over = true;
    storm.join();
    ::sigaction(SIGURG, &old, nullptr);
}

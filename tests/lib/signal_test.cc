// SPDX-License-Identifier: BSL-1.0
#include <doctest/doctest.h>
#include <gossamer/chan.h>
#include <gossamer/go.h>
#include <gossamer/panic.h>
#include <gossamer/select.h>
#include <gossamer/signal.h>
#include <gossamer/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "tests/support/harness.h"

using namespace gossamer;
using namespace std::chrono_literals;

namespace {

void send_to_self(int sig) { kill(getpid(), sig); }

// The next signal in c, 0 when there is none within the longest wait.
int next(const chan<int>& c) {
    int sig = 0;
    switch (auto s = select(recv(c, sig), recv(after(tests::kLongestWait))); s) {
        case 0:
            return sig;
        case 1:
            break;
    }
    return 0;
}

bool same(const struct sigaction& a, const struct sigaction& b) { return a.sa_handler == b.sa_handler; }
struct sigaction disposition(int sig) {
    struct sigaction now;
    sigaction(sig, nullptr, &now);
    return now;
}
bool by_default(int sig) { return disposition(sig).sa_handler == SIG_DFL; }

}  // namespace

TEST_CASE("a signal that was asked for arrives in the channel [SG1, SG5]") {
    chan<int> c(1);
    signal::notify(c, SIGUSR1);
    send_to_self(SIGUSR1);
    CHECK(next(c) == SIGUSR1);
    signal::stop(c);
}

TEST_CASE("a goroutine waits for a signal as it waits for any channel [SG5]") {
    tests::on_goroutine([] {
        chan<int> c(1);
        signal::notify(c, SIGUSR1, SIGUSR2);
        send_to_self(SIGUSR2);
        CHECK(next(c) == SIGUSR2);
        signal::stop(c);
    });
}

TEST_CASE("several channels each get a copy, and a channel may ask again for more [SG1]") {
    chan<int> a(2), b(2);
    signal::notify(a, SIGUSR1);
    signal::notify(b, {SIGUSR1});
    signal::notify(a, SIGUSR2);
    send_to_self(SIGUSR1);
    CHECK(next(a) == SIGUSR1);
    CHECK(next(b) == SIGUSR1);
    send_to_self(SIGUSR2);
    CHECK(next(a) == SIGUSR2);
    signal::stop(a);
    signal::stop(b);
    CHECK(b.len() == 0);
}

TEST_CASE("a signal that finds its channel full is dropped [SG1]") {
    chan<int> full(1), witness(8);
    signal::notify(full, SIGUSR1);
    signal::notify(witness, SIGUSR1);
    for (int i = 0; i < 3; i++) {
        send_to_self(SIGUSR1);
        CHECK(next(witness) == SIGUSR1);
    }
    signal::stop(witness);
    signal::stop(full);
    CHECK(full.len() == 1);
}

TEST_CASE("after stop nothing is delivered, and the last stop brings the old behaviour back [SG2]") {
    struct sigaction before = disposition(SIGUSR1);
    chan<int> a(4), b(4);
    signal::notify(a, SIGUSR1);
    signal::notify(b, SIGUSR1);
    CHECK_FALSE(same(disposition(SIGUSR1), before));
    signal::stop(a);
    CHECK_FALSE(same(disposition(SIGUSR1), before));
    send_to_self(SIGUSR1);
    CHECK(next(b) == SIGUSR1);
    CHECK(a.len() == 0);
    signal::stop(b);
    CHECK(same(disposition(SIGUSR1), before));
}

TEST_CASE("ignored signals do nothing until somebody asks, reset brings the default back [SG2, SG3]") {
    signal::ignore(SIGUSR2);
    CHECK(signal::ignored(SIGUSR2));
    send_to_self(SIGUSR2);  // would end the process
    chan<int> c(1);
    signal::notify(c, SIGUSR2);
    CHECK_FALSE(signal::ignored(SIGUSR2));
    send_to_self(SIGUSR2);
    CHECK(next(c) == SIGUSR2);
    signal::reset(SIGUSR2);
    CHECK(by_default(SIGUSR2));
}

TEST_CASE("ignore takes a signal away from its channels [SG2]") {
    chan<int> c(4);
    signal::notify(c, SIGUSR1, SIGUSR2);
    signal::ignore(SIGUSR1);
    send_to_self(SIGUSR1);
    send_to_self(SIGUSR2);
    CHECK(next(c) == SIGUSR2);
    CHECK(c.len() == 0);
    signal::reset(SIGUSR1, SIGUSR2);
    CHECK_FALSE(signal::ignored(SIGUSR1));
}

TEST_CASE("a signal that came before a channel asked for it is not delivered to it, 2,000 times [SG2]") {
    for (int i = 0; i < 2000; i++) {
        chan<int> before(1), after(2);
        signal::notify(before, SIGUSR1, SIGUSR2);
        ::raise(SIGUSR1);  // handled by this thread before it returns
        signal::stop(before);
        signal::notify(after, SIGUSR1, SIGUSR2);
        ::raise(SIGUSR2);
        CHECK(next(after) == SIGUSR2);
        signal::stop(after);
    }
}

TEST_CASE("a nil channel, a number that is no signal and a fault are panics [SG1]") {
    CHECK_THROWS_AS(signal::notify(chan<int>(nil), SIGUSR1), panic);
    CHECK_THROWS_AS(signal::notify(chan<int>(1), 0), panic);
    CHECK_THROWS_AS(signal::notify(chan<int>(1), 65), panic);
    CHECK_THROWS_AS(signal::notify(chan<int>(1), SIGSEGV), panic);
    signal::stop(chan<int>(1));  // who never asked may stop
}

TEST_CASE("notify without a list gets every signal that can be caught [SG1]") {
    struct sigaction before = disposition(SIGTERM);
    chan<int> c(4);
    signal::notify(c);
    send_to_self(SIGHUP);
    CHECK(next(c) == SIGHUP);
    send_to_self(SIGTERM);
    CHECK(next(c) == SIGTERM);
    signal::stop(c);
    CHECK(same(disposition(SIGTERM), before));
}

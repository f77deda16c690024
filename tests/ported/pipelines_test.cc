// SPDX-License-Identifier: BSL-1.0
// Programs in which goroutines are the parts of a machine and channels the pipes: the ideas of Go's test/chan/sieve1.go, fifo.go,
// goroutines.go and powser1.go in our words.
#include <doctest/doctest.h>

#include <cstdint>
#include <numeric>
#include <vector>

#include "gossamer/chan.h"
#include "gossamer/go.h"
#include "gossamer/select.h"
#include "tests/support/harness.h"

using namespace gossamer;
using tests::on_goroutine;

namespace {

// A number on its way, or word that nobody wants more.
void numbers_from_two(send_chan<int> out, recv_chan<unit> stop) {
    for (int i = 2;; i++)
        if (select(send(out, i), recv(stop)).index() == 1) return;
}

void filter(recv_chan<int> in, send_chan<int> out, int prime, recv_chan<unit> stop) {
    for (;;) {
        auto s = select(recv(in), recv(stop));
        if (s.index() == 1) return;
        int i = *s.get<0>();
        if (i % prime != 0 && select(send(out, i), recv(stop)).index() == 1) return;
    }
}

struct rational {
    int64_t num = 0;
    int64_t den = 1;
    friend bool operator==(const rational&, const rational&) = default;
};
rational make(int64_t num, int64_t den) {
    int64_t g = std::gcd(num, den);
    if (den < 0) g = -g;
    return g == 0 ? rational{0, 1} : rational{num / g, den / g};
}
rational operator+(rational a, rational b) { return make(a.num * b.den + b.num * a.den, a.den * b.den); }
rational operator*(rational a, rational b) { return make(a.num * b.num, a.den * b.den); }

// A power series: its coefficients, lowest first, given one at a time to who asks.
struct series {
    chan<unit> request;
    chan<rational> answer;
    // The next coefficient; not ok when the series has ended.
    received<rational> next() const {
        request.send({});
        return answer.recv();
    }
    void end() const { request.close(); }
};

// Each part of the machine answers until nobody asks more, then lets go of what it asked itself.
template <class Next, class End>
series make_series(Next next, End end) {
    series s;
    go([=]() mutable {
        for ([[maybe_unused]] auto& asked : s.request) s.answer.send(next());
        end();
    });
    return s;
}

series from_terms(rational (*term)(int64_t n)) {
    return make_series([=, n = int64_t{0}]() mutable { return term(n++); }, [] {});
}

series sum(series a, series b) {
    return make_series([=] { return *a.next() + *b.next(); },
                       [=] {
                           a.end();
                           b.end();
                       });
}

// The integral with constant c.
series integral(series a, rational c) {
    return make_series(
        [=, n = int64_t{0}]() mutable {
            int64_t k = n++;
            return k == 0 ? c : make(1, k) * *a.next();
        },
        [=] { a.end(); });
}

// Cauchy's product: all of both is remembered.
series product(series a, series b) {
    return make_series(
        [=, as = std::vector<rational>(), bs = std::vector<rational>()]() mutable {
            as.push_back(*a.next());
            bs.push_back(*b.next());
            rational total;
            for (std::size_t i = 0; i < as.size(); i++) total = total + as[i] * bs[as.size() - 1 - i];
            return total;
        },
        [=] {
            a.end();
            b.end();
        });
}

std::vector<rational> first(const series& s, int n) {
    std::vector<rational> terms;
    for (int i = 0; i < n; i++) terms.push_back(*s.next());
    s.end();
    return terms;
}

}  // namespace

TEST_CASE("the prime sieve: a chain of filters gives the primes in order") {
    on_goroutine([] {
        chan<unit> stop;
        chan<int> numbers;
        go(numbers_from_two, send_chan<int>(numbers), recv_chan<unit>(stop));
        std::vector<int> primes;
        recv_chan<int> in = numbers;
        for (int i = 0; i < 100; i++) {
            int prime = *in.recv();
            primes.push_back(prime);
            chan<int> out;
            go(filter, in, send_chan<int>(out), prime, recv_chan<unit>(stop));
            in = out;
        }
        CHECK(primes[0] == 2);
        CHECK(primes[24] == 97);
        CHECK(primes[99] == 541);
        stop.close();
    });
}

TEST_CASE("fifo: an asynchronous and a synchronous channel keep the order, through a chain too [CH5]") {
    on_goroutine([] {
        chan<int> buffered(10);
        for (int i = 0; i < 10; i++) buffered.send(i);
        for (int i = 0; i < 10; i++) CHECK(*buffered.recv() == i);

        // Each goroutine sends only when its left neighbour has.
        chan<int> c;
        chan<unit> in;
        chan<unit> start = in;
        for (int i = 0; i < 10; i++) {
            chan<unit> out;
            go([=] {
                in.recv();
                CHECK(*c.recv() == i);
                out.send({});
            });
            in = out;
        }
        start.send({});
        for (int i = 0; i < 10; i++) c.send(i);
        in.recv();
    });
}

TEST_CASE("a chain of ten thousand goroutines hands one number along") {
    on_goroutine([] {
        constexpr int kLinks = 10'000;
        chan<int> leftmost;
        chan<int> left = leftmost;
        chan<int> right;
        for (int i = 0; i < kLinks; i++) {
            right = chan<int>();
            go([](chan<int> to, chan<int> from) { to.send(1 + *from.recv()); }, left, right);
            left = right;
        }
        go([=] { right.send(0); });
        CHECK(*leftmost.recv() == kLinks);
    });
}

TEST_CASE("power series: sums, integrals and products of lazy series of goroutines") {
    on_goroutine([] {
        auto ones = [] { return from_terms([](int64_t) { return make(1, 1); }); };
        auto naturals = [] { return from_terms([](int64_t n) { return make(n, 1); }); };

        CHECK(first(sum(ones(), naturals()), 4) == std::vector<rational>{{1, 1}, {2, 1}, {3, 1}, {4, 1}});
        // 1/(1-x) squared is the sum of (n+1) x^n.
        CHECK(first(product(ones(), ones()), 5) == std::vector<rational>{{1, 1}, {2, 1}, {3, 1}, {4, 1}, {5, 1}});
        // Its integral is -log(1-x).
        CHECK(first(integral(ones(), {}), 5) == std::vector<rational>{{0, 1}, {1, 1}, {1, 2}, {1, 3}, {1, 4}});
        // exp(x) * exp(x) == exp(2x).
        auto exp = [] {
            return from_terms([](int64_t n) {
                rational t{1, 1};
                for (int64_t i = 2; i <= n; i++) t = t * make(1, i);
                return t;
            });
        };
        CHECK(first(product(exp(), exp()), 6) ==
              std::vector<rational>{{1, 1}, {2, 1}, {2, 1}, {4, 3}, {2, 3}, {4, 15}});
        CHECK(first(integral(product(exp(), exp()), make(1, 2)), 4) ==
              std::vector<rational>{{1, 2}, {1, 1}, {1, 1}, {2, 3}});
    });
}

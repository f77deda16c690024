// SPDX-License-Identifier: BSL-1.0
// dial: one context says when to give up: the caller's, shortened by the dialer's limits. Everything below listens to that one only.
#include "gossamer/net/dial.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "gossamer/chan.h"
#include "gossamer/context.h"
#include "gossamer/defer.h"
#include "gossamer/go.h"
#include "gossamer/os.h"
#include "gossamer/select.h"
#include "gossamer/time.h"
#include "lib/net/resolve.h"
#include "lib/net/socket.h"
#include "lib/net/sys.h"

namespace gossamer::net {

namespace sys = gossamer::detail::sys;
using gossamer::detail::any_sockaddr;
using gossamer::detail::endpoint;
using gossamer::detail::fd_kind;
using gossamer::detail::fd_ref;
using gossamer::detail::kTimedOut;
using gossamer::detail::net_cause;
using gossamer::detail::socket;
using gossamer::detail::socket_handle;
using clock = std::chrono::steady_clock;

bool canceled_error::is(const error& target) const { return target == context::canceled; }
bool timeout_error::is(const error& target) const { return target == context::deadline_exceeded; }

namespace {

constexpr auto kLeastShare = std::chrono::seconds(2);  // of the time that is left, for one address of several
constexpr int kRetries = 2;

struct request {
    const dialer& how;
    const char* network;
};

error failure(const char* network, addr to, error cause) {
    return errors::of(op_error{"dial", network, {}, std::move(to), std::move(cause)});
}

// The context's end in net's words.
error given_up(const context& ctx) {
    error err = ctx.err();
    if (errors::is(err, context::canceled)) return errors::of(canceled_error{});
    if (errors::is(err, context::deadline_exceeded)) return errors::of(timeout_error{});
    return err;
}

// 0 when the connection stands, else why not. The descriptor is non-blocking and its connect was begun.
int finish_connect(socket& s) {
    for (;;) {
        if (int failed = s.wait_writable(); failed != 0) return failed;
        int result = 0;
        int failed = s.with_number([&](int fd) {
            int pending = 0;
            if (int r = sys::get_option(fd, SOL_SOCKET, SO_ERROR, &pending); r < 0) return -r;
            if (pending != 0 && pending != EISCONN)
                return pending == EINPROGRESS || pending == EALREADY || pending == EINTR ? EAGAIN : pending;
            any_sockaddr peer;
            socklen_t size = sizeof peer;
            result = sys::getpeername(fd, &peer.base, &size);
            return 0;
        });
        if (failed == EAGAIN || (failed == 0 && result == -ENOTCONN))
            continue;  // woken by something that was no answer
        return failed;
    }
}

// Waits for the connection until ctx is done.
error wait_for_connect(const context& ctx, const fd_ref<socket>& s) {
    if (auto when = ctx.deadline()) s->set_deadline(false, true, *when);
    std::optional<stop_func> stop;
    if (ctx.done() != nil) {
        stop.emplace(after_func(ctx, [s] { s->set_deadline(false, true, clock::time_point(clock::duration(1))); }));
    }
    int failed = finish_connect(*s.get());
    // When it cannot be taken back the end of ctx is about to strike, or has struck, the connection: it is no use any more.
    bool struck = stop && !(*stop)();
    if (failed == kTimedOut && !ctx.err())
        return os::err_deadline_exceeded;  // the poller was a moment earlier than the context
    if (struck || failed == kTimedOut) return given_up(ctx);
    if (failed != 0) return net_cause("connect", failed);
    s->set_deadline(false, true, {});
    return nullptr;
}

void set_keep_alive(int number, std::chrono::seconds idle) {
    if (idle.count() < 0) {
        sys::set_option(number, SOL_SOCKET, SO_KEEPALIVE, 0);
    } else if (idle.count() > 0) {
        int seconds = static_cast<int>(std::min<std::chrono::seconds::rep>(idle.count(), 32767));
        sys::set_option(number, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
        sys::set_option(number, IPPROTO_TCP, TCP_KEEPINTVL, seconds);
    }
}

struct attempt {
    fd_ref<socket> s;
    error err;
};

attempt connect_once(const context& ctx, const request& r, const addr& to) {
    bool inet = to.network() == "tcp";
    int family = !inet ? AF_UNIX : to.is_ipv4() ? AF_INET : AF_INET6;
    any_sockaddr a;
    socklen_t size = gossamer::detail::to_sockaddr(to, family, &a);
    if (size == 0) return {{}, net_cause("connect", EINVAL)};
    int number = sys::socket(family, SOCK_STREAM, 0);
    if (number < 0) return {{}, net_cause("socket", -number)};
    if (inet) {
        gossamer::detail::set_tcp_defaults(number);
        set_keep_alive(number, r.how.keep_alive);
    }
    int begun = sys::connect(number, &a.base, size);
    if (begun < 0 && begun != -EINPROGRESS && begun != -EINTR) {
        sys::close(number);
        return {{}, net_cause("connect", -begun)};
    }
    // The local address is chosen by the connect that was just begun.
    std::unique_ptr<socket::unix_names> names;
    if (!inet) {
        names = std::make_unique<socket::unix_names>();
        names->local = "@";
        names->remote = to.host();
    }
    endpoint remote{to.ip(), to.scope(), to.port(), inet};
    auto [s, failed, call] = gossamer::detail::adopt_socket(number, inet ? fd_kind::tcp : fd_kind::socket, r.network,
                                                            nullptr, remote, std::move(names));
    if (failed != 0) return {{}, net_cause(call, failed)};
    if (begun < 0) {
        if (error err = wait_for_connect(ctx, s)) return {{}, std::move(err)};
    }
    return {std::move(s), nullptr};
}

bool connected_to_itself(const socket& s) { return s.is_tcp() && s.local() == s.remote(); }

conn_result connect_to(const context& ctx, const request& r, const addr& to) {
    if (ctx.err()) return {{}, failure(r.network, to, given_up(ctx))};
    for (int tries = 0;; tries++) {
        attempt a = connect_once(ctx, r, to);
        // A port of ours was free for both ends at once, or for none (SEMANTICS N27).
        bool again = a.err ? errors::is(a.err, std::errc::address_not_available) : connected_to_itself(*a.s.get());
        if (again && tries < kRetries && to.network() == "tcp" && to.port() != 0) continue;
        if (a.err) return {{}, failure(r.network, to, std::move(a.err))};
        return {conn(socket_handle(a.s.leave())), nullptr};
    }
}

// One after the other; each gets its share of the time that is left.
conn_result connect_in_turn(const context& ctx, const request& r, const std::vector<addr>& list) {
    error first;
    for (size_t i = 0; i < list.size(); i++) {
        context mine = ctx;
        std::optional<cancel_func> cancel;
        if (auto end = ctx.deadline(); end && i + 1 < list.size()) {
            auto now = clock::now();
            auto share = std::max<clock::duration>((*end - now) / static_cast<int>(list.size() - i), kLeastShare);
            auto [shorter, stop] = with_deadline(ctx, std::min(*end, now + share));
            mine = shorter;
            cancel.emplace(stop);
        }
        conn_result c = connect_to(mine, r, list[i]);
        if (cancel) (*cancel)();
        if (!c.err) return c;
        if (!first) first = c.err;
        if (ctx.err()) break;
    }
    return {{}, first};
}

// The first family has a start; the first connection wins, the other attempt is cancelled (SEMANTICS N26).
conn_result connect_racing(const context& parent, const request& r, std::vector<addr> first, std::vector<addr> second) {
    struct outcome {
        conn_result c;
        bool of_first = false;
    };
    auto [ctx, cancel] = with_cancel(parent);
    defer stop{[&cancel = cancel] { cancel(); }};
    chan<outcome> results(2);
    auto start = [&ctx = ctx, &r, results](std::vector<addr> list, bool of_first) {
        go([ctx, how = r.how, network = r.network, results, list = std::move(list), of_first] {
            results.send({connect_in_turn(ctx, {how, network}, list), of_first});
        });
    };
    start(std::move(first), true);
    timer delay(r.how.fallback_delay);
    int running = 1;
    bool second_started = false;
    error first_error;
    for (;;) {
        outcome o;
        time_point t;
        switch (select(recv(results, o), recv(delay.c, t))) {
            case 0:
                if (!o.c.err) return std::move(o.c);
                if (o.of_first || !first_error) first_error = o.c.err;
                running--;
                break;
            case 1:
                break;
        }
        if (!second_started) {
            second_started = true;
            start(std::move(second), false);
            running++;
        } else if (running == 0) {
            return {{}, first_error};
        }
    }
}

// In a goroutine of its own when there is something that can end the wait for it.
addresses resolve_until(const context& ctx, const std::string& host, family f, uint16_t port) {
    if (ctx.done() == nil || parse_ip(host, port)) return resolve_host(host, f, port);
    chan<addresses> answer(1);
    go([answer, host, f, port] { answer.send(resolve_host(host, f, port)); });
    addresses found;
    unit done;
    switch (select(recv(answer, found), recv(ctx.done(), done))) {
        case 0:
            return found;
        case 1:
            break;
    }
    error why = ctx.err();
    bool canceled = errors::is(why, context::canceled);
    return {{}, canceled ? errors::of(canceled_error{}) : errors::of(timeout_error{})};
}

conn_result dial_tcp(const context& ctx, const request& r, family f, std::string_view address) {
    host_port where = split_host_port(address);
    if (where.err) return {{}, failure(r.network, {}, where.err)};
    uint16_t port = 0;
    if (error err = parse_port(where.port, &port)) return {{}, failure(r.network, {}, std::move(err))};
    if (where.host.empty()) where.host = f == family::v6 ? "::1" : "127.0.0.1";
    addresses all = resolve_until(ctx, where.host, f, port);
    if (all.err) return {{}, failure(r.network, {}, all.err)};
    std::vector<addr> first, second;
    bool leads_v4 = all.found.front().is_ipv4();
    for (const addr& a : all.found) (a.is_ipv4() == leads_v4 ? first : second).push_back(a);
    if (second.empty() || r.how.fallback_delay.count() < 0) return connect_in_turn(ctx, r, all.found);
    return connect_racing(ctx, r, std::move(first), std::move(second));
}

}  // namespace

conn_result dialer::dial(const context& ctx, std::string_view network, std::string_view address) const {
    std::optional<family> f = tcp_family(network);
    if (!f && network != "unix")
        return {{},
                errors::of(
                    op_error{"dial", std::string(network), {}, {}, error("unknown network " + std::string(network))})};
    context limited = ctx;
    std::optional<cancel_func> cancel;
    if (timeout.count() != 0 || deadline != time_point{}) {
        time_point when = time_point::max();
        if (timeout.count() != 0) {
            auto now = clock::now();
            when = timeout > time_point::max() - now ? time_point::max() : now + timeout;
        }
        if (deadline != time_point{}) when = std::min(when, deadline);
        auto [shorter, stop] = with_deadline(ctx, when);
        limited = shorter;
        cancel.emplace(stop);
    }
    defer release{[&] {
        if (cancel) (*cancel)();
    }};
    if (network == "unix") return connect_to(limited, {*this, "unix"}, addr::unix_socket(std::string(address)));
    const char* name = *f == family::any ? "tcp" : *f == family::v4 ? "tcp4" : "tcp6";
    return dial_tcp(limited, {*this, name}, *f, address);
}

conn_result dialer::dial(std::string_view network, std::string_view address) const {
    return dial(background(), network, address);
}

conn_result dial(std::string_view network, std::string_view address) { return dialer{}.dial(network, address); }

conn_result dial_timeout(std::string_view network, std::string_view address, std::chrono::nanoseconds timeout) {
    dialer d;
    d.timeout = timeout;
    return d.dial(network, address);
}

lookup_result resolver::lookup_host(const context& ctx, std::string_view name) const {
    if (name.empty()) return {{}, errors::of(dns_error{"no such host", "", true, false})};
    if (ctx.err()) return {{}, given_up(ctx)};
    addresses all = resolve_until(ctx, std::string(name), family::any, 0);
    lookup_result r{{}, all.err};
    for (const addr& a : all.found) r.addresses.push_back(a.host());
    return r;
}
lookup_result resolver::lookup_host(std::string_view name) const { return lookup_host(background(), name); }
lookup_result lookup_host(std::string_view name) { return resolver{}.lookup_host(name); }

}  // namespace gossamer::net

// SPDX-License-Identifier: BSL-1.0
// load_client: starts a server of any runtime, loads it from one thread with epoll and prints the rows echo, idle_conns
// and http. The same client for all, so that what differs is the server.
//
// load_client echo|idle_conns|http SERVER PROCS [CONNECTIONS [SECONDS]]

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "perf/support/bench.h"
#include "perf/support/process.h"

namespace {

using namespace std::chrono_literals;
using perf::bench;

constexpr std::size_t kMessage = 64;
constexpr auto kWarmUp = 500ms;

[[noreturn]] void die(const char* what) {
    std::fprintf(stderr, "load_client: %s: %s\n", what, std::strerror(errno));
    std::exit(1);
}

sockaddr_in loopback(int port) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(static_cast<std::uint16_t>(port));
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

int free_port() {
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in a = loopback(0);
    socklen_t size = sizeof a;
    if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&a), size) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size) != 0)
        die("no free port");
    ::close(fd);
    return ntohs(a.sin_port);
}

// A connected blocking socket, or -1.
int try_connect(int port) {
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    sockaddr_in a = loopback(port);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0) {
        int one = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        return fd;
    }
    ::close(fd);
    return -1;
}

int must_connect(int port) {
    int fd = try_connect(port);
    if (fd < 0) die("connect");
    return fd;
}

// A child process that serves on a port of its own, and dies with this object or with us.
class server {
  public:
    server(const char* program, const char* what, int procs) : port_(free_port()) {
        std::string p = std::to_string(procs), port = std::to_string(port_);
        pid_ = ::fork();
        if (pid_ < 0) die("fork");
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::execl(program, program, what, p.c_str(), port.c_str(), nullptr);
            std::perror(program);
            std::_Exit(127);
        }
        for (int tries = 0; tries < 500; tries++) {
            int fd = try_connect(port_);
            if (fd >= 0) {
                ::close(fd);
                return;
            }
            if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
                std::fprintf(stderr, "load_client: %s %s ended before it served\n", program, what);
                std::exit(1);
            }
            std::this_thread::sleep_for(10ms);
        }
        stop();
        die("the server does not answer");
    }
    server(const server&) = delete;
    server& operator=(const server&) = delete;
    ~server() { stop(); }

    int port() const { return port_; }

    std::chrono::nanoseconds cpu() const {
        clockid_t id;
        timespec ts{};
        if (::clock_getcpuclockid(pid_, &id) != 0 || ::clock_gettime(id, &ts) != 0) die("the server's CPU clock");
        return std::chrono::seconds(ts.tv_sec) + std::chrono::nanoseconds(ts.tv_nsec);
    }

    std::int64_t rss() const {
        std::string path = "/proc/" + std::to_string(pid_) + "/statm";
        std::FILE* f = std::fopen(path.c_str(), "re");
        long long size = 0, resident = 0;
        if (f == nullptr || std::fscanf(f, "%lld %lld", &size, &resident) != 2) die(path.c_str());
        std::fclose(f);
        return resident * ::sysconf(_SC_PAGESIZE);
    }

    void stop() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }

  private:
    int port_;
    pid_t pid_ = -1;
};

struct connection {
    int fd;
    std::size_t got = 0;
    std::uint64_t number = 0;  // of the message in flight; it stands at both ends of the message
    perf::clock::time_point sent;
    std::array<char, kMessage> in;
};

void send_next(connection& c) {
    std::array<char, kMessage> out{};
    c.number++;
    c.got = 0;
    std::memcpy(out.data(), &c.number, sizeof c.number);
    std::memcpy(out.data() + kMessage - sizeof c.number, &c.number, sizeof c.number);
    c.sent = perf::clock::now();
    // 64 bytes always fit into an empty socket buffer.
    if (::send(c.fd, out.data(), kMessage, MSG_NOSIGNAL) != static_cast<ssize_t>(kMessage)) die("send");
}

// True when the whole answer is in.
bool receive(bench& b, connection& c, int flags) {
    ssize_t n = ::recv(c.fd, c.in.data() + c.got, kMessage - c.got, flags);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (n <= 0) die("the server closed a connection");
    c.got += static_cast<std::size_t>(n);
    if (c.got < kMessage) return false;
    std::uint64_t first = 0, last = 0;
    std::memcpy(&first, c.in.data(), sizeof first);
    std::memcpy(&last, c.in.data() + kMessage - sizeof last, sizeof last);
    perf::check(b, static_cast<std::int64_t>(first), static_cast<std::int64_t>(c.number), "head of an echo");
    perf::check(b, static_cast<std::int64_t>(last), static_cast<std::int64_t>(c.number), "tail of an echo");
    return true;
}

// Keeps one message in flight on every connection until `until`; the round trips in ns go to `trips` when it is given.
void drive(bench& b, int epoll, std::vector<connection>& all, perf::clock::time_point until,
           std::vector<std::uint32_t>* trips) {
    std::array<epoll_event, 256> events;
    perf::clock::time_point now;
    do {
        int n = ::epoll_wait(epoll, events.data(), events.size(), 1000);
        if (n < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < n; i++) {
            connection& c = all[events[static_cast<std::size_t>(i)].data.u32];
            if (!receive(b, c, MSG_DONTWAIT)) continue;
            if (trips != nullptr) trips->push_back(static_cast<std::uint32_t>(perf::ns_since(c.sent)));
            send_next(c);
        }
        now = perf::clock::now();
    } while (now < until);
}

void echo(bench& b, const char* program, double seconds) {
    server s(program, "serve_echo", b.procs);
    int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<connection> all(static_cast<std::size_t>(b.n));
    for (std::size_t i = 0; i < all.size(); i++) {
        all[i].fd = must_connect(s.port());
        epoll_event e{.events = EPOLLIN, .data = {.u32 = static_cast<std::uint32_t>(i)}};
        if (::epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &e) != 0) die("epoll_ctl");
    }
    for (connection& c : all) send_next(c);
    drive(b, epoll, all, perf::clock::now() + kWarmUp, nullptr);

    std::vector<std::uint32_t> trips;
    trips.reserve(static_cast<std::size_t>(seconds * 1e6));
    auto cpu = s.cpu();
    auto start = perf::clock::now();
    drive(b, epoll, all, start + std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9)), &trips);
    double took = perf::ns_since(start);
    cpu = s.cpu() - cpu;
    if (trips.empty()) die("no message came back");

    std::sort(trips.begin(), trips.end());
    auto count = static_cast<double>(trips.size());
    perf::emit(b, count * 1e9 / took, "messages_per_second");
    perf::emit(b, trips[trips.size() / 2] / 1e3, "p50_us");
    perf::emit(b, trips[trips.size() * 99 / 100] / 1e3, "p99_us");
    perf::emit(b, static_cast<double>(cpu.count()) / 1e3 / count, "server_cpu_us_per_message");
    s.stop();  // before our ends close, so that theirs are reset and leave no port waiting
    for (connection& c : all) ::close(c.fd);
    ::close(epoll);
}

void idle_conns(bench& b, const char* program) {
    server s(program, "serve_echo", b.procs);
    // One message first: what the server allocates once is no cost of a connection.
    connection warm{.fd = must_connect(s.port()), .sent = {}, .in = {}};
    send_next(warm);
    while (!receive(b, warm, 0)) {
    }
    std::this_thread::sleep_for(100ms);
    std::int64_t before = s.rss();

    std::vector<connection> all(static_cast<std::size_t>(b.n));
    for (connection& c : all) c.fd = must_connect(s.port());
    // connect returns before the server accepts: wait until its memory stands still.
    std::int64_t after = s.rss();
    for (int calm = 0, tries = 0; calm < 3 && tries < 100; tries++) {
        std::this_thread::sleep_for(100ms);
        std::int64_t now = s.rss();
        calm = now == after ? calm + 1 : 0;
        after = now;
    }
    // Only now prove that a task waits on each.
    for (connection& c : all) {
        send_next(c);
        while (!receive(b, c, 0)) {
        }
    }
    perf::emit(b, static_cast<double>(after - before) / static_cast<double>(b.n), "bytes_per_connection");
    s.stop();
}

void http(bench& b, const char* program, double seconds) {
    server s(program, "serve_http", b.procs);
    std::string command = "wrk -t1 -c" + std::to_string(b.n) + " -d" + std::to_string(static_cast<int>(seconds)) +
                          "s http://127.0.0.1:" + std::to_string(s.port()) + "/ 2>&1";
    std::FILE* out = ::popen(command.c_str(), "re");
    if (out == nullptr) die("wrk");
    char line[256];
    double rate = 0;
    std::string text;
    while (std::fgets(line, sizeof line, out) != nullptr) {
        text += line;
        std::sscanf(line, "Requests/sec: %lf", &rate);
    }
    bool bad = text.find("Non-2xx") != std::string::npos || text.find("Socket errors") != std::string::npos;
    if (::pclose(out) != 0 || rate <= 0 || bad) {
        std::fprintf(stderr, "load_client: wrk (Debian package wrk) says:\n%s", text.c_str());
        s.stop();
        std::exit(1);
    }
    perf::emit(b, rate, "requests_per_second");
}

void usage() {
    std::fprintf(stderr, "usage: load_client echo|idle_conns|http SERVER PROCS [CONNECTIONS [SECONDS]]\n");
    std::exit(64);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4 || argc > 6) usage();
    std::string what = argv[1];
    const char* program = argv[2];
    bench b{argv[1], std::atoi(argv[3]), argc > 4 ? std::atoll(argv[4]) : 0, argv[0]};
    double seconds = argc > 5 ? std::atof(argv[5]) : 0;
    if (b.procs < 1 || b.n < 0 || seconds < 0) usage();
    perf::raise_file_limit();
    if (what == "echo") {
        std::vector<std::int64_t> sizes = b.n > 0 ? std::vector{b.n} : std::vector<std::int64_t>{64, 1000};
        for (std::int64_t n : sizes) {
            b.n = n;
            echo(b, program, seconds > 0 ? seconds : 3);
        }
    } else if (what == "idle_conns") {
        if (b.n == 0) b.n = 10'000;
        idle_conns(b, program);
    } else if (what == "http") {
        if (b.n == 0) b.n = 64;
        http(b, program, seconds >= 1 ? seconds : 5);
    } else {
        usage();
    }
}

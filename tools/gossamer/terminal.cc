// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iterator>

namespace insp {

namespace {

constexpr char kEnter[] = "\x1b[?1049h\x1b[?25l\x1b[?7l";  // other screen, no cursor, no wrapping
constexpr char kLeave[] = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";
constexpr int kEnds[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
constexpr int kDeaths[] = {SIGSEGV, SIGABRT, SIGFPE, SIGILL};

termios before;  // as we found it
volatile std::sig_atomic_t entered = 0, ends = 0, resized = 0, stopped = 0;

void write_all(const char* text, size_t bytes) {
    while (bytes > 0) {
        ssize_t n = ::write(STDOUT_FILENO, text, bytes);
        if (n < 0) return;
        text += n;
        bytes -= size_t(n);
    }
}

// Also from a signal handler.
void give_back() {
    if (entered == 0) return;
    entered = 0;
    write_all(kLeave, sizeof kLeave - 1);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

void on_end(int sig) { ends = sig; }
void on_resize(int) { resized = 1; }
void on_stop(int) { stopped = 1; }
void on_death(int sig) {
    give_back();
    std::signal(sig, SIG_DFL);
    raise(sig);
}

void handle(int sig, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    sigaction(sig, &action, nullptr);
}

}  // namespace

bool terminal::is_there() {
    const char* kind = std::getenv("TERM");
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && kind != nullptr && std::strcmp(kind, "dumb") != 0;
}

terminal::terminal() {
    // Delivered in wait() alone: none is lost between a look at the flags and the sleep.
    sigset_t held;
    sigemptyset(&held);
    for (int sig : kEnds) sigaddset(&held, sig);
    sigaddset(&held, SIGWINCH);
    sigaddset(&held, SIGTSTP);
    sigprocmask(SIG_BLOCK, &held, &unblocked_);
    for (int sig : kEnds) {
        sigdelset(&unblocked_, sig);
        handle(sig, on_end);
    }
    sigdelset(&unblocked_, SIGWINCH);
    sigdelset(&unblocked_, SIGTSTP);
    handle(SIGWINCH, on_resize);
    handle(SIGTSTP, on_stop);
    for (int sig : kDeaths) handle(sig, on_death);
    tcgetattr(STDIN_FILENO, &before);
    enter();
}

terminal::~terminal() {
    leave();
    for (int sig : kEnds) std::signal(sig, SIG_DFL);
    for (int sig : kDeaths) std::signal(sig, SIG_DFL);
    std::signal(SIGWINCH, SIG_DFL);
    std::signal(SIGTSTP, SIG_DFL);
    sigprocmask(SIG_SETMASK, &unblocked_, nullptr);
}

void terminal::enter() {
    termios raw = before;
    raw.c_lflag &= ~tcflag_t(ICANON | ECHO);
    raw.c_iflag &= ~tcflag_t(IXON | ICRNL);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    entered = 1;
    write_all(kEnter, sizeof kEnter - 1);
}

void terminal::leave() { give_back(); }

terminal::key terminal::wait(int64_t ns) {
    key k;
    if (!typed_.empty()) ns = 0;
    timespec time{ns > 0 ? ns / 1'000'000'000 : 0, ns > 0 ? long(ns % 1'000'000'000) : 0};
    pollfd in{STDIN_FILENO, POLLIN, 0};
    int ready = ppoll(&in, 1, &time, &unblocked_);
    if (stopped != 0) {  // ^Z: the shell gets its screen back until we go on
        stopped = 0;
        leave();
        raise(SIGSTOP);
        enter();
        k.resized = true;
    }
    if (resized != 0) {
        resized = 0;
        k.resized = true;
    }
    k.signal = ends;
    if (ready > 0) {
        char bytes[64];
        ssize_t n = ::read(STDIN_FILENO, bytes, sizeof bytes);
        if (n <= 0)
            k.byte = -1;
        else
            typed_.append(bytes, size_t(n));
    }
    if (k.byte == 0) k.byte = next_key();
    return k;
}

// The first key that was typed; arrows and other keys of several bytes are none of ours. 0: there is none.
int terminal::next_key() {
    while (!typed_.empty()) {
        char first = typed_[0];
        bool is_sequence = first == '\x1b' && typed_.size() > 1 && (typed_[1] == '[' || typed_[1] == 'O');
        size_t end = 1;
        if (is_sequence) {
            end = 2;
            while (end < typed_.size() && (typed_[end] < 0x40 || typed_[end] > 0x7e)) end++;
            end = std::min(end + 1, typed_.size());
        }
        typed_.erase(0, end);
        if (!is_sequence && first != 0) return static_cast<unsigned char>(first);
    }
    return 0;
}

void terminal::size(size_t* rows, size_t* columns) const {
    winsize w{};
    bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row != 0 && w.ws_col != 0;
    *rows = is_known ? w.ws_row : 24;
    *columns = is_known ? w.ws_col : 80;
}

void terminal::show(const std::vector<std::string>& lines) {
    std::string out = "\x1b[H";
    for (size_t i = 0; i < lines.size(); i++) {
        out += lines[i];
        out += "\x1b[K";
        if (i + 1 < lines.size()) out += "\r\n";
    }
    out += "\x1b[J";
    write_all(out.data(), out.size());
}

}  // namespace insp

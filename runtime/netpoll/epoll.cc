// SPDX-License-Identifier: BSL-1.0
// epoll: the Linux backend of netpoll.h. The kernel keeps, for each descriptor, the poll_desc's address and its
// sequence in one word. The event of the eventfd is level-triggered and only a netpoll(≠0) drains it: one that only
// looks must not eat a sleeper's wake.
// epoll lets the kernel be late by a thousandth of the time that it is given, up to 100 ms. So a long wait ends by a
// timerfd, which is exact. It is edge-triggered, so that nobody need read it; a look that meets its event passes it on
// to the sleeper by a break.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "runtime/base/event.h"
#include "runtime/base/fatal.h"
#include "runtime/netpoll/poll_desc.h"

namespace gossamer::rt {
namespace {

constexpr int kBatch = 128;
constexpr int64_t kLongWait = 20'000'000;  // from here on a thousandth matters beside the 30 to 80 us that a wake takes
// The words of our own descriptors; a poll_desc's is neither.
constexpr uint64_t kBreakWord = 0, kTimerWord = 1;
// Addresses have at most 48 significant bits and poll_descs are aligned to 64: 16 bits above and 6 below are free for
// the sequence.
static_assert(kSequenceBits == 16 + 6 && alignof(poll_desc) == 1 << 6);

struct poller {
    int epoll_fd = -1;
    int event_fd = -1;
    int timer_fd = -1;
    bool timer_armed = false;  // of who sleeps in netpoll(≠0): one at a time
    atomic<bool> break_pending{false};
    // Counts registrations. The kernel orders a poll_desc's making before its first event, but says so to no memory model.
    atomic<uint64_t> watched{0};
};
poller g_poller;
atomic<bool> g_active{false};

uint64_t pack(poll_desc* desc, uint32_t sequence) { return (reinterpret_cast<uint64_t>(desc) << 16) | sequence; }
poll_desc* unpack(uint64_t word) { return reinterpret_cast<poll_desc*>(word >> kSequenceBits << 6); }

void watch_own(int fd, uint32_t events, uint64_t word, const char* name) {
    if (fd < 0) fatal("netpoll: %s failed with errno %d", name, errno);
    epoll_event ev{};
    ev.events = events;
    ev.data.u64 = word;
    if (::epoll_ctl(g_poller.epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
        fatal("netpoll: epoll_ctl of the %s failed with errno %d", name, errno);
}

bool create() {
    g_poller.epoll_fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (g_poller.epoll_fd < 0) fatal("netpoll: epoll_create1 failed with errno %d", errno);
    g_poller.event_fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    watch_own(g_poller.event_fd, EPOLLIN, kBreakWord, "eventfd");
    g_poller.timer_fd = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    watch_own(g_poller.timer_fd, EPOLLIN | EPOLLET, kTimerWord, "timerfd");
    g_active.store(true);
    return true;
}

// The timerfd to `ns` from now; 0: it is silent.
void set_timer_fd(int64_t ns) {
    itimerspec t{{0, 0}, os::to_timespec(ns)};
    if (::timerfd_settime(g_poller.timer_fd, 0, &t, nullptr) < 0)
        fatal("netpoll: timerfd_settime failed with errno %d", errno);
    g_poller.timer_armed = ns != 0;
}

// Number of events, 0 when interrupted.
int wait_events(epoll_event* events, int64_t wait_ns) {
    if (wait_ns > kLongWait) {
        set_timer_fd(wait_ns);
        wait_ns = -1;
    } else if (wait_ns != 0 && g_poller.timer_armed) {
        set_timer_fd(0);
    }
    int n;
    if (wait_ns > 0) {
        timespec ts = os::to_timespec(wait_ns);
        n = ::epoll_pwait2(g_poller.epoll_fd, events, kBatch, &ts, nullptr);
        if (n < 0 && errno == ENOSYS) {  // Linux before 5.11 rounds to milliseconds
            int64_t ms = (wait_ns + 999'999) / 1'000'000;
            n = ::epoll_wait(g_poller.epoll_fd, events, kBatch,
                             static_cast<int>(ms < 1'000'000'000 ? ms : 1'000'000'000));
        }
    } else {
        n = ::epoll_wait(g_poller.epoll_fd, events, kBatch, wait_ns == 0 ? 0 : -1);
    }
    if (n < 0 && errno != EINTR) fatal("netpoll: epoll_wait failed with errno %d", errno);
    return n < 0 ? 0 : n;
}

void drain_break() {
    uint64_t count;
    while (::read(g_poller.event_fd, &count, sizeof count) < 0 && errno == EINTR) {
    }
    g_poller.break_pending.store(false);
}

}  // namespace

void netpoll_start() {
    static const bool created = create();
    (void)created;
}

bool netpoll_active() { return g_active.load(acquire); }  // pairs with the store in create()

unsigned netpoll(int64_t wait_ns, G** list) {
    *list = nullptr;
    if (!netpoll_active()) return 0;
    epoll_event events[kBatch];
    count(wait_ns == 0 ? event::poll : event::poller_sleep);
    int n = wait_events(events, wait_ns);
    (void)g_poller.watched.load(acquire);  // pairs with the addition in netpoll_watch()
    g_list woken;
    for (int i = 0; i < n; i++) {
        uint64_t word = events[i].data.u64;
        uint32_t what = events[i].events;
        if (word == kBreakWord) {
            if (wait_ns != 0) drain_break();
            continue;
        }
        if (word == kTimerWord) {
            if (wait_ns == 0) netpoll_break();
            continue;
        }
        bool broken = (what & (EPOLLERR | EPOLLHUP)) != 0;
        poll_event(unpack(word), static_cast<uint32_t>(word) & kSequenceMask,
                   broken || (what & (EPOLLIN | EPOLLRDHUP)) != 0, broken || (what & EPOLLOUT) != 0,
                   broken || (what & (EPOLLRDHUP | EPOLLPRI)) != 0, &woken);
    }
    if (woken.count != 0) {
        poll_unblocked(woken.count);
        count(event::polled_g, woken.count);
    }
    *list = woken.first;
    return woken.count;
}

void netpoll_break() {
    if (!netpoll_active() || g_poller.break_pending.exchange(true)) return;
    count(event::poller_wake);
    uint64_t one = 1;
    while (::write(g_poller.event_fd, &one, sizeof one) < 0) {
        // EAGAIN: the counter is full, so the sleeper is awake already.
        if (errno != EINTR) {
            if (errno != EAGAIN) fatal("netpoll: write to the eventfd failed with errno %d", errno);
            return;
        }
    }
}

int netpoll_watch(int fd, poll_desc* desc, uint32_t sequence) {
    epoll_event ev{};
    ev.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
    ev.data.u64 = pack(desc, sequence);
    g_poller.watched.fetch_add(1, release);  // pairs with the load in netpoll()
    return ::epoll_ctl(g_poller.epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0 ? errno : 0;
}

void netpoll_forget(int fd) {
    epoll_event ev{};
    // Cannot fail for a registered descriptor; one that somebody else closed is gone from the poller by itself.
    (void)::epoll_ctl(g_poller.epoll_fd, EPOLL_CTL_DEL, fd, &ev);
}

}  // namespace gossamer::rt

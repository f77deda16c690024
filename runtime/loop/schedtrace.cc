// SPDX-License-Identifier: BSL-1.0
#include "runtime/loop/schedtrace.h"

#include <unistd.h>

#include <string>

#include "runtime/sched/sched.h"
#include "runtime/timer/clock.h"

namespace gossamer::rt {

namespace {

int64_t began = 0, due = 0;  // the monitor's

int64_t period_ns() { return int64_t(sched.settings.schedtrace_ms) * 1'000'000; }

template <class Figure>
void append_for_each_p(std::string& line, Figure figure) {
    line += "[ ";
    for (unsigned i = 0; i < sched.procs.load(); i++) line += std::to_string(figure(p_at(i))) + ' ';
    line += ']';
}

std::string sched_line(int64_t now) {
    unsigned idle_threads = 0;
    for (const M* m = sched.all_ms.load(); m != nullptr; m = m->all_next) idle_threads += m->parked.load();
    std::string line =
        "SCHED " + std::to_string((now - began) / 1'000'000) + "ms: gomaxprocs=" + std::to_string(sched.procs.load()) +
        " idleprocs=" + std::to_string(sched.idle_ps.load()) + " threads=" + std::to_string(sched.m_count.load() + 1) +
        " spinningthreads=" + std::to_string(sched.spinning.load()) +
        " needspinning=0 idlethreads=" + std::to_string(idle_threads) +
        " runqueue=" + std::to_string(sched.global.size()) + ' ';
    append_for_each_p(line, [](const P* p) { return p->queued() + (p->next.load() != nullptr); });
    line += " schedticks=";
    append_for_each_p(line, [](const P* p) { return p->tick.load(); });
    return line + '\n';
}

}  // namespace

int64_t next_sched_line() { return sched.settings.schedtrace_ms == 0 ? INT64_MAX : due; }

void tend_sched_lines(int64_t now) {
    if (sched.settings.schedtrace_ms == 0) return;
    if (began == 0) {
        began = now;
        due = now + period_ns();
    }
    if (now < due) return;
    due = now + period_ns();
    std::string line = sched_line(now);
    if (::write(2, line.data(), line.size()) < 0) return;  // nobody listens
}

}  // namespace gossamer::rt

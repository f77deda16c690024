// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/sampler.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace insp {

namespace {

constexpr int64_t kScanShare = 100;              // a scan of the table rests for so many times its own length
constexpr int64_t kLongestLook = 1'000'000'000;  // what ran before a longer pause of ours, nobody knows
constexpr int64_t kSearchPeriod = 100'000'000;   // for threads without a processor
constexpr size_t kMostWorkers = 10'000;          // remembered
constexpr size_t kMostNames = 200'000;           // likewise

// How far a word went on that its owner only counts up. Going back is a new count, not 2^32 of them.
uint32_t advanced(uint32_t before, uint32_t now) {
    uint32_t by = now - before;
    return by > UINT32_MAX / 2 ? 0 : by;
}

}  // namespace

int64_t steady_ns() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return int64_t(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

bool read_cpu_ticks(uint32_t pid, uint64_t* ticks) {
    char path[64], text[1024];
    std::snprintf(path, sizeof path, "/proc/%u/stat", pid);
    FILE* f = std::fopen(path, "re");
    if (f == nullptr) return false;
    size_t n = std::fread(text, 1, sizeof text - 1, f);
    std::fclose(f);
    text[n] = 0;
    const char* at = std::strrchr(text, ')');
    unsigned long long user = 0, system = 0;
    if (at == nullptr ||
        std::sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2)
        return false;
    *ticks = user + system;
    return true;
}

sampler::sampler(const target& t, int64_t refresh_ns) : t_(t), probe_(t), refresh_ns_(refresh_ns), clocks_(t.pid()) {}

uint32_t sampler::text_of(const origin& from) {
    auto known = names_.find(from);
    if (known != names_.end()) return known->second;
    std::string name = name_of(t_, from);
    auto text = text_ids_.find(name);
    uint32_t id = uint32_t(texts_->size());
    if (text != text_ids_.end()) {
        id = text->second;
    } else {
        texts_->push_back(std::move(name));
        text_ids_.emplace(texts_->back(), id);
    }
    names_.emplace(from, id);
    return id;
}

void sampler::look(int64_t now) {
    bool first = last_look_ == 0;
    int64_t passed = first ? 0 : now - last_look_;
    if (passed < 0 || passed > kLongestLook) passed = 0;
    last_look_ = now;
    if (first) {
        began_ = now;
        counters_ = probe_.counters();
        waits_ = probe_.wait_histogram();
        has_cpu_ = t_.is_live() && read_cpu_ticks(t_.pid(), &cpu_ticks_);
    }
    looks_++;
    for (const processor_look& p : probe_.processors()) note_processor(p, passed);
    if (now >= next_search_) find_outsiders(now);
    for (uint64_t address : outsiders_) {
        thread_look m = probe_.thread_at(address);
        if (m.g != 0 && m.p == 0 && !m.blocking && !m.parked) note_run(m.g, m.tid, -1, passed);
    }
}

// Threads whose processor the monitor took run on without one.
void sampler::find_outsiders(int64_t now) {
    outsiders_.clear();
    for (const thread_look& m : probe_.threads())
        if (!m.is_plain && m.g != 0 && m.p == 0 && !m.blocking && !m.parked) outsiders_.push_back(m.address);
    next_search_ = now + kSearchPeriod;
}

void sampler::note_processor(const processor_look& p, int64_t passed) {
    if (p.id >= places_.size()) places_.resize(p.id + 1);
    place& at = places_[p.id];
    if (at.seen) {
        at.picks += advanced(at.turn, p.turn);
        at.slices += advanced(at.tick, p.tick);
        at.born += p.created - at.created;
        at.died += p.ended - at.ended;
    }
    at.seen = true;
    at.turn = p.turn;
    at.tick = p.tick;
    at.created = p.created;
    at.ended = p.ended;
    at.last = p;
    at.seen_ns += passed;
    at.queued_ns += double(p.queued) * double(passed);
    at.running = at.tid = 0;
    if (!p.held || p.m == 0) return;
    thread_look m = probe_.thread_at(p.m);
    at.tid = m.tid;
    goroutine_look g = probe_.goroutine_at(m.g);
    if (m.g == 0 || g.id == 0) {
        cpu_since_last_look(m.tid, passed);  // it is nobody's
        at.seeking_ns += passed;
        return;
    }
    at.running = g.id;
    at.from = g.from;
    at.busy_ns += passed;
    note_run(m.g, m.tid, int32_t(p.id), passed);
}

void sampler::note_run(uint64_t g, uint64_t tid, int32_t processor, int64_t passed) {
    goroutine_look look = probe_.goroutine_at(g);
    int64_t cpu = cpu_since_last_look(tid, passed);
    if (look.id == 0) return;
    use& u = uses_[look.id];
    u.id = look.id;
    u.from = look.from;
    u.ns += passed;
    u.cpu_ns += cpu;
    u.processor = processor;
}

// Of the time since the last look: a thread that was not looked at then has its CPU time counted from now on.
int64_t sampler::cpu_since_last_look(uint64_t tid, int64_t passed) {
    thread_times now = t_.is_live() ? clocks_.read(tid) : thread_times{};
    if (!now.known) return passed;
    clocks_work_ = true;
    worker& w = workers_[tid];
    bool was_seen = w.at != 0 && w.at + passed == last_look_;
    auto used = int64_t(now.ran - w.ran);
    w.ran = now.ran;
    w.at = last_look_;
    return was_seen ? std::clamp<int64_t>(used, 0, passed) : 0;
}

void sampler::scan(int64_t now) {
    int64_t begun = steady_ns();
    groups_.clear();
    std::fill(std::begin(reasons_), std::end(reasons_), 0);
    system_ = 0;
    const origin* last = nullptr;
    group* into = nullptr;
    probe_.for_each_goroutine([&](const goroutine_look& g) {
        if (g.is_system()) {
            system_++;
            return;
        }
        if (g.is_thread()) return;
        if (last == nullptr || !(*last == g.from)) {  // neighbours often have the same origin
            auto it = groups_.try_emplace(g.from).first;
            last = &it->first;
            into = &it->second;
        }
        if (g.status == g_word::running) {
            into->running++;
        } else if (g.status == g_word::waiting) {
            into->waiting++;
            reasons_[g.reason]++;
            if (g.waits_since != 0 && (into->oldest_since == 0 || g.waits_since < into->oldest_since))
                into->oldest_since = g.waits_since;
        } else {
            into->runnable++;
        }
    });
    scanned_ = now;
    next_scan_ = now + std::max(refresh_ns_, kScanShare * (steady_ns() - begun));
}

void sampler::scan_if_due(int64_t now) {
    if (scanned_ == 0 || now >= next_scan_) scan(now);
}

void sampler::put_processors(frame& f) {
    double seconds = f.seconds > 0 ? f.seconds : 1;
    for (place& at : places_) {
        if (!at.seen || at.last.retired) continue;
        processor_frame p;
        p.id = at.last.id;
        p.held = at.last.held && at.last.m != 0;
        p.running = at.running;
        if (p.running != 0) p.name = (*texts_)[text_of(at.from)];
        p.tid = at.tid;
        p.queued = at.last.queued;
        if (at.seen_ns > 0) {
            p.busy = double(at.busy_ns) / double(at.seen_ns);
            p.seeking = double(at.seeking_ns) / double(at.seen_ns);
            p.mean_queued = at.queued_ns / double(at.seen_ns);
        }
        p.picks = double(at.picks) / seconds;
        p.slices = double(at.slices) / seconds;
        p.created = double(at.born) / seconds;
        p.ended = double(at.died) / seconds;
        f.processors.push_back(std::move(p));
        at.picks = at.slices = at.born = at.died = 0;
        at.busy_ns = at.seeking_ns = at.seen_ns = 0;
        at.queued_ns = 0;
    }
}

void sampler::put_uses(frame& f) {
    double ns = f.seconds * 1e9;
    if (ns <= 0) ns = 1;
    for (auto& [id, u] : uses_)
        f.goroutines.push_back({id, (*texts_)[text_of(u.from)], double(u.ns) / ns, double(u.cpu_ns) / ns, u.processor});
    std::sort(f.goroutines.begin(), f.goroutines.end(), [](const goroutine_frame& a, const goroutine_frame& b) {
        if (a.cpu != b.cpu) return a.cpu > b.cpu;
        return a.share != b.share ? a.share > b.share : a.id < b.id;
    });
}

// Two origins may have one name: they are one row.
void sampler::put_names(frame& f, int64_t now) {
    constexpr uint32_t kNone = UINT32_MAX;
    std::vector<uint32_t> rows(texts_->size(), kNone);
    auto row = [&](const origin& from) -> name_frame& {
        uint32_t text = text_of(from);
        if (text >= rows.size()) rows.resize(texts_->size(), kNone);
        if (rows[text] == kNone) {
            rows[text] = uint32_t(f.names.size());
            f.names.push_back({(*texts_)[text], 0, 0, 0, 0, 0, 0, 0});
        }
        return f.names[rows[text]];
    };
    double ns = f.seconds > 0 ? f.seconds * 1e9 : 1;
    for (auto& [id, u] : uses_) {
        name_frame& n = row(u.from);
        n.share += double(u.ns) / ns;
        n.cpu += double(u.cpu_ns) / ns;
    }
    for (auto& [from, g] : groups_) {
        name_frame& n = row(from);
        n.running += g.running;
        n.runnable += g.runnable;
        n.waiting += g.waiting;
        n.total = n.running + n.runnable + n.waiting;
        if (g.oldest_since != 0) n.oldest_ns = std::max(n.oldest_ns, now - g.oldest_since);
    }
    for (const name_frame& n : f.names) {
        f.running += n.running;
        f.runnable += n.runnable;
        f.waiting += n.waiting;
        f.total += n.total;
    }
}

void sampler::put_counts(frame& f) {
    std::vector<uint64_t> counters = probe_.counters();
    const std::vector<std::string>& names = probe_.counter_names();
    counters_.resize(counters.size());
    for (size_t i = 0; i < counters.size(); i++) {
        uint64_t grown = counters[i] > counters_[i] ? counters[i] - counters_[i] : 0;
        f.counters.push_back({names[i], counters[i], f.seconds > 0 ? double(grown) / f.seconds : 0});
    }
    counters_ = std::move(counters);
    std::vector<uint64_t> waits = probe_.wait_histogram();
    waits_.resize(waits.size());
    for (size_t i = 0; i < waits.size(); i++) f.waits.push_back(waits[i] > waits_[i] ? waits[i] - waits_[i] : 0);
    waits_ = std::move(waits);
}

void sampler::put_state(frame& f, int64_t now) {
    const box::header& h = t_.head();
    f.uptime_ns = now - int64_t(h.mono_ns_0);
    f.procs = h.procs.load();
    if (f.procs == 0) f.procs = uint32_t(f.processors.size());  // the monitor has not told yet
    f.idle_procs = h.idle_procs.load();
    f.searching = h.searching.load();
    f.blocking = h.blocking.load();
    f.global_queue = h.global_queue.load();
    for (const thread_look& m : probe_.threads()) {
        if (m.is_plain) continue;
        f.threads++;
        f.threads_parked += m.parked;
        f.threads_blocking += m.blocking;
        f.threads_outside += m.g != 0 && m.p == 0 && !m.blocking && !m.parked;
    }
    f.system = system_;
    f.table_age_ns = scanned_ != 0 ? now - scanned_ : -1;
    for (unsigned i = 0; i < 256; i++)
        if (reasons_[i] != 0) f.reasons.push_back({uint8_t(i), reasons_[i]});
    std::sort(f.reasons.begin(), f.reasons.end(), [](auto& a, auto& b) { return a.second > b.second; });
}

frame sampler::take(int64_t now) {
    frame f;
    f.at_ns = now;
    f.seconds = began_ != 0 ? double(now - began_) / 1e9 : 0;
    f.looks = looks_;
    began_ = now;
    looks_ = 0;
    uint64_t ticks = 0;
    if (has_cpu_ && read_cpu_ticks(t_.pid(), &ticks) && f.seconds > 0) {
        f.cpu = double(ticks - cpu_ticks_) / double(sysconf(_SC_CLK_TCK)) / f.seconds;
        cpu_ticks_ = ticks;
    }
    if (names_.size() > kMostNames) {
        names_.clear();
        text_ids_.clear();
        texts_ = std::make_shared<std::deque<std::string>>();
    }
    f.texts = texts_;
    scan_if_due(now);
    put_processors(f);
    put_uses(f);
    put_names(f, now);
    uses_.clear();
    put_counts(f);
    put_state(f, now);
    f.has_cpu = clocks_work_;
    clocks_.forget_unused();
    if (workers_.size() > kMostWorkers) workers_.clear();
    return f;
}

}  // namespace insp

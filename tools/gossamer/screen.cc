// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/screen.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tools/gossamer/json.h"

namespace insp {

namespace {

constexpr size_t kMostHeat = 512;    // frames remembered
constexpr size_t kMostListed = 100;  // goroutines, in JSON
constexpr size_t kPlainRows = 15;    // of a table in plain text
constexpr size_t kPlainProcessors = 64;
constexpr const char* kBold = "1";
constexpr const char* kFaint = "2";
constexpr const char* kTitle = "1;7";
constexpr const char* kBusy = "32";
constexpr const char* kSeek = "33";
constexpr const char* kAlarm = "1;31";

std::string percent(double share) {
    char text[32];
    std::snprintf(text, sizeof text, share < 0.0995 ? "%.1f%%" : "%.0f%%", share * 100);
    return text;
}

class artist {
  public:
    artist(const frame& f, const view& v, size_t rows, size_t columns) : f_(f), v_(v), rows_(rows), columns_(columns) {}

    std::vector<std::string> draw() {
        header();
        goroutine_line();
        thread_line();
        blank();
        std::vector<std::string> counters = counter_lines();
        processors(rows_ == 0 ? kPlainProcessors : std::max<size_t>(2, rows_ / 4));
        blank();
        if (rows_ == 0 || rows_ >= 28) {
            heat(rows_ == 0 ? 14 : std::min<size_t>(14, rows_ / 4));
            blank();
        }
        size_t left = rows_ == 0                                ? 2 * kPlainRows + 4
                      : rows_ > lines_.size() + counters.size() ? rows_ - lines_.size() - counters.size()
                                                                : 0;
        size_t for_goroutines = std::min(left * 2 / 5, f_.goroutines.size() + 2);
        names(left - for_goroutines);
        goroutines(for_goroutines);
        for (std::string& line : counters) lines_.push_back(std::move(line));
        if (rows_ != 0 && lines_.size() > rows_) lines_.resize(rows_);
        return std::move(lines_);
    }

  private:
    text_line line() const { return {columns_, v_.colour}; }
    void put(text_line& l) { lines_.push_back(l.take()); }
    void blank() { lines_.emplace_back(); }

    void header() {
        text_line l = line();
        std::string text = " " + v_.program + "  pid " + std::to_string(v_.pid) + "  up " +
                           short_time(double(std::max<int64_t>(0, f_.uptime_ns)));
        text += "  procs " + std::to_string(f_.procs) + " (" + std::to_string(f_.idle_procs) + " idle)";
        if (f_.cpu >= 0) text += "  cpu " + percent(f_.cpu);
        text += "  every " + short_time(double(v_.interval_ns)) + (v_.paused ? "  PAUSED" : "") + " ";
        if (rows_ != 0) text.resize(std::max(text.size(), columns_), ' ');
        put(l.add(text, kTitle));
    }

    void goroutine_line() {
        text_line l = line();
        l.add("goroutines ", kBold).add(with_separators(f_.total));
        l.add(": ")
            .add(with_separators(f_.running))
            .add(" running, ")
            .add(with_separators(f_.runnable))
            .add(" runnable, ");
        l.add(with_separators(f_.waiting)).add(" waiting");
        for (size_t i = 0; i < f_.reasons.size() && i < 6; i++)
            l.add(i == 0 ? " (" : ", ")
                .add(reason_words(f_.reasons[i].first))
                .add(" ")
                .add(with_separators(f_.reasons[i].second));
        if (!f_.reasons.empty()) l.add(f_.reasons.size() > 6 ? ", ...)" : ")");
        if (f_.table_age_ns > 2'000'000'000) l.add("  " + short_time(double(f_.table_age_ns)) + " ago", kFaint);
        put(l);
    }

    void thread_line() {
        text_line l = line();
        l.add("threads ", kBold).add(std::to_string(f_.threads));
        l.add(": ").add(std::to_string(f_.threads_parked)).add(" asleep, ");
        l.add(std::to_string(f_.threads_blocking)).add(" in blocking calls");
        if (f_.threads_outside != 0)
            l.add(", ").add(std::to_string(f_.threads_outside) + " that lost their processor", kAlarm);
        l.add(", ").add(std::to_string(f_.searching)).add(" searching");
        l.add("   global queue ", kBold).add(with_separators(f_.global_queue));
        put(l);
    }

    void processors(size_t room) {
        size_t shown = f_.processors.size() > room ? room - 1 : f_.processors.size();
        size_t bar = std::clamp<size_t>(columns_ / 4, 10, 40);
        text_line title = line();
        title.left("", 6)
            .left("busy", bar + 3)
            .right("", 5)
            .right("queue", 7)
            .right("picks/s", 9)
            .right("slices/s", 10)
            .add("  runs", "");
        lines_.push_back(title.take());
        for (size_t i = 0; i < shown; i++) processor(f_.processors[i], bar);
        if (shown == f_.processors.size()) return;
        double busy = 0, queued = 0, slices = 0;
        for (size_t i = shown; i < f_.processors.size(); i++) {
            busy += f_.processors[i].busy;
            queued += f_.processors[i].queued;
            slices += f_.processors[i].slices;
        }
        auto rest = double(f_.processors.size() - shown);
        text_line l = line();
        l.add("and " + std::to_string(f_.processors.size() - shown) + " more: " + percent(busy / rest) + " busy, " +
                  short_number(queued) + " queued, " + short_number(slices) + " slices/s",
              kFaint);
        put(l);
    }

    void processor(const processor_frame& p, size_t bar) {
        text_line l = line();
        l.left("P" + std::to_string(p.id), 5, kBold);
        auto full = std::min(bar, size_t(std::lround(p.busy * double(bar))));
        auto seek = std::min(bar - full, size_t(std::lround(p.seeking * double(bar))));
        std::string body;
        for (size_t i = 0; i < full; i++) body += v_.utf8 ? "\u2588" : "#";
        l.add("[")
            .add(body, kBusy)
            .add(std::string(seek, '~'), kSeek)
            .add(std::string(bar - full - seek, ' '))
            .add("] ");
        l.right(percent(p.busy), 6).right(std::to_string(p.queued), 7, p.queued > 200 ? kAlarm : "");
        l.right(short_number(p.picks), 9).right(short_number(p.slices), 10).add("  ");
        if (p.running != 0)
            l.add("G" + std::to_string(p.running) + " ").add(p.name, kBold);
        else
            l.add(p.held ? "the scheduler" : "idle", kFaint);
        put(l);
    }

    // Rows of two powers of two each, the longest waits on top.
    void heat(size_t most_rows) {
        std::vector<uint64_t> latest = f_.waits;
        text_line title = line();
        title.add("wait for a processor", kBold).add(", 1 in 64 timed");
        if (double median = wait_quantile(latest, 0.5); median > 0)
            title.add(": half under " + short_time(median) + ", 99% under " + short_time(wait_quantile(latest, 0.99)));
        else
            title.add(": none timed in this interval");
        put(title);
        size_t width = columns_ > 12 ? columns_ - 9 : 1;
        size_t from = v_.heat.size() > width ? v_.heat.size() - width : 0;
        size_t low = 64, high = 0;
        uint64_t most = 0;
        auto cell = [&](size_t column, size_t row) {
            const auto& c = v_.heat[column];
            return (2 * row < c.size() ? c[2 * row] : 0) + (2 * row + 1 < c.size() ? c[2 * row + 1] : 0);
        };
        for (size_t c = from; c < v_.heat.size(); c++)
            for (size_t r = 0; r < 32; r++)
                if (uint64_t n = cell(c, r); n != 0) {
                    low = std::min(low, r);
                    high = std::max(high, r);
                    most = std::max(most, n);
                }
        if (most == 0) return;
        if (high - low + 1 > most_rows) low = high + 1 - most_rows;  // the long waits are what one looks for
        for (size_t r = high + 1; r-- > low;) {
            text_line l = line();
            l.right(short_time(std::ldexp(1.0, int(2 * r))), 7).add(" ");
            for (size_t c = from; c < v_.heat.size(); c++) shade(l, cell(c, r), most);
            put(l);
        }
    }

    void shade(text_line& l, uint64_t n, uint64_t most) const {
        static constexpr char kShades[] = " .:-=+*#%@";
        static constexpr const char* kColours[] = {"",         "48;5;17",  "48;5;18",  "48;5;54",  "48;5;90",
                                                   "48;5;126", "48;5;162", "48;5;203", "48;5;215", "48;5;228"};
        size_t level = 0;
        if (n != 0) level = most == 1 ? 5 : 1 + size_t(std::lround(8 * std::log(double(n)) / std::log(double(most))));
        level = std::min<size_t>(level, 9);
        if (v_.colour)
            l.add(" ", kColours[level]);
        else
            l.add(std::string_view(&kShades[level], 1));
    }

    void names(size_t room) {
        if (room < 3) return;
        std::vector<const name_frame*> rows;
        for (const name_frame& n : f_.names) rows.push_back(&n);
        size_t shown = std::min(rows.size(), room - 2);
        std::partial_sort(rows.begin(), rows.begin() + ptrdiff_t(shown), rows.end(),
                          [&](const name_frame* a, const name_frame* b) { return before(*a, *b); });
        text_line title = line();
        title.right("cpu", 7, v_.by == sort_by::cpu ? kBold : kFaint)
            .right("run", 7, kFaint)
            .right("all", 11, v_.by == sort_by::count ? kBold : kFaint);
        title.right("running", 9, kFaint)
            .right("runnable", 10, kFaint)
            .right("waiting", 11, v_.by == sort_by::wait ? kBold : kFaint);
        title.right("longest", 9, kFaint).add("  name", v_.by == sort_by::name ? kBold : kFaint);
        put(title);
        for (size_t i = 0; i < shown; i++) {
            const name_frame& n = *rows[i];
            text_line l = line();
            l.right(percent(n.cpu), 7)
                .right(percent(n.share), 7)
                .right(with_separators(n.total), 11)
                .right(with_separators(n.running), 9);
            l.right(with_separators(n.runnable), 10).right(with_separators(n.waiting), 11);
            l.right(n.oldest_ns != 0 ? short_time(double(n.oldest_ns)) : "-", 9).add("  ").add(n.name);
            put(l);
        }
        if (rows.size() > shown && rows_ == 0) {
            text_line l = line();
            put(l.add("  and " + std::to_string(rows.size() - shown) + " more names", kFaint));
        }
        blank();
    }

    bool before(const name_frame& a, const name_frame& b) const {
        if (v_.by == sort_by::cpu && a.cpu != b.cpu) return a.cpu > b.cpu;
        if (v_.by == sort_by::cpu && a.share != b.share) return a.share > b.share;
        if (v_.by == sort_by::wait && a.waiting != b.waiting) return a.waiting > b.waiting;
        if (v_.by != sort_by::name && a.total != b.total) return a.total > b.total;
        return a.name < b.name;
    }

    void goroutines(size_t room) {
        if (room < 3 || f_.goroutines.empty()) return;
        text_line title = line();
        title.right("cpu", 7, kFaint)
            .right("run", 7, kFaint)
            .right("on", 6, kFaint)
            .right("goroutine", 12, kFaint)
            .add("  name", kFaint);
        put(title);
        for (size_t i = 0; i < f_.goroutines.size() && i < room - 2; i++) {
            const goroutine_frame& g = f_.goroutines[i];
            text_line l = line();
            l.right(percent(g.cpu), 7).right(percent(g.share), 7);
            l.right(g.processor < 0 ? "-" : "P" + std::to_string(g.processor), 6).right(std::to_string(g.id), 12);
            put(l.add("  ").add(g.name));
        }
        blank();
    }

    std::vector<std::string> counter_lines() const {
        std::vector<std::string> words;
        for (const counter_frame& c : f_.counters)
            if (c.rate > 0) words.push_back(std::string(c.name) + " " + short_number(c.rate));
        double created = 0, ended = 0;
        for (const processor_frame& p : f_.processors) {
            created += p.created;
            ended += p.ended;
        }
        if (ended > 0) words.insert(words.begin(), "ended " + short_number(ended));
        if (created > 0) words.insert(words.begin(), "created " + short_number(created));
        std::vector<std::string> lines;
        std::string text = "per second:";
        for (const std::string& w : words) {
            if (text.size() + w.size() + 2 > columns_ && text != "per second:") {
                lines.push_back(text);
                text = "           ";
            }
            text += "  " + w;
        }
        lines.push_back(words.empty() ? "per second:  nothing that is counted" : text);
        if (rows_ != 0 && lines.size() > 3) lines.resize(3);
        for (std::string& l : lines) {
            text_line cut = line();
            l = cut.add(l, kFaint).take();
        }
        return lines;
    }

    const frame& f_;
    const view& v_;
    size_t rows_, columns_;
    std::vector<std::string> lines_;
};

}  // namespace

const char* words(sort_by by) {
    static constexpr const char* kWords[] = {"cpu", "wait", "name", "count"};
    return kWords[size_t(by)];
}

void view::remember(const frame& f) {
    heat.push_back(f.waits);
    if (heat.size() > kMostHeat) heat.pop_front();
}

std::vector<std::string> draw(const frame& f, const view& v, size_t rows, size_t columns) {
    return artist(f, v, rows, columns).draw();
}

std::vector<std::string> draw_help(const view& v) {
    return {
        "gossamer top",
        "",
        "  q        end",
        "  p space  stop and go on",
        "  1        names by CPU          2  by how many wait",
        "  3        by name               4  by how many there are",
        "  + -      longer, shorter interval (now " + short_time(double(v.interval_ns)) + ")",
        "  h ?      this page; any key goes back",
        "",
        "A bar is the share of the interval in which a goroutine ran on the processor; ~ that in which the scheduler "
        "looked for one.",
        "queue: goroutines that wait for this processor. picks: switches to a goroutine; slices: picks from the "
        "queue's head.",
        "The heat map has a column for each interval; rows are how long goroutines that could run waited for a "
        "processor.",
        "cpu: of one CPU, 200% are two of them all the time. run: on a thread of the scheduler, whether the kernel let "
        "that run or not.",
        "on: its processor; - when the monitor has taken that, and the goroutine goes on without one until it calls "
        "the runtime again.",
    };
}

std::string frame_as_json(const frame& f, const view& v) {
    std::string out;
    json_writer j(out);
    j.begin_object().key("program").string(v.program).key("pid").number(uint64_t(v.pid));
    j.key("seconds").number(f.seconds).key("looks").number(f.looks).key("uptime_ns").number(f.uptime_ns).key("cpu");
    f.cpu >= 0 ? j.number(f.cpu) : j.null();
    j.key("procs").number(uint64_t(f.procs)).key("idle_procs").number(uint64_t(f.idle_procs));
    j.key("searching").number(uint64_t(f.searching)).key("blocking").number(uint64_t(f.blocking));
    j.key("global_queue").number(uint64_t(f.global_queue));
    j.key("threads")
        .begin_object()
        .key("all")
        .number(uint64_t(f.threads))
        .key("asleep")
        .number(uint64_t(f.threads_parked));
    j.key("blocking")
        .number(uint64_t(f.threads_blocking))
        .key("outside")
        .number(uint64_t(f.threads_outside))
        .end_object();
    j.key("goroutines").begin_object().key("all").number(f.total).key("running").number(f.running);
    j.key("runnable").number(f.runnable).key("waiting").number(f.waiting).key("system").number(f.system);
    j.key("age_ns").number(f.table_age_ns).key("reasons").begin_object();
    for (auto& [reason, n] : f.reasons) j.key(reason_words(reason)).number(n);
    j.end_object().end_object();
    j.key("processors").begin_array();
    for (const processor_frame& p : f.processors) {
        j.begin_object().key("id").number(uint64_t(p.id)).key("held").boolean(p.held).key("running").number(p.running);
        j.key("name").string(p.name).key("tid").number(p.tid).key("busy").number(p.busy).key("seeking").number(
            p.seeking);
        j.key("queue").number(uint64_t(p.queued)).key("mean_queue").number(p.mean_queued).key("picks").number(p.picks);
        j.key("slices").number(p.slices).key("created").number(p.created).key("ended").number(p.ended).end_object();
    }
    size_t listed = 0;
    j.end_array().key("ran").number(uint64_t(f.goroutines.size())).key("by_goroutine").begin_array();
    for (const goroutine_frame& g : f.goroutines) {
        if (listed++ == kMostListed) break;
        j.begin_object().key("id").number(g.id).key("name").string(g.name).key("cpu").number(g.cpu);
        j.key("run").number(g.share).key("processor").number(int64_t(g.processor)).end_object();
    }
    j.end_array().key("by_name").begin_array();
    for (const name_frame& n : f.names) {
        j.begin_object()
            .key("name")
            .string(n.name)
            .key("cpu")
            .number(n.cpu)
            .key("run")
            .number(n.share)
            .key("all")
            .number(n.total);
        j.key("running").number(n.running).key("runnable").number(n.runnable).key("waiting").number(n.waiting);
        j.key("longest_wait_ns").number(n.oldest_ns).end_object();
    }
    j.end_array().key("per_second").begin_object();
    for (const counter_frame& c : f.counters) j.key(c.name).number(c.rate);
    j.end_object().key("wait_ns_log2").begin_array();
    for (uint64_t n : f.waits) j.number(n);
    j.end_array().end_object();
    return out;
}

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/chrome_json.h"

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstring>
#include <string>

#include "tools/gossamer/json.h"
#include "tools/gossamer/phases.h"
#include "tools/gossamer/snapshot.h"
#include "tools/gossamer/utf8.h"

namespace insp {

namespace {

using gossamer::rt::box::kind;

constexpr size_t kFlushBytes = 1 << 20;
constexpr uint64_t kCounterSteps = 20'000;
// Rows are numbered by "thread": processors from 0 on, threads without one far behind them.
constexpr uint64_t kThreadRows = 1'000'000;

class json_picture : public listener {
  public:
    json_picture(const trace_window& w, const cast& who, FILE* out, const chrome_options& options)
        : w_(w), who_(who), out_(out), shown_(who.busiest(options.most_goroutines)), woken_(who.members.size()) {
        uint64_t length = w.end_ns > w.begin_ns ? uint64_t(w.end_ns) - uint64_t(w.begin_ns) : 0;
        counter_step_ = std::max<uint64_t>(length / kCounterSteps, 1000);
        text_ = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n";
        name_row("process_name", 0, w.program.empty() ? "gossamer" : w.program);
        for (uint32_t p = 0; p < std::min<uint32_t>(w.procs, kMostProcessors); p++) name_processor(p);
        for (size_t i = 0; i < w.threads.size(); i++) {
            const traced_thread& t = w.threads[i];
            std::string name = t.is_plain ? "plain thread" : "M" + std::to_string(t.number);
            name_row("thread_name", kThreadRows + i, name + " (tid " + std::to_string(t.tid) + ")");
        }
    }

    void finish() {
        text_ += "\n]}\n";
        flush(0);
        if (std::fflush(out_) != 0) cannot_write();
    }

    void begin_phase(uint32_t g, phase what, uint64_t ns, const event* why) override {
        if (what == phase::runnable) runnable_++;
        if (shown_[g]) life(g, 'b', what, ns, why);
    }
    void end_phase(uint32_t g, phase what, uint64_t, uint64_t ns, const event*) override {
        if (what == phase::runnable) runnable_--;
        // The reason is in the beginning: viewers pair by the innermost, of which there is one.
        if (shown_[g]) life(g, 'e', what, ns, nullptr);
    }
    void begin_run(uint32_t p, uint32_t g, uint64_t ns, const event*) override {
        running_++;
        name_processor(p);
        if (woken_[g] == 0) return;
        arrow('f', woken_[g], p, ns);
        woken_[g] = 0;
    }
    void end_run(uint32_t p, uint32_t g, uint64_t begin, uint64_t ns, const event*) override {
        running_--;
        open("X", who_.name(g), p, begin);
        text_ += ",\"dur\":";
        stamp(ns - begin);
        text_ += ",\"args\":{\"goroutine\":" + std::to_string(who_.members[g].id) + "}}";
        flush(kFlushBytes);
    }
    void happen(size_t i, const event& e, uint32_t g, uint32_t by, uint64_t ns) override {
        if (ns != last_ns_ && ns - last_shown_ >= counter_step_) show_counters(last_ns_);
        last_ns_ = ns;
        if ((e.kind == kind::ready || e.kind == kind::create) && g != kNobody) {
            woken_[g] = i + 1;
            instant(e,
                    e.kind == kind::create ? "go " + std::string(who_.name(g)) : "ready " + std::string(who_.name(g)),
                    ns);
            if (by != kNobody)
                arrow('s', i + 1, row(e), ns);
            else
                woken_[g] = 0;
        } else if (e.kind == kind::retake) {
            instant(e, "processor retaken by the monitor", ns);
        } else if (e.kind == kind::region_begin || e.kind == kind::region_end) {
            mark(e.kind == kind::region_begin ? 'b' : 'e', "region", e.g, words(e.text, "region"), ns);
        } else if (e.kind == kind::task_begin) {
            task_names_[e.a] = e.text;
            mark('b', "task", e.a, words(e.text, "task"), ns);
        } else if (e.kind == kind::task_end) {
            auto begun = task_names_.find(e.a);
            mark('e', "task", e.a, words(begun == task_names_.end() ? 0 : begun->second, "task"), ns);
        } else if (e.kind == kind::log) {
            std::string_view line = words(e.text, "log");
            size_t split = std::min(line.find('\0'), line.size());
            std::string shown(line.substr(0, split));
            if (split < line.size()) shown += ": " + std::string(line.substr(split + 1));
            instant(e, shown, ns);
        } else if (e.kind == kind::counter) {
            open("C", words(e.text, "counter"), 0, ns);
            text_ += ",\"args\":{\"value\":" + std::to_string(int64_t(e.a)) + "}}";
        }
        flush(kFlushBytes);
    }

  private:
    [[noreturn]] static void cannot_write() {
        throw error("gossamer: " + running_command + ": cannot write the output: " + std::strerror(errno));
    }
    void flush(size_t over) {
        if (text_.size() <= over) return;
        if (std::fwrite(text_.data(), 1, text_.size(), out_) != text_.size()) cannot_write();
        text_.clear();
    }
    std::string_view words(uint32_t t, const char* otherwise) const {
        return t < w_.texts.size() && !w_.texts[t].empty() ? std::string_view(w_.texts[t]) : otherwise;
    }
    // Microseconds with three digits behind the point.
    void stamp(uint64_t ns) {
        char digits[32];
        std::snprintf(digits, sizeof digits, "%" PRIu64 ".%03u", ns / 1000, unsigned(ns % 1000));
        text_ += digits;
    }
    void open(const char* type, std::string_view name, uint64_t row, uint64_t ns) {
        if (!first_) text_ += ",\n";
        first_ = false;
        text_ += "{\"ph\":\"";
        text_ += type;
        text_ += "\",\"name\":";
        json_writer(text_).string(valid_utf8(name));
        text_ += ",\"pid\":" + std::to_string(w_.pid) + ",\"tid\":" + std::to_string(row) + ",\"ts\":";
        stamp(ns);
    }
    void name_row(const char* what, uint64_t row, std::string_view name) {
        open("M", what, row, 0);
        text_ += ",\"args\":{\"name\":";
        json_writer(text_).string(valid_utf8(name));
        text_ += "}}";
    }
    void name_processor(uint32_t p) {
        if (p >= named_.size()) named_.resize(p + 1);
        if (named_[p]) return;
        named_[p] = true;
        name_row("thread_name", p, "P" + std::to_string(p));
        open("M", "thread_sort_index", p, 0);
        text_ += ",\"args\":{\"sort_index\":" + std::to_string(p) + "}}";
    }
    uint64_t row(const event& e) const {
        return e.p >= 0 && e.p < kMostProcessors ? uint64_t(e.p) : kThreadRows + e.thread;
    }
    void instant(const event& e, std::string_view name, uint64_t ns) {
        open("i", name, row(e), ns);
        text_ += ",\"s\":\"t\",\"args\":{\"goroutine\":" + std::to_string(e.g) + "}}";
    }
    void arrow(char end, uint64_t id, uint64_t row, uint64_t ns) {
        open(end == 's' ? "s" : "f", "wake", row, ns);
        text_ += ",\"cat\":\"wake\",\"id\":" + std::to_string(id);
        text_ += end == 's' ? "}" : ",\"bp\":\"e\"}";
    }
    void mark(char end, const char* category, uint64_t id, std::string_view name, uint64_t ns) {
        open(end == 'b' ? "b" : "e", name, 0, ns);
        text_ += ",\"cat\":\"";
        text_ += category;
        text_ += "\",\"id\":\"" + std::to_string(id) + "\"}";
    }
    void life(uint32_t g, char end, phase what, uint64_t ns, const event* why) {
        static constexpr const char* kWords[] = {"", "runnable", "running", "blocking call", "waiting"};
        open(end == 'b' ? "b" : "e", kWords[size_t(what)], 0, ns);
        text_ += ",\"cat\":";
        json_writer(text_).string(valid_utf8(who_.name(g)));
        text_ += ",\"id\":\"" + std::to_string(who_.members[g].id) + "\"";
        if (what == phase::waiting && why) {
            text_ += ",\"args\":{\"reason\":";
            json_writer(text_).string(reason_words(why->reason));
            text_ += ",\"at\":";
            json_writer(text_).string(valid_utf8(place_of(*why)));
            if (why->stack != 0 && why->stack < w_.stacks.size()) {
                text_ += ",\"stack\":";
                json_writer(text_).string(valid_utf8(stack_of(*why)));
            }
            text_ += "}";
        }
        text_ += "}";
        flush(kFlushBytes);
    }
    // The innermost frame that is known.
    std::string place_of(const event& e) const {
        uint64_t pc =
            e.stack != 0 && e.stack < w_.stacks.size() && !w_.stacks[e.stack].empty() ? w_.stacks[e.stack][0] : e.pc;
        auto names = w_.names.find(pc);
        return names == w_.names.end() || names->second.empty() ? "" : words(names->second.front());
    }
    static std::string words(const pc_name& n) {
        return n.file.empty() ? n.function : n.function + " (" + n.file + ":" + std::to_string(n.line) + ")";
    }
    // A line a frame.
    std::string stack_of(const event& e) const {
        std::string lines;
        for (uint64_t pc : w_.stacks[e.stack])
            if (auto names = w_.names.find(pc); names != w_.names.end())
                for (const pc_name& n : names->second) lines += (lines.empty() ? "" : "\n") + words(n);
        return lines;
    }
    void show_counters(uint64_t ns) {
        last_shown_ = ns;
        if (runnable_ == shown_runnable_ && running_ == shown_running_) return;
        open("C", "goroutines", 0, ns);
        text_ +=
            ",\"args\":{\"runnable\":" + std::to_string(runnable_) + ",\"running\":" + std::to_string(running_) + "}}";
        shown_runnable_ = runnable_;
        shown_running_ = running_;
    }

    const trace_window& w_;
    const cast& who_;
    FILE* out_;
    std::string text_;
    std::vector<bool> shown_;
    std::vector<uint64_t> woken_;  // the arrow that ends where it runs next; 0: none
    std::vector<bool> named_;
    std::unordered_map<uint64_t, uint32_t> task_names_;
    int64_t runnable_ = 0, running_ = 0, shown_runnable_ = -1, shown_running_ = -1;
    uint64_t counter_step_ = 0, last_ns_ = 0, last_shown_ = 0;
    bool first_ = true;
};

}  // namespace

void write_chrome_json(const trace_window& w, FILE* out, const chrome_options& options) {
    cast who(w);
    json_picture p(w, who, out, options);
    tell(w, who, p);
    p.finish();
}

}  // namespace insp

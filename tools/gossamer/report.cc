// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/report.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tools/gossamer/json.h"
#include "tools/gossamer/page/page.h"
#include "tools/gossamer/snapshot.h"
#include "tools/gossamer/utf8.h"

namespace insp {

namespace {

using box::kind;

// The kinds of events that the page knows, by its own words: their numbers may change.
constexpr std::pair<const char*, kind> kKinds[] = {
    {"start", kind::start},
    {"block", kind::block},
    {"yield", kind::yield},
    {"preempt", kind::preempt},
    {"lost", kind::lost},
    {"end", kind::end},
    {"ready", kind::ready},
    {"create", kind::create},
    {"callBegin", kind::call_begin},
    {"callEnd", kind::call_end},
    {"retake", kind::retake},
    {"steal", kind::steal},
    {"poll", kind::poll},
    {"log", kind::log},
    {"regionBegin", kind::region_begin},
    {"regionEnd", kind::region_end},
    {"taskBegin", kind::task_begin},
    {"taskEnd", kind::task_end},
    {"counter", kind::counter},
};

// Bytes as base64, without an intermediate copy of the whole.
class base64_writer {
  public:
    explicit base64_writer(FILE* to) : to_(to) { text_.reserve(kFull + 4); }
    void byte(uint8_t b) {
        bits_ = bits_ << 8 | b;
        if (++held_ == 3) put(4);
    }
    void end() {
        if (held_ == 0) return flush();
        unsigned chars = held_ + 1;
        bits_ <<= 8 * (3 - held_);
        put(chars);
        text_.append(4 - chars, '=');
        flush();
    }

  private:
    static constexpr size_t kFull = 1 << 16;
    static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    void put(unsigned chars) {
        for (unsigned i = 0; i < chars; i++) text_ += kDigits[bits_ >> (18 - 6 * i) & 63];
        bits_ = held_ = 0;
        if (text_.size() >= kFull) flush();
    }
    void flush() {
        std::fwrite(text_.data(), 1, text_.size(), to_);
        text_.clear();
    }

    FILE* to_;
    std::string text_;
    uint32_t bits_ = 0, held_ = 0;
};

// One array of whole numbers, written in as few bytes each as the greatest needs.
using column = std::vector<uint64_t>;

void write_column(FILE* to, const char* name, const column& values) {
    uint64_t greatest = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
    unsigned width = greatest < 1u << 8 ? 1 : greatest < 1u << 16 ? 2 : greatest < uint64_t(1) << 32 ? 4 : 8;
    std::fprintf(to, "<script type=\"text/plain\" id=\"c-%s\" data-width=\"%u\" data-count=\"%zu\">", name, width,
                 values.size());
    base64_writer out(to);
    for (uint64_t v : values)
        for (unsigned i = 0; i < width; i++) out.byte(uint8_t(v >> 8 * i));
    out.end();
    std::fputs("</script>\n", to);
}

// Gives each different thing a small number, the first 0.
template <class T>
class numbering {
  public:
    explicit numbering(T first) { of(std::move(first)); }
    uint32_t of(const T& thing) {
        auto [at, is_new] = numbers_.try_emplace(thing, uint32_t(list_.size()));
        if (is_new) list_.push_back(thing);
        return at->second;
    }
    const std::vector<T>& list() const { return list_; }

  private:
    std::unordered_map<T, uint32_t> numbers_;
    std::vector<T> list_;
};

// Names come from the traced program: nothing in them may end the element that they stand in, nor spoil the encoding.
std::string safe_json(std::string_view json) {
    std::string out;
    for (char c : valid_utf8(json)) {
        if (c == '<')
            out += "\\u003c";
        else
            out += c;
    }
    return out;
}

std::string safe_html(std::string_view text) {
    std::string out;
    for (char c : valid_utf8(text)) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else
            out += c;
    }
    return out;
}

// The window's things by small numbers, as the page has them. Goroutines, pcs and texts: 0 is none.
class page_data {
  public:
    explicit page_data(const trace_window& w) : w_(w) {
        number_goroutines();
        for (const auto& s : w.stacks) stacks_.push_back(&s);
        if (stacks_.empty()) stacks_.push_back(&kNoStack);
    }

    void write(const std::string& title, FILE* to) {
        write_events(to);
        write_goroutines(to);
        write_stacks(to);
        write_pcs(to);
        write_column(to, "value", column(values_.list().begin(), values_.list().end()));
        write_meta(title, to);  // last: it has the strings that the others have numbered
    }

  private:
    void number_goroutines() {
        for (const auto& [id, g] : w_.goroutines) {
            ids_.push_back(id);
            ids_.push_back(g.creator);
        }
        for (const event& e : w_.events) {
            // Nearly all are in the table, and looking is cheaper than sorting millions of the same.
            if (!w_.goroutines.count(e.g)) ids_.push_back(e.g);
            if (!w_.goroutines.count(e.by)) ids_.push_back(e.by);
        }
        ids_.push_back(0);
        std::sort(ids_.begin(), ids_.end());
        ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
        for (size_t i = 0; i < ids_.size(); i++) numbers_[ids_[i]] = uint32_t(i);
    }
    uint32_t number_of(uint64_t id) const {
        auto at = numbers_.find(id);
        return at == numbers_.end() ? 0 : at->second;
    }
    uint32_t stack_of(const std::vector<uint64_t>& pcs) {
        if (pcs.empty()) return 0;
        stacks_.push_back(&pcs);
        return uint32_t(stacks_.size() - 1);
    }

    template <class Read>
    void write_event_column(FILE* to, const char* name, Read read) {
        column c;
        c.reserve(w_.events.size());
        for (const event& e : w_.events) c.push_back(uint64_t(read(e)));
        write_column(to, name, c);
    }
    void write_events(FILE* to) {
        int64_t last = w_.begin_ns;
        write_event_column(to, "e-ns", [&](const event& e) {  // steps from one to the next
            int64_t step = std::max<int64_t>(e.ns - last, 0);
            last += step;
            return step;
        });
        span_ns_ = std::max(w_.end_ns, last) - w_.begin_ns;
        write_event_column(to, "e-kind", [](const event& e) { return e.kind < kind::kCount ? e.kind : kind::pad; });
        write_event_column(to, "e-reason", [](const event& e) { return e.reason; });
        write_event_column(to, "e-g", [&](const event& e) { return number_of(e.g); });
        write_event_column(to, "e-by", [&](const event& e) { return number_of(e.by); });
        write_event_column(to, "e-a",
                           [&](const event& e) { return e.kind == kind::create ? 0 : uint64_t(values_.of(e.a)); });
        write_event_column(to, "e-pc", [&](const event& e) { return pcs_.of(e.pc); });
        write_event_column(to, "e-thread", [&](const event& e) { return e.thread; });
        write_event_column(to, "e-p", [](const event& e) { return e.p < 0 ? 0 : e.p + 1; });
        write_event_column(to, "e-text", [&](const event& e) { return e.text < w_.texts.size() ? e.text : 0; });
        write_event_column(to, "e-stack", [&](const event& e) { return e.stack < w_.stacks.size() ? e.stack : 0; });
    }

    template <class Read>
    void write_goroutine_column(FILE* to, const char* name, Read read) {
        static const traced_goroutine kUnknown = [] {
            traced_goroutine g;
            g.name = "(not known)";
            return g;
        }();
        column c;
        for (uint64_t id : ids_) {
            auto at = w_.goroutines.find(id);
            c.push_back(uint64_t(read(at == w_.goroutines.end() ? kUnknown : at->second)));
        }
        write_column(to, name, c);
    }
    void write_goroutines(FILE* to) {
        using tg = traced_goroutine;
        write_column(to, "g-id", ids_);
        write_goroutine_column(to, "g-name", [&](const tg& g) { return names_.of(g.name); });
        write_goroutine_column(to, "g-creator", [&](const tg& g) { return number_of(g.creator); });
        write_goroutine_column(to, "g-creator-pc", [&](const tg& g) { return pcs_.of(g.creator_pc); });
        write_goroutine_column(to, "g-start-pc", [&](const tg& g) { return pcs_.of(g.start_pc); });
        write_goroutine_column(to, "g-state", [](const tg& g) { return g.last_state; });
        write_goroutine_column(to, "g-reason", [](const tg& g) { return g.last_reason; });
        write_goroutine_column(to, "g-object", [&](const tg& g) { return values_.of(g.last_object); });
        write_goroutine_column(to, "g-stack", [&](const tg& g) { return stack_of(g.last_stack); });
    }

    // Lists of different lengths: where each begins in one long list, and that.
    void write_stacks(FILE* to) {
        column first{0}, pcs;
        for (const auto* s : stacks_) {
            for (uint64_t pc : *s) pcs.push_back(pcs_.of(pc));
            first.push_back(pcs.size());
        }
        write_column(to, "s-first", first);
        write_column(to, "s-pc", pcs);
    }
    void write_pcs(FILE* to) {
        column first{0}, function, file, line;
        for (uint64_t pc : pcs_.list()) {
            auto at = w_.names.find(pc);
            if (at != w_.names.end()) {
                for (const pc_name& n : at->second) {
                    function.push_back(strings_.of(n.function));
                    file.push_back(strings_.of(n.file));
                    line.push_back(uint64_t(std::max(n.line, 0)));
                }
            }
            first.push_back(function.size());
        }
        write_column(to, "pc", column(pcs_.list().begin(), pcs_.list().end()));
        write_column(to, "pc-first", first);
        write_column(to, "f-function", function);
        write_column(to, "f-file", file);
        write_column(to, "f-line", line);
    }

    void write_meta(const std::string& title, FILE* to) {
        std::string text;
        json_writer j(text);
        auto list = [&](const char* name, const auto& strings) {
            j.key(name).begin_array();
            for (const auto& s : strings) j.string(s);
            j.end_array();
        };
        j.begin_object();
        j.key("title").string(title).key("program").string(w_.program);
        j.key("pid").number(uint64_t(w_.pid)).key("procs").number(uint64_t(w_.procs));
        j.key("span").number(span_ns_).key("beginReal").string(std::to_string(w_.begin_real_ns));
        j.key("lost").number(w_.lost);
        j.key("stopped").string(w_.stopped_by).key("stoppedAt").number(w_.stopped_ns - w_.begin_ns);
        j.key("stoppedG").number(uint64_t(number_of(w_.stopped_g)));
        j.key("kinds").begin_object();
        for (auto [word, number] : kKinds) j.key(word).number(uint64_t(number));
        j.end_object();
        std::vector<std::string> reasons;
        for (unsigned r = 0; r < unsigned(kReasons); r++) reasons.emplace_back(reason_words(uint8_t(r)));
        list("reasons", reasons);
        list("names", names_.list());
        list("texts", w_.texts);
        list("strings", strings_.list());
        j.key("threads").begin_array();
        for (const traced_thread& t : w_.threads) {
            j.begin_object().key("tid").number(t.tid).key("number").number(uint64_t(t.number));
            j.key("plain").boolean(t.is_plain).end_object();
        }
        j.end_array().end_object();
        std::string safe = safe_json(text);
        std::fputs("<script type=\"application/json\" id=\"meta\">", to);
        std::fwrite(safe.data(), 1, safe.size(), to);
        std::fputs("</script>\n", to);
    }

    static constexpr int kReasons = 64;  // more than there are: reason_words() answers for any number
    inline static const std::vector<uint64_t> kNoStack{};

    const trace_window& w_;
    std::vector<uint64_t> ids_;                         // of goroutines, ascending; [0] is 0
    std::unordered_map<uint64_t, uint32_t> numbers_;    // id to index in ids_
    std::vector<const std::vector<uint64_t>*> stacks_;  // those of the window, then last stacks of goroutines
    numbering<uint64_t> pcs_{0}, values_{0};
    numbering<std::string> names_{""}, strings_{""};
    int64_t span_ns_ = 0;
};

void put(std::string_view text, FILE* to) { std::fwrite(text.data(), 1, text.size(), to); }

}  // namespace

void write_report(const trace_window& w, const std::string& title, FILE* to) {
    std::string_view rest = kPageHtml;
    auto up_to = [&](std::string_view mark) {
        size_t at = rest.find(mark);
        put(rest.substr(0, at), to);
        rest.remove_prefix(at + mark.size());
    };
    up_to("@TITLE@");
    put(safe_html(title), to);
    up_to("@STYLE@");
    put(kPageStyle, to);
    up_to("@SCRIPT@");
    put(kPageScript, to);
    up_to("@DATA@");
    page_data(w).write(title, to);
    put(rest, to);
}

}  // namespace insp

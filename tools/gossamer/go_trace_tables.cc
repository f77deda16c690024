// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/go_trace_tables.h"

#include <algorithm>
#include <cstdio>

#include "runtime/base/wait_reason.h"

namespace insp::go {

namespace {

// Readers keep one place for each pc, so an inlined frame needs a pc of its own: its depth goes into bits that no address has.
constexpr unsigned kDepthBit = 56;
constexpr uint64_t kNamePc = uint64_t{1} << 63;

// Cut at `most` bytes, not within a character.
std::string_view cut(std::string_view text, size_t most) {
    if (text.size() <= most) return text;
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) most--;
    return text.substr(0, most);
}

// A table's entries in as many batches as it takes.
class table_batches {
  public:
    table_batches(std::string& out, op kind, uint64_t time) : out_(out), kind_(kind), time_(time) {}
    void add(std::string_view entry) {
        if (payload_.size() + entry.size() > kMostBatch) flush();
        if (payload_.empty()) payload_ += char(kind_);
        payload_ += entry;
    }
    void flush() {
        if (!payload_.empty()) put_batch(out_, kNone, time_, payload_);
        payload_.clear();
    }

  private:
    std::string& out_;
    op kind_;
    uint64_t time_;
    std::string payload_;
};

}  // namespace

const char* go_reason(uint8_t reason) {
    using gossamer::rt::wait_reason;
    switch (wait_reason(reason)) {
        case wait_reason::chan_receive:
            return "chan receive";
        case wait_reason::chan_send:
            return "chan send";
        case wait_reason::select:
            return "select";
        case wait_reason::sleep:
            return "sleep";
        case wait_reason::io_wait:
            return "network";
        case wait_reason::cond_wait:
            return "sync.(*Cond).Wait";
        case wait_reason::semacquire:
        case wait_reason::mutex_lock:
        case wait_reason::rw_mutex_rlock:
        case wait_reason::rw_mutex_lock:
        case wait_reason::wait_group_wait:
        case wait_reason::join:
            return "sync";
        case wait_reason::chan_receive_nil:
        case wait_reason::chan_send_nil:
        case wait_reason::select_no_cases:
        case wait_reason::panic_wait:
            return "forever";
        default:
            return "unspecified";
    }
}

void put_batch(std::string& out, uint64_t thread, uint64_t time, std::string_view payload) {
    out += char(kBatch);
    put_number(out, 1);
    put_number(out, thread);
    put_number(out, time);
    put_number(out, payload.size());
    out += payload;
}

void event_stream::flush(std::string& out) {
    if (payload_.empty()) return;
    put_batch(out, thread_, first_, payload_);
    payload_.clear();
}

uint64_t tables::string(std::string_view text) {
    text = cut(text, kMostString);
    if (text.empty()) return 0;
    auto [at, fresh] = strings_.try_emplace(std::string(text), strings_.size() + 1);
    if (fresh) string_list_.push_back(&at->first);
    return at->second;
}

const tables::frames& tables::frames_of(uint64_t pc) {
    auto [at, fresh] = of_pc_.try_emplace(pc);
    frames& f = at->second;
    if (!fresh) return f;
    auto put = [&](const std::string& function, const std::string& file, int line) {
        put_number(f.bytes, (pc & ((uint64_t{1} << kDepthBit) - 1)) | uint64_t(f.count) << kDepthBit);
        put_number(f.bytes, string(function));
        put_number(f.bytes, string(file));
        put_number(f.bytes, line > 0 ? uint64_t(line) : 0);
        f.count++;
    };
    auto known = w_.names.find(pc);
    if (known != w_.names.end() && !known->second.empty()) {
        for (const pc_name& n : known->second)
            if (f.count < 0x7f) put(n.function, n.file, n.line);
    } else {
        char unnamed[24];
        std::snprintf(unnamed, sizeof unnamed, "0x%llx", static_cast<unsigned long long>(pc));
        put(unnamed, "", 0);
    }
    return f;
}

// The outermost are left out when there are too many, but for a place for the name.
void tables::put_frames(frames& to, uint64_t pc) {
    const frames& f = frames_of(pc);
    if (to.count + f.count >= kMostFrames) return;
    to.count += f.count;
    to.bytes += f.bytes;
}

void tables::put_name_frame(frames& to, const std::string& name) {
    to.count++;
    put_number(to.bytes, kNamePc | name_pcs_.try_emplace(name, name_pcs_.size() + 1).first->second);
    put_number(to.bytes, string(name.empty() ? "goroutine" : name));
    put_number(to.bytes, 0);
    put_number(to.bytes, 0);
}

uint64_t tables::stack(const frames& f) {
    if (f.count == 0) return 0;
    std::string entry;
    put_number(entry, f.count);
    entry += f.bytes;
    auto [at, fresh] = stacks_.try_emplace(std::move(entry), stacks_.size() + 1);
    if (fresh) stack_list_.push_back(&at->first);
    return at->second;
}

uint64_t tables::stack_of_list(uint32_t index) {
    if (index == 0 || index >= of_list_.size()) return 0;
    uint64_t& id = of_list_[index];
    if (id != 0) return id;
    frames f;
    for (uint64_t pc : w_.stacks[index]) put_frames(f, pc);
    return id = stack(f);
}

uint64_t tables::stack_of_pc(uint64_t pc) {
    if (pc == 0) return 0;
    uint64_t& id = of_single_[pc];
    if (id != 0) return id;
    return id = stack(frames_of(pc));
}

uint64_t tables::stack_of_name(const std::string& name) {
    uint64_t& id = of_name_[name];
    if (id != 0) return id;
    frames f;
    put_name_frame(f, name);
    return id = stack(f);
}

uint64_t tables::stack_of_parked(const traced_goroutine& g) {
    if (g.last_stack.empty()) return stack_of_name(g.name);
    frames f;
    for (uint64_t pc : g.last_stack) put_frames(f, pc);
    put_name_frame(f, g.name);
    return stack(f);
}

void tables::write(std::string& out, uint64_t time) {
    table_batches strings(out, kStrings, time);
    std::string entry;
    for (size_t i = 0; i < string_list_.size(); i++) {
        entry.assign(1, char(kString));
        put_number(entry, i + 1);
        put_number(entry, string_list_[i]->size());
        strings.add(entry += *string_list_[i]);
    }
    strings.flush();
    table_batches stacks(out, kStacks, time);
    for (size_t i = 0; i < stack_list_.size(); i++) {
        entry.assign(1, char(kStack));
        put_number(entry, i + 1);
        stacks.add(entry += *stack_list_[i]);
    }
    stacks.flush();
}

}  // namespace insp::go

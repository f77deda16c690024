// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/tls_flow.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

namespace insp {

namespace {

// Addresses that a register or slot may hold: number of the origin * 2, and 1 more once a call that may park lies between.
using taints = std::set<uint32_t>;

struct value {
    taints from;
    bool in_frame = false;  // it is the frame's own address, `offset` from the stack pointer at entry
    int64_t offset = 0;
    bool operator==(const value&) const = default;
};

void join(value& into, const value& more) {
    into.from.insert(more.from.begin(), more.from.end());
    if (!more.in_frame || more.offset != into.offset) into.in_frame = false;
}

struct state {
    std::array<value, kRegisters> regs;
    std::map<int64_t, value> slots;
    bool operator==(const state&) const = default;

    void join(const state& more) {
        for (size_t r = 0; r < kRegisters; r++) insp::join(regs[r], more.regs[r]);
        for (auto& [at, v] : slots)
            if (!more.slots.contains(at)) v.in_frame = false;
        for (auto& [at, v] : more.slots) {
            auto [own, is_new] = slots.try_emplace(at, v);
            is_new ? void(own->second.in_frame = false) : insp::join(own->second, v);
        }
    }
    // An access of that many bytes there is none of a whole slot.
    void spoil(int64_t at, int64_t bytes) { slots.erase(slots.lower_bound(at - 7), slots.lower_bound(at + bytes)); }
    void pass_park() {
        auto mark = [](value& v) {
            taints marked;
            for (uint32_t t : v.from) marked.insert(t | 1);
            v.from = std::move(marked);
        };
        for (value& v : regs) mark(v);
        for (auto& [at, v] : slots) mark(v);
    }
};

bool is_tls(uint32_t type) {
    switch (type) {
        case R_X86_64_DTPOFF64:
        case R_X86_64_TPOFF64:
        case R_X86_64_TLSGD:
        case R_X86_64_TLSLD:
        case R_X86_64_DTPOFF32:
        case R_X86_64_GOTTPOFF:
        case R_X86_64_TPOFF32:
        case R_X86_64_GOTPC32_TLSDESC:
        case R_X86_64_TLSDESC_CALL:
            return true;
        default:
            return false;
    }
}

constexpr uint32_t kNowhere = UINT32_MAX;
constexpr size_t kMostSteps = 2'000'000;  // a damaged file must not keep us for ever

class follower {
  public:
    follower(const relocatable& o, size_t function, const std::function<call_effect(const call_target&)>& effect_of)
        : o_(o), effect_of_(effect_of) {
        add_part(o.functions[function]);
        const std::string cold = o.functions[function].symbol + ".cold";
        for (const object_function& f : o.functions)
            if (f.symbol == cold) add_part(f);
        for (uint32_t i = 0; i < code_.size(); i++) place_[{section_[i], code_[i].at}] = i;
    }

    flow_result run() {
        if (code_.empty()) return {};
        at_.resize(code_.size());
        seen_.resize(code_.size());
        meets_.resize(code_.size());
        for (uint32_t i = 0; i < code_.size(); i++)
            if (uint32_t to = jump_target(i); to != kNowhere) meets_[to] = true;
        state entry;
        entry.regs[kRsp].in_frame = true;
        arrive(0, entry);
        drain();
        // Landing pads, and targets of jumps through tables.
        for (uint32_t i = 0; i < code_.size(); i++) {
            if (seen_[i] || code_[i].op == x86_op::nop || !after_calls_) continue;
            pads_.push_back(i);
            arrive(i, *after_calls_);
            drain();
        }
        reporting_ = true;
        for (uint32_t i = 0; i < code_.size(); i++)
            if (at_[i]) walk(i, *at_[i]);
        for (auto& [origin, k] : kept_) out_.kept.push_back(std::move(k));
        return std::move(out_);
    }

  private:
    void add_part(const object_function& f) {
        const object_section& s = o_.sections[f.section];
        auto part = decode_x86(s.bytes.data() + f.begin, f.end - f.begin, f.begin);
        code_.insert(code_.end(), part.begin(), part.end());
        section_.resize(code_.size(), f.section);
    }

    const relocation* relocation_of(uint32_t i) const {
        const auto& all = o_.sections[section_[i]].relocations;
        auto r = std::lower_bound(all.begin(), all.end(), code_[i].at,
                                  [](const relocation& a, uint64_t at) { return a.offset < at; });
        return r != all.end() && r->offset < code_[i].at + code_[i].bytes ? &*r : nullptr;
    }

    uint32_t index_of(uint32_t section, uint64_t at) const {
        auto p = place_.find({section, at});
        return p != place_.end() ? p->second : kNowhere;
    }
    uint32_t following(uint32_t i) const { return index_of(section_[i], code_[i].at + code_[i].bytes); }

    // Where a direct jump or call goes.
    std::optional<std::pair<uint32_t, uint64_t>> direct_target(uint32_t i, const relocation* r) const {
        if (code_[i].operands == 0 || code_[i].operand[0].is != x86_operand::kind::constant) return std::nullopt;
        if (r == nullptr) return std::pair(section_[i], uint64_t(code_[i].operand[0].number));
        if (r->section == 0) return std::nullopt;
        return std::pair(r->section, r->value + uint64_t(r->addend) + 4);
    }

    // In this function.
    uint32_t jump_target(uint32_t i) const {
        if (code_[i].op != x86_op::jump && code_[i].op != x86_op::branch) return kNowhere;
        auto t = direct_target(i, relocation_of(i));
        return t ? index_of(t->first, t->second) : kNowhere;
    }

    call_target target_of(uint32_t i) const {
        const relocation* r = relocation_of(i);
        call_target t;
        if (auto to = direct_target(i, r)) {
            for (const object_function& f : o_.functions)
                if (f.section == to->first && f.begin == to->second) t.to = &f;
            if (t.to != nullptr) t.symbol = t.to->symbol;
        }
        bool through_table = code_[i].operands != 0 && code_[i].operand[0].is == x86_operand::kind::memory;
        if (r != nullptr && !r->symbol.empty() && (!through_table || code_[i].operand[0].rip)) t.symbol = r->symbol;
        return t;
    }

    void arrive(uint32_t i, const state& s) {
        if (i == kNowhere) return;
        if (!at_[i]) {
            at_[i] = s;
            work_.insert(i);
            return;
        }
        state joined = *at_[i];
        joined.join(s);
        if (joined == *at_[i]) return;
        at_[i] = std::move(joined);
        work_.insert(i);
    }

    void drain() {
        while (!work_.empty() && steps_ < kMostSteps) {
            uint32_t i = *work_.begin();
            work_.erase(work_.begin());
            walk(i, *at_[i]);
            if (!unwound_) continue;
            unwound_ = false;
            for (uint32_t pad : pads_) arrive(pad, *after_calls_);
        }
    }

    // From a place with a state on, until the next one with a state of its own.
    void walk(uint32_t i, state s) {
        while (i != kNowhere && steps_++ < kMostSteps) {
            seen_[i] = true;
            const x86_instruction& c = code_[i];
            bool goes_on = step(i, s);
            if (c.op == x86_op::jump || c.op == x86_op::branch) {
                uint32_t to = jump_target(i);
                if (to != kNowhere && !reporting_) arrive(to, s);
                if (to == kNowhere && c.op == x86_op::jump) leave(i, s);
            }
            if (!goes_on) return;
            i = following(i);
            if (i == kNowhere) return;
            if (c.op == x86_op::branch || meets_[i] || at_[i]) {
                if (!reporting_) arrive(i, s);
                return;
            }
        }
    }

    // A jump out of the function: a call in the place of a return; or one through a table, and then the targets are among the pads.
    void leave(uint32_t i, state& s) {
        call_target t = target_of(i);
        if (t.symbol.empty() && t.to == nullptr) {
            unwind(s);
            return;
        }
        note_call(t);
        for (uint8_t r : kArguments) use(i, s.regs[r]);
        if (effect_of_(t).gives_address) out_.returns_address = true;
    }

    // What an exception out of a call finds.
    void unwind(const state& s) {
        if (reporting_) return;
        if (!after_calls_) {
            after_calls_ = s;
            unwound_ = true;
            return;
        }
        state joined = *after_calls_;
        joined.join(s);
        if (joined == *after_calls_) return;
        after_calls_ = std::move(joined);
        unwound_ = true;
    }

    void note_call(const call_target& t) {
        if (reporting_) out_.calls.push_back(t);
    }

    uint32_t form(uint32_t i, const std::string& what) {
        auto [o, is_new] = origins_.try_emplace(i, uint32_t(names_.size()));
        if (is_new) names_.push_back(what);
        return o->second * 2;
    }
    void name(const value& v, const relocation* r) {
        if (r == nullptr || !is_tls(r->type) || r->symbol.empty()) return;
        for (uint32_t t : v.from)
            if (names_[t / 2].empty()) names_[t / 2] = r->symbol;
    }

    void use(uint32_t i, const value& v) {
        if (!reporting_) return;
        for (uint32_t t : v.from) {
            if ((t & 1) == 0) continue;
            uint32_t origin = t / 2;
            auto call = parked_at_.find(origin);
            if (call == parked_at_.end()) continue;
            uint32_t formed = 0;
            for (auto& [at, number] : origins_)
                if (number == origin) formed = at;
            kept_.try_emplace(origin,
                              kept_address{names_[origin].empty() ? "a thread_local" : names_[origin], code_[formed].at,
                                           code_[call->second].at, code_[i].at, target_of(call->second)});
        }
    }
    void use_memory(uint32_t i, const x86_operand& o, const state& s) {
        if (o.base != kNoRegister) use(i, s.regs[o.base]);
        if (o.index != kNoRegister) use(i, s.regs[o.index]);
    }

    static std::optional<int64_t> slot_of(const x86_operand& o, const state& s) {
        if (o.base == kNoRegister || o.index != kNoRegister || o.fs || !s.regs[o.base].in_frame) return std::nullopt;
        return s.regs[o.base].offset + o.number;
    }

    // The word that an operand holds.
    value read(uint32_t i, const x86_operand& o, const state& s) {
        value v;
        if (o.is == x86_operand::kind::reg && o.reg != kNoRegister) {
            if (o.bytes >= 8) v = s.regs[o.reg];
        } else if (o.is == x86_operand::kind::memory) {
            const relocation* r = relocation_of(i);
            if (o.fs && o.base == kNoRegister && o.index == kNoRegister && o.number == 0 &&
                (r == nullptr || !is_tls(r->type))) {
                v.from.insert(form(i, ""));
                return v;
            }
            use_memory(i, o, s);
            if (auto at = slot_of(o, s); at && o.bytes >= 8)
                for (int64_t word = *at; word < *at + o.bytes; word += 8)
                    if (auto slot = s.slots.find(word); slot != s.slots.end())
                        word == *at ? void(v = slot->second) : join(v, slot->second);
        }
        return v;
    }

    void write(uint32_t i, const x86_operand& o, const value& v, state& s) {
        if (o.is == x86_operand::kind::reg) {
            if (o.reg != kNoRegister) s.regs[o.reg] = o.bytes >= 8 ? v : value{};
            return;
        }
        if (o.is != x86_operand::kind::memory) return;
        use_memory(i, o, s);
        auto at = slot_of(o, s);
        if (!at) return use(i, v);
        s.spoil(*at, o.bytes);
        if (o.bytes >= 8 && (!v.from.empty() || v.in_frame))
            for (int64_t word = *at; word < *at + o.bytes; word += 8) s.slots[word] = v;
    }

    void move_stack(state& s, int64_t by) { s.regs[kRsp].offset += by; }

    void push(state& s, const value& v) {
        move_stack(s, -8);
        if (!s.regs[kRsp].in_frame) return;
        s.spoil(s.regs[kRsp].offset, 8);
        if (!v.from.empty() || v.in_frame) s.slots[s.regs[kRsp].offset] = v;
    }
    value pop(state& s) {
        value v;
        if (auto slot = s.slots.find(s.regs[kRsp].offset); s.regs[kRsp].in_frame && slot != s.slots.end()) {
            v = slot->second;
            s.slots.erase(slot);
        }
        move_stack(s, 8);
        return v;
    }

    void call(uint32_t i, state& s, bool* goes_on) {
        const relocation* r = relocation_of(i);
        if (r != nullptr && r->type == R_X86_64_TLSDESC_CALL) {  // keeps all registers; gives an offset
            s.regs[kRax] = {};
            return;
        }
        call_target t = target_of(i);
        note_call(t);
        for (uint8_t reg : kArguments) use(i, s.regs[reg]);
        if (code_[i].operands != 0) read(i, code_[i].operand[0], s);
        call_effect e = effect_of_(t);
        for (unsigned reg = 0; reg < kRegisters; reg++)
            if ((kCallerSaved >> reg & 1) != 0) s.regs[reg] = {};
        if (e.parks) {
            auto park = [&](const value& v) {
                for (uint32_t x : v.from)
                    if ((x & 1) == 0) parked_at_.try_emplace(x / 2, i);
            };
            for (const value& v : s.regs) park(v);
            for (auto& [at, v] : s.slots) park(v);
            s.pass_park();
        }
        unwind(s);
        if (e.gives_address) s.regs[kRax].from = {form(i, tls_name_before(i, t))};
        *goes_on = !e.ends;
    }

    // errno, or the symbol for which __tls_get_addr is asked.
    std::string tls_name_before(uint32_t i, const call_target& t) const {
        if (t.symbol == "__errno_location") return "errno";
        if (t.symbol != "__tls_get_addr") return t.symbol;
        for (uint32_t back = 0; back < 4 && back <= i; back++)
            if (const relocation* r = relocation_of(i - back); r != nullptr && r->type == R_X86_64_TLSGD)
                return r->symbol;
        return "";
    }

    bool step(uint32_t i, state& s) {
        const x86_instruction& c = code_[i];
        const x86_operand &a = c.operand[0], &b = c.operand[1];
        const relocation* r = relocation_of(i);
        switch (c.op) {
            case x86_op::nop:
            case x86_op::jump:
            case x86_op::branch:
                if (c.operands != 0) read(i, a, s);
                return c.op != x86_op::jump;
            case x86_op::stop:
                return false;
            case x86_op::ret:
                use(i, s.regs[kRax]);
                for (uint32_t t : s.regs[kRax].from)
                    if ((t & 1) == 0) out_.returns_address = true;
                return false;
            case x86_op::move:
                if (c.operands != 2) break;
                write(i, a, read(i, b, s), s);
                return true;
            case x86_op::merge: {
                if (c.operands < 2) break;
                value v = read(i, a, s);
                join(v, read(i, b, s));
                v.in_frame = false;
                write(i, a, v, s);
                return true;
            }
            case x86_op::lea: {
                if (c.operands != 2) break;
                value v;
                if (auto at = slot_of(b, s)) {
                    v.in_frame = true;
                    v.offset = *at;
                } else {
                    for (uint8_t reg : {b.base, b.index})
                        if (reg != kNoRegister) v.from.insert(s.regs[reg].from.begin(), s.regs[reg].from.end());
                }
                name(v, r);
                write(i, a, v, s);
                return true;
            }
            case x86_op::add:
            case x86_op::sub: {
                if (c.operands != 2 || a.is != x86_operand::kind::reg) break;
                value v = read(i, a, s), more = read(i, b, s);
                if (b.is == x86_operand::kind::constant)
                    v.offset += c.op == x86_op::add ? b.number : -b.number;
                else
                    v.in_frame = false;
                if (c.op == x86_op::add) v.from.insert(more.from.begin(), more.from.end());
                name(v, r);
                write(i, a, v, s);
                return true;
            }
            case x86_op::mask:
                if (a.is != x86_operand::kind::reg || a.reg != kRsp || b.is != x86_operand::kind::constant) break;
                s.regs[kRsp].offset &= b.number;
                return true;
            case x86_op::push:
                push(s, read(i, a, s));
                return true;
            case x86_op::pop:
                write(i, a, pop(s), s);
                return true;
            case x86_op::leave:
                s.regs[kRsp] = s.regs[kRbp];
                s.regs[kRbp] = pop(s);
                return true;
            case x86_op::exchange: {
                if (c.operands != 2) break;
                value first = read(i, a, s), second = read(i, b, s);
                write(i, a, second, s);
                write(i, b, first, s);
                return true;
            }
            case x86_op::call: {
                bool goes_on = true;
                call(i, s, &goes_on);
                return goes_on;
            }
            case x86_op::other:
                break;
        }
        for (unsigned n = 0; n < c.operands; n++) {
            const x86_operand& o = c.operand[n];
            if (o.is != x86_operand::kind::memory) continue;
            use_memory(i, o, s);
            if (auto at = slot_of(o, s); at && o.written) s.spoil(*at, o.bytes);
        }
        for (unsigned reg = 0; reg < kRegisters; reg++)
            if ((c.written >> reg & 1) != 0) s.regs[reg] = {};
        return true;
    }

    const relocatable& o_;
    const std::function<call_effect(const call_target&)>& effect_of_;
    std::vector<x86_instruction> code_;
    std::vector<uint32_t> section_;  // of each instruction
    std::map<std::pair<uint32_t, uint64_t>, uint32_t> place_;
    std::vector<std::optional<state>> at_;  // where control comes together
    std::vector<bool> seen_, meets_;
    std::set<uint32_t> work_;
    std::vector<uint32_t> pads_;
    std::optional<state> after_calls_;
    bool unwound_ = false, reporting_ = false;
    size_t steps_ = 0;
    std::map<uint32_t, uint32_t> origins_;  // instruction to number
    std::vector<std::string> names_;
    std::unordered_map<uint32_t, uint32_t> parked_at_;  // origin to the first call
    std::map<uint32_t, kept_address> kept_;
    flow_result out_;
};

}  // namespace

flow_result follow_addresses(const relocatable& o, size_t function,
                             const std::function<call_effect(const call_target&)>& effect_of) {
    return follower(o, function, effect_of).run();
}

}  // namespace insp

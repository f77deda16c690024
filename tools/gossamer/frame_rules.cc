// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/frame_rules.h"

#include <dwarf.h>

#include <cstdlib>
#include <iterator>
#include <optional>

namespace insp {

namespace {

constexpr machine kMachines[] = {
    // Control words, stack guard, r12 to r15, rbx, rbp, return address.
    {EM_X86_64, 17, 7, 6, 16, 9, 7, 8, 5, {2, 3, 4, 5, 6}, {12, 13, 14, 15, 3}},
    // d8 to d15, x19 to x28, fp, lr, pc, one word of padding.
    {EM_AARCH64,
     32,
     31,
     29,
     30,
     22,
     18,
     20,
     10,
     {8, 9, 10, 11, 12, 13, 14, 15, 16, 17},
     {19, 20, 21, 22, 23, 24, 25, 26, 27, 28}},
};

// What an expression of the rules may use; others end the walk.
struct evaluation {
    const registers& r;
    read_word read;
    void* arg;
    std::optional<uint64_t> cfa;
    bool is_value = false;  // the result is what is asked for, not where it lies
    bool was_unreadable = false;
    std::vector<uint64_t> stack{};

    std::optional<uint64_t> pop() {
        if (stack.empty()) return std::nullopt;
        uint64_t v = stack.back();
        stack.pop_back();
        return v;
    }
    bool push(uint64_t v) {
        if (stack.size() >= 64) return false;
        stack.push_back(v);
        return true;
    }
    bool push_register(uint64_t number, uint64_t offset) {
        return number < r.value.size() && r.has(unsigned(number)) && push(r.value[number] + offset);
    }
    bool load() {
        std::optional<uint64_t> at = pop();
        uint64_t word;
        if (!at) return false;
        was_unreadable = !read(arg, *at, &word);
        return !was_unreadable && push(word);
    }
    bool two(int op) {
        std::optional<uint64_t> b = pop(), a = pop();
        if (!a || !b) return false;
        switch (op) {
            case DW_OP_plus:
                return push(*a + *b);
            case DW_OP_minus:
                return push(*a - *b);
            case DW_OP_mul:
                return push(*a * *b);
            case DW_OP_and:
                return push(*a & *b);
            case DW_OP_or:
                return push(*a | *b);
            case DW_OP_xor:
                return push(*a ^ *b);
            case DW_OP_shl:
                return push(*b < 64 ? *a << *b : 0);
            case DW_OP_shr:
                return push(*b < 64 ? *a >> *b : 0);
            case DW_OP_eq:
                return push(*a == *b);
            case DW_OP_ne:
                return push(*a != *b);
            case DW_OP_ge:
                return push(int64_t(*a) >= int64_t(*b));
            case DW_OP_gt:
                return push(int64_t(*a) > int64_t(*b));
            case DW_OP_le:
                return push(int64_t(*a) <= int64_t(*b));
            case DW_OP_lt:
                return push(int64_t(*a) < int64_t(*b));
            default:
                return false;
        }
    }
    bool one(const Dwarf_Op& op) {
        if (op.atom >= DW_OP_lit0 && op.atom <= DW_OP_lit31) return push(uint64_t(op.atom - DW_OP_lit0));
        if (op.atom >= DW_OP_breg0 && op.atom <= DW_OP_breg31) return push_register(op.atom - DW_OP_breg0, op.number);
        if (op.atom >= DW_OP_reg0 && op.atom <= DW_OP_reg31) {
            is_value = true;
            return push_register(op.atom - DW_OP_reg0, 0);
        }
        switch (op.atom) {
            case DW_OP_bregx:
                return push_register(op.number, op.number2);
            case DW_OP_regx:
                is_value = true;
                return push_register(op.number, 0);
            case DW_OP_addr:
            case DW_OP_const1u:
            case DW_OP_const1s:
            case DW_OP_const2u:
            case DW_OP_const2s:
            case DW_OP_const4u:
            case DW_OP_const4s:
            case DW_OP_const8u:
            case DW_OP_const8s:
            case DW_OP_constu:
            case DW_OP_consts:
                return push(op.number);
            case DW_OP_plus_uconst:
                return !stack.empty() && push(*pop() + op.number);
            case DW_OP_dup:
                return !stack.empty() && push(stack.back());
            case DW_OP_drop:
                return pop().has_value();
            case DW_OP_deref:
                return load();
            case DW_OP_call_frame_cfa:
                return cfa && push(*cfa);
            case DW_OP_stack_value:
                is_value = true;
                return true;
            case DW_OP_nop:
                return true;
            default:
                return two(op.atom);
        }
    }
    std::optional<uint64_t> run(const Dwarf_Op* ops, size_t n) {
        stack.clear();
        is_value = was_unreadable = false;
        for (size_t i = 0; i < n; i++)
            if (!one(ops[i])) return std::nullopt;
        return pop();
    }
};

}  // namespace

const machine* find_machine(unsigned elf_machine) {
    for (const machine& m : kMachines)
        if (m.elf_machine == elf_machine) return &m;
    return nullptr;
}

frame_rules::~frame_rules() {
    for (auto& [pc, r] : rules_) std::free(r.frame);
}

const frame_rules::rule& frame_rules::find(const machine& m, uint64_t pc) {
    rule& r = rules_[pc];
    if (r.what == shape::unknown) make(m, pc, r);
    return r;
}

// The rule as far as it has the usual shape; else the frame is kept and asked each time.
void frame_rules::make(const machine& m, uint64_t pc, rule& to) {
    to.what = shape::end;
    symbols::place p = names_.find(pc);
    if (p.file == nullptr || p.file->machine() != m.elf_machine) return;
    Dwarf_Frame* frame = nullptr;
    Dwarf_CFI* tables[2] = {p.file->eh_frame(), nullptr};
    if (tables[0] == nullptr || dwarf_cfi_addrframe(tables[0], p.at, &frame) != 0) {
        tables[1] = p.file->debug_frame();
        if (tables[1] == nullptr || dwarf_cfi_addrframe(tables[1], p.at, &frame) != 0) return;
    }
    Dwarf_Addr begin, end;
    int return_column = dwarf_frame_info(frame, &begin, &end, &to.is_signal);
    to.frame = frame;
    to.what = shape::slow;
    Dwarf_Op* ops;
    size_t n;
    if (return_column != int(m.return_column) || dwarf_frame_cfa(frame, &ops, &n) != 0 || n != 1) return;
    bool is_register = ops[0].atom == DW_OP_bregx;
    unsigned base = is_register ? unsigned(ops[0].number) : unsigned(ops[0].atom - DW_OP_breg0);
    auto offset = int64_t(is_register ? ops[0].number2 : ops[0].number);
    if ((!is_register && (ops[0].atom < DW_OP_breg0 || ops[0].atom > DW_OP_breg31)) || base >= m.registers ||
        offset != int32_t(offset) || to.is_signal)
        return;
    to.cfa_register = uint8_t(base);
    to.cfa_offset = int32_t(offset);
    for (unsigned i = 0; i < m.registers; i++) {
        Dwarf_Op memory[3];
        if (i == m.sp) continue;
        if (dwarf_frame_register(frame, int(i), memory, &ops, &n) != 0) return;
        bool is_return = i == m.return_column;
        if (n == 0) {
            if (is_return && ops == memory) {  // undefined: the outermost frame
                to.what = shape::end;
                return;
            }
            if (is_return) to.ra_in_register = true;
            continue;
        }
        bool below_cfa = ops[0].atom == DW_OP_call_frame_cfa && n <= 2;
        if (n == 2) below_cfa = below_cfa && ops[1].atom == DW_OP_plus_uconst;
        auto from_cfa = int64_t(n == 2 ? ops[1].number : 0);
        if (!below_cfa || from_cfa != int32_t(from_cfa)) return;
        if (is_return) {
            to.ra_offset = int32_t(from_cfa);
        } else {
            if (to.count == std::size(to.restored)) return;
            to.restored[to.count++] = {uint8_t(i), int32_t(from_cfa)};
        }
    }
    to.what = shape::simple;
}

frame_rules::outcome frame_rules::step_slowly(const machine& m, const rule& by, registers& r, read_word read,
                                              void* arg) {
    evaluation e{r, read, arg, std::nullopt};
    Dwarf_Op* ops;
    size_t n;
    if (dwarf_frame_cfa(by.frame, &ops, &n) != 0) return outcome::ended;
    std::optional<uint64_t> cfa = e.run(ops, n);
    if (!cfa) return e.was_unreadable ? outcome::unreadable : outcome::ended;
    e.cfa = cfa;
    registers caller;
    caller.set(m.sp, *cfa);
    for (unsigned i = 0; i < m.registers; i++) {
        Dwarf_Op memory[3];
        if (dwarf_frame_register(by.frame, int(i), memory, &ops, &n) != 0) continue;
        if (n == 0) {
            if (ops == nullptr && i != m.sp && r.has(i)) caller.set(i, r.value[i]);
            continue;
        }
        std::optional<uint64_t> v = e.run(ops, n);
        uint64_t word = v.value_or(0);
        if (v && !e.is_value) e.was_unreadable = !read(arg, *v, &word);
        if (e.was_unreadable) return outcome::unreadable;
        if (v) caller.set(i, word);
    }
    // A signal handler may run on a stack of its own: only then may the caller's lie anywhere.
    if (!caller.has(m.return_column) || caller.value[m.return_column] == 0) return outcome::ended;
    if (!by.is_signal && caller.value[m.sp] <= r.value[m.sp]) return outcome::ended;
    caller.pc = caller.value[m.return_column];
    caller.is_return_address = !by.is_signal;
    r = caller;
    return outcome::stepped;
}

}  // namespace insp

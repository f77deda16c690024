// SPDX-License-Identifier: BSL-1.0
#include <capstone/capstone.h>

#include <algorithm>
#include <new>

#include "tools/gossamer/x86_code.h"

namespace insp {

namespace {

uint8_t number_of(unsigned reg) {
    switch (reg) {
        case X86_REG_RAX:
        case X86_REG_EAX:
        case X86_REG_AX:
        case X86_REG_AL:
        case X86_REG_AH:
            return 0;
        case X86_REG_RCX:
        case X86_REG_ECX:
        case X86_REG_CX:
        case X86_REG_CL:
        case X86_REG_CH:
            return 1;
        case X86_REG_RDX:
        case X86_REG_EDX:
        case X86_REG_DX:
        case X86_REG_DL:
        case X86_REG_DH:
            return 2;
        case X86_REG_RBX:
        case X86_REG_EBX:
        case X86_REG_BX:
        case X86_REG_BL:
        case X86_REG_BH:
            return 3;
        case X86_REG_RSP:
        case X86_REG_ESP:
        case X86_REG_SP:
        case X86_REG_SPL:
            return 4;
        case X86_REG_RBP:
        case X86_REG_EBP:
        case X86_REG_BP:
        case X86_REG_BPL:
            return 5;
        case X86_REG_RSI:
        case X86_REG_ESI:
        case X86_REG_SI:
        case X86_REG_SIL:
            return 6;
        case X86_REG_RDI:
        case X86_REG_EDI:
        case X86_REG_DI:
        case X86_REG_DIL:
            return 7;
        default:
            break;
    }
    auto in = [reg](unsigned first) { return reg >= first && reg < first + 8; };
    if (in(X86_REG_R8)) return uint8_t(8 + reg - X86_REG_R8);
    if (in(X86_REG_R8D)) return uint8_t(8 + reg - X86_REG_R8D);
    if (in(X86_REG_R8W)) return uint8_t(8 + reg - X86_REG_R8W);
    if (in(X86_REG_R8B)) return uint8_t(8 + reg - X86_REG_R8B);
    if (reg >= X86_REG_XMM0 && reg <= X86_REG_XMM15) return uint8_t(16 + reg - X86_REG_XMM0);
    if (reg >= X86_REG_YMM0 && reg <= X86_REG_YMM15) return uint8_t(16 + reg - X86_REG_YMM0);
    return kNoRegister;
}

x86_op op_of(const cs_insn& i) {
    switch (i.id) {
        case X86_INS_MOV:
        case X86_INS_MOVABS:
        case X86_INS_MOVQ:
        case X86_INS_MOVAPS:
        case X86_INS_MOVUPS:
        case X86_INS_MOVAPD:
        case X86_INS_MOVUPD:
        case X86_INS_MOVDQA:
        case X86_INS_MOVDQU:
        case X86_INS_MOVSD:
        case X86_INS_MOVLPS:
        case X86_INS_VMOVQ:
        case X86_INS_VMOVAPS:
        case X86_INS_VMOVUPS:
        case X86_INS_VMOVDQA:
        case X86_INS_VMOVDQU:
            return x86_op::move;
        case X86_INS_CMOVA:
        case X86_INS_CMOVAE:
        case X86_INS_CMOVB:
        case X86_INS_CMOVBE:
        case X86_INS_CMOVE:
        case X86_INS_CMOVG:
        case X86_INS_CMOVGE:
        case X86_INS_CMOVL:
        case X86_INS_CMOVLE:
        case X86_INS_CMOVNE:
        case X86_INS_CMOVNO:
        case X86_INS_CMOVNP:
        case X86_INS_CMOVNS:
        case X86_INS_CMOVO:
        case X86_INS_CMOVP:
        case X86_INS_CMOVS:
        case X86_INS_PUNPCKLQDQ:
        case X86_INS_MOVHPS:
        case X86_INS_PINSRQ:
            return x86_op::merge;
        case X86_INS_LEA:
            return x86_op::lea;
        case X86_INS_ADD:
            return x86_op::add;
        case X86_INS_SUB:
            return x86_op::sub;
        case X86_INS_AND:
            return x86_op::mask;
        case X86_INS_PUSH:
            return x86_op::push;
        case X86_INS_POP:
            return x86_op::pop;
        case X86_INS_LEAVE:
            return x86_op::leave;
        case X86_INS_XCHG:
            return x86_op::exchange;
        case X86_INS_CALL:
            return x86_op::call;
        case X86_INS_JMP:
            return x86_op::jump;
        case X86_INS_RET:
            return x86_op::ret;
        case X86_INS_NOP:
        case X86_INS_INT3:
        case X86_INS_ENDBR64:
            return x86_op::nop;
        case X86_INS_UD2:
        case X86_INS_HLT:
            return x86_op::stop;
        default:
            break;
    }
    for (unsigned g = 0; g < i.detail->groups_count; g++)
        if (i.detail->groups[g] == CS_GRP_JUMP) return x86_op::branch;
    return x86_op::other;
}

x86_operand operand_of(const cs_x86_op& from) {
    x86_operand o;
    o.bytes = from.size;
    o.written = (from.access & CS_AC_WRITE) != 0;
    switch (from.type) {
        case X86_OP_REG:
            o.is = x86_operand::kind::reg;
            o.reg = number_of(from.reg);
            break;
        case X86_OP_IMM:
            o.is = x86_operand::kind::constant;
            o.number = from.imm;
            break;
        case X86_OP_MEM:
            o.is = x86_operand::kind::memory;
            o.fs = from.mem.segment == X86_REG_FS;
            o.rip = from.mem.base == X86_REG_RIP;
            o.base = number_of(from.mem.base);
            o.index = number_of(from.mem.index);
            o.number = from.mem.disp;
            break;
        default:
            break;
    }
    return o;
}

struct engine {
    csh handle = 0;
    cs_insn* one = nullptr;
    engine() {
        if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK) throw std::bad_alloc();
        cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
        one = cs_malloc(handle);
        if (one == nullptr) throw std::bad_alloc();
    }
    ~engine() {
        if (one != nullptr) cs_free(one, 1);
        cs_close(&handle);
    }
    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;
};

x86_instruction convert(const engine& e) {
    const cs_insn& from = *e.one;
    x86_instruction i;
    i.at = from.address;
    i.bytes = uint8_t(from.size);
    i.op = op_of(from);
    const cs_x86& x = from.detail->x86;
    i.operands = uint8_t(std::min<size_t>(x.op_count, std::size(i.operand)));
    for (unsigned n = 0; n < i.operands; n++) i.operand[n] = operand_of(x.operands[n]);
    cs_regs read, written;
    uint8_t reads = 0, writes = 0;
    if (cs_regs_access(e.handle, &from, read, &reads, written, &writes) == CS_ERR_OK)
        for (unsigned n = 0; n < writes; n++)
            if (uint8_t r = number_of(written[n]); r != kNoRegister) i.written |= 1u << r;
    return i;
}

}  // namespace

bool can_decode_x86() { return true; }

std::vector<x86_instruction> decode_x86(const uint8_t* bytes, uint64_t count, uint64_t at) {
    engine e;
    std::vector<x86_instruction> out;
    size_t left = count;
    while (left != 0) {
        if (cs_disasm_iter(e.handle, &bytes, &left, &at, e.one)) {
            out.push_back(convert(e));
            continue;
        }
        x86_instruction unknown;
        unknown.at = at;
        unknown.bytes = 1;
        out.push_back(unknown);
        bytes++, at++, left--;
    }
    return out;
}

}  // namespace insp

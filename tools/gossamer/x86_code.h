// SPDX-License-Identifier: BSL-1.0
// x86_code: machine code of x86-64 as far as one follows addresses through it: what moves a word from where to where, what calls, what jumps.
// By Capstone (x86_code_capstone.cc), or not at all (x86_code_none.cc).
#pragma once

#include <cstdint>
#include <vector>

namespace insp {

// rax rcx rdx rbx rsp rbp rsi rdi r8 to r15, then xmm0 to xmm15.
inline constexpr uint8_t kRax = 0, kRsp = 4, kRbp = 5, kRegisters = 32, kNoRegister = 255;
// What a call may change.
inline constexpr uint32_t kCallerSaved = 0xffff'0fc7;  // rax rcx rdx rsi rdi r8 to r11, all xmm
inline constexpr uint8_t kArguments[] = {7, 6, 2, 1, 8, 9};

enum class x86_op : uint8_t {
    move,   // first operand = second
    merge,  // the first operand takes of the second, and keeps what it had
    lea,
    add,
    sub,
    mask,  // and
    push,
    pop,
    leave,
    exchange,
    call,
    jump,
    branch,  // jump on a condition
    ret,
    stop,  // does not go on
    nop,
    other
};

struct x86_operand {
    enum class kind : uint8_t { none, reg, memory, constant } is = kind::none;
    uint8_t reg = kNoRegister;  // kNoRegister also for those that no address is kept in
    uint8_t bytes = 0;
    uint8_t base = kNoRegister, index = kNoRegister;
    bool fs = false;  // of the thread's segment
    bool rip = false;
    bool written = false;
    int64_t number = 0;  // constant, displacement, or where a jump goes
};

struct x86_instruction {
    uint64_t at = 0;
    uint8_t bytes = 0;
    x86_op op = x86_op::other;
    uint8_t operands = 0;
    uint32_t written = 0;  // registers, also those not named
    x86_operand operand[4];
};

// False when there is no decoder in this build.
bool can_decode_x86();
// Bytes that are no instruction are passed over one at a time, as `other`.
std::vector<x86_instruction> decode_x86(const uint8_t* bytes, uint64_t count, uint64_t at);

}  // namespace insp

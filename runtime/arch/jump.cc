// SPDX-License-Identifier: BSL-1.0
#include "runtime/arch/jump.h"

#if defined(__x86_64__) && !defined(GOSSAMER_BOOST_SWITCH)

// transfer gossamer_jump(void* to, void* data). The frame, upwards: control words, a word for a stack guard, r12 to r15, rbx, rbp, return
// address. The control words are loaded only where they differ: they hardly ever do, and a load costs more than the rest. The transfer
// is in rax and rdx for who returns from a jump, in rdi and rsi for a context's entry.
asm(R"(
    .text
    .p2align 4
    .globl gossamer_jump
    .hidden gossamer_jump
    .type gossamer_jump, @function
gossamer_jump:
    .cfi_startproc
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbp, 0
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbx, 0
    pushq %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r15, 0
    pushq %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r14, 0
    pushq %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r13, 0
    pushq %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r12, 0
    subq $16, %rsp
    .cfi_adjust_cfa_offset 16
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    movq %rsp, %rax
    movq %rdi, %rsp
    movl (%rsp), %ecx
    movzwl 4(%rsp), %edi
    cmpl (%rax), %ecx
    jne 2f
1:  cmpw 4(%rax), %di
    jne 3f
4:  addq $16, %rsp
    .cfi_adjust_cfa_offset -16
    popq %r12
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r12
    popq %r13
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r13
    popq %r14
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r14
    popq %r15
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r15
    popq %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbx
    popq %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbp
    movq %rsi, %rdx
    movq %rax, %rdi
    ret
    .cfi_adjust_cfa_offset 64
    .cfi_rel_offset %r12, 16
    .cfi_rel_offset %r13, 24
    .cfi_rel_offset %r14, 32
    .cfi_rel_offset %r15, 40
    .cfi_rel_offset %rbx, 48
    .cfi_rel_offset %rbp, 56
2:  ldmxcsr (%rsp)
    jmp 1b
3:  fldcw 4(%rsp)
    jmp 4b
    .cfi_endproc
    .size gossamer_jump, . - gossamer_jump
)");

#endif

// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/stopped_thread.h"

#include <elf.h>
#include <fcntl.h>
#include <gelf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>

#include "tools/gossamer/box_file.h"

namespace insp {

namespace {

constexpr unsigned kNowhere = register_set::kNowhere;
// struct elf_prstatus of a 64-bit Linux: where the thread id and the registers stand.
constexpr size_t kTidAt = 32, kRegistersAt = 112;
constexpr int64_t kLongestWait = 200'000'000;  // for a thread to stop: one deep in the kernel may not come

// user_regs_struct: r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss and segments.
constexpr register_set kX86 = {
    27, 16, {10,       12,       11,       5,        13,       14,       4,        19,       9,
             8,        7,        6,        3,        2,        1,        0,        kNowhere, kNowhere,
             kNowhere, kNowhere, kNowhere, kNowhere, kNowhere, kNowhere, kNowhere, kNowhere, kNowhere,
             kNowhere, kNowhere, kNowhere, kNowhere, kNowhere, kNowhere}};
// user_pt_regs: x0 to x30, sp, pc, pstate.
constexpr register_set kArm = {34, 32, {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,      16,
                                        17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, kNowhere}};

int64_t now_ns() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return int64_t(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

std::string refusal(int e) {
    if (e == ESRCH) return "the thread has ended";
    if (e == EPERM) return "ptrace is refused (another tracer, another user, or kernel.yama.ptrace_scope)";
    return std::string("ptrace: ") + std::strerror(e);
}

// Waits for it to stand. The signal that stopped it, to be handed on; -1: it did not stop.
int wait_for_stop(pid_t tid, std::string& why) {
    for (int64_t until = now_ns() + kLongestWait;;) {
        int status = 0;
        pid_t got = waitpid(tid, &status, __WALL | WNOHANG);
        if (got == tid && WIFSTOPPED(status)) return status >> 16 == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status);
        if (got == tid || (got < 0 && errno != EINTR)) {
            why = "the thread has ended";
            return -1;
        }
        if (now_ns() > until) {
            why = "the thread did not stop: it is deep in the kernel";
            return -1;
        }
        timespec nap = {0, 2'000};
        nanosleep(&nap, nullptr);
    }
}

registers registers_from(const register_set& set, const machine& m, const uint64_t* words) {
    registers r;
    for (unsigned i = 0; i < m.registers; i++)
        if (set.place[i] != kNowhere) r.set(i, words[set.place[i]]);
    r.pc = words[set.pc];
    return r;
}

}  // namespace

const register_set& registers_of_kernel(const machine& m) { return m.elf_machine == EM_AARCH64 ? kArm : kX86; }

thread_copy copy_thread(uint64_t pid, uint64_t tid, const machine& m, size_t most_stack,
                        const std::function<void()>& meanwhile) {
    thread_copy copy;
    auto thread = pid_t(tid);
    if (ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0) {
        copy.why = refusal(errno);
        return copy;
    }
    copy.stack.resize(most_stack);  // pages of ours are touched before, not while it stands
    const register_set& set = registers_of_kernel(m);
    uint64_t words[64] = {};
    iovec to = {words, sizeof words};
    int64_t begin = now_ns();
    ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr);
    int signal = wait_for_stop(thread, copy.why);
    if (signal < 0) return copy;
    bool have = ptrace(PTRACE_GETREGSET, thread, NT_PRSTATUS, &to) == 0 && to.iov_len >= set.words * sizeof *words;
    ssize_t bytes = 0;
    if (have) {
        iovec from = {reinterpret_cast<void*>(words[set.place[m.sp]]), most_stack};
        to = {copy.stack.data(), most_stack};
        bytes = process_vm_readv(pid_t(pid), &to, 1, &from, 1, 0);
        meanwhile();
    }
    ptrace(PTRACE_DETACH, thread, nullptr, reinterpret_cast<void*>(intptr_t(signal)));
    copy.stopped_ns = now_ns() - begin;
    copy.stack.resize(bytes > 0 ? size_t(bytes) : 0);
    if (!have) {
        copy.why = "its registers cannot be read";
        return copy;
    }
    copy.at = registers_from(set, m, words);
    return copy;
}

bool read_core_thread(const std::string& core, uint64_t tid, const machine& m, registers& r) {
    elf_version(EV_CURRENT);
    file_handle fd(::open(core.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return false;
    std::unique_ptr<Elf, int (*)(Elf*)> elf(elf_begin(fd.get(), ELF_C_READ_MMAP, nullptr), elf_end);
    size_t count = 0;
    if (elf == nullptr || elf_getphdrnum(elf.get(), &count) != 0) return false;
    const register_set& set = registers_of_kernel(m);
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr p;
        if (gelf_getphdr(elf.get(), int(i), &p) == nullptr || p.p_type != PT_NOTE) continue;
        Elf_Data* notes = elf_getdata_rawchunk(elf.get(), int64_t(p.p_offset), p.p_filesz, ELF_T_NHDR);
        GElf_Nhdr n;
        size_t name, content;
        for (size_t at = 0; notes != nullptr && (at = gelf_getnote(notes, at, &n, &name, &content)) > 0;) {
            const char* status = static_cast<const char*>(notes->d_buf) + content;
            uint32_t of = 0;
            uint64_t words[64];
            if (n.n_type != NT_PRSTATUS || n.n_descsz < kRegistersAt + set.words * 8) continue;
            std::memcpy(&of, status + kTidAt, sizeof of);
            if (of != tid) continue;
            std::memcpy(words, status + kRegistersAt, set.words * 8);
            r = registers_from(set, m, words);
            return true;
        }
    }
    return false;
}

}  // namespace insp

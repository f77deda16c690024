// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/stopped_thread.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <gelf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
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

void rest(long ns) {
    timespec nap = {0, ns};
    nanosleep(&nap, nullptr);
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
        rest(2'000);
    }
}

std::string task_path(uint64_t pid) { return "/proc/" + std::to_string(pid) + "/task"; }

std::vector<uint64_t> list_threads(uint64_t pid) {
    std::vector<uint64_t> tids;
    std::unique_ptr<DIR, int (*)(DIR*)> tasks(opendir(task_path(pid).c_str()), closedir);
    while (const dirent* e = tasks ? readdir(tasks.get()) : nullptr)
        if (uint64_t tid = std::strtoull(e->d_name, nullptr, 10); tid != 0) tids.push_back(tid);
    return tids;
}

// Gone, or ended and not fetched yet: it runs no more.
bool has_ended(uint64_t pid, uint64_t tid) { return std::strchr("ZXx", thread_state(pid, tid)) != nullptr; }

// Whether somebody else traces it, who may look as shortly as we do.
bool is_traced(uint64_t pid, uint64_t tid) {
    std::ifstream file(task_path(pid) + "/" + std::to_string(tid) + "/status");
    constexpr std::string_view kTracer = "TracerPid:";
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(kTracer)) return std::strtoull(line.c_str() + kTracer.size(), nullptr, 10) != 0;
    return false;
}

registers registers_from(const register_set& set, const machine& m, const uint64_t* words) {
    registers r;
    for (unsigned i = 0; i < m.registers; i++)
        if (set.place[i] != kNowhere) r.set(i, words[set.place[i]]);
    r.pc = words[set.pc];
    return r;
}

}  // namespace

char thread_state(uint64_t pid, uint64_t tid) {
    std::ifstream file(task_path(pid) + "/" + std::to_string(tid) + "/stat");
    std::string line;
    if (!std::getline(file, line)) return 'X';
    size_t state = line.rfind(')') + 2;  // a name may hold anything
    return state < line.size() ? line[state] : 'X';
}

uint64_t sleeping_sp(uint64_t pid, uint64_t tid) {
    std::ifstream file(task_path(pid) + "/" + std::to_string(tid) + "/syscall");
    std::string line;
    // The last two words are the stack pointer and the pc; "running" when it runs.
    if (!std::getline(file, line)) return 0;
    size_t pc = line.rfind(' '), sp = pc != std::string::npos && pc != 0 ? line.rfind(' ', pc - 1) : pc;
    return sp != std::string::npos ? std::strtoull(line.c_str() + sp + 1, nullptr, 16) : 0;
}

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

stopped_process::stopped_process(uint64_t pid, const machine& m) : pid_(pid) {
    constexpr int64_t kPatience = 2'000'000'000;  // with another tracer
    constexpr int kMostRounds = 1000;             // of threads that begin others
    constexpr int kSame = 4;
    int64_t give_up = now_ns() + kPatience;
    for (;;) {
        why_.clear();
        since_ns_ = now_ns();
        // A list that is read while threads come and go may lack one: it is read until it has said the same a few times.
        int round = 0;
        for (int same = 0; round < kMostRounds && same < kSame && why_.empty(); round++)
            same = stop_new(m) ? 0 : same + 1;
        if (round == kMostRounds && why_.empty()) why_ = "its threads begin others faster than they can be stopped";
        if (why_.empty()) return;
        bool again = std::any_of(holds_.begin(), holds_.end(),
                                 [&](const hold& h) { return h.signal < 0 && is_traced(pid, h.tid); });
        release();
        if (!again || now_ns() > give_up) return;
        rest(1'000'000);
    }
}

// Stops the threads that are not known yet. Returns false when there was none, or it cannot be done.
bool stopped_process::stop_new(const machine& m) {
    size_t known = holds_.size();
    for (uint64_t tid : list_threads(pid_)) {
        bool is_known = std::any_of(holds_.begin(), holds_.end(), [&](const hold& h) { return h.tid == tid; });
        if (is_known) continue;
        if (ptrace(PTRACE_SEIZE, pid_t(tid), nullptr, nullptr) != 0) {
            int e = errno;
            if (e == ESRCH || has_ended(pid_, tid)) continue;
            why_ = refusal(e);
            holds_.push_back({tid, -1});
            return false;
        }
        holds_.push_back({tid, -1});
        ptrace(PTRACE_INTERRUPT, pid_t(tid), nullptr, nullptr);
    }
    for (size_t i = known; i < holds_.size(); i++) {
        std::string why;
        holds_[i].signal = wait_for_stop(pid_t(holds_[i].tid), why);
        if (holds_[i].signal >= 0)
            read_registers(holds_[i].tid, m);
        else if (!has_ended(pid_, holds_[i].tid))
            why_ = why;
    }
    return holds_.size() != known && why_.empty();
}

void stopped_process::read_registers(uint64_t tid, const machine& m) {
    const register_set& set = registers_of_kernel(m);
    thread& to = threads_.emplace_back();
    to.tid = tid;
    // The last two hold those of vectors, in which a compiler moves pointers too; a processor without them has them not.
    for (int kind : {NT_PRSTATUS, NT_PRFPREG, NT_X86_XSTATE}) {
        uint64_t words[2048];
        iovec into = {words, sizeof words};
        if (ptrace(PTRACE_GETREGSET, pid_t(tid), kind, &into) != 0) {
            if (kind == NT_PRSTATUS && !has_ended(pid_, tid)) why_ = "the registers of a thread cannot be read";
            continue;
        }
        if (kind == NT_PRSTATUS) to.sp = words[set.place[m.sp]];
        to.words.insert(to.words.end(), words, words + into.iov_len / sizeof *words);
    }
}

int64_t stopped_process::release() {
    if (holds_.empty()) return 0;
    for (hold& h : holds_) {
        std::string why;
        // Late, it would stand for as long as this process lives.
        if (h.signal < 0) h.signal = wait_for_stop(pid_t(h.tid), why);
        if (h.signal >= 0) ptrace(PTRACE_DETACH, pid_t(h.tid), nullptr, reinterpret_cast<void*>(intptr_t(h.signal)));
    }
    holds_.clear();
    threads_.clear();
    return now_ns() - since_ns_;
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

// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/unwind.h"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <unordered_map>

#include "tools/gossamer/saved_g.h"
#include "tools/gossamer/stopped_thread.h"

namespace insp {

namespace {

constexpr uint64_t kPage = 4096;
constexpr size_t kRanges = 512;           // of one system call
constexpr size_t kMostCopied = 64 << 10;  // of a running thread's stack
constexpr char kDied[] = "the process has died, and its box holds no stacks";
// What is read of a stack, from its context on: at first this, then to the end of the page and so many bytes more. Beyond, page by page.
constexpr uint64_t kFirst = 1024, kMore[] = {4096, 20480};

// A part of a stack that has been copied.
struct window {
    uint64_t begin = 0;
    const unsigned char* bytes = nullptr;
    uint64_t size = 0;
    bool operator()(uint64_t address, uint64_t* word) const {
        if (address < begin || address - begin > size || size - (address - begin) < sizeof *word) return false;
        std::memcpy(word, bytes + (address - begin), sizeof *word);
        return true;
    }
};

// All of the memory, a page at a time.
class page_reader {
  public:
    explicit page_reader(const target& t) : t_(t) {}
    bool operator()(uint64_t address, uint64_t* word) const {
        if (address % kPage > kPage - sizeof *word) return t_.read(address, word, sizeof *word);
        const page* p = find(address & ~(kPage - 1));
        if (p != nullptr) std::memcpy(word, p->bytes + address % kPage, sizeof *word);
        return p != nullptr;
    }

  private:
    struct page {
        uint64_t begin;
        bool is_there;
        unsigned char bytes[kPage];
    };
    const page* find(uint64_t begin) const {
        for (size_t i = pages_.size(); i-- > 0;)
            if (pages_[i]->begin == begin) return pages_[i]->is_there ? pages_[i].get() : nullptr;
        if (pages_.size() >= 1024) pages_.clear();
        auto p = std::make_unique<page>();
        p->begin = begin;
        p->is_there = t_.read(begin, p->bytes, kPage);
        pages_.push_back(std::move(p));
        return find(begin);
    }
    const target& t_;
    mutable std::vector<std::unique_ptr<page>> pages_;
};

// The registers behind a saved context. False when the words cannot be read.
template <class Read>
bool load_context(const machine& m, uint64_t context, const Read& read, registers& r) {
    uint64_t words[24];
    for (unsigned i = 0; i < m.context_words; i++)
        if (!read(context + i * 8, &words[i])) return false;
    r = {};
    r.set(m.sp, context + m.context_words * 8);
    r.set(m.fp, words[m.fp_word]);
    for (unsigned i = 0; i < m.saved_count; i++) r.set(m.saved_registers[i], words[m.saved_words[i]]);
    r.pc = words[m.pc_word];
    r.is_return_address = true;
    return true;
}

// False when a word could not be read before the walk was over.
template <class Read>
bool walk(caches& c, registers r, const Read& read, unsigned most, std::vector<uint64_t>& pcs) {
    while (pcs.size() < most && r.pc != 0) {
        pcs.push_back(r.pc + (r.is_return_address ? 0 : 1));
        auto what = c.rules.step(*c.kind, r, read);
        if (what == frame_rules::outcome::unreadable) return false;
        if (what == frame_rules::outcome::ended) break;
    }
    return true;
}

template <class Read>
bool walk_context(caches& c, uint64_t context, const Read& read, unsigned most, std::vector<uint64_t>& pcs) {
    registers r;
    pcs.clear();
    return load_context(*c.kind, context, read, r) && walk(c, r, read, most, pcs);
}

// Equal chains once.
class chain_set {
  public:
    explicit chain_set(std::vector<std::vector<uint64_t>>& chains) : chains_(chains) { chains_.resize(1); }
    uint32_t add(const std::vector<uint64_t>& pcs) {
        if (pcs.empty()) return 0;
        uint64_t hash = pcs.size();
        for (uint64_t pc : pcs) hash = (hash ^ pc) * 0x9e3779b97f4a7c15 + (hash >> 29);
        auto [first, last] = known_.equal_range(hash);
        for (; first != last; ++first)
            if (chains_[first->second] == pcs) return first->second;
        auto at = uint32_t(chains_.size());
        chains_.push_back(pcs);
        known_.emplace(hash, at);
        return at;
    }

  private:
    std::vector<std::vector<uint64_t>>& chains_;
    std::unordered_multimap<uint64_t, uint32_t> known_;
};

struct job {
    size_t index;  // of the goroutine
    saved_g before;
    uint64_t wanted = 0, got = 0;  // bytes of the stack
    bool cut = false;              // no more can be had
    size_t at = 0;                 // in the arena
};

class bulk_reader {
  public:
    bulk_reader(const target& t, all_stacks& out) : pid_(pid_t(t.pid())), out_(out) {}

    // Copies `wanted` bytes of each; got and cut tell how it went.
    void read(std::vector<job*>& jobs) {
        size_t bytes = 0;
        for (job* j : jobs) {
            j->at = bytes;
            bytes += j->wanted;
        }
        if (arena_.size() < bytes) arena_.resize(bytes);
        for (size_t done = 0; done < jobs.size();) done += read_some(jobs, done);
    }
    window of(const job& j) const { return {j.before.context, arena_.data() + j.at, j.got}; }

  private:
    // Returns how many jobs are done: the last of them, when the memory of one ends, in part.
    size_t read_some(std::vector<job*>& jobs, size_t first) {
        iovec from[kRanges];
        size_t n = std::min(jobs.size() - first, kRanges), bytes = 0;
        for (size_t i = 0; i < n; i++) {
            job* j = jobs[first + i];
            from[i] = {reinterpret_cast<void*>(j->before.context), j->wanted};
            bytes += j->wanted;
        }
        iovec to = {arena_.data() + jobs[first]->at, bytes};
        ssize_t got = process_vm_readv(pid_, &to, 1, from, n, 0);
        out_.reads++;
        if (got < 0 && errno != EFAULT) out_.why = std::string("stacks cannot be read: ") + std::strerror(errno);
        uint64_t left = got > 0 ? uint64_t(got) : 0;
        for (size_t i = 0; i < n; i++) {
            job* j = jobs[first + i];
            j->got = std::min<uint64_t>(left, j->wanted);
            left -= j->got;
            if (j->got == j->wanted) continue;
            j->cut = true;
            return i + 1;
        }
        return n;
    }

    pid_t pid_;
    all_stacks& out_;
    std::vector<unsigned char> arena_;
};

class bulk_unwinder {
  public:
    bulk_unwinder(const target& t, const std::vector<goroutine>& gs, unsigned most, all_stacks& out)
        : t_(t), gs_(gs), most_(most), out_(out), c_(caches_of(t)), g_(t), reader_(t, out), known_(out.chains) {
        out_.of.assign(gs.size(), 0);
    }

    void run() {
        if (c_.kind == nullptr) {
            out_.why = "stacks of this kind of processor are not understood, or the program's file cannot be had";
            return;
        }
        if (!t_.is_live() && !t_.contents().is_core) {
            out_.why = kDied;
            return;
        }
        std::vector<job> batch;
        for (size_t i = 0; i < gs_.size(); i++) {
            job j{i, {}};
            if (gs_[i].is_thread || !g_.read(gs_[i].address, j.before) || !j.before.is_off_stack()) continue;
            batch.push_back(j);
            if (batch.size() == kRanges) finish(batch);
        }
        finish(batch);
        if (out_.chains.size() > 1) out_.why.clear();
    }

  private:
    void finish(std::vector<job>& batch) {
        std::vector<job*> open;
        for (job& j : batch) {
            uint64_t to_page_end = kPage - j.before.context % kPage;
            j.wanted = std::min(kFirst, to_page_end);
            open.push_back(&j);
        }
        if (t_.is_live()) {
            try_windows(open);
            for (uint64_t more : kMore) {
                for (job* j : open) j->wanted = kPage - j->before.context % kPage + more;
                try_windows(open);
            }
        }
        page_reader read(t_);
        for (job* j : open) {
            walk_context(c_, j->before.context, read, most_, pcs_);
            keep(*j);
        }
        batch.clear();
    }

    // Those whose walk ran out of bytes stay open.
    void try_windows(std::vector<job*>& open) {
        if (open.empty()) return;
        reader_.read(open);
        std::vector<job*> still;
        for (job* j : open)
            if (walk_context(c_, j->before.context, reader_.of(*j), most_, pcs_) || j->cut)
                keep(*j);
            else
                still.push_back(j);
        open = std::move(still);
    }

    void keep(const job& j) {
        saved_g after;
        if (g_.read(gs_[j.index].address, after) && after == j.before) out_.of[j.index] = known_.add(pcs_);
    }

    const target& t_;
    const std::vector<goroutine>& gs_;
    unsigned most_;
    all_stacks& out_;
    caches& c_;
    saved_g_reader g_;
    bulk_reader reader_;
    chain_set known_;
    std::vector<uint64_t> pcs_;
};

unwound unwind_parked_one(const target& t, caches& c, const saved_g_reader& g, uint64_t address, unsigned most) {
    unwound u;
    saved_g before, after;
    for (int attempt = 0; attempt < 3; attempt++) {
        if (!g.read(address, before)) {
            u.why = "its G cannot be read";
            return u;
        }
        if (!before.is_off_stack()) {
            u.why = before.is_running() ? "it runs" : before.stack == 0 ? "it has no stack yet" : "it is gone";
            return u;
        }
        walk_context(c, before.context, page_reader(t), most, u.pcs);
        if (g.read(address, after) && after == before) {
            if (u.pcs.empty())
                u.why = t.is_live()            ? "its stack cannot be read"
                        : t.contents().is_core ? "its stack is not in the core"
                                               : kDied;
            return u;
        }
        u.pcs.clear();
    }
    u.why = "it moves: its stack was never still";
    return u;
}

unwound unwind_running_one(const target& t, caches& c, const saved_g_reader& g, uint64_t address, unsigned most,
                           uint64_t tid) {
    unwound u;
    if (!t.is_live()) {
        registers r;
        if (!t.contents().is_core)
            u.why = kDied;
        else if (!read_core_thread(t.name(), tid, *c.kind, r))
            u.why = "the core does not have thread " + std::to_string(tid) + ", on which it ran";
        else
            walk(c, r, page_reader(t), most, u.pcs);
        return u;
    }
    saved_g then;
    bool known = false;
    thread_copy copy = copy_thread(t.pid(), tid, *c.kind, kMostCopied, [&] { known = g.read(address, then); });
    u.stopped_ns = copy.stopped_ns;
    u.why = copy.why;
    if (!u.why.empty()) return u;
    uint64_t sp = copy.at.value[c.kind->sp], begin = 0, end = 0;
    if (known && !then.is_running() && then.is_off_stack()) return unwind_parked_one(t, c, g, address, most);
    // A plain thread's stand-in has no stack of ours.
    if (known && then.stack != 0 && g.read_range(then.stack, &begin, &end) && (sp < begin || sp >= end)) {
        u.why = "it has just left that thread";
        return u;
    }
    walk(c, copy.at, window{sp, copy.stack.data(), copy.stack.size()}, most, u.pcs);
    return u;
}

}  // namespace

caches& caches_of(const target& t) {
    target::inside& in = t.contents();
    if (in.symbols == nullptr) {
        auto read = [&t](uint64_t address, void* to, size_t bytes) { return t.read(address, to, bytes); };
        auto c = std::make_shared<caches>(in.modules, in.is_live, read);
        for (const module& m : in.modules)
            if (c->kind == nullptr)
                if (object_file* file = c->names.find(m.begin).file) c->kind = find_machine(file->machine());
        in.symbols = c;
    }
    return *static_cast<caches*>(in.symbols.get());
}

unwound unwind_goroutine(const target& t, uint64_t g_address, unsigned most, uint64_t tid) {
    caches& c = caches_of(t);
    saved_g_reader g(t);
    unwound u;
    if (c.kind == nullptr)
        u.why = "stacks of this kind of processor are not understood, or the program's file cannot be had";
    else if (!g.is_usable())
        u.why = "the box does not say where its G keeps the stack";
    else
        u = tid != 0 ? unwind_running_one(t, c, g, g_address, most, tid) : unwind_parked_one(t, c, g, g_address, most);
    return u;
}

all_stacks unwind_parked(const target& t, const std::vector<goroutine>& goroutines, unsigned most) {
    all_stacks out;
    bulk_unwinder(t, goroutines, most, out).run();
    return out;
}

bool parked_registers(const target& t, uint64_t g_address, registers& r) {
    caches& c = caches_of(t);
    saved_g_reader g(t);
    saved_g before, after;
    auto read = [&t](uint64_t address, uint64_t* word) { return t.read(address, word, sizeof *word); };
    return c.kind != nullptr && g.read(g_address, before) && before.is_off_stack() &&
           load_context(*c.kind, before.context, read, r) && r.pc != 0 && g.read(g_address, after) && after == before;
}

std::vector<uint64_t> target::unwind(uint64_t g_address, unsigned most, uint64_t tid) const {
    return unwind_goroutine(*this, g_address, most, tid).pcs;
}

}  // namespace insp

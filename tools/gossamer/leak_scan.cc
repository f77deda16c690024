// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/leak_scan.h"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <unordered_set>

#include "tools/gossamer/target_inside.h"

namespace insp {

namespace {

constexpr uint64_t kPage = 4096;
constexpr size_t kAtOnce = 1 << 20;

struct closer {
    void operator()(FILE* f) const { std::fclose(f); }
};

std::string proc(const target& t, const std::string& what) { return "/proc/" + std::to_string(t.pid()) + "/" + what; }

}  // namespace

std::vector<stretch> join(std::vector<stretch> all) {
    std::sort(all.begin(), all.end(), [](const stretch& a, const stretch& b) { return a.low < b.low; });
    std::vector<stretch> joined;
    for (const stretch& s : all) {
        if (s.low >= s.high) continue;
        if (!joined.empty() && s.low <= joined.back().high)
            joined.back().high = std::max(joined.back().high, s.high);
        else
            joined.push_back(s);
    }
    return joined;
}

std::vector<stretch> without(const std::vector<stretch>& whole, const std::vector<stretch>& holes) {
    std::vector<stretch> left;
    size_t h = 0;
    for (stretch s : whole) {
        while (h < holes.size() && holes[h].high <= s.low) h++;
        for (size_t i = h; i < holes.size() && holes[i].low < s.high; i++) {
            if (holes[i].low > s.low) left.push_back({s.low, holes[i].low});
            s.low = std::max(s.low, holes[i].high);
        }
        if (s.low < s.high) left.push_back(s);
    }
    return left;
}

std::vector<stretch> within(const std::vector<stretch>& part, const std::vector<stretch>& whole) {
    return without(part, without(part, whole));
}

bool contains(const std::vector<stretch>& joined, uint64_t address) {
    auto after =
        std::upper_bound(joined.begin(), joined.end(), address, [](uint64_t a, const stretch& s) { return a < s.low; });
    return after != joined.begin() && address < (after - 1)->high;
}

std::vector<stretch> writable_memory(const target& t) {
    std::vector<stretch> found;
    const target::inside& in = t.contents();
    if (in.is_core)
        for (const file_stretch& s : in.stretches)
            if (s.file == 0) found.push_back({s.address, s.address + s.bytes});
    if (!t.is_live()) return join(std::move(found));
    std::unique_ptr<FILE, closer> maps(std::fopen(proc(t, "maps").c_str(), "re"));
    if (!maps) return {};
    char line[4352];
    while (std::fgets(line, sizeof line, maps.get()) != nullptr) {
        unsigned long low = 0, high = 0;
        char rights[8] = {};
        if (std::sscanf(line, "%lx-%lx %7s", &low, &high, rights) != 3 || std::strncmp(rights, "rw", 2) != 0) continue;
        found.push_back({low, high});
    }
    return join(std::move(found));
}

stretch slabs::stack_at(uint64_t address) const {
    for (size_t i = 0; i < stacks.size(); i++)
        if (stacks[i].low <= address && address < stacks[i].high) {
            uint64_t low = address - (address - stacks[i].low) % each[i];
            return {low, low + each[i]};
        }
    return {};
}

slabs find_slabs(const target& t, const snapshot& s) {
    // Structs of the stacks of one slab stand side by side, and so do the stacks: from one to the next as long as both keep step.
    constexpr uint64_t kStride = 64;
    field base = t.find_field("stack.base"), klass = t.find_field("stack.klass");
    slabs all;
    page_cache structs(t);
    if (!base.there() || !klass.there() || base.offset + 8 > kStride || klass.offset + 1 > kStride) return all;
    auto look = [&](uint64_t at, uint64_t* low, uint8_t* log2) {
        unsigned char bytes[kStride];
        if (!structs.read(at, bytes, sizeof bytes)) return false;
        std::memcpy(low, bytes + base.offset, sizeof *low);
        std::memcpy(log2, bytes + klass.offset, sizeof *log2);
        return true;
    };
    std::unordered_set<uint64_t> seen;
    for (const goroutine& g : s.goroutines) {
        uint64_t low = 0;
        uint8_t log2 = 0;
        if (g.is_thread || g.stack == 0 || seen.contains(g.stack)) continue;
        if (!look(g.stack, &low, &log2) || log2 < 13 || log2 > 40) continue;
        uint64_t each = uint64_t(1) << log2;
        stretch slab{low, low + each}, block{g.stack, g.stack + kStride};
        seen.insert(g.stack);
        for (int64_t way : {-1, 1})
            for (int64_t i = way;; i += way) {
                uint64_t at = g.stack + uint64_t(i) * kStride, other = 0;
                uint8_t other_log2 = 0;
                if (!look(at, &other, &other_log2) || other != low + uint64_t(i) * each || other_log2 != log2) break;
                seen.insert(at);
                slab.low = std::min(slab.low, other);
                slab.high = std::max(slab.high, other + each);
                block.low = std::min(block.low, at);
                block.high = std::max(block.high, at + kStride);
            }
        all.stacks.push_back(slab);
        all.each.push_back(each);
        all.structs.push_back(block);
    }
    return all;
}

namespace {

// Which pages of a process are there: a look at one that is not would give the process memory for it.
class page_map {
  public:
    explicit page_map(const target& t) {
        if (t.is_live()) fd_ = file_handle(::open(proc(t, "pagemap").c_str(), O_RDONLY | O_CLOEXEC));
    }
    // Fills in, for the pages from `address` on, whether they are there.
    void look(uint64_t address, std::vector<uint64_t>& entries) const {
        size_t bytes = entries.size() * sizeof entries[0];
        bool done = fd_ && pread(fd_.get(), entries.data(), bytes, off_t(address / kPage * 8)) == ssize_t(bytes);
        if (!done) std::fill(entries.begin(), entries.end(), kThere);
    }
    static constexpr uint64_t kThere = uint64_t(1) << 63, kSwapped = uint64_t(1) << 62;

  private:
    file_handle fd_;
};

// What of [low, high) is there, at most kAtOnce bytes each.
void present(const page_map& pages, stretch part, std::vector<stretch>& to) {
    constexpr uint64_t kFew = 4 * kPage;  // not worth a look, as of the stack of one who waits
    if (part.high - part.low <= kFew) return to.push_back(part);
    uint64_t first = part.low / kPage * kPage;
    std::vector<uint64_t> entries((part.high - first + kPage - 1) / kPage);
    pages.look(first, entries);
    for (size_t i = 0; i < entries.size(); i++) {
        if ((entries[i] & (page_map::kThere | page_map::kSwapped)) == 0) continue;
        uint64_t at = first + i * kPage;
        stretch page{std::max(at, part.low), part.high - at > kPage ? at + kPage : part.high};
        if (!to.empty() && to.back().high == page.low && page.high - to.back().low <= kAtOnce)
            to.back().high = page.high;
        else
            to.push_back(page);
    }
}

}  // namespace

uint64_t read_words(const target& t, const std::vector<stretch>& where, const word_reader& fn, bool* failed) {
    page_map pages(t);
    std::vector<stretch> parts;
    std::vector<uint64_t> words(kAtOnce / 8);
    uint64_t total = 0;
    constexpr uint64_t kLook = 256 << 20;  // of address space in one look at the page map
    auto run = [&](const stretch& s) {
        parts.clear();
        present(pages, s, parts);
        for (stretch p : parts) {
            p.low = (p.low + 7) & ~uint64_t{7};
            p.high &= ~uint64_t{7};
            if (p.low >= p.high) continue;
            size_t n = (p.high - p.low) / 8;
            if (t.read(p.low, words.data(), n * 8)) {
                total += n * 8;
                fn(p.low, words.data(), n);
                continue;
            }
            // One page of it may not be had; each is tried by itself. What is not mapped any more, or guards, holds nothing.
            for (uint64_t at = p.low, bytes = 0; at < p.high; at += bytes) {
                bytes = std::min(kPage - at % kPage, p.high - at);
                errno = 0;
                if (!t.read(at, words.data(), bytes)) {
                    *failed = *failed || errno != EFAULT;
                    continue;
                }
                total += bytes;
                fn(at, words.data(), bytes / 8);
            }
        }
    };
    for (const stretch& s : where)
        for (uint64_t at = s.low; at < s.high;) {
            // Not past the end of the address space, where a core may have a page.
            uint64_t left = kLook - at % kLook, end = s.high - at > left ? at + left : s.high;
            run({at, end});
            at = end;
        }
    return total;
}

// Its notes hold them, aligned to four bytes.
bool read_core_registers(const target& t, const word_reader& fn) {
    file_map& core = *t.contents().files.at(0);
    Elf64_Ehdr e;
    const std::byte* at = core.at(0, sizeof e);
    if (at == nullptr) return false;
    std::memcpy(&e, at, sizeof e);
    bool found = false;
    for (uint64_t i = 0; i < e.e_phnum; i++) {
        Elf64_Phdr p;
        at = core.at(e.e_phoff + i * sizeof p, sizeof p);
        if (at == nullptr) return found;
        std::memcpy(&p, at, sizeof p);
        if (p.p_type != PT_NOTE) continue;
        at = core.at(p.p_offset, p.p_filesz);
        if (at == nullptr) return false;
        std::vector<uint64_t> words;
        for (uint64_t o = 0; o + 8 <= p.p_filesz; o += 4) {
            words.emplace_back();
            std::memcpy(&words.back(), at + o, 8);
        }
        fn(0, words.data(), words.size());
        found = true;
    }
    return found;
}

}  // namespace insp

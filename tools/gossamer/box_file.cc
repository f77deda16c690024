// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/box_file.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

namespace insp {

namespace {

// What the handler for SIGBUS may put zeros into.
struct mapped {
    std::atomic<uintptr_t> begin{0}, end{0};
};
constexpr unsigned kMostMapped = 4096;
mapped all_mapped[kMostMapped];

bool note_mapping(void* at, size_t bytes) {
    static const bool installed = [] {
        struct sigaction a {};
        a.sa_sigaction = [](int, siginfo_t* info, void*) {
            auto address = reinterpret_cast<uintptr_t>(info->si_addr);
            auto page = uintptr_t(sysconf(_SC_PAGESIZE));
            for (mapped& m : all_mapped) {
                if (address < m.begin || address >= m.end) continue;
                auto* zeros = reinterpret_cast<void*>(address & ~(page - 1));
                if (mmap(zeros, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED) return;
            }
            std::signal(SIGBUS, SIG_DFL);  // not ours: the fault comes again and ends us
        };
        a.sa_flags = SA_SIGINFO | SA_NODEFER;
        return sigaction(SIGBUS, &a, nullptr) == 0;
    }();
    if (!installed) return false;
    for (mapped& m : all_mapped) {
        if (m.begin != 0) continue;
        m.end = reinterpret_cast<uintptr_t>(at) + bytes;
        m.begin = reinterpret_cast<uintptr_t>(at);
        return true;
    }
    return false;
}

void forget_mapping(void* at) {
    for (mapped& m : all_mapped)
        if (m.begin == reinterpret_cast<uintptr_t>(at)) m.begin = 0;
}

bool is_terminated(const char* text, size_t size) { return std::memchr(text, 0, size) != nullptr; }

bool is_sound(const box::region& r, uint64_t file_bytes) {
    constexpr uint64_t kMost = uint64_t{1} << 56;  // of any address or size
    return r.address < kMost && r.bytes < kMost && r.offset < kMost && r.in_file <= r.bytes &&
           (r.in_file == 0 || r.offset + r.in_file <= file_bytes);
}

}  // namespace

file_handle::~file_handle() {
    if (fd_ >= 0) ::close(fd_);
}

file_map::file_map(file_handle fd) : fd_(std::move(fd)) {}

file_map::~file_map() {
    for (const piece& p : pieces_) {
        forget_mapping(p.begin);
        munmap(p.begin, p.bytes);
    }
}

std::unique_ptr<file_map> file_map::gathered(uint64_t size) {
    auto f = std::make_unique<file_map>();
    f->gathered_ = true;
    void* at = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) return nullptr;
    f->pieces_.push_back({static_cast<std::byte*>(at), size});
    return f;
}

uint64_t file_map::size() {
    if (gathered_) return pieces_.back().bytes;
    struct stat s;
    return fstat(fd_.get(), &s) == 0 && s.st_size > 0 ? uint64_t(s.st_size) : 0;
}

bool file_map::map(uint64_t bytes) {
    if (bytes == 0) return false;
    void* at = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd_.get(), 0);
    if (at == MAP_FAILED) return false;
    if (!note_mapping(at, bytes)) {
        munmap(at, bytes);
        return false;
    }
    pieces_.push_back({static_cast<std::byte*>(at), bytes});
    return true;
}

const std::byte* file_map::at(uint64_t offset, uint64_t bytes) {
    if (bytes > UINT64_MAX - offset) return nullptr;
    uint64_t end = offset + bytes;
    if (pieces_.empty() || end > pieces_.back().bytes) {
        uint64_t now = size();
        if (end > now || gathered_ || !map(now)) return nullptr;
    }
    return pieces_.back().begin + offset;
}

std::byte* file_map::writable(uint64_t offset, uint64_t bytes) {
    return const_cast<std::byte*>(gathered_ ? at(offset, bytes) : nullptr);
}

std::pair<uint64_t, uint64_t> file_map::data(uint64_t from, uint64_t to) {
    if (gathered_) return {from, to};
    if (from >= seen_.first && from < seen_.second) return {from, std::min(to, seen_.second)};
    off_t begin = lseek(fd_.get(), off_t(from), SEEK_DATA);
    if (begin < 0 && errno == ENXIO) return {to, to};
    if (begin < 0) return {from, to};  // a file system that does not tell
    off_t end = lseek(fd_.get(), begin, SEEK_HOLE);
    if (end < begin) end = off_t(to);
    seen_ = {uint64_t(begin), uint64_t(end)};
    return {std::min(uint64_t(begin), to), std::min(uint64_t(end), to)};
}

box_file::box_file(std::unique_ptr<file_map> file, std::string target)
    : file_(std::move(file)), target_(std::move(target)) {
    const std::byte* first = file_->at(0, sizeof box::kMagic);
    if (first == nullptr || std::memcmp(first, box::kMagic, sizeof box::kMagic) != 0)
        fail(target_, "it is not a box of Gossamer");
    const std::byte* all = file_->at(0, sizeof(box::header));
    if (all == nullptr)
        fail(target_, "the box is cut short: " + std::to_string(file_->size()) + " bytes, and its header alone has " +
                          std::to_string(sizeof(box::header)));
    head_ = reinterpret_cast<const box::header*>(all);
    uint32_t version = head_->version;
    if (version != box::kVersion)
        fail(target_, "the box has version " + std::to_string(version) + ", this program reads version " +
                          std::to_string(box::kVersion) + ": use the one that came with the " +
                          (version > box::kVersion ? "newer" : "older") + " library");
    if (head_->header_bytes < sizeof(box::header) || head_->region_bytes < sizeof(box::region) ||
        head_->regions_at < sizeof(box::header) || head_->regions_at % alignof(box::region) != 0)
        fail(target_, "the header of the box is damaged");
    if (!is_terminated(head_->why, sizeof head_->why) || !is_terminated(head_->exe, sizeof head_->exe) ||
        !is_terminated(head_->library, sizeof head_->library))
        fail(target_, "the header of the box is damaged: a text in it has no end");
    for (uint64_t moment : {head_->mono_ns_0, head_->mono_ns_1.load(), head_->real_ns_0})
        if (moment > uint64_t(kMostNs))
            fail(target_, "the header of the box is damaged: its clocks say 126 years and more");
}

const std::vector<box::region>& box_file::regions() {
    uint32_t count = std::min(head_->region_count.load(), box::kMaxRegions);
    uint64_t size = file_->size(), left = size;
    // The table may be cut short, and the header may promise anything; also all zeros, when the file was cut short since.
    uint64_t entry_bytes = std::max<uint64_t>(head_->region_bytes, sizeof(box::region)), table = head_->regions_at;
    uint64_t there = std::min<uint64_t>(count, (size - std::min(size, table)) / entry_bytes);
    uint64_t dropped = count - there;
    regions_.clear();
    for (uint64_t i = 0; i < there; i++) {
        const std::byte* entry = file_->at(table + i * entry_bytes, sizeof(box::region));
        box::region r;
        if (entry != nullptr) std::memcpy(&r, entry, sizeof r);
        // No two lie over each other, so that all of them together are no more than the file.
        bool is_good = entry != nullptr && is_sound(r, size) && r.in_file <= left;
        if (!is_good) {
            dropped++;
            continue;
        }
        left -= r.in_file;
        regions_.push_back(r);
    }
    by_address_.clear();
    for (uint32_t i = 0; i < regions_.size(); i++)
        if (regions_[i].in_file != 0) by_address_.push_back(i);
    std::sort(by_address_.begin(), by_address_.end(),
              [&](uint32_t a, uint32_t b) { return regions_[a].address < regions_[b].address; });
    seen_ = count;
    if (dropped != 0 && !has_warned_)
        std::fprintf(stderr,
                     "gossamer: %s: the box is cut short or damaged: %llu of its %u regions are not in it; the rest "
                     "is shown\n",
                     target_.c_str(), static_cast<unsigned long long>(dropped), count);
    has_warned_ |= dropped != 0;
    return regions_;
}

const std::byte* box_file::at(uint64_t address, uint64_t bytes) {
    if (seen_ != std::min(head_->region_count.load(), box::kMaxRegions)) regions();
    auto above = std::upper_bound(by_address_.begin(), by_address_.end(), address,
                                  [&](uint64_t a, uint32_t i) { return a < regions_[i].address; });
    if (above == by_address_.begin()) return nullptr;
    const box::region& r = regions_[*(above - 1)];
    uint64_t within = address - r.address;
    if (within >= r.in_file || bytes > r.in_file - within) return nullptr;
    return file_->at(r.offset + within, bytes);
}

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/box_writer.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>
#include <utility>

#include "tools/gossamer/output_file.h"
#include "tools/gossamer/target_inside.h"

namespace insp {

namespace {

constexpr uint64_t kPage = 4096;
// Where the process has no memory: rings are longer here than they were there.
constexpr uint64_t kRingsAt = uint64_t{1} << 50;

uint64_t page_above(uint64_t n) { return (n + kPage - 1) / kPage * kPage; }

bool is_zero(const std::byte* at, size_t bytes) {
    return std::all_of(at, at + bytes, [](std::byte b) { return b == std::byte{}; });
}

class box_writer {
  public:
    box_writer(const target& t, int fd, const std::string& path) : t_(t), fd_(fd), path_(path) {}

    void write(const std::vector<saved_ring>& rings, const box_times& times) {
        std::vector<box::region> tables = tables_of();
        std::string modules = missing_modules();
        uint32_t count = uint32_t(tables.size() + rings.size() + (modules.empty() ? 0 : 1));
        if (count > box::kMaxRegions) fail(path_, "the box has too many regions");
        uint64_t table_at = page_above(sizeof(box::header));
        end_ = page_above(table_at + count * sizeof(box::region));
        for (const box::region& r : tables) add_table(r);
        if (!modules.empty()) add_text(box::region_kind::modules, modules);
        for (const saved_ring& r : rings) add_ring(r);
        put(table_at, regions_.data(), regions_.size() * sizeof(box::region));
        put_header(table_at, times);
        if (ftruncate(fd_, off_t(end_)) != 0) cannot_write(path_);
    }

  private:
    // The state first, while it is fresh.
    std::vector<box::region> tables_of() const {
        using enum box::region_kind;
        std::vector<box::region> all;
        for (box::region_kind k : {ps, ms, gs, text, modules})
            for (const box::region& r : t_.regions(k)) all.push_back(r);
        return all;
    }

    // What a living process has loaded since its box was last told.
    std::string missing_modules() const {
        std::string text;
        if (!t_.is_live()) return text;
        std::vector<module> told = modules_of_box(t_);
        char numbers[64];
        for (const module& m : t_.contents().modules) {
            auto is_same = [&](const module& other) { return other.begin == m.begin && other.path == m.path; };
            if (!m.path.starts_with('/') || std::any_of(told.begin(), told.end(), is_same)) continue;
            std::snprintf(numbers, sizeof numbers, "%llx %llx %llx ", static_cast<unsigned long long>(m.begin),
                          static_cast<unsigned long long>(m.end), static_cast<unsigned long long>(m.offset));
            text += numbers + (m.build_id.empty() ? "-" : m.build_id) + ' ' + m.path + '\n';
        }
        return text;
    }

    void put(uint64_t at, const void* from, size_t bytes) {
        const char* next = static_cast<const char*>(from);
        while (bytes != 0) {
            ssize_t n = pwrite(fd_, next, bytes, off_t(at));
            if (n <= 0) cannot_write(path_);
            next += n;
            at += uint64_t(n);
            bytes -= size_t(n);
        }
    }
    // Pages of zeros stay holes.
    void put_pages(uint64_t at, const std::byte* from, size_t bytes) {
        for (size_t done = 0; done < bytes;) {
            size_t n = done;
            while (n < bytes && !is_zero(from + n, std::min(kPage, bytes - n))) n += std::min(kPage, bytes - n);
            put(at + done, from + done, n - done);
            while (n < bytes && is_zero(from + n, std::min(kPage, bytes - n))) n += std::min(kPage, bytes - n);
            done = n;
        }
    }

    void add_table(box::region r) {
        uint64_t at = end_, in_file = r.in_file;
        for (uint64_t from = 0; from < r.in_file;) {
            auto [begin, end] = t_.data(r, from);
            if (begin >= end) break;
            // The tables change while they are copied: a copy first, for put_pages looks at it twice.
            copy_.resize(std::min<uint64_t>(end - begin, 1 << 20));
            if (!t_.read(r.address + begin, copy_.data(), copy_.size())) break;
            put_pages(at + begin, copy_.data(), copy_.size());
            from = begin + copy_.size();
        }
        for (uint64_t from = r.in_file; from < r.bytes; from += copy_.size()) {
            copy_.resize(std::min<uint64_t>(r.bytes - from, 1 << 20));
            if (!t_.read(r.address + from, copy_.data(), copy_.size())) break;
            put_pages(at + from, copy_.data(), copy_.size());
            in_file = from + copy_.size();
        }
        r.in_file = in_file;
        r.offset = at;
        note(r);
    }

    void add_text(box::region_kind k, const std::string& text) {
        put(end_, text.c_str(), text.size() + 1);
        note({kRingsAt + end_, text.size() + 1, end_, text.size() + 1, k, 0});
    }

    void add_ring(const saved_ring& ring) {
        uint64_t records = 0, at = end_ + sizeof(box::trace_ring);
        for (std::span<const box::record> piece : ring.pieces) {
            put(at + records * sizeof(box::record), piece.data(), piece.size_bytes());
            records += (piece.size() + box::kBlockRecords - 1) / box::kBlockRecords * box::kBlockRecords;
        }
        box::trace_ring head;
        head.position = records;
        head.capacity = std::bit_ceil(records + 4 * box::kBlockRecords);  // it has not wrapped
        head.tid = ring.tid;
        head.number = ring.number;
        head.plain = ring.is_plain;
        head.lost = ring.lost;
        put(end_, &head, sizeof head);
        uint64_t bytes = sizeof head + records * sizeof(box::record);
        note({kRingsAt + end_, sizeof head + head.capacity * sizeof(box::record), end_, bytes, box::region_kind::ring,
              0});
    }

    void note(const box::region& r) {
        regions_.push_back(r);
        end_ = page_above(r.offset + r.in_file);
    }

    void put_header(uint64_t table_at, const box_times& times) {
        alignas(box::header) char bytes[sizeof(box::header)];
        std::memcpy(bytes, static_cast<const void*>(&t_.head()), sizeof bytes);
        auto& h = *reinterpret_cast<box::header*>(bytes);
        h.header_bytes = sizeof(box::header);
        h.region_bytes = sizeof(box::region);
        h.regions_at = table_at;
        h.region_count = uint32_t(regions_.size());
        h.recorder_on = times.since_ticks;
        h.recorder_level = times.until_end ? 2 : 0;
        if (times.end_ticks != 0) {
            h.tsc_1 = times.end_ticks;
            h.mono_ns_1 = uint64_t(times.end_ns);
        }
        put(0, bytes, sizeof bytes);
    }

    const target& t_;
    int fd_;
    const std::string& path_;
    uint64_t end_ = 0;  // of the file so far
    std::vector<box::region> regions_;
    std::vector<std::byte> copy_;
};

}  // namespace

std::vector<saved_ring> as_saved(const std::vector<ring_copy>& rings) {
    std::vector<saved_ring> all;
    for (const ring_copy& r : rings) {
        saved_ring& s = all.emplace_back();
        s.tid = r.tid;
        s.number = r.number;
        s.is_plain = r.is_plain;
        s.lost = r.lost;
        s.pieces = {r.records};
    }
    return all;
}

void write_box(const target& t, const std::vector<saved_ring>& rings, const box_times& times, int fd,
               const std::string& path) {
    box_writer(t, fd, path).write(rings, times);
}

}  // namespace insp

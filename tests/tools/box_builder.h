// SPDX-License-Identifier: BSL-1.0
// box_builder: makes boxes by hand, as the runtime lays them out, for tests of their readers. Fields lie elsewhere than the runtime has them, so that
// a reader which does not ask the description is found out.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/box/layout.h"

namespace insp_test {

namespace box = gossamer::rt::box;

// Numbers as in runtime/sched/g_status.h and runtime/base/wait_reason.h.
enum g_status : uint8_t { dead, fresh, runnable, running, waiting };

struct g_spec {
    uint64_t id = 0;
    g_status status = fresh;
    uint8_t reason = 0;
    uint8_t flags = 0;
    const char* name = nullptr;
    uint64_t creator_id = 0, creator_pc = 0, invoke = 0, object = 0, site = 0, context = 0, stack = 0, m = 0;
    int64_t since = 0;
};

struct p_spec {
    uint32_t id = 0;
    uint8_t status = 0;  // 0 idle, 1 held, 2 retired
    uint64_t m = 0, next = 0;
    std::vector<uint64_t> queue = {};  // addresses of Gs
    uint32_t head = 0;                 // where in the ring they begin
    int64_t deadline = INT64_MAX;
    uint64_t created = 0, ended = 0;
    uint32_t turn = 0, tick = 0;
};

struct m_spec {
    uint32_t number = 0;
    uint64_t tid = 0, p = 0, curg = 0, trace = 0;
    bool is_thread = false, parked = false, spinning = false, blocking = false;
    uint32_t in_runtime = 0;
    std::vector<uint64_t> events = {}, histogram = {};
};

class box_builder {
  public:
    static constexpr uint64_t kBase = 0x7000'0000'0000;  // address of the file's first byte in the process
    static constexpr uint32_t kG = 192, kP = 2304, kM = 512, kRing = 256, kEvents = 4, kBuckets = 40;
    static constexpr uint64_t kPage = 4096;

    box_builder() {
        bytes_.resize(kTableAt + kMostRegions * sizeof(box::region));
        box::header& h = head();
        std::memcpy(h.magic, box::kMagic, sizeof h.magic);
        h.version = box::kVersion;
        h.header_bytes = sizeof(box::header);
        h.region_bytes = sizeof(box::region);
        h.page = kPage;
        h.pid = 0x3ffffff0;  // no process has it
        h.uid = geteuid();
        h.regions_at = kTableAt;
        std::strcpy(h.exe, "/usr/bin/built-by-hand");
        h.tsc_0 = 1000;
        h.mono_ns_0 = 5'000'000'000;
        h.real_ns_0 = 1'700'000'000'000'000'000;
        h.tsc_1 = 2'000'001'000;  // two ticks a nanosecond
        h.mono_ns_1 = 6'000'000'000;
        h.procs = 2;
        std::string text = description();
        add_region(box::region_kind::text, text.data(), text.size() + 1, 0);
    }

    box::header& head() { return *reinterpret_cast<box::header*>(bytes_.data()); }
    box::region& region(uint32_t i) { return reinterpret_cast<box::region*>(bytes_.data() + kTableAt)[i]; }

    // Room for that many Gs in a table of their own; the returned slots are used by the next calls of add_g.
    void add_table(box::region_kind kind, uint32_t slots) {
        uint32_t stride = kind == box::region_kind::gs ? kG : kind == box::region_kind::ps ? kP : kM;
        std::vector<char> zeros(size_t(stride) * slots);
        uint64_t address = add_region(kind, zeros.data(), zeros.size(), stride);
        table& t = tables_[size_t(kind)];
        t.next = address;
        t.end = address + zeros.size();
    }

    // Each returns the address of what it has added.
    uint64_t add_g(const g_spec& g) {
        uint64_t at = slot(box::region_kind::gs, kG);
        put(at + 0, g.m);
        put(at + 8, g.id);
        put(at + 16, g.creator_id);
        put(at + 24, g.creator_pc);
        put(at + 32, g.name != nullptr ? add_string(g.name) : 0);
        put(at + 40, g.invoke);
        put(at + 48, g.object);
        put(at + 56, g.since);
        put(at + 64, g.site);
        put(at + 72, g.context);
        put(at + 80, g.stack);
        put(at + 88, g.reason);
        put(at + 89, uint8_t(g.status));
        put(at + 90, g.flags);
        return at;
    }

    uint64_t add_p(const p_spec& p) {
        uint64_t at = slot(box::region_kind::ps, kP);
        put(at + 4, p.id);
        put(at + 8, p.status);
        put(at + 16, p.m);
        put(at + 24, p.next);
        put(at + 32, p.head);
        put(at + 36, p.head + uint32_t(p.queue.size()));
        put(at + 40, p.turn);
        put(at + 44, p.tick);
        put(at + 48, p.deadline);
        put(at + 56, p.created);
        put(at + 64, p.ended);
        for (size_t i = 0; i < p.queue.size(); i++) put(at + 128 + (p.head + i) % kRing * 8, p.queue[i]);
        return at;
    }

    uint64_t add_m(const m_spec& m) {
        uint64_t at = slot(box::region_kind::ms, kM);
        put(at + 0, m.tid);
        put(at + 8, m.p);
        put(at + 16, m.curg);
        put(at + 24, m.trace);
        put(at + 32, m.number);
        put(at + 36, m.in_runtime);
        put(at + 40, m.is_thread);
        put(at + 41, m.parked);
        put(at + 42, m.spinning);
        put(at + 43, m.blocking);
        for (size_t i = 0; i < m.events.size() && i < kEvents; i++) put(at + 48 + 8 * i, m.events[i]);
        for (size_t i = 0; i < m.histogram.size() && i < kBuckets; i++) put(at + 96 + 8 * i, m.histogram[i]);
        return at;
    }

    // A text in the region of names.
    uint64_t add_string(const std::string& text) {
        return add_region(box::region_kind::none, text.c_str(), text.size() + 1, 0);
    }

    uint64_t add_region(box::region_kind kind, const void* data, size_t bytes, uint32_t stride) {
        uint64_t offset = (bytes_.size() + kPage - 1) / kPage * kPage;
        bytes_.resize(offset + (bytes + kPage - 1) / kPage * kPage);
        std::memcpy(bytes_.data() + offset, data, bytes);
        note_region({kBase + offset, bytes, offset, bytes, kind, stride});
        return kBase + offset;
    }
    void note_region(const box::region& r) {
        uint32_t n = head().region_count;
        if (n == kMostRegions) throw std::logic_error("box_builder: too many regions");
        region(n) = r;
        head().region_count = n + 1;
    }

    // A number of the process's memory, in the file.
    template <class T>
    void put(uint64_t address, T value) {
        std::memcpy(bytes_.data() + (address - kBase), &value, sizeof value);
    }

    std::vector<char>& bytes() { return bytes_; }
    void write(const std::string& path) const { write(path, bytes_); }
    static void write(const std::string& path, const std::vector<char>& bytes) {
        std::ofstream file(path, std::ios::binary | std::ios::trunc);
        file.write(bytes.data(), std::streamsize(bytes.size()));
        if (!file.flush()) throw std::runtime_error("cannot write " + path);
    }

    // Makes it the box of this very process: to be written to own_path().
    void become_own() {
        head().pid = uint32_t(getpid());
        std::ifstream file("/proc/self/stat");
        std::string line, word;
        std::getline(file, line);
        size_t at = line.rfind(')') + 1;
        for (int i = 3; i <= 22; i++) {
            at = line.find_first_not_of(' ', at);
            size_t end = line.find(' ', at);
            word = line.substr(at, end - at);
            at = end;
        }
        head().start_ticks = std::strtoull(word.c_str(), nullptr, 10);
    }
    static std::string own_path() {
        return "/dev/shm/gossamer." + std::to_string(geteuid()) + "." + std::to_string(getpid());
    }

  private:
    static constexpr uint64_t kTableAt = (sizeof(box::header) + kPage - 1) / kPage * kPage;
    static constexpr uint32_t kMostRegions = 1024;
    struct table {
        uint64_t next = 0, end = 0;
    };

    static std::string description() {
        std::string text =
            "G.m 0 8\nG.id 8 8\nG.creator_id 16 8\nG.creator_pc 24 8\nG.name 32 8\nG.invoke 40 8\nG.wait_object 48 8\n"
            "G.wait_since 56 8\nG.param 64 8\nG.context 72 8\nG.stk 80 8\nG.reason 88 1\nG.status 89 1\nG.flags 90 1\n"
            "P.id 4 4\nP.status 8 1\nP.m 16 8\nP.next 24 8\nP.head 32 4\nP.tail 36 4\nP.turn 40 4\nP.tick 44 4\n"
            "P.next_deadline 48 8\nP.created 56 8\nP.ended 64 8\n"
            "M.tid 0 8\nM.p 8 8\nM.curg 16 8\nM.trace 24 8\nM.number 32 4\nM.in_runtime 36 4\nM.is_thread 40 1\n"
            "M.parked 41 1\nM.spinning 42 1\nM.blocking 43 1\nM.of_tomorrow 44 1\n"
            "event.steals 0 0\nevent.wakes 1 0\nevent.sleeps 2 0\nevent.polls 3 0\n";
        text += "P.ring 128 " + std::to_string(kRing * 8) + "\n";
        text += "M.events 48 " + std::to_string(kEvents * 8) + "\n";
        text += "M.wait_histogram 96 " + std::to_string(kBuckets * 8) + "\n";
        return text;
    }

    uint64_t slot(box::region_kind kind, uint32_t stride) {
        table& t = tables_[size_t(kind)];
        if (t.next == t.end) add_table(kind, 8);
        uint64_t at = t.next;
        t.next += stride;
        return at;
    }

    std::vector<char> bytes_;
    table tables_[8];
};

// A file that is gone at the end of the test.
class scratch_file {
  public:
    explicit scratch_file(std::string path) : path_(std::move(path)) {}
    explicit scratch_file(const box_builder& b, std::string path = temporary()) : path_(std::move(path)) {
        b.write(path_);
    }
    scratch_file(const scratch_file&) = delete;
    scratch_file& operator=(const scratch_file&) = delete;
    ~scratch_file() { unlink(path_.c_str()); }
    const std::string& path() const { return path_; }
    static std::string temporary() {
        static unsigned number = 0;
        return "/dev/shm/insp_test." + std::to_string(getpid()) + "." + std::to_string(number++);
    }

  private:
    std::string path_;
};

// Puts `value` into a written box, at an address of the process it tells of.
template <class T>
void overwrite(const std::string& path, uint64_t address, T value) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(std::streamoff(address - box_builder::kBase));
    file.write(reinterpret_cast<const char*>(&value), sizeof value);
    if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace insp_test

// SPDX-License-Identifier: BSL-1.0
// live_core: a core of a process that goes on running. Which memory there is, /proc/PID/maps and pagemap tell; it is read by process_vm_readv. It is not of
// one moment; stacks of goroutines that wait are as they were when their registers were read, unless they have been woken since.
#include <elf.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <vector>

#include "tools/gossamer/box_file.h"
#include "tools/gossamer/core_file.h"
#include "tools/gossamer/core_notes.h"
#include "tools/gossamer/unwind.h"

namespace insp {

namespace {

constexpr uint64_t kPage = 4096, kPiece = 256;  // pages that are looked at together
constexpr size_t kMostSegments = 60'000;        // 16 bits count them
constexpr uint64_t kLargestGuard = 64 << 10;

struct mapping {
    uint64_t begin, end, offset;
    bool readable, writable, executable, is_file, is_box, is_private;
    std::string path;
    uint64_t bytes() const { return end - begin; }
};

struct segment {
    uint64_t begin = 0, end = 0, bytes_in_file = 0, offset = 0;
    uint32_t flags = 0;
    bool only_touched = false;  // pages that were never touched are not read: that would give them memory
};

class live_core {
  public:
    live_core(const target& t, const std::string& to, const std::string& notes)
        : t_(t), out_(to), notes_(notes), proc_("/proc/" + std::to_string(t.pid()) + "/") {}

    void write() {
        read_maps();
        pagemap_ = file_handle(::open((proc_ + "pagemap").c_str(), O_RDONLY | O_CLOEXEC));
        if (!pagemap_) fail(t_.name(), proc_ + "pagemap: " + std::strerror(errno));
        choose();
        std::string own;
        add_process(own);
        add_note(own, NT_AUXV, read_file("auxv"));
        add_files(own);
        own += notes_;
        uint64_t at = write_headers(own);
        for (const segment& s : segments_) write_memory(s);
        out_.finish(at);
    }

  private:
    std::string read_file(const char* name) const {
        std::ifstream f(proc_ + name, std::ios::binary);
        return {std::istreambuf_iterator<char>(f), {}};
    }

    void read_maps() {
        std::ifstream f(proc_ + "maps");
        std::string line;
        while (std::getline(f, line)) {
            unsigned long begin, end, offset, inode;
            char rights[8];
            int path_at = 0;
            if (std::sscanf(line.c_str(), "%lx-%lx %7s %lx %*s %lu %n", &begin, &end, rights, &offset, &inode,
                            &path_at) < 5)
                continue;
            std::string path = line.substr(std::min(size_t(path_at), line.size()));
            bool is_box = inode != 0 && path.find("/gossamer.") != std::string::npos && rights[3] == 's';
            maps_.push_back({begin, end, offset, rights[0] == 'r', rights[1] == 'w', rights[2] == 'x', inode != 0,
                             is_box, rights[3] == 'p', path});
        }
        if (maps_.empty()) fail(t_.name(), proc_ + "maps cannot be read");
    }

    // The states of pages: bit 63 there, 62 swapped out, 61 of a file.
    bool read_states(uint64_t begin, uint64_t pages, std::vector<uint64_t>& states) const {
        states.assign(pages, 0);
        return pread(pagemap_.get(), states.data(), pages * 8, off_t(begin / kPage * 8)) == ssize_t(pages * 8);
    }
    static bool is_touched(uint64_t state) { return state >> 62 != 0; }

    // Changed since it was mapped from its file.
    bool is_changed(const mapping& m) const {
        std::vector<uint64_t> states;
        for (uint64_t at = m.begin; at < m.end; at += kPage * kPiece) {
            if (!read_states(at, std::min(kPiece, (m.end - at) / kPage), states)) return false;
            for (uint64_t s : states)
                if (is_touched(s) && (s >> 61 & 1) == 0) return true;
        }
        return false;
    }

    void choose() {
        const mapping* guard = nullptr;
        for (const mapping& m : maps_) {
            if (m.path == "[vvar]" || m.path == "[vvar_vclock]" || m.path == "[vsyscall]") continue;
            bool is_anonymous = !m.is_file && m.is_private;
            if (!m.readable) {
                if (is_anonymous && m.bytes() <= kLargestGuard) guard = &m;
                continue;
            }
            if (!m.is_private && !m.is_box) continue;
            segment s;
            s.begin = m.begin;
            s.end = m.end;
            s.flags = PF_R | (m.writable ? PF_W : 0u) | (m.executable ? PF_X : 0u);
            s.only_touched = (is_anonymous && m.path != "[vdso]") || m.is_box;
            if (is_anonymous || m.is_box || m.writable || is_changed(m))
                s.bytes_in_file = m.bytes();
            else if (m.offset == 0)
                s.bytes_in_file = std::min(m.bytes(), kPage);  // its header: which file it is
            // A million stacks lie between guards: one segment, in which those are holes.
            segment* last = segments_.empty() ? nullptr : &segments_.back();
            bool joins = last != nullptr && is_anonymous && last->only_touched &&
                         last->bytes_in_file == last->end - last->begin && last->flags == s.flags && guard != nullptr &&
                         last->end == guard->begin && guard->end == m.begin;
            if (joins) {
                last->end = m.end;
                last->bytes_in_file = m.end - last->begin;
            } else {
                segments_.push_back(s);
            }
        }
        if (segments_.size() > kMostSegments)
            fail(t_.name(), "it has " + std::to_string(segments_.size()) + " mappings, more than a core can name");
    }

    void add_process(std::string& notes) const {
        // struct elf_prpsinfo of a 64-bit Linux.
        std::string info(136, 0);
        info[1] = 'R';
        auto pid = uint32_t(t_.pid());
        std::memcpy(info.data() + 24, &pid, sizeof pid);
        std::string name = read_file("comm"), words = read_file("cmdline");
        if (!name.empty() && name.back() == '\n') name.pop_back();
        std::replace(words.begin(), words.end(), '\0', ' ');
        std::memcpy(info.data() + 40, name.data(), std::min<size_t>(name.size(), 15));
        std::memcpy(info.data() + 56, words.data(), std::min<size_t>(words.size(), 79));
        add_note(notes, NT_PRPSINFO, info);
    }

    void add_files(std::string& notes) const {
        constexpr std::string_view kDeleted = " (deleted)";
        std::vector<uint64_t> words = {0, kPage};
        std::string paths;
        for (const mapping& m : maps_) {
            if (!m.is_file) continue;
            words[0]++;
            words.insert(words.end(), {m.begin, m.end, m.offset / kPage});
            paths += m.path.ends_with(kDeleted) ? m.path.substr(0, m.path.size() - kDeleted.size()) : m.path;
            paths += '\0';
        }
        add_note(notes, NT_FILE, std::string(reinterpret_cast<const char*>(words.data()), words.size() * 8) + paths);
    }

    // Returns the size of the whole.
    uint64_t write_headers(const std::string& notes) {
        Elf64_Ehdr e = {};
        std::memcpy(e.e_ident, ELFMAG, SELFMAG);
        e.e_ident[EI_CLASS] = ELFCLASS64;
        e.e_ident[EI_DATA] = ELFDATA2LSB;
        e.e_ident[EI_VERSION] = EV_CURRENT;
        e.e_type = ET_CORE;
        e.e_machine = uint16_t(caches_of(t_).kind->elf_machine);
        e.e_version = EV_CURRENT;
        e.e_phoff = e.e_ehsize = sizeof e;
        e.e_phentsize = sizeof(Elf64_Phdr);
        e.e_phnum = uint16_t(segments_.size() + 1);
        std::vector<Elf64_Phdr> headers(1);
        uint64_t at = sizeof e + (segments_.size() + 1) * sizeof(Elf64_Phdr);
        headers[0].p_type = PT_NOTE;
        headers[0].p_offset = at;
        headers[0].p_filesz = notes.size();
        headers[0].p_align = 4;
        at = (at + notes.size() + kPage - 1) & ~(kPage - 1);
        for (segment& s : segments_) {
            s.offset = at;
            at += s.bytes_in_file;
            headers.push_back({PT_LOAD, s.flags, s.offset, s.begin, 0, s.bytes_in_file, s.end - s.begin, kPage});
        }
        out_.write(0, &e, sizeof e);
        out_.write(sizeof e, headers.data(), headers.size() * sizeof headers[0]);
        out_.write(headers[0].p_offset, notes.data(), notes.size());
        return at;
    }

    void write_memory(const segment& s) {
        std::vector<uint64_t> states;
        std::vector<char> bytes(kPiece * kPage);
        for (uint64_t at = s.begin, end = s.begin + s.bytes_in_file; at < end; at += kPiece * kPage) {
            uint64_t pages = std::min(kPiece, (end - at) / kPage);
            if (!read_states(at, pages, states)) continue;
            for (uint64_t i = 0; i < pages;) {
                uint64_t n = 1;
                if (s.only_touched && !is_touched(states[i])) {
                    i++;
                    continue;
                }
                while (i + n < pages && (!s.only_touched || is_touched(states[i + n]))) n++;
                copy(at + i * kPage, n * kPage, s.offset + (at - s.begin) + i * kPage, bytes);
                i += n;
            }
        }
    }

    // What is gone meanwhile stays a hole.
    void copy(uint64_t address, uint64_t n, uint64_t offset, std::vector<char>& bytes) {
        for (uint64_t done = 0; done < n;) {
            iovec here{bytes.data(), n - done}, there{reinterpret_cast<void*>(address + done), n - done};
            ssize_t got = process_vm_readv(pid_t(t_.pid()), &here, 1, &there, 1, 0);
            if (got < 0 && errno != EFAULT)
                fail(t_.name(), std::string("its memory cannot be read: ") + std::strerror(errno));
            if (got > 0) out_.write(offset + done, bytes.data(), uint64_t(got));
            done += got > 0 ? uint64_t(got) : kPage;
        }
    }

    const target& t_;
    sparse_file out_;
    const std::string& notes_;
    std::string proc_;
    file_handle pagemap_;
    std::vector<mapping> maps_;
    std::vector<segment> segments_;
};

}  // namespace

void write_live_core(const target& t, const std::string& to, const std::string& notes) {
    live_core(t, to, notes).write();
}

}  // namespace insp

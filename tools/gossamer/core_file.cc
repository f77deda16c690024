// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/core_file.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "tools/gossamer/box_file.h"

namespace insp {

namespace {

constexpr uint64_t kPiece = 1 << 20, kPage = 4096;

bool is_zero(const char* bytes, uint64_t n) {
    return n == 0 || (*bytes == 0 && std::memcmp(bytes, bytes + 1, n - 1) == 0);
}

void read_all(int fd, uint64_t offset, void* to, uint64_t n, const std::string& path) {
    for (uint64_t done = 0; done < n;) {
        ssize_t got = pread(fd, static_cast<char*>(to) + done, n - done, off_t(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail(path, std::strerror(errno));
        if (got == 0) fail(path, "the core is cut short");
        done += uint64_t(got);
    }
}

// What is a hole there stays one.
void copy_bytes(int from, uint64_t size, sparse_file& to, const std::string& path) {
    std::vector<char> piece(kPiece);
    for (uint64_t at = 0; at < size;) {
        off_t data = lseek(from, off_t(at), SEEK_DATA);
        if (data < 0 && errno == ENXIO) break;
        if (data > off_t(at)) at = uint64_t(data);
        uint64_t n = std::min(kPiece, size - std::min(at, size));
        read_all(from, at, piece.data(), n, path);
        to.write(at, piece.data(), n);
        at += n;
    }
}

bool has_thread(int fd, const Elf64_Phdr& p, uint64_t size, const std::string& path) {
    constexpr uint64_t kMost = 1 << 30;
    if (p.p_filesz > kMost) return false;
    // Before there is memory for what it promises.
    if (p.p_offset > size || p.p_filesz > size - p.p_offset) fail(path, "the core is cut short");
    std::string notes(p.p_filesz, 0);
    read_all(fd, p.p_offset, notes.data(), notes.size(), path);
    Elf64_Nhdr n;
    for (uint64_t at = 0; at + sizeof n <= notes.size();) {
        std::memcpy(&n, notes.data() + at, sizeof n);
        if (n.n_type == NT_PRSTATUS) return true;
        at += sizeof n + ((uint64_t(n.n_namesz) + 3) & ~3ull) + ((uint64_t(n.n_descsz) + 3) & ~3ull);
    }
    return false;
}

}  // namespace

sparse_file::sparse_file(const std::string& path) : path_(path) {
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd_ < 0) fail(path, std::strerror(errno));
}

sparse_file::~sparse_file() {
    if (fd_ >= 0) ::close(fd_);
    if (!is_done_) unlink(path_.c_str());
}

void sparse_file::write(uint64_t offset, const void* bytes, uint64_t n) {
    const char* from = static_cast<const char*>(bytes);
    while (n > 0) {
        uint64_t step = std::min(n, kPage - offset % kPage);
        bool skip = is_zero(from, step);
        // As many pages as are alike go out together.
        for (uint64_t next; step < n && is_zero(from + step, next = std::min(n - step, kPage)) == skip; step += next)
            continue;
        for (uint64_t done = 0; done < step && !skip;) {
            ssize_t put = pwrite(fd_, from + done, step - done, off_t(offset + done));
            if (put < 0 && errno == EINTR) continue;
            if (put <= 0) fail(path_, std::strerror(errno));
            done += uint64_t(put);
        }
        offset += step;
        from += step;
        n -= step;
    }
}

void sparse_file::finish(uint64_t size) {
    if (ftruncate(fd_, off_t(size)) != 0) fail(path_, std::strerror(errno));
    is_done_ = true;
}

void copy_core(const std::string& from, const std::string& to, const std::string& notes) {
    file_handle in(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat s, other;
    if (!in || fstat(in.get(), &s) != 0) fail(from, std::strerror(errno));
    if (stat(to.c_str(), &other) == 0 && other.st_ino == s.st_ino && other.st_dev == s.st_dev)
        fail(to, "it is the core that is to be copied");
    Elf64_Ehdr e;
    read_all(in.get(), 0, &e, sizeof e, from);
    if (std::memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 || e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_type != ET_CORE ||
        e.e_phentsize != sizeof(Elf64_Phdr))
        fail(from, "it is no core of a 64-bit process");
    auto size = uint64_t(s.st_size);
    uint64_t count = e.e_phnum;
    Elf64_Shdr first;
    if (count == PN_XNUM) {
        read_all(in.get(), e.e_shoff, &first, sizeof first, from);
        count = first.sh_info;
    }
    // The debugger reads threads from one stretch of notes: it moves to the end, where there is room.
    for (uint64_t i = 0; i < count; i++) {
        Elf64_Phdr p;
        uint64_t at = e.e_phoff + i * sizeof p;
        read_all(in.get(), at, &p, sizeof p, from);
        if (p.p_type != PT_NOTE || !has_thread(in.get(), p, size, from)) continue;
        std::string all(p.p_filesz, 0);
        read_all(in.get(), p.p_offset, all.data(), all.size(), from);
        all.resize((all.size() + 3) & ~size_t(3));
        all += notes;
        sparse_file out(to);
        copy_bytes(in.get(), size, out, from);
        p.p_offset = (size + kPage - 1) & ~(kPage - 1);
        p.p_filesz = all.size();
        out.write(at, &p, sizeof p);
        out.write(p.p_offset, all.data(), all.size());
        out.finish(p.p_offset + p.p_filesz);
        return;
    }
    fail(from, "the core names no threads");
}

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
#include "runtime/box/box.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "runtime/arch/cpu.h"
#include "runtime/base/bits.h"
#include "runtime/base/fatal.h"
#include "runtime/box/version.h"
#include "runtime/os/lock.h"

namespace gossamer::rt {

namespace {

constexpr char kDirectory[] = "/dev/shm";
constexpr int kPopulateWrite = 23;  // MADV_POPULATE_WRITE, Linux 5.14
constexpr size_t kHeaderBytes = align_up(sizeof(box::header), os::kPage);
constexpr size_t kTableBytes = align_up(sizeof(box::region) * box::kMaxRegions, os::kPage);
constexpr unsigned kKept = 4;  // black boxes of dead processes of this user that stay

lock box_lock{lock_rank::box};
box::header* head = nullptr;
box::region* table = nullptr;  // of header::region_count
char path[64];                 // empty: no file
dev_t device;
ino_t inode;
uint64_t file_bytes;  // under box_lock

struct slots {
    char* at = nullptr;
    char* end = nullptr;
} tables[2];  // Ps, Ms; under box_lock

// The file by its name, and no other; -1.
int reopen() {
    if (path[0] == 0) return -1;
    int fd = ::open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    struct stat s;
    if (fd >= 0 && (fstat(fd, &s) != 0 || s.st_dev != device || s.st_ino != inode)) {
        ::close(fd);
        fd = -1;
    }
    return fd;
}

// Page by page would be a fault each; a kernel that cannot do it leaves the box to memory of the process.
bool populate(void* p, size_t bytes) { return madvise(p, bytes, kPopulateWrite) == 0; }

void* anonymous(void* at, size_t bytes) {
    void* p = mmap(at, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (at != nullptr ? MAP_FIXED : 0), -1, 0);
    if (p == MAP_FAILED) return nullptr;
    madvise(p, bytes, MADV_NOHUGEPAGE);
    return p;
}

// REQUIRES: box_lock. Null: no file, or no room.
void* map_in_file(size_t bytes) {
    int fd = reopen();
    if (fd < 0) return nullptr;
    void* p = MAP_FAILED;
    if (ftruncate(fd, off_t(file_bytes + bytes)) == 0)
        p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, off_t(file_bytes));
    ::close(fd);
    if (p == MAP_FAILED) return nullptr;
    file_bytes += bytes;
    return p;
}

// Boxes of processes that have died, but for the newest few: nobody else would ever remove them.
void sweep() {
    struct found {
        char name[48];
        timespec when;
    } dead[64];
    unsigned n = 0;
    char prefix[32];
    int prefix_bytes = snprintf(prefix, sizeof prefix, "gossamer.%u.", geteuid());
    DIR* dir = opendir(kDirectory);
    if (dir == nullptr) return;
    while (const dirent* e = readdir(dir)) {
        if (strncmp(e->d_name, prefix, size_t(prefix_bytes)) != 0 || strlen(e->d_name) >= sizeof dead[0].name) continue;
        char* end;
        long pid = strtol(e->d_name + prefix_bytes, &end, 10);
        struct stat s;
        bool alive = kill(pid_t(pid), 0) == 0 || errno != ESRCH;
        if (*end != 0 || pid <= 0 || alive || n == std::size(dead)) continue;
        if (fstatat(dirfd(dir), e->d_name, &s, AT_SYMLINK_NOFOLLOW) != 0) continue;
        strcpy(dead[n].name, e->d_name);
        dead[n++].when = s.st_mtim;
    }
    std::sort(dead, dead + n, [](const found& a, const found& b) {
        return a.when.tv_sec != b.when.tv_sec ? a.when.tv_sec > b.when.tv_sec : a.when.tv_nsec > b.when.tv_nsec;
    });
    for (unsigned i = kKept; i < n; i++) unlinkat(dirfd(dir), dead[i].name, 0);
    closedir(dir);
}

void remove_at_exit() {
    if (path[0] == 0 || head->pid != uint32_t(getpid()) || head->state.load() != box::life::running) return;
    head->state.store(box::life::exited);
    unlink(path);
}

// Header and table, in one mapping. False: no file can be made.
bool make_file() {
    snprintf(path, sizeof path, "%s/gossamer.%u.%d", kDirectory, geteuid(), int(getpid()));
    unlink(path);  // of an earlier process with this number
    int fd = ::open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat s;
    void* p = MAP_FAILED;
    if (fd >= 0 && fstat(fd, &s) == 0 && ftruncate(fd, off_t(kHeaderBytes + kTableBytes)) == 0)
        p = mmap(nullptr, kHeaderBytes + kTableBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0) ::close(fd);
    if (p != MAP_FAILED && populate(p, kHeaderBytes + os::kPage)) {
        device = s.st_dev;
        inode = s.st_ino;
        file_bytes = kHeaderBytes + kTableBytes;
        head = static_cast<box::header*>(p);
        return true;
    }
    if (p != MAP_FAILED) munmap(p, kHeaderBytes + kTableBytes);
    if (fd >= 0) unlink(path);
    path[0] = 0;
    return false;
}

uint64_t ticks_and(clockid_t clock, uint64_t* ns) {
    timespec t;
    uint64_t before = arch::cycles();
    clock_gettime(clock, &t);
    *ns = uint64_t(t.tv_sec) * 1'000'000'000 + uint64_t(t.tv_nsec);
    return before + (arch::cycles() - before) / 2;
}

void fill_header() {
    memcpy(head->magic, box::kMagic, sizeof head->magic);
    head->version = box::kVersion;
    head->header_bytes = sizeof(box::header);
    head->region_bytes = sizeof(box::region);
    head->page = os::kPage;
    head->pid = uint32_t(getpid());
    head->uid = geteuid();
    head->start_ticks = os::own_stat(22);
    head->regions_at = kHeaderBytes;
    if (ssize_t n = readlink("/proc/self/exe", head->exe, sizeof head->exe - 1); n > 0) head->exe[n] = 0;
    ticks_and(CLOCK_REALTIME, &head->real_ns_0);
    head->tsc_0 = ticks_and(CLOCK_MONOTONIC, &head->mono_ns_0);
    snprintf(head->library, sizeof head->library, "%s", kLibraryVersion);
    renew_box_clock();
}

// REQUIRES: box_lock.
void add_region(void* p, size_t bytes, uint64_t offset, bool in_file, box::region_kind kind, uint32_t stride) {
    uint32_t at = head->region_count.load();
    if (at == box::kMaxRegions) return;  // it is not shown
    size_t end = sizeof(box::region) * (at + 1);
    if (path[0] != 0 && (end - 1) / os::kPage != (end - sizeof(box::region)) / os::kPage) {
        char* page = reinterpret_cast<char*>(table) + (end - 1) / os::kPage * os::kPage;
        if (!populate(page, os::kPage)) return;  // likewise
    }
    box::region& r = table[at];
    r.address = reinterpret_cast<uintptr_t>(p);
    r.bytes = bytes;
    r.offset = offset;
    r.in_file = in_file ? bytes : 0;
    r.kind = kind;
    r.stride = stride;
    head->region_count.store(at + 1);
}

// REQUIRES: box_lock.
void* map_locked(box::region_kind kind, size_t bytes, uint32_t stride) {
    bytes = align_up(bytes, os::kPage);
    uint64_t offset = file_bytes;
    void* p = map_in_file(bytes);
    bool in_file = p != nullptr;
    if (p == nullptr) p = anonymous(nullptr, bytes);
    if (p != nullptr) add_region(p, bytes, offset, in_file, kind, stride);
    return p;
}

}  // namespace

box::header* the_box() { return head; }

const char* box_path() { return path; }

void open_box(bool wanted) {
    if (head != nullptr) return;
    if (!wanted || !make_file()) {
        head = static_cast<box::header*>(anonymous(nullptr, kHeaderBytes + kTableBytes));
        if (head == nullptr)
            fatal("start_runtime: no address space for %zu bytes of tables", kHeaderBytes + kTableBytes);
    }
    table = reinterpret_cast<box::region*>(reinterpret_cast<char*>(head) + kHeaderBytes);
    fill_header();
    if (path[0] == 0) return;
    sweep();
    std::atexit(remove_at_exit);
}

void* map_region(box::region_kind kind, size_t bytes, uint32_t stride) {
    lock_guard guard(box_lock);
    return map_locked(kind, bytes, stride);
}

void commit(void* p, size_t bytes) {
    char* begin = reinterpret_cast<char*>(align_up(reinterpret_cast<uintptr_t>(p), os::kPage));
    char* end = reinterpret_cast<char*>(align_up(reinterpret_cast<uintptr_t>(p) + bytes, os::kPage));
    if (path[0] == 0 || begin >= end || populate(begin, size_t(end - begin))) return;
    // No room in the file: what nobody has used yet becomes memory of the process.
    lock_guard guard(box_lock);
    for (uint32_t i = head->region_count.load(); i-- > 0;) {
        box::region& r = table[i];
        uint64_t from = reinterpret_cast<uintptr_t>(begin) - r.address;
        if (from >= r.bytes) continue;
        if (from >= r.in_file) return;  // is that already
        if (anonymous(begin, r.bytes - from) == nullptr)
            fatal("commit: /dev/shm is full, and there is no memory for %zu bytes in its place",
                  size_t(r.bytes - from));
        r.in_file = from;
        return;
    }
}

void* new_slot(box::region_kind kind, uint32_t bytes) {
    uint32_t stride = uint32_t(align_up(bytes, kCacheLine));
    size_t at_once = stride > os::kPage / 4 ? 8 : 64;
    lock_guard guard(box_lock);
    slots& t = tables[kind == box::region_kind::ps ? 0 : 1];
    if (t.at == t.end) {
        t.at = static_cast<char*>(map_locked(kind, size_t(stride) * at_once, stride));
        if (t.at == nullptr) return nullptr;
        t.end = t.at + size_t(stride) * at_once;
        // Whole: the fallback takes what is not used yet, and here the page before may be.
        if (path[0] != 0 && !populate(t.at, size_t(stride) * at_once)) {
            if (anonymous(t.at, align_up(size_t(stride) * at_once, os::kPage)) == nullptr) return nullptr;
            table[head->region_count.load() - 1].in_file = 0;
        }
    }
    void* p = t.at;
    t.at += stride;
    return p;
}

void add_text(box::region_kind kind, const char* text, size_t bytes) {
    auto* to = static_cast<char*>(map_region(kind, bytes + 1, 0));
    if (to == nullptr) return;
    commit(to, bytes + 1);
    memcpy(to, text, bytes);
}

void keep_box(const char* why) {
    if (head == nullptr || head->pid != uint32_t(getpid())) return;
    size_t n = strnlen(why, sizeof head->why - 1);
    memcpy(head->why, why, n);
    head->why[n] = 0;
    head->state.store(box::life::died);
    renew_box_clock();
}

int save_box(const char* to) {
    renew_box_clock();
    int from = reopen();
    if (from < 0) return ENOENT;
    int fd = ::open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int failed = fd < 0 ? errno : 0;
    uint64_t end = lseek(from, 0, SEEK_END);
    // Holes stay holes: most of the address space of the tables was never used.
    for (off_t at = 0; failed == 0 && uint64_t(at) < end;) {
        at = lseek(from, at, SEEK_DATA);
        if (at < 0) break;  // nothing but a hole is left
        off_t hole = lseek(from, at, SEEK_HOLE);
        if (lseek(fd, at, SEEK_SET) < 0) failed = errno;
        while (failed == 0 && at < hole)
            if (ssize_t n = sendfile(fd, from, &at, size_t(hole - at)); n <= 0) failed = n < 0 ? errno : EIO;
    }
    if (failed == 0 && ftruncate(fd, off_t(end)) != 0) failed = errno;
    if (fd >= 0 && ::close(fd) != 0 && failed == 0) failed = errno;
    ::close(from);
    return failed;
}

void copy_box_for_child() {
    int fd = reopen();
    if (fd < 0) return;
    mmap(head, kHeaderBytes + kTableBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0);
    for (uint32_t i = 0; i < head->region_count.load(); i++)
        if (table[i].in_file != 0)
            mmap(reinterpret_cast<void*>(table[i].address), table[i].in_file, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_FIXED, fd, off_t(table[i].offset));
    ::close(fd);
    path[0] = 0;
}

void renew_box_clock() {
    uint64_t ns;
    uint64_t ticks = ticks_and(CLOCK_MONOTONIC, &ns);
    head->tsc_1.store(ticks);
    head->mono_ns_1.store(ns);
}

}  // namespace gossamer::rt

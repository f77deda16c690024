// SPDX-License-Identifier: BSL-1.0
// target_live: a process by its number: whose it is, where its box is, what code it has mapped.
#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

#include "tools/gossamer/target_inside.h"

namespace insp {

namespace {

constexpr char kDirectory[] = "/dev/shm";

std::string proc(uint32_t pid, const std::string& file) { return "/proc/" + std::to_string(pid) + "/" + file; }

struct process {
    char state = 0;
    uint64_t start_ticks = 0;
    uint32_t uid = 0;            // effective, whose files are the process's
    std::vector<uint32_t> pids;  // as this process sees it, then as itself does in its own namespace
    bool runs() const { return state != 'Z' && state != 'X' && state != 'x'; }
};

std::optional<process> look_at(uint32_t pid) {
    process p;
    std::ifstream stat_file(proc(pid, "stat"));
    std::string line;
    if (!std::getline(stat_file, line)) return std::nullopt;
    size_t behind_name = line.rfind(')');  // a name may hold anything, also spaces
    if (behind_name == std::string::npos) return std::nullopt;
    std::istringstream rest(line.substr(behind_name + 1));
    std::string word;
    for (int i = 3; i <= 22 && rest >> word; i++) {
        if (i == 3) p.state = word[0];
        if (i == 22) p.start_ticks = std::strtoull(word.c_str(), nullptr, 10);
    }
    std::ifstream status(proc(pid, "status"));
    while (std::getline(status, line)) {
        std::istringstream words(line);
        words >> word;
        uint32_t n;
        if (word == "Uid:") words >> n >> p.uid;
        while (word == "NSpid:" && words >> n) p.pids.push_back(n);
    }
    if (p.pids.empty()) p.pids.push_back(pid);
    return p;
}

// A line of /proc/PID/maps.
struct mapping {
    uint64_t begin = 0, end = 0, offset = 0, inode = 0;
    char rights[8] = {};
    std::string path;
};

bool read_maps(uint32_t pid, std::vector<mapping>* all) {
    std::ifstream file(proc(pid, "maps"));
    std::string line;
    if (!file) return false;
    while (std::getline(file, line)) {
        mapping m;
        int path_at = 0;
        unsigned long begin, end, offset, inode;
        if (std::sscanf(line.c_str(), "%lx-%lx %7s %lx %*s %lu %n", &begin, &end, m.rights, &offset, &inode, &path_at) <
            5)
            continue;
        m.begin = begin;
        m.end = end;
        m.offset = offset;
        m.inode = inode;
        m.path = line.substr(std::min<size_t>(size_t(path_at), line.size()));
        all->push_back(std::move(m));
    }
    return !file.bad();
}

bool is_inode(const std::string& path, uint64_t inode) {
    struct stat s;
    return stat(path.c_str(), &s) == 0 && s.st_ino == inode;
}

std::string without_deleted(const std::string& path) {
    constexpr std::string_view kDeleted = " (deleted)";
    return path.ends_with(kDeleted) ? path.substr(0, path.size() - kDeleted.size()) : path;
}

// Where the file of a mapping can be opened: by its own name, in the process's root, through what is mapped (for the mighty only), or through an open
// file. "": nowhere.
std::string openable(uint32_t pid, const mapping& m) {
    std::string path = without_deleted(m.path);
    char range[64];
    std::snprintf(range, sizeof range, "map_files/%lx-%lx", static_cast<unsigned long>(m.begin),
                  static_cast<unsigned long>(m.end));
    for (const std::string& p : {path, proc(pid, "root") + path, proc(pid, "exe"), proc(pid, range)})
        if (is_inode(p, m.inode)) return p;
    DIR* dir = opendir(proc(pid, "fd").c_str());
    if (dir == nullptr) return {};
    std::string found;
    while (const dirent* e = found.empty() ? readdir(dir) : nullptr)
        if (std::string p = proc(pid, "fd/") + e->d_name; e->d_name[0] != '.' && is_inode(p, m.inode)) found = p;
    closedir(dir);
    return found;
}

bool names_a_box(const std::string& path) {
    size_t name = path.rfind('/') + 1;
    unsigned uid, pid;
    return std::sscanf(path.c_str() + name, "gossamer.%u.%u", &uid, &pid) == 2 || path.starts_with("/memfd:gossamer");
}

// The box that a process has mapped. Its header begins the file.
std::string mapped_box(const target::inside& in, uint32_t pid, const process& p) {
    std::vector<mapping> maps;
    bool is_other = geteuid() != 0 && p.uid != geteuid();
    if (!read_maps(pid, &maps) || (maps.empty() && is_other))
        fail(in.name,
             is_other ? not_yours(p.uid) : "what it has mapped cannot be read: " + std::string(std::strerror(errno)));
    for (const mapping& m : maps) {
        if (m.offset != 0 || !names_a_box(without_deleted(m.path))) continue;
        std::string path = openable(pid, m);
        if (path.empty())
            fail(in.name, "its box " + without_deleted(m.path) + " has been removed: nothing is left to look at");
        return path;
    }
    fail(in.name, "it does not run on Gossamer, or without a box (GOSSAMER_BOX=off, no room in /dev/shm)");
}

// Opens the box at `path`. False: there is none.
bool take_box(target::inside& in, const std::string& path, uint32_t uid) {
    file_handle fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd && errno == ENOENT) return false;
    if (!fd) fail(in.name, errno == EACCES ? not_yours(uid) : path + ": " + std::strerror(errno));
    struct stat s;
    if (fstat(fd.get(), &s) != 0 || s.st_uid != uid)
        fail(in.name, path + " was made by somebody else than user " + std::to_string(uid));
    in.box = std::make_unique<box_file>(std::make_unique<file_map>(std::move(fd)), in.name);
    in.box_path = path;
    return true;
}

// What a process of that number left behind; the caller's own first.
bool take_black_box(target::inside& in, uint32_t pid) {
    std::vector<uint32_t> owners;
    DIR* dir = opendir(kDirectory);
    if (dir == nullptr) return false;
    while (const dirent* e = readdir(dir)) {
        unsigned uid, of;
        int end = 0;
        if (std::sscanf(e->d_name, "gossamer.%u.%u%n", &uid, &of, &end) == 2 && e->d_name[end] == 0 && of == pid)
            owners.push_back(uid);
    }
    closedir(dir);
    std::stable_partition(owners.begin(), owners.end(), [](uint32_t uid) { return uid == geteuid(); });
    return !owners.empty() &&
           take_box(in, std::string(kDirectory) + "/gossamer." + std::to_string(owners[0]) + "." + std::to_string(pid),
                    owners[0]);
}

// The box is that of the process as it is now, not of an earlier one with its number, and the process has not begun to die.
bool is_of(const box_file& b, const process& p) {
    const box::header& h = b.head();
    return p.runs() && h.state.load() == box::life::running &&
           std::find(p.pids.begin(), p.pids.end(), h.pid) != p.pids.end() &&
           (h.start_ticks == 0 || h.start_ticks == p.start_ticks);
}

void go_live(target::inside& in, uint32_t pid) {
    in.is_live = true;
    in.pid = pid;
    in.pidfd = file_handle(int(syscall(SYS_pidfd_open, pid, 0)));
    in.modules = modules_of_process(pid);
    in.exe_path = proc(pid, "exe");
}

}  // namespace

std::string not_yours(uint32_t uid) {
    const passwd* who = getpwuid(uid);
    return "it belongs to user " + (who != nullptr ? who->pw_name + std::string(" (") : std::string("(")) +
           std::to_string(uid) + "): one must be that user, or root";
}

std::vector<module> modules_of_process(uint32_t pid) {
    std::vector<mapping> maps;
    std::vector<module> all;
    read_maps(pid, &maps);
    std::string last_path, last_open;
    for (const mapping& m : maps) {
        if (std::strchr(m.rights, 'x') == nullptr) continue;
        bool is_file = m.inode != 0 && m.path.starts_with('/');
        if (is_file && m.path != last_path) {
            last_path = m.path;
            last_open = openable(pid, m);
        }
        all.push_back({m.begin, m.end, m.offset, "", without_deleted(m.path), is_file ? last_open : ""});
    }
    return all;
}

void open_process(target::inside& in, uint32_t pid) {
    std::string number = std::to_string(pid);
    std::optional<process> p = look_at(pid);
    if (!p && !take_black_box(in, pid)) fail(in.name, "no such process");
    if (p && !take_box(in, std::string(kDirectory) + "/gossamer." + std::to_string(p->uid) + "." + number, p->uid) &&
        !take_black_box(in, pid))
        take_box(in, mapped_box(in, pid, *p), p->uid);
    if (!in.box) fail(in.name, "its box has just been removed");
    if (p && is_of(*in.box, *p)) {
        go_live(in, pid);
        return;
    }
    uint32_t owner = in.box->head().pid;
    if (p && p->runs() && std::find(p->pids.begin(), p->pids.end(), owner) == p->pids.end())
        fail(in.name, "it is a forked child of process " + std::to_string(owner) + " and has no box of its own");
    std::fprintf(stderr, "gossamer: process %u has died; this is what it left\n", pid);
}

void see_whether_live(target::inside& in) {
    uint32_t pid = in.box->head().pid;
    struct stat mine, its;
    std::string path =
        std::string(kDirectory) + "/gossamer." + std::to_string(in.box->head().uid) + "." + std::to_string(pid);
    if (fstat(in.box->file().fd(), &mine) != 0 || stat(path.c_str(), &its) != 0) return;
    if (mine.st_ino != its.st_ino || mine.st_dev != its.st_dev) return;  // a copy, which stands still
    if (auto p = look_at(pid); p && is_of(*in.box, *p)) go_live(in, pid);
}

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/target.h"

#include <elf.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>

#include "tools/gossamer/target_inside.h"
#include "tools/gossamer/ticks.h"

namespace insp {

std::string running_command = "gossamer";

void fail(const std::string& target, const std::string& fact) {
    throw error("gossamer: " + running_command + " " + target + ": " + fact);
}

namespace {

// A pid, when the whole is a number that can be one; else 0.
uint32_t pid_in(const std::string& what) {
    uint32_t pid = 0;
    auto [end, failed] = std::from_chars(what.data(), what.data() + what.size(), pid);
    return failed == std::errc{} && end == what.data() + what.size() ? pid : 0;
}

bool is_number(const std::string& what) {
    return !what.empty() && what.find_first_not_of("0123456789") == std::string::npos;
}

// Two readings of the clocks make the rate; a process that runs has the longest way between them now.
void set_clock(target::inside& in) {
    const box::header& h = in.box->head();
    in.anchor_ticks = h.tsc_1.load();
    in.anchor_ns = possible_ns(int64_t(h.mono_ns_1.load()));
    if (in.is_live) read_clocks(&in.anchor_ticks, &in.anchor_ns);
    auto ticks = double(int64_t(in.anchor_ticks - h.tsc_0));
    auto ns = double(in.anchor_ns - int64_t(h.mono_ns_0));
    double rate = ns / ticks;
    in.ns_a_tick = ticks > 0 && ns > 0 && rate < 1e6 ? rate : 1;
}

// Lines "G.id 64 8".
void read_description(const target& t, target::inside& in) {
    constexpr uint32_t kMost = 1 << 20;  // no struct of the runtime is larger: an offset and a size can be added
    std::string text = text_of(t, box::region_kind::text);
    for (size_t at = 0; at < text.size();) {
        size_t end = std::min(text.find('\n', at), text.size());
        std::string line = text.substr(at, end - at);
        at = end + 1;
        size_t bytes = line.rfind(' '), offset = bytes - 1;
        if (bytes != std::string::npos) offset = line.rfind(' ', offset);
        if (bytes == std::string::npos || offset == std::string::npos || offset == bytes) continue;
        field f;
        if (std::sscanf(line.c_str() + offset, " %u %u", &f.offset, &f.bytes) != 2) continue;
        if (f.offset > kMost || f.bytes > kMost) continue;
        std::string what = line.substr(0, offset);
        if (what.starts_with("event."))
            in.events.emplace_back(what.substr(6), f.offset);
        else
            in.fields.emplace(what, f);
    }
}

void open_file(target::inside& in, const std::string& what) {
    file_handle fd(::open(what.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat s {};
    if (!fd && errno == EACCES && stat(what.c_str(), &s) == 0) fail(what, not_yours(s.st_uid));
    if (!fd) fail(what, errno == ENOENT ? "there is no such file" : std::strerror(errno));
    if (fstat(fd.get(), &s) != 0 || !S_ISREG(s.st_mode)) fail(what, "it is not a file");
    char magic[sizeof box::kMagic] = {};
    if (pread(fd.get(), magic, sizeof magic, 0) < 0) fail(what, std::strerror(errno));
    if (std::memcmp(magic, ELFMAG, SELFMAG) == 0) {
        open_core(in, std::make_unique<file_map>(std::move(fd)));
        return;
    }
    if (std::memcmp(magic, box::kMagic, sizeof magic) != 0)
        fail(what, "it is neither a box nor a window of Gossamer, nor a core");
    in.box = std::make_unique<box_file>(std::make_unique<file_map>(std::move(fd)), what);
    in.box_path = what;
    see_whether_live(in);
}

}  // namespace

target::inside::~inside() {
    if (control_page != nullptr) munmap(control_page, sizeof(box::header));
}

target::target() : in_(std::make_unique<inside>()) {}
target::~target() = default;

std::unique_ptr<target> target::open(const std::string& what) {
    std::unique_ptr<target> t(new target);
    inside& in = *t->in_;
    in.name = what;
    if (uint32_t pid = pid_in(what); pid != 0)
        open_process(in, pid);
    else if (is_number(what))
        fail(what, "no such process");
    else
        open_file(in, what);
    if (!in.is_live) {
        in.pid = in.box->head().pid;
        in.exe_path = in.box->head().exe;
    }
    set_clock(in);
    read_description(*t, in);
    if (!in.is_live) in.modules = modules_of_box(*t);
    return t;
}

const box::header& target::head() const { return in_->box->head(); }
const std::string& target::name() const { return in_->name; }
uint32_t target::pid() const { return in_->pid; }

bool target::is_live() const {
    if (!in_->is_live || !in_->pidfd) return in_->is_live;
    pollfd ended{in_->pidfd.get(), POLLIN, 0};
    if (poll(&ended, 1, 0) > 0) in_->is_live = false;
    return in_->is_live;
}

std::string text_of(const target& t, box::region_kind kind) {
    constexpr uint64_t kMost = 16 << 20;
    std::string all;
    for (const box::region& r : t.regions(kind)) {
        std::string text(std::min(r.in_file != 0 ? r.in_file : r.bytes, kMost - all.size()), 0);
        if (text.empty() || !t.read(r.address, text.data(), text.size())) continue;
        all += text.c_str();
    }
    return all;
}

std::vector<box::region> target::regions(box::region_kind kind) const {
    if (in_->is_live) set_clock(*in_);
    std::vector<box::region> found;
    for (const box::region& r : in_->box->regions())
        if (r.kind == kind) found.push_back(r);
    return found;
}

std::pair<uint64_t, uint64_t> target::data(const box::region& r, uint64_t from) const {
    auto [begin, end] = in_->box->file().data(r.offset + std::min(from, r.in_file), r.offset + r.in_file);
    return {begin - r.offset, end - r.offset};
}

const std::byte* target::at(uint64_t address, size_t bytes) const { return in_->box->at(address, bytes); }

bool target::read(uint64_t address, void* to, size_t bytes) const {
    if (bytes == 0) return true;
    if (const std::byte* from = at(address, bytes)) {
        std::memcpy(to, from, bytes);
        return true;
    }
    if (in_->is_live) {
        iovec here{to, bytes}, there{reinterpret_cast<void*>(address), bytes};
        return process_vm_readv(pid_t(in_->pid), &here, 1, &there, 1, 0) == ssize_t(bytes);
    }
    if (const std::byte* from = in_->stretch(address, bytes)) {
        std::memcpy(to, from, bytes);
        return true;
    }
    return false;
}

std::string target::read_string(uint64_t address) const {
    constexpr size_t kMost = 255, kPage = 4096;
    char text[kMost + 1];
    size_t have = 0;
    while (have < kMost) {
        size_t n = std::min<size_t>(kMost - have, kPage - (address + have) % kPage);
        while (n != 0 && !read(address + have, text + have, n)) n /= 2;  // a stretch of memory may end anywhere
        if (n == 0) return {};
        if (std::memchr(text + have, 0, n) != nullptr) return text;
        have += n;
    }
    return {text, have};
}

std::string_view target::kept_string(uint64_t address) const {
    auto [at, is_new] = in_->names.try_emplace(address);
    if (is_new) at->second = read_string(address);
    return at->second;
}

field target::find_field(std::string_view struct_and_field) const {
    auto found = in_->fields.find(std::string(struct_and_field));
    return found != in_->fields.end() ? found->second : field{};
}

const std::vector<std::pair<std::string, uint32_t>>& target::events() const { return in_->events; }

int64_t target::ns_of(uint64_t ticks) const {
    double since = double(int64_t(ticks - in_->anchor_ticks)) * in_->ns_a_tick;
    return possible_ns(in_->anchor_ns + int64_t(std::clamp(since, -4e18, 4e18)));
}

int64_t target::real_ns_of(int64_t monotonic_ns) const {
    return possible_ns(int64_t(head().real_ns_0 + (uint64_t(monotonic_ns) - head().mono_ns_0)));
}

int64_t target::now_ns() const {
    uint64_t ticks = 0;
    int64_t ns = possible_ns(int64_t(head().mono_ns_1.load()));
    if (in_->is_live) read_clocks(&ticks, &ns);
    return ns;
}

box::control& target::control() {
    inside& in = *in_;
    if (!is_live()) fail(in.name, "the process has ended: there is nothing to switch");
    if (in.control_page != nullptr) return in.control_page->wanted;
    file_handle fd(::open(in.box_path.c_str(), O_RDWR | O_CLOEXEC));
    struct stat a {
    }, b{};
    if (!fd || fstat(fd.get(), &a) != 0 || fstat(in.box->file().fd(), &b) != 0)
        fail(in.name, "its box cannot be written: " + std::string(std::strerror(errno)));
    if (a.st_ino != b.st_ino || a.st_dev != b.st_dev) fail(in.name, "its box has been replaced by another file");
    void* page = mmap(nullptr, sizeof(box::header), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (page == MAP_FAILED) fail(in.name, "its box cannot be written: " + std::string(std::strerror(errno)));
    in.control_page = static_cast<box::header*>(page);
    return in.control_page->wanted;
}

}  // namespace insp

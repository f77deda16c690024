// SPDX-License-Identifier: BSL-1.0
// target_core: memory of what runs no more: the segments of a core, and the read-only data of the program's own files. All of it is ELF that others
// wrote: each offset is compared with the file before use.
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <sstream>

#include "tools/gossamer/target_inside.h"

namespace insp {

namespace {

constexpr uint64_t kPage = 4096;

template <class T>
bool get(file_map& f, uint64_t offset, T* to) {
    const std::byte* at = f.at(offset, sizeof(T));
    if (at != nullptr) std::memcpy(to, at, sizeof(T));
    return at != nullptr;
}

// Of a 64-bit ELF file in this machine's byte order. False: it is none.
bool program_headers(file_map& f, uint16_t* type, std::vector<Elf64_Phdr>* all) {
    Elf64_Ehdr e;
    if (!get(f, 0, &e) || std::memcmp(e.e_ident, ELFMAG, SELFMAG) != 0) return false;
    if (e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_ident[EI_DATA] != ELFDATA2LSB) return false;
    *type = e.e_type;
    uint64_t count = e.e_phnum;
    Elf64_Shdr first;
    if (count == PN_XNUM && get(f, e.e_shoff, &first))
        count = first.sh_info;  // cores with more segments than 16 bits count
    for (uint64_t i = 0; i < count; i++) {
        Elf64_Phdr p;
        if (!get(f, e.e_phoff + i * sizeof p, &p)) return false;
        all->push_back(p);
    }
    return true;
}

using note_reader = std::function<void(uint32_t type, std::string_view name, std::string_view content)>;

void each_note(file_map& f, const Elf64_Phdr& p, const note_reader& read) {
    uint64_t at = p.p_offset, end = p.p_offset + p.p_filesz;
    if (p.p_type != PT_NOTE || end < at) return;
    auto aligned = [](uint64_t n) { return (n + 3) & ~uint64_t{3}; };
    Elf64_Nhdr n;
    while (at < end && get(f, at, &n)) {
        uint64_t content = at + sizeof n + aligned(n.n_namesz);
        uint64_t next = content + aligned(n.n_descsz);
        const std::byte* bytes = f.at(at + sizeof n, content + n.n_descsz - at - sizeof n);
        if (bytes == nullptr || content + n.n_descsz > end) return;
        auto* text = reinterpret_cast<const char*>(bytes);
        read(n.n_type, {text, strnlen(text, n.n_namesz)}, {text + aligned(n.n_namesz), n.n_descsz});
        at = next;
    }
}

// An entry of the note NT_FILE.
struct mapped_file {
    uint64_t begin = 0, end = 0, offset = 0;
    std::string path;
};

std::vector<mapped_file> mapped_files(std::string_view note) {
    std::vector<mapped_file> all;
    auto word = [&](uint64_t i) {
        uint64_t w = 0;
        if ((i + 1) * 8 <= note.size()) std::memcpy(&w, note.data() + i * 8, 8);
        return w;
    };
    uint64_t count = word(0), page = word(1);
    if (count > note.size() / 24) return all;
    size_t name = 16 + 24 * count;
    for (uint64_t i = 0; i < count && name < note.size(); i++) {
        size_t end = std::min(note.find('\0', name), note.size());
        all.push_back(
            {word(2 + 3 * i), word(3 + 3 * i), word(4 + 3 * i) * page, std::string(note.substr(name, end - name))});
        name = end + 1;
    }
    return all;
}

bool is_box_name(const std::string& path) {
    unsigned uid, pid;
    size_t at = path.rfind('/') + 1;
    return std::sscanf(path.c_str() + at, "gossamer.%u.%u", &uid, &pid) == 2 || path.starts_with("/memfd:gossamer");
}

// The file of that name is the one that the core's process had mapped: what it calls its regions lies where the core says.
bool belongs_to(box_file& b, const std::vector<mapped_file>& files) {
    const std::vector<box::region>& regions = b.regions();
    for (const box::region& r : regions)
        for (const mapped_file& f : files)
            if (r.in_file != 0 && is_box_name(f.path) && r.address >= f.begin && r.address < f.end)
                return r.offset == f.offset + (r.address - f.begin);
    return false;
}

// A core that was written with the shared mappings in it has the box inside.
std::unique_ptr<file_map> box_in_core(target::inside& in, const std::vector<mapped_file>& files) {
    constexpr uint64_t kMost = uint64_t{1} << 40;
    uint64_t size = 0;
    for (const mapped_file& f : files)
        if (is_box_name(f.path) && f.end > f.begin && f.offset < kMost && f.end - f.begin < kMost)
            size = std::max(size, f.offset + (f.end - f.begin));
    auto whole = size != 0 ? file_map::gathered(size) : nullptr;
    bool has_any = false;
    for (const mapped_file& f : files) {
        if (whole == nullptr || !is_box_name(f.path)) continue;
        for (const file_stretch& s : in.stretches) {
            uint64_t begin = std::max(f.begin, s.address), end = std::min(f.end, s.address + s.bytes);
            if (begin >= end) continue;
            const std::byte* from = in.stretch(begin, end - begin);
            std::byte* to = whole->writable(f.offset + (begin - f.begin), end - begin);
            if (from == nullptr || to == nullptr) continue;
            std::memcpy(to, from, end - begin);
            has_any = true;
        }
    }
    return has_any ? std::move(whole) : nullptr;
}

std::string build_id_of(file_map& f, const std::vector<Elf64_Phdr>& headers) {
    std::string hex;
    for (const Elf64_Phdr& p : headers)
        each_note(f, p, [&](uint32_t type, std::string_view name, std::string_view content) {
            if (type != NT_GNU_BUILD_ID || name != "GNU") return;
            hex.clear();
            for (unsigned char c : content) {
                hex += "0123456789abcdef"[c >> 4];
                hex += "0123456789abcdef"[c & 15];
            }
        });
    return hex;
}

void sort_stretches(target::inside& in) {
    std::stable_sort(in.stretches.begin(), in.stretches.end(),
                     [](const file_stretch& a, const file_stretch& b) { return a.address < b.address; });
}

// What of the module's file is mapped for reading only, and so is the same in every process.
void add_constants(target::inside& in, const module& m) {
    file_handle fd(::open(m.open_path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat s;
    if (!fd || fstat(fd.get(), &s) != 0 || !S_ISREG(s.st_mode)) return;
    auto file = std::make_unique<file_map>(std::move(fd));
    std::vector<Elf64_Phdr> headers;
    uint16_t type;
    if (!program_headers(*file, &type, &headers)) return;
    if (!m.build_id.empty() && build_id_of(*file, headers) != m.build_id) return;  // it was built anew since
    const Elf64_Phdr* code = nullptr;
    for (const Elf64_Phdr& p : headers)
        if (p.p_type == PT_LOAD && (p.p_flags & PF_X) != 0 && m.offset + kPage > p.p_offset &&
            m.offset < p.p_offset + p.p_filesz)
            code = &p;
    if (code == nullptr) return;
    uint64_t bias = m.begin - m.offset - (code->p_vaddr - code->p_offset);
    for (const Elf64_Phdr& p : headers)
        if (p.p_type == PT_LOAD && (p.p_flags & PF_W) == 0 && p.p_filesz != 0 &&
            file->at(p.p_offset, p.p_filesz) != nullptr)
            in.stretches.push_back({bias + p.p_vaddr, p.p_filesz, p.p_offset, uint32_t(in.files.size())});
    in.files.push_back(std::move(file));
}

}  // namespace

const std::byte* target::inside::stretch(uint64_t address, uint64_t bytes) {
    auto above = std::upper_bound(stretches.begin(), stretches.end(), address,
                                  [](uint64_t a, const file_stretch& s) { return a < s.address; });
    // They may lie over each other: a page of a program's file, and the rest of its constants around it.
    for (int looks = 0; above != stretches.begin() && looks < 8; looks++) {
        const file_stretch& s = *--above;
        uint64_t within = address - s.address;
        if (within < s.bytes && bytes <= s.bytes - within) return files[s.file]->at(s.offset + within, bytes);
    }
    if (has_constants || modules.empty()) return nullptr;
    find_constants(*this);
    return stretch(address, bytes);
}

void find_constants(target::inside& in) {
    in.has_constants = true;
    std::string last;
    for (const module& m : in.modules)
        if (!m.open_path.empty() && m.open_path != std::exchange(last, m.open_path)) add_constants(in, m);
    sort_stretches(in);
}

std::vector<module> modules_of_box(const target& t) {
    std::vector<module> all;
    std::istringstream lines(text_of(t, box::region_kind::modules));
    std::string line;
    while (std::getline(lines, line)) {
        std::istringstream words(line);
        module m;
        if (!(words >> std::hex >> m.begin >> m.end >> m.offset >> m.build_id >> std::ws)) continue;
        std::getline(words, m.path);
        if (m.end <= m.begin) continue;
        if (m.build_id == "-") m.build_id.clear();
        if (m.path.starts_with('/')) m.open_path = m.path;
        // The text grows: what was loaded later has taken the place of what is gone.
        std::erase_if(all, [&](const module& older) { return older.begin < m.end && m.begin < older.end; });
        all.push_back(std::move(m));
    }
    std::sort(all.begin(), all.end(), [](const module& a, const module& b) { return a.begin < b.begin; });
    return all;
}

void open_core(target::inside& in, std::unique_ptr<file_map> core) {
    std::vector<Elf64_Phdr> headers;
    uint16_t type = 0;
    if (!program_headers(*core, &type, &headers))
        fail(in.name, "it is an ELF file that is cut short, or of another kind of machine");
    if (type != ET_CORE) fail(in.name, "it is an ELF file, but no core");
    std::vector<mapped_file> files;
    for (const Elf64_Phdr& p : headers)
        each_note(*core, p, [&](uint32_t kind, std::string_view name, std::string_view content) {
            if (kind == NT_FILE && name == "CORE") files = mapped_files(content);
        });
    for (const Elf64_Phdr& p : headers)
        if (p.p_type == PT_LOAD && p.p_filesz != 0 && p.p_offset < core->size())
            in.stretches.push_back({p.p_vaddr, std::min(p.p_filesz, core->size() - p.p_offset), p.p_offset, 0});
    in.files.push_back(std::move(core));
    in.is_core = true;
    sort_stretches(in);

    auto named = std::find_if(files.begin(), files.end(), [](const mapped_file& f) { return is_box_name(f.path); });
    if (named == files.end()) fail(in.name, "the core is not of a process that runs on Gossamer, or it had no box");
    in.box_path = named->path;
    if (file_handle fd(::open(named->path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)); fd) {
        auto b = std::make_unique<box_file>(std::make_unique<file_map>(std::move(fd)), named->path);
        if (belongs_to(*b, files)) in.box = std::move(b);
    }
    if (in.box) return;
    auto inside_core = box_in_core(in, files);
    if (inside_core == nullptr)
        fail(in.name, "its box " + named->path + " is gone or another process's by now, and the core does not hold it");
    in.box = std::make_unique<box_file>(std::move(inside_core), in.name);
}

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/object_file.h"

#include <cxxabi.h>
#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "runtime/debug/cxx_name.h"

namespace insp {

namespace {

constexpr uint64_t kMostPage = 64 << 10;

std::string build_id_of(Elf* elf) {
    const void* bytes = nullptr;
    ssize_t n = elf != nullptr ? dwelf_elf_gnu_build_id(elf, &bytes) : -1;
    std::string text;
    for (ssize_t i = 0; i < n; i++) {
        unsigned char b = static_cast<const unsigned char*>(bytes)[i];
        text += "0123456789abcdef"[b >> 4];
        text += "0123456789abcdef"[b & 15];
    }
    return text;
}

std::string hex(uint64_t v) {
    char text[24];
    snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(v));
    return text;
}

}  // namespace

std::string demangle(const char* name) {
    // "f" would be read as the type float.
    if (std::strncmp(name, "_Z", 2) != 0) {
        std::string_view plain = name;
        return std::string(plain.substr(0, plain.find('@', 1)));
    }
    int status = 0;
    std::unique_ptr<char, decltype(&std::free)> plain(abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
    std::string text = status == 0 ? plain.get() : name;
    if (size_t clone = text.find(" [clone "); clone != 0) text = text.substr(0, clone);
    std::string_view name_alone = gossamer::rt::qualified(text);
    return name_alone.empty() ? text : std::string(name_alone);
}

std::unique_ptr<object_file> object_file::open(const std::string& path, const std::string& build_id) {
    elf_version(EV_CURRENT);
    std::unique_ptr<object_file> file(new object_file);
    file->path_ = path;
    file->fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file->fd_ < 0) return nullptr;
    file->elf_ = elf_begin(file->fd_, ELF_C_READ_MMAP, nullptr);
    return file->read_header(build_id) ? std::move(file) : nullptr;
}

std::unique_ptr<object_file> object_file::from_image(std::vector<char> image, const std::string& name) {
    elf_version(EV_CURRENT);
    std::unique_ptr<object_file> file(new object_file);
    file->path_ = name;
    file->image_ = std::move(image);
    file->elf_ = elf_memory(file->image_.data(), file->image_.size());
    return file->read_header("") ? std::move(file) : nullptr;
}

object_file::~object_file() {
    if (eh_frame_ != nullptr) dwarf_cfi_end(eh_frame_);
    if (dwarf_ != nullptr) dwarf_end(dwarf_);
    if (debug_elf_ != nullptr) elf_end(debug_elf_);
    if (elf_ != nullptr) elf_end(elf_);
    if (debug_fd_ >= 0) ::close(debug_fd_);
    if (fd_ >= 0) ::close(fd_);
}

bool object_file::read_header(const std::string& wanted_id) {
    GElf_Ehdr header;
    if (elf_ == nullptr || elf_kind(elf_) != ELF_K_ELF || gelf_getehdr(elf_, &header) == nullptr) return false;
    machine_ = header.e_machine;
    build_id_ = build_id_of(elf_);
    if (!wanted_id.empty() && wanted_id != build_id_) return false;
    size_t n = 0;
    if (elf_getphdrnum(elf_, &n) != 0) return false;
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr p;
        if (gelf_getphdr(elf_, int(i), &p) == nullptr || p.p_type != PT_LOAD || (p.p_flags & PF_X) == 0) continue;
        segments_.push_back({p.p_vaddr, p.p_offset, p.p_filesz});
    }
    return true;
}

std::optional<uint64_t> object_file::address_of_offset(uint64_t offset) const {
    for (const segment& s : segments_)
        if (offset >= s.offset && offset - s.offset < s.bytes) return s.address + (offset - s.offset);
    // A mapping begins at a page, up to one before the segment.
    for (const segment& s : segments_)
        if (offset < s.offset && s.offset - offset < kMostPage) return s.address - (s.offset - offset);
    return std::nullopt;
}

// The separate file has the same addresses, and all symbols.
Elf* object_file::debug_elf() {
    if (has_looked_for_debug_) return debug_elf_;
    has_looked_for_debug_ = true;
    if (build_id_.size() < 4) return nullptr;
    std::string path = "/usr/lib/debug/.build-id/" + build_id_.substr(0, 2) + "/" + build_id_.substr(2) + ".debug";
    debug_fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (debug_fd_ < 0) return nullptr;
    Elf* elf = elf_begin(debug_fd_, ELF_C_READ_MMAP, nullptr);
    if (build_id_of(elf) == build_id_)
        debug_elf_ = elf;
    else if (elf != nullptr)
        elf_end(elf);
    return debug_elf_;
}

bool object_file::add_symbols(Elf* elf, unsigned section_type) {
    Elf_Scn* section = nullptr;
    bool found = false;
    while ((section = elf_nextscn(elf, section)) != nullptr) {
        GElf_Shdr header;
        Elf_Data* data;
        if (gelf_getshdr(section, &header) == nullptr || header.sh_type != section_type || header.sh_entsize == 0 ||
            (data = elf_getdata(section, nullptr)) == nullptr)
            continue;
        found = true;
        for (int i = 1; uint64_t(i) < data->d_size / header.sh_entsize; i++) {
            GElf_Sym s;
            if (gelf_getsym(data, i, &s) == nullptr) break;
            int type = GELF_ST_TYPE(s.st_info);
            bool code = type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE;
            if (!code || s.st_shndx == SHN_UNDEF || s.st_shndx == SHN_ABS || s.st_value == 0) continue;
            const char* name = elf_strptr(elf, header.sh_link, s.st_name);
            if (name == nullptr || *name == 0 || *name == '$') continue;  // $x: not a name but what follows, on ARM
            int binding = GELF_ST_BIND(s.st_info);
            int rank = (type == STT_NOTYPE ? 4 : 0) + (binding == STB_GLOBAL ? 0 : binding == STB_WEAK ? 1 : 2);
            symbols_.push_back({s.st_value, s.st_size, name, rank});
        }
    }
    return found;
}

void object_file::read_symbols() {
    if (has_symbols_) return;
    has_symbols_ = true;
    if (!add_symbols(elf_, SHT_SYMTAB) && (debug_elf() == nullptr || !add_symbols(debug_elf(), SHT_SYMTAB)))
        add_symbols(elf_, SHT_DYNSYM);
    std::sort(symbols_.begin(), symbols_.end(), [](const symbol& a, const symbol& b) {
        return a.address != b.address ? a.address < b.address : a.rank < b.rank;
    });
}

const object_file::symbol* object_file::find_symbol(uint64_t at) {
    read_symbols();
    auto behind = std::upper_bound(symbols_.begin(), symbols_.end(), at,
                                   [](uint64_t address, const symbol& s) { return address < s.address; });
    // Labels may stand inside of a function: a little way back is looked for one that holds the address.
    const symbol* sizeless = nullptr;
    const symbol* best = nullptr;
    for (int back = 0; back < 64 && behind != symbols_.begin(); back++) {
        const symbol& s = *--behind;
        if (best != nullptr && s.address != best->address) break;
        if (s.bytes != 0 && at - s.address < s.bytes) best = &s;
        if (s.bytes == 0 && back == 0) sizeless = &s;
        if (s.bytes == 0 && sizeless != nullptr && s.address == sizeless->address) sizeless = &s;
    }
    if (best != nullptr) return best;
    // Assembly seldom tells sizes. It names code near by only.
    return sizeless != nullptr && at - sizeless->address < 4096 ? sizeless : nullptr;
}

void object_file::describe(uint64_t at, uint64_t pc, std::vector<code_frame>& out) {
    code_frame f;
    f.pc = pc;
    f.object = path_;
    const symbol* s = find_symbol(at);
    if (s != nullptr) {
        f.function = demangle(s->name);
        f.offset = at - s->address;
    } else {
        f.function = hex(pc) + " in " + path_;
        f.offset = at;
    }
    size_t first = out.size();
    describe_lines(at, s != nullptr, f, out);
    for (size_t i = first; i < out.size(); i++) {
        out[i].pc = pc;
        out[i].object = path_;
        out[i].offset = f.offset;
        out[i].inlined = true;
    }
    out.push_back(std::move(f));
}

Dwarf_CFI* object_file::eh_frame() {
    if (!has_eh_frame_) eh_frame_ = dwarf_getcfi_elf(elf_);
    has_eh_frame_ = true;
    return eh_frame_;
}

Dwarf_CFI* object_file::debug_frame() {
    Dwarf* d = dwarf();
    return d != nullptr ? dwarf_getcfi(d) : nullptr;
}

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/relocatable.h"

#include <fcntl.h>
#include <gelf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <tuple>

namespace insp {

namespace {

constexpr size_t kMostBytes = 1u << 30;  // of one section

class reader {
  public:
    reader(Elf* elf, std::string name) : elf_(elf) { out_.name = std::move(name); }

    relocatable read() {
        GElf_Ehdr header;
        if (elf_kind(elf_) != ELF_K_ELF || gelf_getehdr(elf_, &header) == nullptr) refuse("not an ELF file");
        if (header.e_machine != EM_X86_64 || header.e_ident[EI_CLASS] != ELFCLASS64) refuse("not for x86-64");
        if (header.e_type != ET_REL) refuse("not an object file from before linking (.o)");
        size_t count = 0;
        if (elf_getshdrnum(elf_, &count) != 0 || elf_getshdrstrndx(elf_, &names_) != 0) refuse(elf_errmsg(-1));
        out_.sections.resize(count);
        for (size_t i = 1; i < count; i++) read_section(i);
        for (size_t i = 1; i < count; i++) read_functions(i);
        for (size_t i = 1; i < count; i++) read_relocations(i);
        std::sort(out_.functions.begin(), out_.functions.end(), [](const object_function& a, const object_function& b) {
            return std::tie(a.section, a.begin, b.end) < std::tie(b.section, b.begin, a.end);
        });
        return std::move(out_);
    }

  private:
    [[noreturn]] void refuse(const std::string& why) const {
        throw error("gossamer: " + running_command + ": " + out_.name + ": " + why);
    }

    bool header_of(size_t i, GElf_Shdr* h) const {
        Elf_Scn* s = elf_getscn(elf_, i);
        return s != nullptr && gelf_getshdr(s, h) != nullptr;
    }
    Elf_Data* data_of(size_t i) const {
        Elf_Scn* s = elf_getscn(elf_, i);
        return s != nullptr ? elf_getdata(s, nullptr) : nullptr;
    }

    void read_section(size_t i) {
        GElf_Shdr h;
        if (!header_of(i, &h)) refuse("section " + std::to_string(i) + ": " + elf_errmsg(-1));
        object_section& s = out_.sections[i];
        if (const char* name = elf_strptr(elf_, names_, h.sh_name)) s.name = name;
        if (h.sh_type != SHT_PROGBITS || (h.sh_flags & SHF_ALLOC) == 0) return;
        s.is_code = (h.sh_flags & SHF_EXECINSTR) != 0;
        if (!s.is_code) return;
        Elf_Data* d = data_of(i);
        if (d == nullptr || (d->d_size != 0 && d->d_buf == nullptr)) refuse(s.name + ": " + elf_errmsg(-1));
        if (d->d_size > kMostBytes) refuse(s.name + ": is longer than a gigabyte");
        auto* bytes = static_cast<const uint8_t*>(d->d_buf);
        s.bytes.assign(bytes, bytes + d->d_size);
    }

    void read_functions(size_t i) {
        GElf_Shdr h;
        if (!header_of(i, &h) || h.sh_type != SHT_SYMTAB) return;
        Elf_Data* d = data_of(i);
        if (d == nullptr) refuse(std::string("symbols: ") + elf_errmsg(-1));
        GElf_Sym s;
        for (int n = 0; gelf_getsym(d, n, &s) != nullptr; n++) {
            if (GELF_ST_TYPE(s.st_info) != STT_FUNC || s.st_shndx >= out_.sections.size()) continue;
            const object_section& in = out_.sections[s.st_shndx];
            if (!in.is_code || s.st_size == 0 || s.st_value >= in.bytes.size() ||
                s.st_size > in.bytes.size() - s.st_value)
                continue;
            const char* name = elf_strptr(elf_, h.sh_link, s.st_name);
            out_.functions.push_back({name != nullptr ? name : "", s.st_shndx, s.st_value, s.st_value + s.st_size,
                                      GELF_ST_BIND(s.st_info) == STB_LOCAL});
        }
    }

    void read_relocations(size_t i) {
        GElf_Shdr h, symbols;
        if (!header_of(i, &h) || h.sh_type != SHT_RELA || h.sh_info == 0 || h.sh_info >= out_.sections.size()) return;
        if (!header_of(h.sh_link, &symbols) || symbols.sh_type != SHT_SYMTAB) return;
        Elf_Data* d = data_of(i);
        Elf_Data* table = data_of(h.sh_link);
        if (d == nullptr || table == nullptr) refuse(std::string("relocations: ") + elf_errmsg(-1));
        auto& to = out_.sections[h.sh_info].relocations;
        GElf_Rela r;
        for (int n = 0; gelf_getrela(d, n, &r) != nullptr; n++) {
            GElf_Sym s;
            if (gelf_getsym(table, int(GELF_R_SYM(r.r_info)), &s) == nullptr) continue;
            const char* name =
                GELF_ST_TYPE(s.st_info) == STT_SECTION ? nullptr : elf_strptr(elf_, symbols.sh_link, s.st_name);
            to.push_back({r.r_offset, uint32_t(GELF_R_TYPE(r.r_info)), r.r_addend, name != nullptr ? name : "",
                          s.st_shndx < out_.sections.size() ? uint32_t(s.st_shndx) : 0u, s.st_value});
        }
        std::sort(to.begin(), to.end(), [](const relocation& a, const relocation& b) { return a.offset < b.offset; });
    }

    Elf* elf_;
    size_t names_ = 0;
    relocatable out_;
};

struct opened {
    int fd = -1;
    Elf* elf = nullptr;
    ~opened() {
        if (elf != nullptr) elf_end(elf);
        if (fd >= 0) ::close(fd);
    }
};

void read_archive(const std::string& path, opened& archive, std::vector<relocatable>& out) {
    Elf_Cmd command = ELF_C_READ;
    while (Elf* member = elf_begin(archive.fd, command, archive.elf)) {
        const Elf_Arhdr* header = elf_getarhdr(member);
        std::string name = header != nullptr && header->ar_name != nullptr ? header->ar_name : "?";
        try {
            if (name != "/" && name != "//" && name != "/SYM64/")
                out.push_back(reader(member, path + "(" + name + ")").read());
        } catch (...) {
            elf_end(member);
            throw;
        }
        command = elf_next(member);
        elf_end(member);
    }
}

}  // namespace

std::vector<relocatable> read_relocatables(const std::string& path) {
    auto refuse = [&](const std::string& why) -> error {
        return error("gossamer: " + running_command + ": " + path + ": " + why);
    };
    elf_version(EV_CURRENT);
    opened file;
    file.fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file.fd < 0) throw refuse(std::strerror(errno));
    file.elf = elf_begin(file.fd, ELF_C_READ, nullptr);
    if (file.elf == nullptr) throw refuse(elf_errmsg(-1));
    std::vector<relocatable> out;
    if (elf_kind(file.elf) == ELF_K_AR)
        read_archive(path, file, out);
    else
        out.push_back(reader(file.elf, path).read());
    if (out.empty()) throw refuse("an archive without objects");
    return out;
}

}  // namespace insp

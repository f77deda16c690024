// SPDX-License-Identifier: BSL-1.0
#include "runtime/debug/modules.h"

#include <elf.h>
#include <link.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

#include "runtime/base/bits.h"
#include "runtime/box/box.h"

namespace gossamer::rt {

namespace {

std::string hex(const unsigned char* bytes, size_t n) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (size_t i = 0; i < n; i++) {
        text += kDigits[bytes[i] >> 4];
        text += kDigits[bytes[i] & 15];
    }
    return text;
}

std::string hex(uint64_t n) {
    char digits[17];
    snprintf(digits, sizeof digits, "%llx", static_cast<unsigned long long>(n));
    return digits;
}

// The note GNU has put into the object; "-" without one.
std::string build_id(const dl_phdr_info* object) {
    for (unsigned i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr)& h = object->dlpi_phdr[i];
        if (h.p_type != PT_NOTE) continue;
        auto* at = reinterpret_cast<const unsigned char*>(object->dlpi_addr + h.p_vaddr);
        const unsigned char* end = at + h.p_memsz;
        while (at + sizeof(ElfW(Nhdr)) <= end) {
            ElfW(Nhdr) note;
            memcpy(&note, at, sizeof note);
            const unsigned char* name = at + sizeof note;
            const unsigned char* id = name + align_up(note.n_namesz, 4);
            if (id + note.n_descsz > end) break;
            if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && memcmp(name, "GNU", 4) == 0)
                return hex(id, note.n_descsz);
            at = id + align_up(note.n_descsz, 4);
        }
    }
    return "-";
}

// How often anything was loaded so far.
int take_count(dl_phdr_info* object, size_t, void* arg) {
    *static_cast<unsigned long long*>(arg) = object->dlpi_adds;
    return 1;
}

// Lines that are in the box. Never freed: the last one who asks may come while the process ends.
std::string& shown() {
    static auto* lines = new std::string;
    return *lines;
}

int list(dl_phdr_info* object, size_t, void* arg) {
    auto* text = static_cast<std::string*>(arg);
    std::string id = build_id(object);
    const char* path = object->dlpi_name[0] != 0 ? object->dlpi_name : the_box()->exe;
    for (unsigned i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr)& h = object->dlpi_phdr[i];
        if (h.p_type != PT_LOAD || (h.p_flags & PF_X) == 0) continue;
        uint64_t page = os::kPage - 1;
        uint64_t begin = (object->dlpi_addr + h.p_vaddr) & ~page;
        uint64_t end = (object->dlpi_addr + h.p_vaddr + h.p_memsz + page) & ~page;
        std::string line = hex(begin) + ' ' + hex(end) + ' ' + hex(h.p_offset & ~page) + ' ' + id + ' ' + path + '\n';
        if (shown().find(line) == std::string::npos) *text += line;
    }
    return 0;
}

}  // namespace

void show_modules() {
    static unsigned long long last = 0;
    unsigned long long loaded = 0;
    dl_iterate_phdr(take_count, &loaded);
    if (loaded == last) return;
    last = loaded;
    std::string text;
    dl_iterate_phdr(list, &text);
    if (text.empty()) return;
    add_text(box::region_kind::modules, text.data(), text.size());
    shown() += text;
}

}  // namespace gossamer::rt

// SPDX-License-Identifier: BSL-1.0
#include "runtime/debug/symbols.h"

#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace gossamer::rt {

namespace {

// Debug information elsewhere than in the object itself is not looked for: a dump must not go to the network.
int no_separate_file(Dwfl_Module*, void**, const char*, Dwarf_Addr, const char*, const char*, GElf_Word, char**) {
    return -1;
}

constexpr Dwfl_Callbacks kCallbacks = {
    .find_elf = dwfl_linux_proc_find_elf,
    .find_debuginfo = no_separate_file,
    .section_address = dwfl_offline_section_address,
    .debuginfo_path = nullptr,
};

std::string hex(uintptr_t v) {
    char digits[16];
    return "0x" + std::string(digits, std::to_chars(digits, digits + sizeof digits, v, 16).ptr);
}

// "main::{lambda}::operator()" of an inlined function. What is always inlined has no mangled name: then from the scopes it is declared in.
std::string inlined_name(Dwarf_Die* inlined) {
    Dwarf_Attribute attribute;
    if (const char* name = dwarf_formstring(dwarf_attr_integrate(inlined, DW_AT_linkage_name, &attribute)))
        return demangle(name);
    Dwarf_Die die = *inlined;
    for (int hops = 0; hops < 4; hops++) {
        Dwarf_Attribute* up = dwarf_attr(&die, DW_AT_abstract_origin, &attribute);
        if (up == nullptr) up = dwarf_attr(&die, DW_AT_specification, &attribute);
        if (up == nullptr || dwarf_formref_die(up, &die) == nullptr) break;
    }
    Dwarf_Die* scopes = nullptr;
    std::string name;
    int depth = dwarf_getscopes_die(&die, &scopes);
    for (int i = depth - 1; i >= 0; i--) {
        int tag = dwarf_tag(&scopes[i]);
        bool named = tag == DW_TAG_namespace || tag == DW_TAG_class_type || tag == DW_TAG_structure_type ||
                     tag == DW_TAG_subprogram;
        if (!named) continue;
        if (const char* whole = dwarf_formstring(dwarf_attr_integrate(&scopes[i], DW_AT_linkage_name, &attribute))) {
            name = demangle(whole);
            continue;
        }
        const char* part = dwarf_diename(&scopes[i]);
        name += name.empty() ? "" : "::";
        name += part != nullptr ? part : tag == DW_TAG_namespace ? "(anonymous namespace)" : "{lambda}";
    }
    free(scopes);
    return name;
}

struct call_site {
    const char* file;
    int line;
};

// Where an inlined function was called.
call_site call_of(Dwarf_Die* unit, Dwarf_Die* inlined) {
    Dwarf_Attribute attribute;
    Dwarf_Word file = 0, line = 0;
    Dwarf_Files* files = nullptr;
    if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &line) != 0 ||
        dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &file) != 0 ||
        dwarf_getsrcfiles(unit, &files, nullptr) != 0)
        return {nullptr, 0};
    return {dwarf_filesrc(files, file, nullptr, nullptr), int(line)};
}

// The compilation unit that holds the address. clang writes no table of addresses, so that all units may have to be asked.
Dwarf_Die* unit_of(Dwfl_Module* module, Dwarf_Addr at, Dwarf_Addr* bias) {
    if (Dwarf_Die* unit = dwfl_module_addrdie(module, at, bias)) return unit;
    Dwarf_Die* unit = nullptr;
    while ((unit = dwfl_module_nextcu(module, unit, bias)) != nullptr)
        if (dwarf_haspc(unit, at - *bias) > 0) return unit;
    return nullptr;
}

// The functions that were inlined around the address, outermost first. dwarf_getscopes() does not find a function that stands inside of
// another one's description, as a lambda does.
bool find_inlined(Dwarf_Die* parent, Dwarf_Addr at, bool inside, std::vector<Dwarf_Die>& chain) {
    Dwarf_Die die;
    if (dwarf_child(parent, &die) != 0) return false;
    do {
        int tag = dwarf_tag(&die);
        bool code = tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block;
        if (code && dwarf_haspc(&die, at) > 0) {
            if (tag == DW_TAG_inlined_subroutine) chain.push_back(die);
            find_inlined(&die, at, true, chain);
            return true;
        }
        bool may_hold = tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block || tag == DW_TAG_namespace ||
                        tag == DW_TAG_class_type || tag == DW_TAG_structure_type;
        if (!inside && may_hold && find_inlined(&die, at, false, chain)) return true;
    } while (dwarf_siblingof(&die, &die) == 0);
    return false;
}

// Functions and types, whose names cannot be told apart.
std::string demangle_any(const char* name) {
    int status = 0;
    std::unique_ptr<char, decltype(&::free)> plain(abi::__cxa_demangle(name, nullptr, nullptr, &status), ::free);
    return status == 0 ? plain.get() : name;
}

}  // namespace

std::string demangle(const char* name) {
    // "f" would be read as the type float.
    std::string text = strncmp(name, "_Z", 2) == 0 ? demangle_any(name) : name;
    return text.substr(0, text.find(" [clone "));
}

std::string type_name(const std::type_info& type) { return demangle_any(type.name()); }

symbols::symbols() {
    dwfl_ = dwfl_begin(&kCallbacks);
    if (dwfl_ == nullptr) return;
    dwfl_report_begin(dwfl_);
    dwfl_linux_proc_report(dwfl_, getpid());
    dwfl_report_end(dwfl_, nullptr, nullptr);
    static constexpr Dwfl_Thread_Callbacks kThread = {
        .next_thread = [](Dwfl*, void*, void**) { return pid_t(0); },
        .get_thread =
            [](Dwfl*, pid_t, void* self, void** thread_self) {
                *thread_self = self;
                return true;
            },
        .memory_read = read_word,
        .set_initial_registers = first_registers,
        .detach = nullptr,
        .thread_detach = nullptr,
    };
    attached_ = dwfl_attach_state(dwfl_, nullptr, getpid(), &kThread, this);
}

symbols::~symbols() {
    if (dwfl_ != nullptr) dwfl_end(dwfl_);
}

void symbols::describe(uintptr_t pc, bool is_return_address, std::vector<frame>& out) {
    std::vector<frame>& known = known_[pc * 2 + (is_return_address ? 1 : 0)];
    if (known.empty()) look_up(pc, is_return_address, known);
    out.insert(out.end(), known.begin(), known.end());
}

void symbols::look_up(uintptr_t pc, bool is_return_address, std::vector<frame>& out) {
    uintptr_t at = is_return_address ? pc - 1 : pc;
    Dwfl_Module* module = dwfl_ != nullptr ? dwfl_addrmodule(dwfl_, at) : nullptr;
    if (module == nullptr) {
        out.push_back({hex(pc), "?", 0, false, 0});
        return;
    }
    frame f;
    GElf_Off offset = 0;
    GElf_Sym symbol;
    const char* name = dwfl_module_addrinfo(module, at, &offset, &symbol, nullptr, nullptr, nullptr);
    Dwarf_Addr start = 0;
    const char* object = dwfl_module_info(module, nullptr, &start, nullptr, nullptr, nullptr, nullptr, nullptr);
    f.function = name != nullptr ? demangle(name) : hex(pc);
    f.offset = name != nullptr ? offset + (pc - at) : pc - start;
    f.file = object != nullptr ? object : "?";
    Dwarf_Addr bias = 0;
    if (Dwarf_Die* unit = unit_of(module, at, &bias)) {
        std::vector<Dwarf_Die> chain;
        find_inlined(unit, at - bias, false, chain);
        if (Dwarf_Line* line = dwarf_getsrc_die(unit, at - bias)) {
            if (const char* source = dwarf_linesrc(line, nullptr, nullptr)) f.file = source;
            dwarf_lineno(line, &f.line);
        }
        for (size_t i = chain.size(); i-- > 0;) {
            call_site call = call_of(unit, &chain[i]);
            out.push_back({inlined_name(&chain[i]), f.file, f.line, false, f.offset});
            f.holds_inlined = true;
            if (call.file != nullptr) f.file = call.file;
            f.line = call.line;
        }
    }
    out.push_back(std::move(f));
}

bool symbols::read_word(Dwfl*, Dwarf_Addr address, Dwarf_Word* result, void* self) {
    const stack_copy* copy = static_cast<symbols*>(self)->copy_;
    if (address < copy->begin || address - copy->begin + sizeof *result > copy->bytes.size()) return false;
    memcpy(result, copy->bytes.data() + (address - copy->begin), sizeof *result);
    return true;
}

bool symbols::first_registers(Dwfl_Thread* thread, void* self) {
    const arch::saved_context& registers = static_cast<symbols*>(self)->copy_->registers;
    auto set = [&](int number, Dwarf_Word word) { return dwfl_thread_state_registers(thread, number, 1, &word); };
    bool done = set(arch::kDwarfSp, registers.sp) && set(arch::kDwarfFp, registers.fp);
    for (unsigned i = 0; i < std::size(arch::kDwarfSaved); i++)
        done = done && set(arch::kDwarfSaved[i], registers.saved[i]);
    if (arch::kDwarfPc >= 0) return done && set(arch::kDwarfPc, registers.pc);
    dwfl_thread_state_register_pc(thread, registers.pc);
    return done;
}

std::vector<uintptr_t> symbols::unwind(const stack_copy& copy, unsigned most) {
    struct state {
        std::vector<uintptr_t> pcs;
        unsigned most;
    } state{{}, most};
    if (!attached_) return {copy.registers.pc};
    copy_ = &copy;
    dwfl_getthread_frames(
        dwfl_, getpid(),
        [](Dwfl_Frame* f, void* arg) -> int {
            auto* s = static_cast<struct state*>(arg);
            Dwarf_Addr pc = 0;
            bool activation = false;
            if (!dwfl_frame_pc(f, &pc, &activation)) return DWARF_CB_ABORT;
            s->pcs.push_back(pc);
            return s->pcs.size() < s->most ? DWARF_CB_OK : DWARF_CB_ABORT;
        },
        &state);
    copy_ = nullptr;
    if (state.pcs.empty()) state.pcs.push_back(copy.registers.pc);
    return std::move(state.pcs);
}

}  // namespace gossamer::rt

// SPDX-License-Identifier: BSL-1.0
// What object_file learns from debug information: lines, and the functions that were inlined. Each unit is read when an address in it is first asked for.
#include <cxxabi.h>
#include <dwarf.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tools/gossamer/object_file.h"

namespace insp {

namespace {

constexpr int kDeepest = 200;  // of nested descriptions; a file that nests further is not believed

const char* linkage_name(Dwarf_Die* die) {
    Dwarf_Attribute attribute;
    if (const char* name = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute))) return name;
    return dwarf_formstring(dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute));
}

bool is_scope(int tag) {
    return tag == DW_TAG_namespace || tag == DW_TAG_class_type || tag == DW_TAG_structure_type ||
           tag == DW_TAG_union_type;
}

// The description that says what a function is: that of one with code, or inlined, only refers to it.
Dwarf_Die origin_of(Dwarf_Die die) {
    Dwarf_Attribute attribute;
    for (int hops = 0; hops < 4; hops++) {
        Dwarf_Attribute* up = dwarf_attr(&die, DW_AT_abstract_origin, &attribute);
        if (up == nullptr) up = dwarf_attr(&die, DW_AT_specification, &attribute);
        if (up == nullptr || dwarf_formref_die(up, &die) == nullptr) break;
    }
    return die;
}

// "main::{lambda}::operator()". What is always inlined has no mangled name: then from the scopes it is declared in.
std::string name_of(Dwarf_Die* named, int depth = 0) {
    if (const char* whole = linkage_name(named)) return demangle(whole);
    Dwarf_Die die = origin_of(*named);
    Dwarf_Die* scopes = nullptr;
    std::string name;
    int count = dwarf_getscopes_die(&die, &scopes);
    for (int i = 1; i < count && depth < 16; i++) {
        if (!is_scope(dwarf_tag(&scopes[i])) && dwarf_tag(&scopes[i]) != DW_TAG_subprogram) continue;
        name = name_of(&scopes[i], depth + 1);
        break;
    }
    std::free(scopes);
    const char* part = dwarf_diename(&die);
    int tag = dwarf_tag(&die);
    if (part == nullptr && tag == DW_TAG_subprogram) return name;
    name += name.empty() ? "" : "::";
    return name + (part != nullptr ? part : tag == DW_TAG_namespace ? "(anonymous namespace)" : "{lambda}");
}

// Relative paths of sources are meant from where the compiler ran.
std::string whole_path(Dwarf_Die* unit, const char* source) {
    Dwarf_Attribute attribute;
    std::filesystem::path path = source;
    if (path.is_relative())
        if (const char* from = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute))) path = from / path;
    return path.lexically_normal();
}

// Where an inlined function was called, into f.
void set_call(Dwarf_Die* unit, Dwarf_Die* inlined, code_frame& f) {
    Dwarf_Attribute attribute;
    Dwarf_Word file = 0, line = 0;
    Dwarf_Files* files = nullptr;
    size_t count = 0;
    f.line = 0;
    if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &line) != 0 ||
        dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &file) != 0 ||
        dwarf_getsrcfiles(unit, &files, &count) != 0 || file >= count)
        return;
    f.line = int(line);
    if (const char* source = dwarf_filesrc(files, file, nullptr, nullptr)) f.file = whole_path(unit, source);
}

// Functions with code of their own stand in scopes, and (clang's lambdas) inside of other functions.
template <class Add>
void for_each_function(Dwarf_Die* parent, const Add& add, int depth) {
    Dwarf_Die die;
    if (depth > kDeepest || dwarf_child(parent, &die) != 0) return;
    do {
        int tag = dwarf_tag(&die);
        if (tag == DW_TAG_subprogram) add(&die);
        if (tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block || is_scope(tag))
            for_each_function(&die, add, depth + 1);
    } while (dwarf_siblingof(&die, &die) == 0);
}

// The functions that were inlined around the address in this one, outermost first.
void find_inlined(Dwarf_Die* function, uint64_t at, std::vector<Dwarf_Die>& chain, int depth) {
    Dwarf_Die die;
    if (depth > kDeepest || dwarf_child(function, &die) != 0) return;
    do {
        int tag = dwarf_tag(&die);
        if ((tag != DW_TAG_inlined_subroutine && tag != DW_TAG_lexical_block) || dwarf_haspc(&die, at) <= 0) continue;
        if (tag == DW_TAG_inlined_subroutine) chain.push_back(die);
        find_inlined(&die, at, chain, depth + 1);
        return;
    } while (dwarf_siblingof(&die, &die) == 0);
}

template <class Stretches>
void add_ranges(Dwarf_Die* die, Stretches& to) {
    Dwarf_Addr base, begin, end;
    for (ptrdiff_t at = 0; (at = dwarf_ranges(die, at, &base, &begin, &end)) > 0;)
        if (begin < end && begin != 0) to.push_back({begin, end, dwarf_dieoffset(die)});
}

// Of those that hold the address the one that begins last.
template <class Stretches>
auto holder(const Stretches& sorted, uint64_t at) {
    auto behind = std::upper_bound(sorted.begin(), sorted.end(), at,
                                   [](uint64_t address, const auto& s) { return address < s.begin; });
    for (int back = 0; back < 64 && behind != sorted.begin(); back++)
        if (at < (--behind)->end) return &*behind;
    return static_cast<decltype(&sorted[0])>(nullptr);
}

}  // namespace

Dwarf* object_file::dwarf() {
    if (has_looked_for_dwarf_) return dwarf_;
    has_looked_for_dwarf_ = true;
    dwarf_ = dwarf_begin_elf(elf_, DWARF_C_READ, nullptr);
    Dwarf_Off next;
    size_t header;
    bool has_units = dwarf_ != nullptr && dwarf_next_unit(dwarf_, 0, &next, &header, nullptr, nullptr, nullptr, nullptr,
                                                          nullptr, nullptr) == 0;
    if (has_units || debug_elf() == nullptr) return dwarf_;
    if (Dwarf* separate = dwarf_begin_elf(debug_elf(), DWARF_C_READ, nullptr)) {
        if (dwarf_ != nullptr) dwarf_end(dwarf_);
        dwarf_ = separate;
    }
    return dwarf_;
}

// clang writes no table of addresses: from the units themselves.
void object_file::read_units() {
    if (has_units_) return;
    has_units_ = true;
    if (dwarf() == nullptr) return;
    Dwarf_Off at = 0, next;
    size_t header;
    while (dwarf_next_unit(dwarf_, at, &next, &header, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr) == 0) {
        Dwarf_Die unit;
        if (dwarf_offdie(dwarf_, at + header, &unit) != nullptr) add_ranges(&unit, units_);
        if (next <= at) break;
        at = next;
    }
    std::sort(units_.begin(), units_.end(), [](const stretch& a, const stretch& b) { return a.begin < b.begin; });
}

bool object_file::find_unit(uint64_t at, Dwarf_Die* unit) {
    read_units();
    const stretch* s = holder(units_, at);
    return s != nullptr && dwarf_offdie(dwarf_, s->die, unit) != nullptr;
}

const std::vector<object_file::stretch>& object_file::functions_of(Dwarf_Die* unit) {
    auto [found, is_new] = functions_.try_emplace(dwarf_dieoffset(unit));
    std::vector<stretch>& list = found->second;
    if (!is_new) return list;
    for_each_function(
        unit, [&](Dwarf_Die* die) { add_ranges(die, list); }, 0);
    std::sort(list.begin(), list.end(), [](const stretch& a, const stretch& b) { return a.begin < b.begin; });
    return list;
}

void object_file::describe_lines(uint64_t at, bool named, code_frame& f, std::vector<code_frame>& out) {
    Dwarf_Die unit, function;
    if (!find_unit(at, &unit)) return;
    if (Dwarf_Line* line = dwarf_getsrc_die(&unit, at)) {
        if (const char* source = dwarf_linesrc(line, nullptr, nullptr)) f.file = whole_path(&unit, source);
        dwarf_lineno(line, &f.line);
    }
    const stretch* s = holder(functions_of(&unit), at);
    if (s == nullptr || dwarf_offdie(dwarf_, s->die, &function) == nullptr) return;
    if (!named) {
        std::string name = name_of(&function);
        Dwarf_Addr begin;
        if (!name.empty()) f.function = name;
        if (!name.empty() && dwarf_lowpc(&function, &begin) == 0) f.offset = at - begin;
    }
    std::vector<Dwarf_Die> chain;
    find_inlined(&function, at, chain, 0);
    for (size_t i = chain.size(); i-- > 0;) {
        code_frame inlined = f;
        inlined.function = name_of(&chain[i]);
        if (inlined.function.empty()) inlined.function = "(inlined)";
        out.push_back(std::move(inlined));
        set_call(&unit, &chain[i], f);
    }
}

}  // namespace insp

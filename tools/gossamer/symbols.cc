// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/symbols.h"

#include <algorithm>

#include "tools/gossamer/unwind.h"

namespace insp {

namespace {

constexpr size_t kMostImage = 64 << 10;  // of what the kernel maps: two pages today

}  // namespace

symbols::symbols(std::vector<module> modules, bool is_live, read_memory read)
    : is_live_(is_live), read_(std::move(read)) {
    set_modules(std::move(modules));
}

void symbols::set_modules(std::vector<module> modules) {
    modules_.clear();
    for (module& m : modules)
        if (m.begin < m.end) modules_.push_back({std::move(m)});
    std::sort(modules_.begin(), modules_.end(),
              [](const known_module& a, const known_module& b) { return a.what.begin < b.what.begin; });
}

std::unique_ptr<object_file> symbols::open(const module& m) {
    if (m.path == "[vdso]" && m.end - m.begin <= kMostImage) {
        std::vector<char> image(m.end - m.begin);
        if (read_ && read_(m.begin, image.data(), image.size()))
            return object_file::from_image(std::move(image), m.path);
    }
    if (!m.open_path.empty())
        if (auto file = object_file::open(m.open_path, m.build_id)) return file;
    if (!m.path.starts_with('/') || (is_live_ && m.build_id.empty())) return nullptr;
    return object_file::open(m.path, m.build_id);
}

void symbols::look_for(known_module& m) {
    m.has_looked = true;
    auto [found, is_new] = files_.try_emplace(m.what.path + "\n" + m.what.build_id);
    if (is_new) found->second = open(m.what);
    object_file* file = found->second.get();
    if (file == nullptr) return;
    // What the kernel maps is not at an offset of a file.
    std::optional<uint64_t> at = file->address_of_offset(m.what.path.starts_with('[') ? 0 : m.what.offset);
    if (!at) return;
    m.file = file;
    m.bias = m.what.begin - *at;
}

symbols::place symbols::find(uint64_t pc) {
    auto behind = std::upper_bound(modules_.begin(), modules_.end(), pc,
                                   [](uint64_t at, const known_module& m) { return at < m.what.begin; });
    if (behind == modules_.begin()) return {};
    known_module& m = *std::prev(behind);
    if (pc >= m.what.end) return {};
    if (!m.has_looked) look_for(m);
    return {m.file, pc - m.bias};
}

const std::vector<code_frame>& symbols::describe(uint64_t pc, bool is_return_address) {
    std::vector<code_frame>& known = known_[is_return_address ? 1 : 0][pc];
    if (!known.empty()) return known;
    uint64_t at = pc - (is_return_address && pc != 0 ? 1 : 0);
    if (place p = find(at); p.file != nullptr) {
        p.file->describe(p.at, pc, known);
        for (code_frame& f : known) f.offset += pc - at;
        return known;
    }
    code_frame f;
    f.pc = pc;
    f.offset = pc;
    char text[24];
    snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(pc));
    f.function = text;
    for (const known_module& m : modules_)
        if (at >= m.what.begin && at < m.what.end) {
            f.object = m.what.path;
            f.function += " in " + m.what.path;
            f.offset = pc - m.what.begin + m.what.offset;
        }
    known.push_back(std::move(f));
    return known;
}

bool is_runtime_function(std::string_view function) {
    static constexpr std::string_view kHidden[] = {"gossamer::rt::",
                                                   "gossamer::detail::",
                                                   "gossamer::panic::",
                                                   "gossamer_jump",
                                                   "std::__",
                                                   "std::invoke",
                                                   "std::apply",
                                                   "make_fcontext",
                                                   "trampoline",
                                                   "jump_fcontext",
                                                   "ontop_fcontext",
                                                   "_Unwind_",
                                                   "__cxa_",
                                                   "__libc_start",
                                                   "_start",
                                                   "__gxx_personality",
                                                   "std::terminate",
                                                   "std::rethrow",
                                                   "void std::__"};
    for (std::string_view hidden : kHidden)
        if (function.starts_with(hidden)) return true;
    // The return address below a goroutine's first frame, in make_fcontext.
    return function == "finish" || function == "start_thread" || function == "clone3";
}

bool is_gossamer_function(std::string_view function) { return function.starts_with("gossamer::"); }

symbols& symbols_of(const target& t) { return caches_of(t).names; }

const std::vector<code_frame>& target::describe(uint64_t pc, bool is_return_address) const {
    return symbols_of(*this).describe(pc, is_return_address);
}

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/stack_text.h"

#include <algorithm>

#include "tools/gossamer/symbols.h"

namespace insp {

namespace {

constexpr size_t kInnermost = 50, kOutermost = 50;

bool is_users(const code_frame& f) { return !is_gossamer_function(f.function); }

}  // namespace

std::vector<code_frame> visible_frames(const target& t, const std::vector<uint64_t>& pcs, bool everything) {
    std::vector<code_frame> shown, entry;
    bool is_inlined_into = false;
    for (uint64_t pc : pcs) {
        for (const code_frame& f : t.describe(pc, true)) {
            if (everything || !is_runtime_function(f.function)) shown.push_back(f);
            // In which the closure was called: shown only where nothing else tells of the closure, as it has been inlined there.
            if (f.function.starts_with("gossamer::detail::invoke_") && !f.inlined && !is_inlined_into) entry = {f};
            is_inlined_into = f.inlined;
            if (!everything && f.function.starts_with("main") && (f.function.size() == 4 || f.function[4] == '('))
                return shown;
        }
    }
    if (everything) return shown;
    if (std::any_of(shown.begin(), shown.end(), is_users))
        while (!is_users(shown.back())) shown.pop_back();
    else if (!entry.empty())
        shown.push_back(entry[0]);
    return shown;
}

code_frame creator_frame(const target& t, uint64_t creator_pc) {
    const std::vector<code_frame>& frames = t.describe(creator_pc, true);
    auto user = std::find_if(frames.begin(), frames.end(), is_users);
    return user != frames.end() ? *user : frames.back();
}

void add_place(const code_frame& f, std::string& text) {
    text += '\t';
    text += !f.file.empty() ? f.file : !f.object.empty() ? f.object : "?";
    if (f.line > 0) text += ':' + std::to_string(f.line);
    char offset[32];
    snprintf(offset, sizeof offset, " +0x%llx\n", static_cast<unsigned long long>(f.offset));
    text += offset;
}

void add_frames(const std::vector<code_frame>& frames, std::string& text) {
    for (size_t i = 0; i < frames.size(); i++) {
        if (i == kInnermost && frames.size() > kInnermost + kOutermost) {
            text += "..." + std::to_string(frames.size() - kInnermost - kOutermost) + " frames elided...\n";
            i = frames.size() - kOutermost;
        }
        text += frames[i].function + '\n';
        add_place(frames[i], text);
    }
}

void add_frames(const std::vector<code_frame>& frames, json_writer& json) {
    json.begin_array();
    for (const code_frame& f : frames) {
        json.begin_object();
        json.key("function").string(f.function);
        json.key("file").string(f.file);
        json.key("line").number(int64_t(f.line));
        json.key("pc").number(f.pc);
        json.key("offset").number(f.offset);
        json.key("inlined").boolean(f.inlined);
        json.key("object").string(f.object);
        json.end_object();
    }
    json.end_array();
}

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/tls_lint.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "tools/gossamer/object_file.h"
#include "tools/gossamer/tls_flow.h"

namespace insp {

namespace {

// Give the address of a word of the calling thread.
constexpr std::string_view kAddresses[] = {"__errno_location", "__h_errno_location", "__tls_get_addr",
                                           "__res_state",      "__cxa_get_globals",  "__cxa_get_globals_fast"};
constexpr std::string_view kEnds[] = {"abort",
                                      "exit",
                                      "_exit",
                                      "__stack_chk_fail",
                                      "__assert_fail",
                                      "_Unwind_Resume",
                                      "__cxa_throw",
                                      "__cxa_rethrow",
                                      "__cxa_throw_bad_array_new_length",
                                      "_ZSt9terminatev"};
constexpr std::string_view kSwitch[] = {"gossamer_jump", "jump_fcontext"};

template <class List>
bool has(const List& list, std::string_view name) {
    return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

// The mangled name of something declared in a namespace: N or NK, r or V, and the length of its first part.
bool is_in(std::string_view name, std::string_view first) {
    if (!name.starts_with("_ZN")) return false;
    name.remove_prefix(3);
    while (!name.empty() && (name[0] == 'K' || name[0] == 'V' || name[0] == 'R' || name[0] == 'O'))
        name.remove_prefix(1);
    return name.starts_with(first);
}
bool is_of_std(std::string_view name) {
    return name.starts_with("_ZSt") || name.starts_with("_ZNSt") || name.starts_with("_ZNKSt") ||
           name.starts_with("_Zna") || name.starts_with("_Znw") || name.starts_with("_Zd") ||
           is_in(name, "9__gnu_cxx") || is_in(name, "10__cxxabiv1");
}

class lint {
  public:
    lint(const std::vector<relocatable>& objects, const tls_options& options) : objects_(objects), options_(options) {
        for (uint32_t o = 0; o < objects.size(); o++)
            for (uint32_t f = 0; f < objects[o].functions.size(); f++) {
                const object_function& fn = objects[o].functions[f];
                if (fn.symbol.ends_with(".cold")) continue;  // belongs to the function that it is the cold part of
                uint32_t number = uint32_t(all_.size());
                all_.push_back({o, f});
                if (!fn.is_local) global_.try_emplace(fn.symbol, number);
                local_.try_emplace(&fn, number);
            }
        parks_.resize(all_.size());
        gives_.resize(all_.size());
    }

    tls_report run() {
        std::vector<std::vector<call_target>> calls(all_.size());
        for (uint32_t n = 0; n < all_.size(); n++) calls[n] = follow(n).calls;
        // Who calls who parks; until nobody is added.
        for (bool more = true; more;) {
            more = false;
            for (uint32_t n = 0; n < all_.size(); n++) {
                if (parks_[n]) continue;
                for (const call_target& t : calls[n])
                    if (effect_of(t, n).parks) {
                        parks_[n] = more = true;
                        break;
                    }
            }
        }
        // Functions that return a thread-local's address, and their callers.
        std::vector<flow_result> flows(all_.size());
        for (int round = 0; round < kMostRounds; round++) {
            bool more = false;
            for (uint32_t n = 0; n < all_.size(); n++) {
                flows[n] = follow(n);
                if (flows[n].returns_address && !gives_[n]) gives_[n] = more = true;
            }
            if (!more) break;
        }
        tls_report out;
        out.objects = objects_.size();
        out.functions = all_.size();
        for (uint32_t n = 0; n < all_.size(); n++) {
            if (parks_[n]) out.parking++;
            for (const kept_address& k : flows[n].kept) out.findings.push_back(finding(n, k));
        }
        return out;
    }

  private:
    static constexpr int kMostRounds = 4;  // of functions that return what another returned

    struct place {
        uint32_t object, function;
    };
    const relocatable& object_of(uint32_t n) const { return objects_[all_[n].object]; }
    const object_function& function_of(uint32_t n) const { return object_of(n).functions[all_[n].function]; }

    flow_result follow(uint32_t n) const {
        return follow_addresses(object_of(n), all_[n].function,
                                [this, n](const call_target& t) { return effect_of(t, n); });
    }

    call_effect effect_of(const call_target& t, uint32_t) const {
        call_effect e;
        if (t.to != nullptr)
            if (auto l = local_.find(t.to); l != local_.end()) return known(l->second);
        const std::string& name = t.symbol;
        if (name.empty()) {
            e.parks = options_.unknown_parks;
            return e;
        }
        if (is_named(name)) {
            e.parks = true;
            return e;
        }
        if (auto g = global_.find(name); g != global_.end()) return known(g->second);
        e.gives_address = has(kAddresses, name) || name.starts_with("_ZTW");
        e.ends = has(kEnds, name) || (name.starts_with("_ZSt") && name.find("__throw_") != std::string::npos);
        bool is_cxx = name.starts_with("_Z");
        e.parks = has(kSwitch, name) || is_in(name, "8gossamer") ||
                  (options_.unknown_parks && is_cxx && !is_of_std(name) && !e.gives_address);
        return e;
    }
    call_effect known(uint32_t n) const {
        const std::string& name = function_of(n).symbol;
        return {parks_[n] || has(kSwitch, name) || is_named(name), gives_[n] || name.starts_with("_ZTW"), false};
    }
    bool is_named(const std::string& symbol) const {
        if (options_.parks.empty()) return false;
        std::string plain = demangle(symbol.c_str());
        return std::any_of(options_.parks.begin(), options_.parks.end(),
                           [&](const std::string& p) { return symbol.starts_with(p) || plain.starts_with(p); });
    }

    tls_finding finding(uint32_t n, const kept_address& k) const {
        const object_function& f = function_of(n);
        const std::string& callee = k.call.symbol;
        return {object_of(n).name,        demangle(f.symbol.c_str()),
                demangle(k.what.c_str()), callee.empty() ? "a function pointer" : demangle(callee.c_str()),
                k.formed_at - f.begin,    k.call_at - f.begin,
                k.used_at - f.begin};
    }

    const std::vector<relocatable>& objects_;
    const tls_options& options_;
    std::vector<place> all_;
    std::unordered_map<std::string, uint32_t> global_;
    std::unordered_map<const object_function*, uint32_t> local_;
    std::vector<bool> parks_, gives_;
};

}  // namespace

tls_report lint_tls(const std::vector<relocatable>& objects, const tls_options& options) {
    return lint(objects, options).run();
}

}  // namespace insp

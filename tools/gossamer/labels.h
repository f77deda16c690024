// SPDX-License-Identifier: BSL-1.0
// labels: the words for a goroutine: name, state, place, creator. Found once for all goroutines that have the same.
#pragma once

#include <string>
#include <unordered_map>

#include "tools/gossamer/snapshot.h"

namespace insp {

class labels {
  public:
    explicit labels(const target& t) : t_(t) {}
    // As given, or the start function's; "thread 4711" for a plain thread's stand-in.
    const std::string& name(const goroutine& g, const snapshot& s);
    // What it waits for ("chan receive"), or "runnable", "running".
    static const char* state(const goroutine& g);
    // The user's function that waits, with its line; the start function of one that has not begun; "" when it is not known.
    const std::string& place(const goroutine& g);
    // Likewise, of the go().
    const std::string& creator(const goroutine& g);

  private:
    // Of goroutines that wait at the same call of the library, and were started alike: whether they wait in the same place of the program.
    struct origin {
        uint64_t site, invoke, creator;
        bool operator==(const origin&) const = default;
    };
    struct hash {
        size_t operator()(const origin& o) const {
            return size_t(((o.site * 0x9e3779b97f4a7c15ull ^ o.invoke) * 0xff51afd7ed558ccdull) ^ (o.creator >> 1));
        }
    };
    struct likeness {
        unsigned walked = 0;
        bool differs = false;
        const std::string* place = nullptr;
    };
    const std::string& at(uint64_t pc, bool is_return_address);
    const std::string& behind_library(const goroutine& g);
    bool is_of_user(uint64_t pc);

    const target& t_;
    std::unordered_map<const void*, std::string> given_;  // by where snapshot::name lies
    std::unordered_map<origin, std::string, hash> names_;
    std::unordered_map<origin, likeness, hash> behind_;
    std::unordered_map<uint64_t, std::string> threads_, places_, starts_;
    std::unordered_map<uint64_t, bool> of_user_;
    unsigned walks_ = 0;
    std::string none_;
};

}  // namespace insp

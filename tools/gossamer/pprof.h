// SPDX-License-Identifier: BSL-1.0
// pprof: profiles as `go tool pprof`, Perfetto and others read them (profile.proto, gzip), with functions and lines inside: Go's tool cannot name those
// of C++ by itself.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tools/gossamer/events.h"

namespace insp {

struct profile {
    struct value_type {
        std::string type, unit;  // "delay", "nanoseconds"
    };
    struct label {
        std::string key;
        std::string text;    // or, when it is empty,
        int64_t number = 0;  // with its unit
        std::string unit;
        auto operator<=>(const label&) const = default;
    };
    struct sample {
        // Innermost first. Return addresses all, but for the first one when the leaf is exact. Address 0: nothing known.
        std::vector<uint64_t> pcs;
        bool leaf_is_exact = false;
        std::vector<int64_t> values;  // one for each sample type
        std::vector<label> labels;
    };
    struct mapping {
        uint64_t begin = 0, end = 0, offset = 0;
        std::string path, build_id;  // in hex; "" when there is none
    };

    std::vector<value_type> sample_types;  // the last is what is shown first
    value_type period_type;
    int64_t period = 1;
    int64_t time_real_ns = 0;
    int64_t duration_ns = 0;  // 0: of one moment
    std::vector<std::string> comments;
    std::vector<sample> samples;
    std::vector<mapping> mappings;
    // Names an address: innermost inlined function first. Asked once for each.
    std::function<std::vector<pc_name>(uint64_t pc, bool is_return_address)> names;
};

// Samples of the same stack and labels become one, their values summed; sorted, so that the order in which they came does not show.
void merge_samples(profile& p);

// The message, and the file that it goes into. The same profile gives the same bytes. Samples without as many values as there are types are left out.
std::string encode_profile(const profile& p);
std::string gzip(const std::string& bytes);
// What gzip() made; false when it is something else, or longer than `most`.
bool gunzip(const std::string& bytes, std::string& to, size_t most = size_t{1} << 30);

}  // namespace insp

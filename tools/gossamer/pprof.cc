// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/pprof.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>
#include <unordered_map>

#include "tools/gossamer/protobuf.h"
#include "tools/gossamer/target.h"
#include "tools/gossamer/utf8.h"

namespace insp {

namespace {

// Field numbers of profile.proto.
namespace field {
enum profile : uint32_t {
    sample_type = 1,
    sample,
    mapping,
    location,
    function,
    string_table,
    time_nanos = 9,
    duration_nanos,
    period_type,
    period,
    comment,
    default_sample_type,
};
}

class encoder {
  public:
    explicit encoder(const profile& p) : p_(p) { text(""); }

    std::string run() {
        for (const profile::value_type& t : p_.sample_types) value_type(field::sample_type, t);
        for (const profile::sample& s : p_.samples)
            if (s.values.size() == p_.sample_types.size()) sample(s);
        for (size_t i = 0; i < p_.mappings.size(); i++) mapping(i);
        if (p_.time_real_ns != 0) pb_.number(field::time_nanos, uint64_t(p_.time_real_ns));
        if (p_.duration_ns != 0) pb_.number(field::duration_nanos, uint64_t(p_.duration_ns));
        value_type(field::period_type, p_.period_type);
        pb_.number(field::period, uint64_t(p_.period));
        for (const std::string& c : p_.comments) pb_.number(field::comment, text(c));
        if (!p_.sample_types.empty()) pb_.number(field::default_sample_type, text(p_.sample_types.back().type));
        // Last, when all of it is known.
        out_ += locations_ + functions_;
        for (const std::string* s : strings_) pb_.string(field::string_table, *s);
        return std::move(out_);
    }

  private:
    uint64_t text(const std::string& s) {
        auto [at, is_new] = string_ids_.try_emplace(valid_utf8(s), strings_.size());
        if (is_new) strings_.push_back(&at->first);
        return at->second;
    }

    void value_type(uint32_t field, const profile::value_type& t) {
        size_t m = pb_.begin(field);
        pb_.number(1, text(t.type));
        pb_.number(2, text(t.unit));
        pb_.end(m);
    }

    void sample(const profile::sample& s) {
        std::vector<uint64_t> ids;
        for (size_t i = 0; i < s.pcs.size(); i++) ids.push_back(location(s.pcs[i], i > 0 || !s.leaf_is_exact));
        if (ids.empty()) ids.push_back(location(0, false));
        size_t m = pb_.begin(field::sample);
        for (uint64_t id : ids) pb_.number(1, id);
        for (int64_t v : s.values) pb_.number(2, uint64_t(v));
        for (const profile::label& l : s.labels) {
            size_t label = pb_.begin(3);
            pb_.number(1, text(l.key));
            if (!l.text.empty()) {
                pb_.number(2, text(l.text));
            } else {
                pb_.number(3, uint64_t(l.number));
                if (!l.unit.empty()) pb_.number(4, text(l.unit));
            }
            pb_.end(label);
        }
        pb_.end(m);
    }

    // The byte before a return address lies in the call: whoever looks the address up again finds the call's line.
    uint64_t location(uint64_t pc, bool is_return) {
        uint64_t address = is_return && pc != 0 ? pc - 1 : pc;
        auto [at, is_new] = location_ids_.try_emplace(address, location_ids_.size() + 1);
        if (!is_new) return at->second;
        std::vector<pc_name> names;
        if (pc != 0 && p_.names) names = p_.names(pc, is_return);
        if (names.empty()) names.push_back({pc == 0 ? "(not known)" : hex(pc), "", 0});
        pb_writer pb(locations_);
        size_t m = pb.begin(field::location);
        pb.number(1, at->second);
        if (uint64_t in = mapping_of(address); in != 0) pb.number(2, in);
        pb.number(3, address);
        for (const pc_name& n : names) {
            size_t line = pb.begin(4);
            pb.number(1, function(n));
            if (n.line > 0) pb.number(2, uint64_t(n.line));
            pb.end(line);
        }
        pb.end(m);
        return at->second;
    }

    uint64_t function(const pc_name& n) {
        auto [at, is_new] = function_ids_.try_emplace({n.function, n.file}, function_ids_.size() + 1);
        if (!is_new) return at->second;
        pb_writer pb(functions_);
        size_t m = pb.begin(field::function);
        pb.number(1, at->second);
        // No system name: where it is the same, the reader demangles again and takes the parameters away.
        pb.number(2, text(n.function));
        if (!n.file.empty()) pb.number(4, text(n.file));
        pb.end(m);
        return at->second;
    }

    uint64_t mapping_of(uint64_t address) const {
        for (size_t i = 0; i < p_.mappings.size(); i++)
            if (address >= p_.mappings[i].begin && address < p_.mappings[i].end) return i + 1;
        return 0;
    }
    void mapping(size_t i) {
        const profile::mapping& mp = p_.mappings[i];
        size_t m = pb_.begin(field::mapping);
        pb_.number(1, i + 1);
        pb_.number(2, mp.begin);
        pb_.number(3, mp.end);
        pb_.number(4, mp.offset);
        pb_.number(5, text(mp.path));
        if (!mp.build_id.empty()) pb_.number(6, text(mp.build_id));
        // Functions, files, lines and inlined frames are all there: nobody need look them up.
        for (uint32_t has = 7; has <= 10; has++) pb_.number(has, 1);
        pb_.end(m);
    }

    static std::string hex(uint64_t pc) {
        char digits[24];
        std::snprintf(digits, sizeof digits, "0x%llx", static_cast<unsigned long long>(pc));
        return digits;
    }

    const profile& p_;
    std::string out_, locations_, functions_;
    pb_writer pb_{out_};
    std::unordered_map<std::string, uint64_t> string_ids_;
    std::vector<const std::string*> strings_;
    std::unordered_map<uint64_t, uint64_t> location_ids_;
    std::map<std::pair<std::string, std::string>, uint64_t> function_ids_;
};

}  // namespace

void merge_samples(profile& p) {
    auto key = [](const profile::sample& s) { return std::tie(s.pcs, s.leaf_is_exact, s.labels); };
    for (profile::sample& s : p.samples) std::sort(s.labels.begin(), s.labels.end());
    std::sort(p.samples.begin(), p.samples.end(), [&](auto& x, auto& y) { return key(x) < key(y); });
    std::vector<profile::sample> merged;
    for (profile::sample& s : p.samples) {
        if (merged.empty() || key(merged.back()) != key(s) || merged.back().values.size() != s.values.size()) {
            merged.push_back(std::move(s));
            continue;
        }
        for (size_t i = 0; i < s.values.size(); i++) {
            int64_t& sum = merged.back().values[i];
            if (__builtin_add_overflow(sum, s.values[i], &sum)) sum = std::numeric_limits<int64_t>::max();
        }
    }
    p.samples = std::move(merged);
}

std::string encode_profile(const profile& p) { return encoder(p).run(); }

std::string gzip(const std::string& bytes) {
    z_stream z{};
    // 15 bits of window, 16 for gzip's header, which without a given one has no time in it.
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        throw error("gossamer: " + running_command + ": out of memory");
    std::string out;
    char piece[64 << 10];
    size_t done = 0;
    int status = Z_OK;
    while (status != Z_STREAM_END) {
        if (z.avail_in == 0 && done < bytes.size()) {
            z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + done));
            z.avail_in = uInt(std::min<size_t>(bytes.size() - done, 1 << 30));
            done += z.avail_in;
        }
        z.next_out = reinterpret_cast<Bytef*>(piece);
        z.avail_out = sizeof piece;
        status = deflate(&z, done == bytes.size() ? Z_FINISH : Z_NO_FLUSH);
        out.append(piece, sizeof piece - z.avail_out);
    }
    deflateEnd(&z);
    return out;
}

bool gunzip(const std::string& bytes, std::string& to, size_t most) {
    z_stream z{};
    if (bytes.size() > std::numeric_limits<uInt>::max() || inflateInit2(&z, 15 + 16) != Z_OK) return false;
    to.clear();
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    z.avail_in = uInt(bytes.size());
    char piece[64 << 10];
    int status = Z_OK;
    while (status == Z_OK && to.size() <= most) {
        z.next_out = reinterpret_cast<Bytef*>(piece);
        z.avail_out = sizeof piece;
        status = inflate(&z, Z_NO_FLUSH);
        to.append(piece, sizeof piece - z.avail_out);
    }
    inflateEnd(&z);
    return status == Z_STREAM_END && to.size() <= most;
}

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
// protobuf: the wire format, as much of it as the exporters write and their tests read: varints, fixed words, strings and nested messages.
// Not done: the official library. It wants a compiler of its own in the build, and the two formats here are a page each.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace insp {

// Appends fields to a string. A nested message is opened by begin() and closed by end(), innermost first.
class pb_writer {
  public:
    explicit pb_writer(std::string& out) : out_(out) {}

    // Negative numbers (int32, int64 fields) go in as their two's complement.
    void number(uint32_t field, uint64_t value) {
        varint(uint64_t{field} << 3);
        varint(value);
    }
    void fixed64(uint32_t field, uint64_t value) {
        varint(uint64_t{field} << 3 | 1);
        char bytes[8];
        for (int i = 0; i < 8; i++) bytes[i] = char(value >> (8 * i));
        out_.append(bytes, 8);
    }
    void string(uint32_t field, std::string_view bytes) {
        varint(uint64_t{field} << 3 | 2);
        varint(bytes.size());
        out_.append(bytes);
    }

    // One byte is kept for the length; a longer message is moved when it is closed.
    size_t begin(uint32_t field) {
        varint(uint64_t{field} << 3 | 2);
        out_ += '\0';
        return out_.size();
    }
    void end(size_t mark) {
        size_t length = out_.size() - mark;
        if (length < 128) {
            out_[mark - 1] = char(length);
            return;
        }
        char bytes[10];
        size_t n = encode(length, bytes);
        out_[mark - 1] = bytes[0];
        out_.insert(mark, bytes + 1, n - 1);
    }

  private:
    static size_t encode(uint64_t value, char* to) {
        size_t n = 0;
        for (; value >= 128; value >>= 7) to[n++] = char(value | 128);
        to[n++] = char(value);
        return n;
    }
    void varint(uint64_t value) {
        char bytes[10];
        out_.append(bytes, encode(value, bytes));
    }

    std::string& out_;
};

struct pb_field {
    uint32_t number = 0;
    uint32_t wire = 0;       // 0 varint, 1 eight bytes, 2 bytes, 5 four bytes
    uint64_t value = 0;      // of 0, 1 and 5
    std::string_view bytes;  // of 2
};

// Goes through the fields of one message; a nested message is read by another reader over its bytes.
class pb_reader {
  public:
    explicit pb_reader(std::string_view bytes) : left_(bytes) {}

    // False at the end, and where the bytes are no message; ok() tells which.
    bool next(pb_field& f) {
        if (left_.empty() || !ok_) return false;
        uint64_t tag = varint();
        f = {uint32_t(tag >> 3), uint32_t(tag & 7), 0, {}};
        if (f.number == 0 || tag >> 32) ok_ = false;
        if (f.wire == 0)
            f.value = varint();
        else if (f.wire == 1)
            f.value = fixed(8);
        else if (f.wire == 5)
            f.value = fixed(4);
        else if (f.wire == 2)
            f.bytes = take(varint());
        else
            ok_ = false;
        return ok_;
    }
    bool ok() const { return ok_; }

  private:
    uint64_t varint() {
        uint64_t value = 0;
        for (unsigned shift = 0; shift < 64 && !left_.empty(); shift += 7) {
            auto byte = static_cast<unsigned char>(left_[0]);
            left_.remove_prefix(1);
            value |= uint64_t{byte & 127u} << shift;
            if (byte < 128) return value;
        }
        ok_ = false;
        return 0;
    }
    std::string_view take(uint64_t bytes) {
        if (bytes > left_.size()) {
            ok_ = false;
            return {};
        }
        std::string_view v = left_.substr(0, bytes);
        left_.remove_prefix(bytes);
        return v;
    }
    uint64_t fixed(unsigned bytes) {
        uint64_t value = 0;
        unsigned shift = 0;
        for (char c : take(bytes)) {
            value |= uint64_t{static_cast<unsigned char>(c)} << shift;
            shift += 8;
        }
        return value;
    }

    std::string_view left_;
    bool ok_ = true;
};

}  // namespace insp

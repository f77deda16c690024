// SPDX-License-Identifier: BSL-1.0
// json: writes JSON as it goes, checked for nothing but commas and escapes.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace insp {

class json_writer {
  public:
    explicit json_writer(std::string& out) : out_(out) {}
    json_writer& begin_object() { return open('{'); }
    json_writer& end_object() { return close('}'); }
    json_writer& begin_array() { return open('['); }
    json_writer& end_array() { return close(']'); }
    json_writer& key(std::string_view name) {
        string(name);
        out_ += ':';
        comma_ = false;
        return *this;
    }
    json_writer& string(std::string_view text) {
        comma();
        out_ += '"';
        for (char c : text) {
            auto u = static_cast<unsigned char>(c);
            if (c == '"' || c == '\\') {
                out_ += '\\';
                out_ += c;
            } else if (u < 0x20) {
                char escaped[8];
                std::snprintf(escaped, sizeof escaped, "\\u%04x", u);
                out_ += escaped;
            } else {
                out_ += c;
            }
        }
        out_ += '"';
        comma_ = true;
        return *this;
    }
    json_writer& number(int64_t n) { return raw(std::to_string(n)); }
    json_writer& number(uint64_t n) { return raw(std::to_string(n)); }
    json_writer& number(double n) {
        char text[32];
        std::snprintf(text, sizeof text, "%.6g", n);
        return raw(text);
    }
    json_writer& boolean(bool b) { return raw(b ? "true" : "false"); }
    json_writer& null() { return raw("null"); }

  private:
    json_writer& raw(std::string_view text) {
        comma();
        out_ += text;
        comma_ = true;
        return *this;
    }
    json_writer& open(char c) {
        comma();
        out_ += c;
        comma_ = false;
        return *this;
    }
    json_writer& close(char c) {
        out_ += c;
        comma_ = true;
        return *this;
    }
    void comma() {
        if (comma_) out_ += ',';
        comma_ = false;
    }

    std::string& out_;
    bool comma_ = false;
};

}  // namespace insp

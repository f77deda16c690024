// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/metrics_page.h"

#include <cmath>
#include <cstdio>

#include "tools/gossamer/json.h"

namespace insp {

namespace {

std::string number(double v) {
    char text[40];
    if (v == std::floor(v) && std::fabs(v) < 1e15)
        std::snprintf(text, sizeof text, "%.0f", v);
    else
        std::snprintf(text, sizeof text, "%.9g", v);
    return text;
}

// Backslash, end of line and, in a label's value, the quotation mark.
std::string escaped(const std::string& text, bool is_value) {
    std::string out;
    for (char c : text) {
        if (c == '\n') {
            out += "\\n";
            continue;
        }
        if (c == '\\' || (c == '"' && is_value)) out += '\\';
        out += c;
    }
    return out;
}

}  // namespace

void metrics_page::family(std::string name, const char* type, std::string help) {
    for (char& c : name) {
        bool is_fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!is_fine) c = '_';
    }
    groups_.push_back({std::move(name), type, std::move(help), {}});
}

void metrics_page::sample(labels l, double value, const char* suffix) {
    groups_.back().samples.push_back({suffix, std::move(l), value});
}

void metrics_page::gauge(std::string name, std::string help, double value) {
    family(std::move(name), "gauge", std::move(help));
    sample({}, value);
}

void metrics_page::total(std::string name, std::string help, double value) {
    family(std::move(name) + "_total", "counter", std::move(help));
    sample({}, value);
}

std::string metrics_page::as_text() const {
    std::string out;
    for (const group& g : groups_) {
        out += "# HELP " + g.name + " " + escaped(g.help, false) + "\n# TYPE " + g.name + " " + g.type + "\n";
        for (const one& s : g.samples) {
            out += g.name + s.suffix;
            const char* before = "{";
            for (auto& [name, value] : s.with) {
                out += before + name + "=\"" + escaped(value, true) + "\"";
                before = ",";
            }
            out += (s.with.empty() ? " " : "} ") + number(s.value) + "\n";
        }
    }
    return out;
}

std::string metrics_page::as_json() const {
    std::string out;
    json_writer j(out);
    j.begin_object().key("families").begin_array();
    for (const group& g : groups_) {
        j.begin_object().key("name").string(g.name).key("type").string(g.type).key("help").string(g.help);
        j.key("samples").begin_array();
        for (const one& s : g.samples) {
            j.begin_object().key("name").string(g.name + s.suffix).key("labels").begin_object();
            for (auto& [name, value] : s.with) j.key(name).string(value);
            j.end_object().key("value");
            if (s.value == std::floor(s.value) && std::fabs(s.value) < 1e15)
                j.number(int64_t(s.value));
            else
                j.number(s.value);
            j.end_object();
        }
        j.end_array().end_object();
    }
    j.end_array().end_object();
    return out;
}

}  // namespace insp

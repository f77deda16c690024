// SPDX-License-Identifier: BSL-1.0
// graph_text: how wait, obj, leaks and tree name goroutines and places.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/gossamer/labels.h"
#include "tools/gossamer/snapshot.h"

namespace insp {

// As labels, for the goroutines of one snapshot.
class describer {
  public:
    describer(const target& t, const snapshot& s) : labels_(t), s_(s) {}
    const std::string& name(const goroutine& g) { return labels_.name(g, s_); }
    static std::string state(const goroutine& g) { return labels::state(g); }
    const std::string& place(const goroutine& g) { return labels_.place(g); }
    const std::string& creator(const goroutine& g) { return labels_.creator(g); }
    // "G17 flush", "thread 4711 (G4)".
    std::string label(const goroutine& g);

  private:
    labels labels_;
    const snapshot& s_;
};

std::string hex(uint64_t n);
std::string plural(uint64_t n, const char* what);  // "1 goroutine", "1,234 goroutines"
// Pads with spaces; counts characters, not bytes.
std::string padded(std::string text, size_t width);

// Columns as wide as their widest cell; the last is not padded.
class text_table {
  public:
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    std::string text() const;

  private:
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace insp

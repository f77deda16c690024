// SPDX-License-Identifier: BSL-1.0
// describe: the description in the box: where each field lies that readers ask for (box/layout.h, invariant 4).
// Called by / on: start_runtime(), once; other floors leave a function for it before that.
#pragma once

#include <string>

namespace gossamer::rt {

// Collects lines "G.id 64 8".
class description {
  public:
    template <class Struct, class Field>
    void add(const char* name, Field Struct::*field) {
        alignas(Struct) static const unsigned char place[sizeof(Struct)] = {};
        auto* s = reinterpret_cast<const Struct*>(place);
        add(name, size_t(reinterpret_cast<const unsigned char*>(&(s->*field)) - place), sizeof(Field));
    }
    void add(const char* name, size_t offset, size_t bytes);
    const std::string& text() const { return text_; }

  private:
    std::string text_;
};

// fn runs when the runtime starts. Before main, from the constructor of a static object.
struct describer {
    explicit describer(void (*fn)(description&));
    void (*fn)(description&);
    describer* next;
};

void describe_runtime();

}  // namespace gossamer::rt

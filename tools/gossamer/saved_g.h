// SPDX-License-Identifier: BSL-1.0
// saved_g: what a G says of its goroutine's stack; read twice, around the stack itself.
#pragma once

#include <cstdint>

#include "tools/gossamer/target.h"

namespace insp {

struct saved_g {
    uint64_t context = 0, stack = 0;
    uint8_t status = 0;
    bool operator==(const saved_g&) const = default;
    bool is_running() const { return status == 3; }
    // Waiting, or runnable and not for the first time.
    bool is_off_stack() const { return (status == 2 || status == 4) && context != 0 && stack != 0; }
};

class saved_g_reader {
  public:
    explicit saved_g_reader(const target& t);
    bool is_usable() const { return context_.bytes == 8 && stack_.bytes == 8 && status_.bytes == 1; }
    bool read(uint64_t g_address, saved_g& to) const;
    // The reservation of a struct stack. False when it cannot be told.
    bool read_range(uint64_t stack, uint64_t* begin, uint64_t* end) const;

  private:
    const target& t_;
    field context_, stack_, status_, base_, klass_;
    uint64_t bytes_ = 0;
};

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/saved_g.h"

#include <algorithm>
#include <cstring>

namespace insp {

namespace {

constexpr uint32_t kMostBytes = 4096;  // of a G; one of a later version that says more is not believed

}  // namespace

saved_g_reader::saved_g_reader(const target& t)
    : t_(t),
      context_(t.find_field("G.context")),
      stack_(t.find_field("G.stk")),
      status_(t.find_field("G.status")),
      base_(t.find_field("stack.base")),
      klass_(t.find_field("stack.klass")) {
    for (const field& f : {context_, stack_, status_}) bytes_ = std::max(bytes_, uint64_t{f.offset} + f.bytes);
    if (bytes_ > kMostBytes) context_.bytes = 0;
}

bool saved_g_reader::read(uint64_t g_address, saved_g& to) const {
    if (!is_usable()) return false;
    std::byte copy[kMostBytes];  // another process writes it, and nobody says that it is aligned
    if (!t_.read(g_address, copy, bytes_)) return false;
    std::memcpy(&to.status, copy + status_.offset, sizeof to.status);
    std::memcpy(&to.context, copy + context_.offset, sizeof to.context);
    std::memcpy(&to.stack, copy + stack_.offset, sizeof to.stack);
    return true;
}

bool saved_g_reader::read_range(uint64_t stack, uint64_t* begin, uint64_t* end) const {
    uint8_t klass = 0;
    if (stack == 0 || base_.bytes != 8 || klass_.bytes != 1 || !t_.read(stack + base_.offset, begin, 8) ||
        !t_.read(stack + klass_.offset, &klass, 1) || klass < 12 || klass > 40)
        return false;
    *end = *begin + (uint64_t(1) << klass);
    return true;
}

}  // namespace insp

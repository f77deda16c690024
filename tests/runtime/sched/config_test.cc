// SPDX-License-Identifier: BSL-1.0
#include "runtime/sched/config.h"

#include <doctest/doctest.h>

#include <initializer_list>

using gossamer::rt::parse_size;

TEST_CASE("a size is a number with an optional k, m or g, within its bounds") {
    size_t n = 0;
    CHECK(parse_size("64k", 1, size_t(1) << 40, &n));
    CHECK(n == 65536);
    CHECK(parse_size("3M", 1, size_t(1) << 40, &n));
    CHECK(n == size_t(3) << 20);
    CHECK(parse_size("1g", 1, size_t(1) << 40, &n));
    CHECK(n == size_t(1) << 30);
    CHECK(parse_size("7", 7, 7, &n));
    for (const char* bad :
         {"", "k", "-1", "1x", "12 ", "0x10", "1kk", "99999999999999999999", "18446744073709551615g"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_size(bad, 0, SIZE_MAX, &n));
    }
    CHECK_FALSE(parse_size("6", 7, 9, &n));
    CHECK_FALSE(parse_size("10", 7, 9, &n));
}

// SPDX-License-Identifier: BSL-1.0
#include <doctest/doctest.h>

#include "tools/gossamer/commands.h"

using insp::arguments;

TEST_CASE("options are taken out wherever they stand, and what is left is refused") {
    arguments args("ps", {"--json", "4711", "--for=2s", "--most", "7"});
    CHECK(args.flag("--json"));
    CHECK_FALSE(args.flag("--json"));
    CHECK(args.duration_ns("--for", 0) == 2'000'000'000);
    CHECK(args.number("--most", 1, 1, 10) == 7);
    CHECK(args.positional("process") == "4711");
    args.done();
    CHECK_THROWS_AS(args.positional("process"), insp::usage_error);
    CHECK_THROWS_AS(arguments("ps", {"--x"}).done(), insp::usage_error);
}

TEST_CASE("a value that is missing, no number, out of range or without a unit is wrong use") {
    CHECK_THROWS_AS(arguments("ps", {"--most"}).value("--most"), insp::usage_error);
    CHECK_THROWS_AS(arguments("ps", {"--most", "x"}).number("--most", 1, 1, 10), insp::usage_error);
    CHECK_THROWS_AS(arguments("ps", {"--most", "11"}).number("--most", 1, 1, 10), insp::usage_error);
    CHECK_THROWS_AS(arguments("ps", {"--for", "2"}).duration_ns("--for", 0), insp::usage_error);
    CHECK_THROWS_AS(arguments("ps", {"--for", "-2s"}).duration_ns("--for", 0), insp::usage_error);
}

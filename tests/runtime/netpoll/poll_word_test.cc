// SPDX-License-Identifier: BSL-1.0
#include "runtime/netpoll/poll_word.h"

#include <doctest/doctest.h>

using namespace gossamer::rt;

TEST_CASE("an edge that nobody waits for is remembered once, and lets no G sleep [poll_word 1]") {
    poll_word w;
    G g;
    CHECK(w.edge() == nullptr);
    CHECK(w.edge() == nullptr);
    CHECK(!w.publish(&g));
    CHECK(w.take_edge());
    CHECK(!w.take_edge());
    CHECK(w.publish(&g));
}

TEST_CASE(
    "a published G is handed out once, by an edge or an evict, and no edge is left behind [poll_word 1][poll_word 2]") {
    for (bool by_edge : {true, false}) {
        poll_word w;
        G g;
        CHECK(w.publish(&g));
        CHECK((by_edge ? w.edge() : w.evict()) == &g);
        CHECK(w.evict() == nullptr);
        CHECK(!w.withdraw(&g));
        CHECK(!w.take_edge());
    }
}

TEST_CASE("an evict leaves an edge remembered; a withdrawn G is nobody's [poll_word 1]") {
    poll_word w;
    G g;
    CHECK(w.edge() == nullptr);
    CHECK(w.evict() == nullptr);
    CHECK(w.take_edge());
    CHECK(w.publish(&g));
    CHECK(w.withdraw(&g));
    CHECK(w.edge() == nullptr);
    CHECK(w.take_edge());
}

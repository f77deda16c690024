// SPDX-License-Identifier: BSL-1.0
// One of the poller's own descriptors is not to be had (FAULT says which): fatal at the start, with name and errno.
#include <gossamer/go.h>

#include <cstdlib>
#include <string>

#include "../support/refuse.h"

int main() {
    std::string which = std::getenv("FAULT");
    long call = which == "eventfd" ? SYS_eventfd2 : which == "timerfd" ? SYS_timerfd_create : SYS_epoll_create1;
    tests::refuse({{call, ENFILE}});
    gossamer::run([] {});
    return 0;
}

// SPDX-License-Identifier: BSL-1.0
// The kernel watches no more descriptors (fs.epoll.max_user_watches): an error of whoever opens one, in words; what is open works on.
#include <gossamer/go.h>

#include "../support/everything.h"
#include "../support/refuse.h"

using namespace gossamer;

int main() {
    return run([] {
        auto [l, none] = net::listen("tcp", "127.0.0.1:0");
        auto [ours, refused] = net::dial("tcp", l.addr().string());
        auto [theirs, lost] = l.accept();
        if (none || refused || lost) return 1;
        tests::refuse({{SYS_epoll_ctl, ENOSPC}});
        std::printf("%s\n", net::dial("tcp", l.addr().string()).err.message().c_str());
        std::printf("%s\n", net::listen("tcp", "127.0.0.1:0").err.message().c_str());
        std::printf("%s\n", l.accept().err.message().c_str());
        go([c = ours] { (void)c.write("still here"); });
        char text[11] = {};
        if (io::read_full(theirs, io::buffer(text, 10)).err) return 1;
        std::puts(text);
        return 0;
    });
}

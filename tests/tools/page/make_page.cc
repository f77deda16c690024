// SPDX-License-Identifier: BSL-1.0
// make_page: writes the page of a made-up window, to be looked at and to be tested in a browser.
// usage: make_page OUTPUT.html story|random|holes|empty|hostile EVENTS [SEED]
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/tools/page/story_window.h"
#include "tests/tools/random_window.h"
#include "tools/gossamer/report.h"

namespace {

// Names that try to leave their place in the page.
insp::trace_window hostile_window(uint64_t seed, unsigned events) {
    insp::trace_window w = insp::testing::random_window(seed, events);
    const char* const names[] = {
        "</script><script>document.title='taken'</script>", "<img src=x onerror=\"document.title='taken'\">",
        "quote\" and 'quote' & &amp; \\u003c", "line\nbreak\ttab \x01 \x7f", "bad \xff\xfe utf8 \xe2\x82"};
    size_t i = 0;
    for (auto& [id, g] : w.goroutines) g.name = names[i++ % std::size(names)];
    for (auto& text : w.texts)
        if (!text.empty()) text += "<!--<script>";
    for (auto& [pc, frames] : w.names)
        for (auto& f : frames) f.function += "<b>&lt;</script>";
    return w;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) {
        std::fprintf(stderr, "usage: make_page OUTPUT.html story|random|holes|empty|hostile EVENTS [SEED]\n");
        return 2;
    }
    std::string what = argv[2];
    unsigned events = unsigned(std::strtoul(argv[3], nullptr, 10));
    uint64_t seed = argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 1;
    insp::trace_window w;
    std::string title = "example";
    if (what == "story") w = insp::testing::story_window(seed, events);
    if (what == "random") w = insp::testing::random_window(seed, events);
    if (what == "holes") {
        insp::testing::window_options cut;
        cut.cut_beginning = true;
        cut.holes = 6;
        w = insp::testing::random_window(seed, events, cut);
    }
    if (what == "hostile") {
        w = hostile_window(seed, events);
        title = "</title><script>document.title='taken'</script>";
    }
    if (what == "empty") {
        w.program = "/usr/bin/example";
        w.end_ns = 1'000'000'000;
    }
    insp::put_in_order(w);
    FILE* to = std::fopen(argv[1], "w");
    if (to == nullptr) {
        std::perror(argv[1]);
        return 1;
    }
    insp::write_report(w, title, to);
    return std::fclose(to) == 0 ? 0 : 1;
}

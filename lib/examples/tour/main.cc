// SPDX-License-Identifier: BSL-1.0
// The tour: what the runtime does, in four sections that can also be run singly. Each section's file is a program worth reading.
#include <gossamer/go.h>
#include <gossamer/runtime.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "record.h"
#include "text.h"
#include "tour.h"

namespace {

constexpr unsigned kParked = 1'000'000;
constexpr unsigned kClients = 1'000;

constexpr const char* kHelp = R"(usage: tour [SECTION [ARGUMENT…]]

  all               all four sections (the default); the last three are recorded
  parked [N]        N goroutines (default 1,000,000) wait on one channel: bytes and ns each
  count [DIR…]      count the words of all text files under the directories, side by side
                    (default /usr/include and /usr/share/doc); Ctrl-C ends it with what it has
  serve [CLIENTS]   an echo and an HTTP service on loopback, CLIENTS connections (default 1,000)
  stall             one goroutine blocks its thread, one spins: how long do the others wait?

GOSSAMER_PROCS=N sets how many processors the goroutines use.
)";

int wrong(std::string_view section, std::string_view text) {
    tour::complain(section, text);
    std::fprintf(stderr, "\n%s", kHelp);
    return tour::kUsage;
}

// A number from 1 to `most`, or the default when there is no argument; nothing after complaining about another one.
std::optional<unsigned> number(std::string_view section, const std::vector<std::string>& args, unsigned otherwise,
                               unsigned most) {
    if (args.empty()) return otherwise;
    const std::string& text = args.front();
    unsigned n = 0;
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (args.size() > 1)
        wrong(section, "one argument at most, but \"" + args[1] + "\" follows");
    else if (failed == std::errc::invalid_argument || end != text.data() + text.size())
        wrong(section, "not a whole number: \"" + text + "\"");
    else if (failed != std::errc{} || n < 1 || n > most)
        wrong(section, "not between 1 and " + tour::grouped(most) + ": \"" + text + "\"");
    else
        return n;
    return std::nullopt;
}

int all() {
    std::printf("Gossamer on %u processors.\n", gossamer::runtime::procs());
    int worst = tour::parked(kParked);
    if (worst == tour::kInterrupted) return worst;
    tour::recording recorded;
    for (int (*section)() :
         {+[] { return tour::count({}); }, +[] { return tour::serve(kClients); }, +[] { return tour::stall(); }}) {
        int status = section();
        if (status == tour::kInterrupted) return status;
        if (status != 0) worst = status;
    }
    return worst;
}

int dispatch(const std::string& section, const std::vector<std::string>& args) {
    if (section == "parked") {
        auto n = number(section, args, kParked, 100'000'000);
        return n ? tour::parked(*n) : tour::kUsage;
    }
    if (section == "count") return tour::count(args);
    if (section == "serve") {
        auto clients = number(section, args, kClients, 100'000);
        return clients ? tour::serve(*clients) : tour::kUsage;
    }
    if (section != "stall" && section != "all") return wrong(section, "no such section");
    if (!args.empty()) return wrong(section, "takes no argument, but got \"" + args.front() + "\"");
    return section == "stall" ? tour::stall() : all();
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::string> args(argv + 1, argv + argc);
    std::string section = args.empty() ? "all" : args.front();
    if (!args.empty()) args.erase(args.begin());
    auto asks_for_help = [](const std::string& word) { return word == "-h" || word == "--help"; };
    if (section == "help" || asks_for_help(section) || std::any_of(args.begin(), args.end(), asks_for_help)) {
        std::fputs(kHelp, stdout);
        return 0;
    }
    return gossamer::run([&] { return dispatch(section, args); });
}

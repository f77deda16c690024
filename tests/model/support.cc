// SPDX-License-Identifier: BSL-1.0
#include "tests/model/support.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace gossamer::model {

namespace {

const char* words(fault how) {
    static constexpr const char* kWords[] = {"relaxed", "skipped", "late", "split", "blind"};
    return kWords[static_cast<size_t>(how)];
}

// Of the processor: the machine may be busy.
double seconds() { return double(std::clock()) / CLOCKS_PER_SEC; }

}  // namespace

void must_hold(const char* name, const bounds& within, void (*body)()) {
    double began = seconds();
    bounds wider = within;
    const char* deeper = std::getenv("GOSSAMER_MODEL_DEEPER");
    if (deeper != nullptr && wider.preemptions != kUnbounded) {
        wider.preemptions += std::atoi(deeper);
        wider.executions = ~uint64_t{0};
    }
    verdict v = explore(wider, body);
    std::printf("%-34s %9llu executions %11llu steps %6.2f s%s\n", name, static_cast<unsigned long long>(v.executions),
                static_cast<unsigned long long>(v.steps), seconds() - began, v.complete ? "" : "  not complete");
    std::fflush(stdout);
    const std::string told = std::string(name) + "\n" + v.path;
    INFO(told);
    CHECK_MESSAGE(v.broken.empty(), v.broken);
    CHECK_MESSAGE((v.complete || !v.broken.empty()), "more executions than the bound allows");
}

void must_find(const char* name, const bounds& within, void (*body)(), const std::vector<plant>& bugs) {
    for (const plant& bug : bugs) {
        verdict v = explore(within, body, &bug);
        std::printf("%-34s %s, %s, %s: %s after %llu executions\n", name, bug.file, words(bug.how), bug.text,
                    v.broken.empty() ? "not found" : v.broken.c_str(), static_cast<unsigned long long>(v.executions));
        if (std::getenv("GOSSAMER_MODEL_PATHS") != nullptr) std::fputs(v.path.c_str(), stdout);
        const std::string told = std::string(name) + ": " + bug.file + ": " + bug.text + " (" + words(bug.how) + ")";
        INFO(told);
        CHECK_MESSAGE(v.planted, "the line is not reached");
        CHECK_MESSAGE(!v.broken.empty(), "the bug is not found");
    }
}

}  // namespace gossamer::model

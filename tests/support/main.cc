// SPDX-License-Identifier: BSL-1.0
// main: runs the test cases of one program in a random order with a printed seed, ends a test case that hangs, and fails the
// program when a test case leaves a goroutine behind. The number of procs comes from GOSSAMER_PROCS, as in any program.
// Signals and their stacks are the runtime's: doctest must not put handlers of its own over them while a test case runs.
#define DOCTEST_CONFIG_NO_POSIX_SIGNALS
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>

#include "runtime/base/fatal.h"
#include "tests/support/harness.h"
#include "tests/support/leak_check.h"

namespace {

// Ends the program with every goroutine's state when one test case takes longer than any may.
class watchdog {
  public:
    watchdog() : thread_([this] { watch(); }) {}
    ~watchdog() {
        {
            std::lock_guard hold(lock_);
            stop_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }

    void begin(const char* name) {
        std::lock_guard hold(lock_);
        name_ = name;
        turn_++;
    }
    void end() { begin(nullptr); }

  private:
    void watch() {
        std::unique_lock hold(lock_);
        while (!stop_) {
            unsigned long seen = turn_;
            bool moved = changed_.wait_for(hold, 4 * tests::kLongestWait, [&] { return stop_ || turn_ != seen; });
            // The case is looked at again only after the whole limit, so it is ended after one to two of them.
            if (!moved && name_ != nullptr) {
                gossamer::rt::print_error("test: hangs: %s\n", name_);
                tests::give_up("a test case ran longer than any may");
            }
        }
    }

    std::mutex lock_;
    std::condition_variable changed_;
    const char* name_ = nullptr;  // null between two test cases
    unsigned long turn_ = 0;
    bool stop_ = false;
    std::thread thread_;
};

watchdog* guard = nullptr;
int leaking_cases = 0;

struct case_listener : doctest::IReporter {
    explicit case_listener(const doctest::ContextOptions& /*options*/) {}

    void test_case_start(const doctest::TestCaseData& test) override {
        name_ = test.m_name;
        guard->begin(name_);
    }
    void test_case_end(const doctest::CurrentTestCaseStats& /*stats*/) override {
        if (int n = tests::leaked(); n != 0) {
            std::fprintf(stderr, "test: leaks %d goroutine(s): %s\n", n, name_);
            gossamer::rt::dump_before_death();
            leaking_cases++;
            tests::leave_behind(n);
        }
        guard->end();
    }

    void report_query(const doctest::QueryData& /*query*/) override {}
    void test_run_start() override {}
    void test_run_end(const doctest::TestRunStats& /*stats*/) override {}
    void test_case_reenter(const doctest::TestCaseData& /*test*/) override {}
    void test_case_exception(const doctest::TestCaseException& /*what*/) override {}
    void subcase_start(const doctest::SubcaseSignature& /*subcase*/) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData& /*data*/) override {}
    void log_message(const doctest::MessageData& /*data*/) override {}
    void test_case_skipped(const doctest::TestCaseData& /*test*/) override {}

  private:
    const char* name_ = "";
};

// One seed for the order of the test cases and for the runtime's own choices; in the environment before the runtime starts.
unsigned choose_seed() {
    if (std::getenv("GOSSAMER_SEED") == nullptr) {
        auto now = std::chrono::steady_clock::now().time_since_epoch().count();
        ::setenv("GOSSAMER_SEED", std::to_string(1 + now % 1'000'000'007).c_str(), 1);
    }
    return static_cast<unsigned>(std::strtoul(std::getenv("GOSSAMER_SEED"), nullptr, 10));
}

}  // namespace

REGISTER_LISTENER("case", 1, case_listener);

int main(int argc, char** argv) {
    // A goroutine that fails a REQUIRE ends the process: what doctest has to say must be out by then.
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    unsigned seed = choose_seed();
    const char* procs = std::getenv("GOSSAMER_PROCS");
    std::printf("GOSSAMER_SEED=%u GOSSAMER_PROCS=%s\n", seed, procs != nullptr ? procs : "(all)");
    std::fflush(stdout);

    doctest::Context context;
    context.setOption("order-by", "rand");
    context.setOption("rand-seed", static_cast<int>(seed));
    context.applyCommandLine(argc, argv);
    watchdog dog;
    guard = &dog;
    tests::start_leak_check();
    int status = context.run();
    // For tests/tools/test_false_alarms.py.
    if (int n = tests::left_behind_so_far(); n != 0) std::printf("test: %d goroutines left behind on purpose\n", n);
    if (leaking_cases != 0) std::fprintf(stderr, "test: %d test case(s) leaked goroutines\n", leaking_cases);
    return status != 0 ? status : (leaking_cases != 0 ? 1 : 0);
}

// SPDX-License-Identifier: BSL-1.0
#include <doctest/doctest.h>
#include <gossamer/error.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace gossamer;

namespace {

constexpr detail::sentinel_node gone_node{"gone"};
constexpr error gone{&gone_node};
constexpr detail::sentinel_node late_node{"too late", std::errc::timed_out};
constexpr error late{&late_node};

struct status_error {
    int status;
    std::string message() const { return "status " + std::to_string(status); }
};

struct op_error {
    std::string op;
    error why;
    std::string message() const { return op + ": " + why.message(); }
    error cause() const { return why; }
    bool is(const error& target) const { return target == gone; }
};

}  // namespace

TEST_CASE("a null error is success and has nothing to say") {
    error none;
    CHECK_FALSE(none);
    CHECK(none == nullptr);
    CHECK(none.message().empty());
    CHECK_FALSE(none.code());
    CHECK(none.cause() == nullptr);
    CHECK(sizeof(error) == sizeof(void*));
}

TEST_CASE("two errors with the same text are different errors, a copy is the same one") {
    error a("no luck"), b("no luck"), c = a;
    CHECK(a);
    CHECK(a.message() == "no luck");
    CHECK(a != b);
    CHECK(a == c);
    error moved = std::move(c);
    CHECK(moved == a);
}

TEST_CASE("a sentinel is a constant that errors::is finds under any wrapping") {
    error wrapped = wrap(wrap(gone, "step {}", 2), "loading {} of {}", std::string("x"), 7u);
    CHECK(wrapped.message() == "loading x of 7: step 2: gone");
    CHECK(wrapped != gone);
    CHECK(errors::is(wrapped, gone));
    CHECK_FALSE(errors::is(wrapped, late));
    CHECK(wrapped.cause().cause() == gone);
    CHECK(errors::is(wrap(late, "x"), std::errc::timed_out));
}

TEST_CASE("wrapping success gives success") {
    CHECK_FALSE(wrap(error(), "reading {}", "file"));
    CHECK_FALSE(errors::join(error(), error()));
    CHECK_FALSE(error(std::error_code()));
}

TEST_CASE("an error with a system code says what the system says") {
    std::error_code code = std::make_error_code(std::errc::no_such_file_or_directory);
    error plain(code), told(code, "open /nowhere");
    CHECK(plain.message() == code.message());
    CHECK(told.message() == "open /nowhere: " + code.message());
    CHECK(wrap(told, "config").code() == code);
    CHECK(errors::is(wrap(told, "config"), code));
    CHECK(errors::is(told, std::errc::no_such_file_or_directory));
    CHECK_FALSE(errors::is(told, std::errc::permission_denied));
}

TEST_CASE("errors::as finds the value that an error carries, and only by its own type") {
    error e = wrap(errors::of(status_error{503}), "asking {}", "host");
    CHECK(e.message() == "asking host: status 503");
    const status_error* found = errors::as<status_error>(e);
    REQUIRE(found != nullptr);
    CHECK(found->status == 503);
    CHECK(errors::as<op_error>(e) == nullptr);
    CHECK(errors::as<status_error>(error()) == nullptr);
}

TEST_CASE("a type of one's own may have a cause and may count as another error") {
    error e = errors::of(op_error{"dial", late});
    CHECK(e.message() == "dial: too late");
    CHECK(errors::is(e, late));
    CHECK(errors::is(e, gone));
    CHECK(e.code() == std::errc::timed_out);
}

TEST_CASE("joined errors are found each, and the joined text has a line each") {
    error both = errors::join(gone, error(), wrap(late, "again"));
    CHECK(both.message() == "gone\nagain: too late");
    CHECK(errors::is(both, gone));
    CHECK(errors::is(both, late));
    CHECK(both.cause() == gone);
}

TEST_CASE("errors::make fills each {} and doubles are braces") {
    enum class colour : uint8_t { red = 3 };
    CHECK(errors::make("{} {} {} {} {} {{}}", 'c', true, -5, 1.5, colour::red).message() == "c true -5 1.5 3 {}");
    CHECK(errors::make("{}", error()).message() == "<nil>");
    CHECK(errors::make("{}", gone).message() == "gone");
}

TEST_CASE("handles of one error may be copied and dropped on many threads") {
    auto held = std::make_shared<int>(1);
    struct counted {
        std::shared_ptr<int> held;
        std::string message() const { return "counted"; }
    };
    {
        error e = errors::of(counted{held});
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; t++)
            threads.emplace_back([e] {
                for (int i = 0; i < 1000; i++) {
                    error copy = wrap(e, "copy");
                    if (copy.cause() != e) std::terminate();
                }
            });
        for (auto& t : threads) t.join();
        CHECK(held.use_count() == 2);
    }
    CHECK(held.use_count() == 1);
}

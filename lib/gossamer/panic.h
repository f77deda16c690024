// SPDX-License-Identifier: BSL-1.0
// panic: the user's misuse as an exception that can be caught. `throw panic(value)` is Go's panic(value); `catch (const
// panic& p)` is its recover. One that leaves a goroutine prints its value, where it was made and who started the
// goroutine, and ends the process with status 2 (SEMANTICS G7, D12).
#pragma once

#include <any>
#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "gossamer/error.h"

namespace gossamer {

namespace detail {
struct panic_record;
std::string type_and_address(const std::type_info& type, const void* value);
}  // namespace detail

class panic : public std::exception {
  public:
    explicit panic(const char* text) : panic(std::any(std::string(text)), text) {}
    explicit panic(std::nullptr_t) : panic("panic called with nil argument") {}  // P7
    explicit panic(std::string_view text) : panic(std::any(std::string(text)), std::string(text)) {}
    explicit panic(std::string text) : panic(std::any(text), text) {}
    // Any value that can be copied; shown by its text where it has one, else by type and address.
    template <std::copy_constructible T>
    requires(!std::derived_from<T, panic> && !std::convertible_to<const T&, std::string_view>) explicit panic(T value)
        : panic(std::any(value), text_of(value)) {}

    // The text that the report shows after "panic: ".
    const char* what() const noexcept override;
    // The value, when it is a T (a text is a std::string); null when it is not. It lives as long as some copy of the
    // panic.
    template <class T>
    const T* value() const noexcept {
        return std::any_cast<T>(&any_value());
    }

    const detail::panic_record& record() const noexcept { return *record_; }

  private:
    panic(std::any value, std::string text);
    const std::any& any_value() const noexcept;
    template <class T>
    static std::string text_of(const T& value) {
        if constexpr (detail::has_text<T> && !std::is_pointer_v<T>)
            return detail::to_text(value);
        else
            return detail::type_and_address(typeid(T), &value);
    }

    std::shared_ptr<const detail::panic_record> record_;
};

}  // namespace gossamer

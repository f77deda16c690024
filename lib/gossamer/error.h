// SPDX-License-Identifier: BSL-1.0
// error: the world's failure as a value. One pointer; null is success. A counted handle: copies are the same error, and
// comparing two is identity, so a sentinel (io::eof) is told by ==, and errors::is finds it under any number of
// wrappings. Context: every function here works on any goroutine and any thread; an error may be shared between them.
#pragma once

#include <atomic>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace gossamer {

class error;

namespace detail {

// What an error points to. Immortal ones are constants: nobody counts their handles.
class error_node {
  public:
    constexpr explicit error_node(bool immortal) noexcept : immortal_(immortal) {}
    error_node(const error_node&) = delete;
    error_node& operator=(const error_node&) = delete;
    constexpr virtual ~error_node() = default;

    virtual std::string message() const = 0;
    virtual std::error_code code() const { return {}; }
    // The i-th error that this one is about; null past the last.
    virtual const error_node* cause(size_t) const { return nullptr; }
    // The value of that type which this error carries.
    virtual const void* value(const std::type_info&) const { return nullptr; }
    // Whether this error counts as that one, beyond being it.
    virtual bool counts_as(const error&) const { return false; }

    constexpr bool immortal() const noexcept { return immortal_; }
    void retain() const noexcept {
        refs_.fetch_add(1, std::memory_order_relaxed);  // pairs with nothing: whoever copies a handle holds one
    }
    void release() const noexcept {
        if (refs_.fetch_sub(1, std::memory_order_acq_rel) ==
            1)  // pairs with the release half of the other handles' ends
            destroy();
    }

  private:
    void destroy()
        const noexcept;  // out of line: for a sentinel the compiler would warn of a delete that never happens

    mutable std::atomic<uint32_t> refs_{1};
    const bool immortal_;
};

}  // namespace detail

class [[nodiscard]] error {
  public:
    // Success.
    constexpr error() noexcept = default;
    constexpr error(std::nullptr_t) noexcept {}
    // A new error, equal to no other.
    explicit error(std::string message);
    explicit error(std::string_view message) : error(std::string(message)) {}
    explicit error(const char* message) : error(std::string(message)) {}
    // What the system said; a zero code gives success. With a text: "text: what the system said".
    explicit error(std::error_code code);
    error(std::error_code code, std::string text);
    // Takes over one count of a node, or refers to a constant one.
    constexpr explicit error(const detail::error_node* node) noexcept : node_(node) {}

    constexpr error(const error& other) noexcept : node_(other.node_) {
        if (node_ != nullptr && !node_->immortal()) node_->retain();
    }
    constexpr error(error&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
    constexpr error& operator=(error other) noexcept {
        std::swap(node_, other.node_);
        return *this;
    }
    constexpr ~error() {
        if (std::is_constant_evaluated()) return;  // only sentinels are constants
        if (node_ != nullptr && !node_->immortal()) node_->release();
    }

    // True when something failed.
    constexpr explicit operator bool() const noexcept { return node_ != nullptr; }
    // Empty for success.
    std::string message() const { return node_ == nullptr ? std::string() : node_->message(); }
    // The nearest code in the chain of causes; zero when there is none.
    std::error_code code() const;
    // What this error wraps (the first, when it joins several); null when nothing.
    error cause() const;

    // Identity, as Go compares errors.New values.
    friend constexpr bool operator==(const error& a, const error& b) noexcept { return a.node_ == b.node_; }

    constexpr const detail::error_node* node() const noexcept { return node_; }

  private:
    const detail::error_node* node_ = nullptr;
};
static_assert(sizeof(error) == sizeof(void*));

namespace detail {

// A constant error for a sentinel: no allocation, nothing runs before main.
class sentinel_node final : public error_node {
  public:
    constexpr explicit sentinel_node(const char* text, std::errc code = {}) noexcept
        : error_node(true), text_(text), code_(code) {}
    constexpr ~sentinel_node() override {}  // g++ 12 refuses constants of this type when it is left implicit
    std::string message() const override { return text_; }
    std::error_code code() const override {
        return code_ == std::errc{} ? std::error_code() : std::make_error_code(code_);
    }

  private:
    const char* text_;
    std::errc code_;
};

template <class T>
concept says_message = requires(const T& t) {
    { t.message() } -> std::convertible_to<std::string>;
};
template <class T>
concept says_code = requires(const T& t) {
    { t.code() } -> std::convertible_to<std::error_code>;
};
template <class T>
concept says_cause = requires(const T& t) {
    { t.cause() } -> std::convertible_to<error>;
};
template <class T>
concept says_is = requires(const T& t, const error& e) {
    { t.is(e) } -> std::convertible_to<bool>;
};

template <class T>
class value_node final : public error_node {
  public:
    explicit value_node(T v) : error_node(false), value_(std::move(v)) {
        if constexpr (says_cause<T>) cause_ = value_.cause();
    }
    std::string message() const override {
        if constexpr (says_message<T>)
            return value_.message();
        else
            return value_.what();
    }
    std::error_code code() const override {
        if constexpr (says_code<T>)
            return value_.code();
        else
            return {};
    }
    const error_node* cause(size_t i) const override { return i == 0 ? cause_.node() : nullptr; }
    const void* value(const std::type_info& type) const override { return type == typeid(T) ? &value_ : nullptr; }
    bool counts_as(const error& target) const override {
        if constexpr (says_is<T>)
            return value_.is(target);
        else
            return (void)target, false;
    }

  private:
    T value_;
    error cause_;
};

// Text of one argument for "{}".
template <class T>
std::string to_text(const T& v) {
    if constexpr (std::is_same_v<T, error>) {
        return v ? v.message() : "<nil>";
    } else if constexpr (std::is_same_v<T, bool>) {
        return v ? "true" : "false";
    } else if constexpr (std::is_same_v<T, char>) {
        return std::string(1, v);
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
        return std::string(std::string_view(v));
    } else if constexpr (std::is_enum_v<T>) {
        return to_text(static_cast<std::underlying_type_t<T>>(v));
    } else if constexpr (std::is_arithmetic_v<T>) {
        char digits[64];
        return std::string(digits, std::to_chars(digits, digits + sizeof digits, v).ptr);
    } else if constexpr (std::is_pointer_v<T>) {
        char digits[2 * sizeof(void*)];
        return "0x" +
               std::string(digits,
                           std::to_chars(digits, digits + sizeof digits, reinterpret_cast<uintptr_t>(v), 16).ptr);
    } else if constexpr (says_message<T>) {
        return v.message();
    } else {
        return v.what();
    }
}
template <class T>
concept has_text = std::is_same_v<T, error> || std::is_convertible_v<const T&, std::string_view> || std::is_enum_v<T> ||
    std::is_arithmetic_v<T> || std::is_pointer_v<T> || says_message<T> || requires(const T& t) {
    { t.what() } -> std::convertible_to<const char*>;
};

// A text with one "{}" for each argument, counted by the compiler. "{{" and "}}" are the braces themselves.
template <class... Args>
class format_text {
  public:
    consteval format_text(const char* text) : text_(text) {
        size_t holes = 0;
        for (const char* p = text; *p != 0; p++) {
            if (p[0] == '{' && p[1] == '}')
                holes++, p++;
            else if ((p[0] == '{' && p[1] == '{') || (p[0] == '}' && p[1] == '}'))
                p++;
            else if (p[0] == '{' || p[0] == '}')
                throw "a brace that is neither \"{}\" nor doubled";
        }
        if (holes != sizeof...(Args)) throw "the text has not as many \"{}\" as there are arguments";
    }
    const char* text() const { return text_; }

  private:
    const char* text_;
};

std::string substitute(const char* text, const std::string* args);

template <class... Args>
std::string format(const char* text, const Args&... args) {
    const std::string texts[sizeof...(Args) + 1] = {to_text(args)...};
    return substitute(text, texts);
}

const void* find_value(const error_node* node, const std::type_info& type);
error wrap_text(error err, std::string text);
error join_all(const error* errs, size_t n);

}  // namespace detail

// err with "text: " before its message, and err as its cause; success stays success. `wrap(err, "reading {}", name)`.
template <detail::has_text... Args>
error wrap(error err, detail::format_text<std::type_identity_t<Args>...> text, const Args&... args) {
    if (!err) return err;
    return detail::wrap_text(std::move(err), detail::format(text.text(), args...));
}

namespace errors {

// A new error from a text: `errors::make("port {} is taken", port)`.
template <detail::has_text... Args>
error make(detail::format_text<std::type_identity_t<Args>...> text, const Args&... args) {
    return error(detail::format(text.text(), args...));
}

// An error that carries a value of the caller's own type, to be found by as<T>. T has message() or what(), and may have
// code(), cause() (what it wraps) and is(const error&) (what it also counts as).
template <std::copy_constructible T>
error of(T value) {
    return error(new detail::value_node<T>(std::move(value)));
}

// True when err, or anything it wraps or joins, is that error. Success is only success.
bool is(const error& err, const error& target);
// The same by the system's code.
bool is(const error& err, std::error_code code);
bool is(const error& err, std::errc code);

// The value of type T that err, or anything it wraps or joins, carries; null when there is none. It lives as long as
// err does.
template <class T>
const T* as(const error& err) {
    return static_cast<const T*>(detail::find_value(err.node(), typeid(T)));
}

// Several as one, those that are success left out; success when all are. One message a line.
template <std::same_as<error>... Errors>
error join(const Errors&... errs) {
    const error all[sizeof...(Errors) + 1] = {errs...};
    return detail::join_all(all, sizeof...(Errors));
}

}  // namespace errors

}  // namespace gossamer

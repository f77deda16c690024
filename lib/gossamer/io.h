// SPDX-License-Identifier: BSL-1.0
// io: readers and writers: what can be read and written in Go's manner, and what is done with anything that can. Results are taken
// apart: `auto [n, err] = conn.read(buf);`. A reader may give n > 0 together with an error; use the bytes first.
// Context: goroutines and plain threads.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstring>
#include <memory>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "gossamer/error.h"

namespace gossamer::io {

namespace detail {
using gossamer::detail::sentinel_node;
inline constexpr sentinel_node eof_node{"EOF"};
inline constexpr sentinel_node unexpected_eof_node{"unexpected EOF"};
inline constexpr sentinel_node short_write_node{"short write"};
inline constexpr sentinel_node short_buffer_node{"short buffer"};
inline constexpr sentinel_node no_progress_node{"multiple read calls return no data or error"};
inline constexpr sentinel_node closed_pipe_node{"io: read/write on closed pipe"};

template <class T>
concept byte_like = std::same_as<T, char> || std::same_as<T, unsigned char> || std::same_as<T, signed char> ||
    std::same_as<T, char8_t> || std::same_as<T, std::byte>;
template <class R>
concept byte_range = std::ranges::contiguous_range<R> && std::ranges::sized_range<R> &&
    byte_like<std::ranges::range_value_t<R>> && !std::is_array_v<std::remove_reference_t<R>>;
template <class R>
concept writable_byte_range = byte_range<R> && std::ranges::borrowed_range<R> &&
    !std::is_const_v<std::remove_reference_t<std::ranges::range_reference_t<R>>>;
}  // namespace detail

// The orderly end of what is read: told by `err == io::eof`, never wrapped by what reads.
inline constexpr error eof{&detail::eof_node};
// The end came in the middle of something of known size.
inline constexpr error err_unexpected_eof{&detail::unexpected_eof_node};
// A writer took less than it was given and said no error.
inline constexpr error err_short_write{&detail::short_write_node};
inline constexpr error err_short_buffer{&detail::short_buffer_node};
// A reader gave nothing and no error, many times over.
inline constexpr error err_no_progress{&detail::no_progress_node};
inline constexpr error err_closed_pipe{&detail::closed_pipe_node};

// Bytes to be written: made from a string, a literal (without its zero), an array, a span, a vector; or from address and length.
// A view: it keeps nothing alive.
class bytes {
  public:
    constexpr bytes() = default;
    bytes(const void* data, size_t size) : data_(static_cast<const std::byte*>(data)), size_(size) {}
    template <size_t N>
    bytes(const char (&literal)[N]) : bytes(literal, literal[N - 1] == 0 ? N - 1 : N) {}
    template <detail::byte_like T, size_t N>
    bytes(T (&array)[N]) : bytes(static_cast<const void*>(array), N) {}
    template <class P>
    requires std::same_as<P, const char*> bytes(const P& text) : bytes(text, std::strlen(text)) {}
    template <detail::byte_range R>
    bytes(const R& range) : bytes(std::ranges::data(range), std::ranges::size(range)) {}

    const std::byte* data() const { return data_; }
    size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }
    // REQUIRES: n <= size().
    bytes first(size_t n) const { return {data_, n}; }
    bytes from(size_t n) const { return {data_ + n, size_ - n}; }

  private:
    const std::byte* data_ = nullptr;
    size_t size_ = 0;
};

// Room for bytes to be read into: made from an array, a string, a span, a vector; or from address and length. A view.
class buffer {
  public:
    constexpr buffer() = default;
    buffer(void* data, size_t size) : data_(static_cast<std::byte*>(data)), size_(size) {}
    template <detail::byte_like T, size_t N>
    buffer(T (&array)[N]) : buffer(static_cast<void*>(array), N) {}
    template <detail::writable_byte_range R>
    buffer(R&& range) : buffer(std::ranges::data(range), std::ranges::size(range)) {}

    std::byte* data() const { return data_; }
    char* chars() const { return reinterpret_cast<char*>(data_); }
    size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    // REQUIRES: n <= size().
    buffer first(size_t n) const { return {data_, n}; }
    buffer from(size_t n) const { return {data_ + n, size_ - n}; }
    operator bytes() const { return {data_, size_}; }

  private:
    std::byte* data_ = nullptr;
    size_t size_ = 0;
};

// How many bytes, and what went wrong. A write with n < size() always has an error.
struct [[nodiscard]] result {
    size_t n = 0;
    error err;
};

template <class R>
concept reader = requires(R& r, buffer b) {
    { r.read(b) } -> std::same_as<result>;
};
template <class W>
concept writer = requires(W& w, bytes b) {
    { w.write(b) } -> std::same_as<result>;
};

// Any reader or writer, for the length of a call or of the object that was made from it. Keeps nothing alive.
class reader_ref {
  public:
    template <reader R>
    requires(!std::same_as<std::remove_cv_t<R>, reader_ref>) reader_ref(R& r)
        : object_(const_cast<void*>(static_cast<const void*>(std::addressof(r)))),
          read_([](void* object, buffer b) { return static_cast<R*>(object)->read(b); }) {}
    result read(buffer b) const { return read_(object_, b); }

  private:
    void* object_;
    result (*read_)(void*, buffer);
};
class writer_ref {
  public:
    template <writer W>
    requires(!std::same_as<std::remove_cv_t<W>, writer_ref>) writer_ref(W& w)
        : object_(const_cast<void*>(static_cast<const void*>(std::addressof(w)))),
          write_([](void* object, bytes b) { return static_cast<W*>(object)->write(b); }) {}
    result write(bytes b) const { return write_(object_, b); }

  private:
    void* object_;
    result (*write_)(void*, bytes);
};

namespace detail {
result copy(writer_ref to, reader_ref from, size_t most);
result read_at_least(reader_ref from, buffer b, size_t least);
}  // namespace detail

// Copies until the end of `from`, which is success, or the first error; n is what was written.
template <writer W, reader R>
result copy(W&& to, R&& from) {
    return detail::copy(writer_ref(to), reader_ref(from), ~size_t{0});
}
// Copies n bytes; io::eof when there are fewer.
template <writer W, reader R>
result copy_n(W&& to, R&& from, size_t n) {
    result r = detail::copy(writer_ref(to), reader_ref(from), n);
    if (r.n < n && !r.err) r.err = eof;
    return r;
}
// Fills the buffer. io::eof when nothing came, err_unexpected_eof when some did.
template <reader R>
result read_full(R&& from, buffer b) {
    return detail::read_at_least(reader_ref(from), b, b.size());
}
// Reads `least` bytes or more; err_short_buffer when they could not fit.
template <reader R>
result read_at_least(R&& from, buffer b, size_t least) {
    return detail::read_at_least(reader_ref(from), b, least);
}

// Everything up to the end, which is success.
struct [[nodiscard]] contents {
    std::string data;
    error err;
};
contents read_all(reader_ref from);
template <reader R>
contents read_all(R&& from) {
    return read_all(reader_ref(from));
}

// Reads at most n bytes of another reader, then io::eof.
class limit_reader {
  public:
    limit_reader(reader_ref from, size_t n) : from_(from), left_(n) {}
    result read(buffer b);

  private:
    reader_ref from_;
    size_t left_;
};

// Reads a text that somebody else keeps.
class string_reader {
  public:
    explicit string_reader(std::string_view text) : left_(text) {}
    result read(buffer b);
    size_t len() const { return left_.size(); }

  private:
    std::string_view left_;
};

// Takes everything, keeps nothing.
struct discard_writer {
    result write(bytes b) const { return {b.size(), nullptr}; }
};
inline constexpr discard_writer discard;

// Collects what is written.
class string_writer {
  public:
    result write(bytes b) {
        text_.append(b.text());
        return {b.size(), nullptr};
    }
    const std::string& text() const { return text_; }

  private:
    std::string text_;
};

namespace detail {
struct pipe_core;
}

// The two ends of a pipe in memory: nothing is buffered. A write waits until readers took all of it or the reading end is closed;
// writes are served one after the other. Both ends are counted handles, safe from any number of goroutines (SEMANTICS N33).
class pipe_reader {
  public:
    // Waits for a write. io::eof, or what the writer closed with, after the writing end is closed.
    result read(buffer b) const;
    // Writes fail with err_closed_pipe from now on, or with the error given. The first close decides. Never fails.
    void close() const { close_with_error(nullptr); }
    void close_with_error(error err) const;

  private:
    friend std::pair<pipe_reader, class pipe_writer> pipe();
    explicit pipe_reader(std::shared_ptr<detail::pipe_core> core) : core_(std::move(core)) {}
    std::shared_ptr<detail::pipe_core> core_;
};
class pipe_writer {
  public:
    result write(bytes b) const;
    // Reads fail with io::eof from now on, or with the error given. The first close decides. Never fails.
    void close() const { close_with_error(nullptr); }
    void close_with_error(error err) const;

  private:
    friend std::pair<pipe_reader, pipe_writer> pipe();
    explicit pipe_writer(std::shared_ptr<detail::pipe_core> core) : core_(std::move(core)) {}
    std::shared_ptr<detail::pipe_core> core_;
};
std::pair<pipe_reader, pipe_writer> pipe();

}  // namespace gossamer::io

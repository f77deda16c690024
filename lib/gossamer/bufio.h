// SPDX-License-Identifier: BSL-1.0
// bufio: buffers in front of readers and writers. What is wrapped must outlive the wrapper: a connection is a handle, keep one.
// Context: a goroutine or a plain thread; one at a time per object, as in Go.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "gossamer/io.h"

namespace gossamer::bufio {

namespace detail {
inline constexpr gossamer::detail::sentinel_node too_long_node{"bufio.Scanner: token too long"};
inline constexpr gossamer::detail::sentinel_node buffer_full_node{"bufio: buffer full"};
inline constexpr gossamer::detail::sentinel_node negative_count_node{"bufio: split function advanced too far"};
}  // namespace detail

inline constexpr error err_too_long{&detail::too_long_node};
inline constexpr error err_buffer_full{&detail::buffer_full_node};
inline constexpr error err_advance_too_far{&detail::negative_count_node};

inline constexpr size_t kDefaultSize = 4096;

// A text and what went wrong after it.
struct [[nodiscard]] line_result {
    std::string line;
    error err;
};
struct [[nodiscard]] byte_result {
    char byte = 0;
    error err;
};
// A view into the reader's buffer: right until the next call.
struct [[nodiscard]] view_result {
    std::string_view view;
    error err;
};

class reader {
  public:
    template <io::reader R>
    explicit reader(R& from, size_t size = kDefaultSize) : reader(io::reader_ref(from), size) {}
    explicit reader(io::reader_ref from, size_t size);

    // What is buffered, else one read of what is wrapped; a large read goes past the buffer.
    io::result read(io::buffer b);
    byte_result read_byte();
    // The next n bytes without taking them; fewer with the error that says why (err_buffer_full when n is larger than the buffer).
    view_result peek(size_t n);
    // Skips n bytes; says how many were skipped.
    io::result skip(size_t n);
    // Up to and with the delimiter; what came before the end, and io::eof, when there is none.
    line_result read_until(char delimiter);
    // One line without its "\n" or "\r\n". A last line without an end is a line too; io::eof only when nothing is left.
    line_result read_line();
    // How much can be had without a read of what is wrapped.
    size_t buffered() const { return end_ - begin_; }

  private:
    // One read into the free room; leaves its error in err_.
    void fill();
    error take_error() { return std::exchange(err_, error()); }

    io::reader_ref from_;
    size_t size_;
    std::unique_ptr<char[]> data_;
    size_t begin_ = 0, end_ = 0;
    error err_;
};

class writer {
  public:
    template <io::writer W>
    explicit writer(W& to, size_t size = kDefaultSize) : writer(io::writer_ref(to), size) {}
    explicit writer(io::writer_ref to, size_t size);

    // After an error all writes and flushes give that error. Nothing is flushed by the destructor.
    io::result write(io::bytes b);
    error write_byte(char c);
    [[nodiscard]] error flush();
    size_t buffered() const { return used_; }
    size_t available() const { return size_ - used_; }

  private:
    io::writer_ref to_;
    size_t size_;
    std::unique_ptr<char[]> data_;
    size_t used_ = 0;
    error err_;
};

// What a split function found in the data: how far to go on, and the token if there is one. advance 0 and no token: more data, please.
struct split_result {
    size_t advance = 0;
    std::string_view token;
    bool found = false;
    error err;
};
using split_function = split_result (*)(std::string_view data, bool at_end);
split_result lines(std::string_view data, bool at_end);  // without "\n" or "\r\n"
split_result words(std::string_view data, bool at_end);  // between ASCII white space
split_result single_bytes(std::string_view data, bool at_end);

// `bufio::scanner in(conn); while (in.scan()) use(in.text()); if (in.err()) …`
class scanner {
  public:
    static constexpr size_t kLongestToken = 64 << 10;

    template <io::reader R>
    explicit scanner(R& from, split_function split = lines) : scanner(io::reader_ref(from), split) {}
    explicit scanner(io::reader_ref from, split_function split) : from_(from), split_(split) {}

    // REQUIRES: before the first scan().
    void set_split(split_function split) { split_ = split; }
    void set_longest_token(size_t bytes) { longest_ = bytes; }

    // False at the end or at an error.
    bool scan();
    // The token; right until the next scan().
    std::string_view text() const { return token_; }
    // What ended it; success when that was the end of the data.
    error err() const { return err_; }

  private:
    bool split_next(bool* found);
    bool fill();

    io::reader_ref from_;
    split_function split_;
    size_t longest_ = kLongestToken;
    std::string data_;
    size_t begin_ = 0, end_ = 0;
    bool at_end_ = false;
    bool done_ = false;
    std::string_view token_;
    error err_;
};

}  // namespace gossamer::bufio

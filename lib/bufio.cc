// SPDX-License-Identifier: BSL-1.0
#include "gossamer/bufio.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace gossamer::bufio {
namespace {

constexpr size_t kLeastSize = 16;
constexpr size_t kFirstScan = 4096;
constexpr int kEmptyReads = 100;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

void drop_line_end(std::string& line) {
    if (line.ends_with('\n')) line.pop_back();
    if (line.ends_with('\r')) line.pop_back();
}

}  // namespace

reader::reader(io::reader_ref from, size_t size)
    : from_(from), size_(std::max(size, kLeastSize)), data_(new char[size_]) {}

void reader::fill() {
    if (begin_ > 0) {
        std::memmove(data_.get(), data_.get() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    for (int i = 0; i < kEmptyReads; i++) {
        auto [n, err] = from_.read({data_.get() + end_, size_ - end_});
        end_ += n;
        err_ = std::move(err);
        if (n > 0 || err_) return;
    }
    err_ = io::err_no_progress;
}

io::result reader::read(io::buffer b) {
    if (b.empty()) return {0, buffered() > 0 ? error() : take_error()};
    if (buffered() == 0) {
        if (err_) return {0, take_error()};
        begin_ = end_ = 0;
        if (b.size() >= size_) return from_.read(b);
        auto [n, err] = from_.read({data_.get(), size_});
        end_ = n;
        err_ = std::move(err);
        if (n == 0) return {0, take_error()};
    }
    size_t n = std::min(b.size(), buffered());
    std::memcpy(b.data(), data_.get() + begin_, n);
    begin_ += n;
    return {n, nullptr};
}

byte_result reader::read_byte() {
    while (buffered() == 0) {
        if (err_) return {0, take_error()};
        fill();
    }
    return {data_[begin_++], nullptr};
}

view_result reader::peek(size_t n) {
    while (buffered() < n && buffered() < size_ && !err_) fill();
    std::string_view have{data_.get() + begin_, std::min(n, buffered())};
    if (have.size() == n) return {have, nullptr};
    return {have, err_ ? take_error() : err_buffer_full};
}

io::result reader::skip(size_t n) {
    size_t left = n;
    while (left > 0) {
        if (buffered() == 0) {
            if (err_) return {n - left, take_error()};
            fill();
        }
        size_t now = std::min(left, buffered());
        begin_ += now;
        left -= now;
    }
    return {n, nullptr};
}

line_result reader::read_until(char delimiter) {
    std::string line;
    for (;;) {
        std::string_view have{data_.get() + begin_, buffered()};
        if (size_t at = have.find(delimiter); at != have.npos) {
            line.append(have.substr(0, at + 1));
            begin_ += at + 1;
            return {std::move(line), nullptr};
        }
        line.append(have);
        begin_ = end_ = 0;
        if (err_) return {std::move(line), take_error()};
        fill();
    }
}

line_result reader::read_line() {
    auto [line, err] = read_until('\n');
    if (err && (err != io::eof || line.empty())) return {std::move(line), std::move(err)};
    drop_line_end(line);
    return {std::move(line), nullptr};
}

writer::writer(io::writer_ref to, size_t size) : to_(to), size_(std::max(size, kLeastSize)), data_(new char[size_]) {}

io::result writer::write(io::bytes b) {
    size_t done = 0;
    while (!err_ && b.size() - done > available()) {
        if (used_ == 0) {
            auto [n, err] = to_.write(b.from(done));
            done += n;
            err_ = err || done == b.size() ? std::move(err) : io::err_short_write;
        } else {
            size_t n = available();
            std::memcpy(data_.get() + used_, b.data() + done, n);
            used_ += n;
            done += n;
            err_ = flush();
        }
    }
    if (err_) return {done, err_};
    if (size_t rest = b.size() - done; rest > 0) {
        std::memcpy(data_.get() + used_, b.data() + done, rest);
        used_ += rest;
    }
    return {b.size(), nullptr};
}

error writer::write_byte(char c) { return write({&c, 1}).err; }

error writer::flush() {
    if (err_ || used_ == 0) return err_;
    auto [n, err] = to_.write({data_.get(), used_});
    if (!err && n < used_) err = io::err_short_write;
    if (err) {
        std::memmove(data_.get(), data_.get() + n, used_ - n);
        used_ -= n;
        err_ = std::move(err);
        return err_;
    }
    used_ = 0;
    return nullptr;
}

split_result lines(std::string_view data, bool at_end) {
    if (data.empty()) return {};
    size_t at = data.find('\n');
    if (at == data.npos && !at_end) return {};
    size_t advance = at == data.npos ? data.size() : at + 1;
    std::string_view line = data.substr(0, std::min(at, data.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    return {advance, line, true, nullptr};
}

split_result words(std::string_view data, bool at_end) {
    size_t begin = 0;
    while (begin < data.size() && is_space(data[begin])) begin++;
    size_t end = begin;
    while (end < data.size() && !is_space(data[end])) end++;
    if (end < data.size()) return {end + 1, data.substr(begin, end - begin), true, nullptr};
    if (at_end && end > begin) return {end, data.substr(begin), true, nullptr};
    return {begin, {}, false, nullptr};
}

split_result single_bytes(std::string_view data, bool) {
    if (data.empty()) return {};
    return {1, data.substr(0, 1), true, nullptr};
}

// One call of the split function on what is there. False when scanning is over.
bool scanner::split_next(bool* found) {
    std::string_view data{data_.data() + begin_, end_ - begin_};
    split_result s = split_(data, at_end_);
    if (s.err) {
        err_ = s.err;
        return false;
    }
    if (s.advance > data.size()) {
        err_ = err_advance_too_far;
        return false;
    }
    begin_ += s.advance;
    token_ = s.token;
    *found = s.found;
    // At the end a split function that takes nothing will never take anything.
    return s.found || s.advance > 0 || !at_end_;
}

bool scanner::fill() {
    if (begin_ > 0) {
        std::memmove(data_.data(), data_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    if (end_ == data_.size()) {
        if (end_ >= longest_) {
            err_ = err_too_long;
            return false;
        }
        data_.resize(std::min(longest_, std::max(kFirstScan, 2 * end_)));
    }
    for (int i = 0; i < kEmptyReads; i++) {
        auto [n, err] = from_.read({data_.data() + end_, data_.size() - end_});
        end_ += n;
        if (err) {
            at_end_ = true;
            if (err != io::eof) err_ = std::move(err);
        }
        if (n > 0 || at_end_) return true;
    }
    err_ = io::err_no_progress;
    return false;
}

bool scanner::scan() {
    token_ = {};
    while (!done_) {
        bool found = false;
        if (end_ > begin_ || at_end_) {
            if (!split_next(&found)) break;
            if (found) return true;
            if (at_end_) continue;
        }
        if (!fill()) break;
    }
    done_ = true;
    token_ = {};
    return false;
}

}  // namespace gossamer::bufio

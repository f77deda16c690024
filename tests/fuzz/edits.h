// SPDX-License-Identifier: BSL-1.0
// edits: a file of the kind that is read, with some of its bytes changed. Such files are mostly zeros, and a fuzzer that had all of them as its input would
// change zeros; so its input is a list of changes: two bytes that choose a place, one how many follow (0: the file ends there), and these.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace fuzz {

inline std::vector<char> bytes_of(const char* path) {
    std::ifstream in(path, std::ios::binary);
    std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
    if (bytes.empty()) std::abort();
    return bytes;
}

class edited_file {
  public:
    explicit edited_file(std::vector<char> good) : good_(std::move(good)), fd_(memfd_create("edited", MFD_CLOEXEC)) {
        constexpr size_t kNear = 64;  // of a byte that is not zero
        size_t until = 0;
        for (size_t i = 0; i < good_.size(); i++) {
            if (good_[i] != 0) {
                for (size_t k = std::max(until, i - std::min(i, kNear)); k < i; k++) places_.push_back(k);
                until = i + kNear;
            }
            if (i < until && (places_.empty() || places_.back() < i)) places_.push_back(i);
        }
        path_ = "/proc/self/fd/" + std::to_string(fd_);
        put(0, good_.data(), good_.size());
    }
    edited_file(const edited_file&) = delete;
    edited_file& operator=(const edited_file&) = delete;
    ~edited_file() { ::close(fd_); }

    // The path of the file that these bytes make of the good one.
    const std::string& edit(const uint8_t* data, size_t size) {
        for (auto [at, n] : edits_) put(at, good_.data() + at, n);
        edits_.clear();
        size_t end = good_.size();
        for (size_t i = 0; i + 3 <= size;) {
            size_t at = places_[(data[i] + 256u * data[i + 1]) % places_.size()];
            size_t n = std::min<size_t>({data[i + 2] % 40u, size - i - 3, good_.size() - at});
            if (data[i + 2] == 0) end = std::min(end, at);
            put(at, reinterpret_cast<const char*>(data + i + 3), n);
            edits_.emplace_back(at, n);
            i += 3 + n;
        }
        if (end != good_.size()) {
            edits_.assign(1, {0, good_.size()});
            if (::ftruncate(fd_, off_t(end)) != 0) std::abort();
        }
        return path_;
    }

  private:
    void put(size_t at, const char* from, size_t n) {
        if (::pwrite(fd_, from, n, off_t(at)) != ssize_t(n)) std::abort();
    }

    std::vector<char> good_;
    int fd_;
    std::vector<size_t> places_;
    std::vector<std::pair<size_t, size_t>> edits_;  // those of the last time
    std::string path_;
};

}  // namespace fuzz

// SPDX-License-Identifier: BSL-1.0
// box_file: a file of somebody else's, mapped to be read, whatever becomes of it meanwhile; and the box in it: header, regions, and which of them holds
// an address.
// Invariants:
//   1 A pointer into a file_map stays readable as long as the map lives: when the file is cut short, the pages that it lost read as zeros (a handler
//     for SIGBUS puts them there).
//   2 Whatever the file says of offsets and sizes is compared with the size of the file before it is believed.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/gossamer/target.h"

namespace insp {

// A descriptor that closes itself.
class file_handle {
  public:
    file_handle() = default;
    explicit file_handle(int fd) : fd_(fd) {}
    file_handle(file_handle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    file_handle& operator=(file_handle&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~file_handle();
    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }

  private:
    int fd_ = -1;
};

// A whole file, read-only. It may grow and shrink under us.
class file_map {
  public:
    file_map() = default;
    explicit file_map(file_handle fd);
    // Not a file: bytes gathered from elsewhere, as many as the size; holes are zeros.
    static std::unique_ptr<file_map> gathered(uint64_t size);
    file_map(const file_map&) = delete;
    file_map& operator=(const file_map&) = delete;
    ~file_map();
    // Null when the file is shorter.
    const std::byte* at(uint64_t offset, uint64_t bytes);
    std::byte* writable(uint64_t offset, uint64_t bytes);  // of gathered ones only
    uint64_t size();                                       // as it is now
    // The first stretch of [from, to) that is not a hole; empty at `to` when there is none. Looking at a hole of a file in /dev/shm through its mapping
    // would fill it with memory.
    std::pair<uint64_t, uint64_t> data(uint64_t from, uint64_t to);
    int fd() const { return fd_.get(); }

  private:
    struct piece {
        std::byte* begin;
        uint64_t bytes;
    };
    bool map(uint64_t bytes);

    file_handle fd_;
    std::vector<piece> pieces_;  // the last is the longest; earlier ones are kept for the pointers into them
    bool gathered_ = false;
    std::pair<uint64_t, uint64_t>
        seen_{};  // the last stretch of data found: the kernel looks through all of it each time
};

class box_file {
  public:
    // Throws error, in the name of `target`, when the bytes are no box of our version.
    box_file(std::unique_ptr<file_map> file, std::string target);
    const box::header& head() const { return *head_; }
    file_map& file() const { return *file_; }
    // Those that the file holds as far as it says. Looks again when there are more of them.
    const std::vector<box::region>& regions();
    // Of the process's memory; null when it is not in the file.
    const std::byte* at(uint64_t address, uint64_t bytes);

  private:
    std::unique_ptr<file_map> file_;
    std::string target_;
    const box::header* head_ = nullptr;
    std::vector<box::region> regions_;  // in the order of the file
    std::vector<uint32_t> by_address_;  // indices of those with bytes in the file
    uint32_t seen_ = 0;                 // entries looked at
    bool has_warned_ = false;
};

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
// core_file: writes cores: a copy of one with more notes, or one of a process that goes on running.
#pragma once

#include <cstdint>
#include <string>

#include "tools/gossamer/target.h"

namespace insp {

// Bytes at offsets of a new file; where nothing but zeros is written a hole stays. The file goes away unless finish() is called. Throws error.
class sparse_file {
  public:
    explicit sparse_file(const std::string& path);
    sparse_file(const sparse_file&) = delete;
    sparse_file& operator=(const sparse_file&) = delete;
    ~sparse_file();
    void write(uint64_t offset, const void* bytes, uint64_t n);
    void finish(uint64_t size);
    int fd() const { return fd_; }

  private:
    std::string path_;
    int fd_ = -1;
    bool is_done_ = false;
};

// The core with `notes` behind its own.
void copy_core(const std::string& from, const std::string& to, const std::string& notes);
// The memory of the process, read while it runs, and `notes`. Memory that was never touched, and what is mapped from files and unchanged, stays out.
void write_live_core(const target& t, const std::string& to, const std::string& notes);

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
// output_file: a file that is there whole or not at all: written beside its place and moved there at the end. What is no plain file (/dev/stdout, a pipe)
// is written as it comes.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

namespace insp {

class output_file {
  public:
    // Throws error when it cannot be made. "-" is stdout.
    explicit output_file(std::string path);
    output_file(const output_file&) = delete;
    output_file& operator=(const output_file&) = delete;
    ~output_file();  // without keep(): as if nothing had been
    FILE* stream() const { return file_; }
    const std::string& path() const { return path_; }
    // Throws error when not all of it could be written. Returns the bytes.
    uint64_t keep();

  private:
    std::string path_, made_;  // made_: where it is until keep(); empty: at its place
    FILE* file_ = nullptr;
};

// Throws error "gossamer: COMMAND PATH: cannot write: …" with the words of errno.
[[noreturn]] void cannot_write(const std::string& path);

}  // namespace insp

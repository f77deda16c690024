// SPDX-License-Identifier: BSL-1.0
// file_bytes: what a function writes to a FILE, as a string; and files that vanish with the test.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace insp::testing {

// write(FILE*).
template <class F>
std::string bytes_of(F write) {
    char* text = nullptr;
    size_t bytes = 0;
    FILE* out = open_memstream(&text, &bytes);
    if (!out) throw std::runtime_error("open_memstream");
    write(out);
    std::fclose(out);
    std::string all(text, bytes);
    std::free(text);
    return all;
}

class scratch_file {
  public:
    explicit scratch_file(const std::string& bytes) {
        int fd = mkstemp(path_);
        if (fd < 0) throw std::runtime_error("mkstemp");
        FILE* f = fdopen(fd, "w");
        std::fwrite(bytes.data(), 1, bytes.size(), f);
        std::fclose(f);
    }
    ~scratch_file() { unlink(path_); }
    scratch_file(const scratch_file&) = delete;
    scratch_file& operator=(const scratch_file&) = delete;

    const char* path() const { return path_; }
    std::string read() const {
        std::string all;
        FILE* f = std::fopen(path_, "r");
        if (!f) throw std::runtime_error("fopen");
        char piece[4096];
        for (size_t n; (n = std::fread(piece, 1, sizeof piece, f)) > 0;) all.append(piece, n);
        std::fclose(f);
        return all;
    }

  private:
    char path_[64] = "/tmp/gossamer_test.XXXXXX";
};

}  // namespace insp::testing

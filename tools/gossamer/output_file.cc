// SPDX-License-Identifier: BSL-1.0
#include "tools/gossamer/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tools/gossamer/target.h"

namespace insp {

void cannot_write(const std::string& path) {
    fail(path, std::string("cannot write: ") + std::strerror(errno != 0 ? errno : EIO));
}

output_file::output_file(std::string path) : path_(std::move(path)) {
    struct stat s;
    if (path_ == "-") {
        file_ = fdopen(dup(STDOUT_FILENO), "w");
    } else if (stat(path_.c_str(), &s) == 0 && S_ISDIR(s.st_mode)) {
        errno = EISDIR;
    } else if (stat(path_.c_str(), &s) == 0 && !S_ISREG(s.st_mode)) {
        file_ = std::fopen(path_.c_str(), "we");
    } else {
        made_ = path_ + ".part" + std::to_string(getpid());
        int fd = ::open(made_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);  // it shows what a program does
        if (fd >= 0) file_ = fdopen(fd, "w+");
    }
    if (file_ == nullptr) cannot_write(path_);
}

output_file::~output_file() {
    if (file_ != nullptr) std::fclose(file_);
    if (!made_.empty()) unlink(made_.c_str());
}

uint64_t output_file::keep() {
    struct stat s {};
    errno = 0;
    bool is_whole = std::fflush(file_) == 0 && std::ferror(file_) == 0;
    fstat(fileno(file_), &s);
    is_whole = std::fclose(file_) == 0 && is_whole;
    file_ = nullptr;
    if (!is_whole) cannot_write(path_);
    if (!made_.empty() && std::rename(made_.c_str(), path_.c_str()) != 0) cannot_write(path_);
    made_.clear();
    return uint64_t(s.st_size);
}

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
#include "lib/os/errors.h"

#include <cerrno>
#include <system_error>

#include "gossamer/os.h"

namespace gossamer {

namespace detail {

std::string errno_text(int number) {
    auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    std::string text = std::generic_category().message(number);
    if (text.size() > 1 && upper(text[0]) && !upper(text[1])) text[0] = static_cast<char>(text[0] - 'A' + 'a');
    return text;
}

error errno_error(const char* call, int number) { return errors::of(os::syscall_error{call, number}); }

}  // namespace detail

namespace os {

std::string syscall_error::message() const {
    std::string text = gossamer::detail::errno_text(number);
    return call.empty() ? text : call + ": " + text;
}

bool syscall_error::is(const error& target) const {
    if (target == err_not_exist) return number == ENOENT;
    if (target == err_exist) return number == EEXIST || number == ENOTEMPTY;
    if (target == err_permission) return number == EACCES || number == EPERM;
    return false;
}

}  // namespace os
}  // namespace gossamer

// SPDX-License-Identifier: BSL-1.0
// tls_lint: functions of object files that keep the address of a thread-local, or errno's, across a call that may park. A goroutine may come back from
// such a call on another thread, and the address is then the old thread's.
// Which calls may park:
//   1 the switch itself: gossamer_jump, jump_fcontext;
//   2 what is declared in namespace gossamer and defined in none of the objects: every entry into the runtime may give the processor away;
//   3 what the user names;
//   4 functions of the objects that call such a function, directly or through others.
// Other functions outside of the objects, and calls through pointers, may not, unless the options say so.
#pragma once

#include <string>
#include <vector>

#include "tools/gossamer/relocatable.h"

namespace insp {

struct tls_options {
    std::vector<std::string> parks;  // beginnings of names, mangled or not
    bool unknown_parks =
        false;  // calls through pointers, and C++ functions that are neither in the objects nor in namespace std
};

struct tls_finding {
    std::string object, function, what, call;  // call: "a function pointer" when it has no name
    uint64_t formed_at, call_at, used_at;      // from the function's start
};

struct tls_report {
    std::vector<tls_finding> findings;
    size_t objects = 0, functions = 0, parking = 0;
};

tls_report lint_tls(const std::vector<relocatable>& objects, const tls_options& options);

}  // namespace insp

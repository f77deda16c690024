// SPDX-License-Identifier: BSL-1.0
// jump: from one context to another. On x86-64 our own, on the frame of Boost's jump_fcontext (arch/saved_context.h), so that Boost's
// make_fcontext fits: it ends in a return, which the CPU foresees. Boost's ends in a jump, after which the CPU also guesses wrong at every
// return above it: yield2 took 2.3 times as long (runtime/RATIONALE.md). Elsewhere, and with -Dboost_switch=true, Boost's.
#pragma once

#include <boost/context/detail/fcontext.hpp>

namespace gossamer::rt::arch {

using transfer = boost::context::detail::transfer_t;

#if defined(__x86_64__) && !defined(GOSSAMER_BOOST_SWITCH)
extern "C" [[gnu::visibility("hidden")]] transfer gossamer_jump(void* to, void* data);
inline transfer jump(void* to, void* data) { return gossamer_jump(to, data); }
#else
inline transfer jump(void* to, void* data) { return boost::context::detail::jump_fcontext(to, data); }
#endif

}  // namespace gossamer::rt::arch

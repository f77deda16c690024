// SPDX-License-Identifier: BSL-1.0
// migrate: a mode for tests in which every park resumes on another M (-Dmigrate=true), so that whatever keeps thread state across a park shows.
#pragma once

namespace gossamer::rt {

#if defined(GOSSAMER_MIGRATE)
inline constexpr bool kMigrate = true;
#else
inline constexpr bool kMigrate = false;
#endif

}  // namespace gossamer::rt

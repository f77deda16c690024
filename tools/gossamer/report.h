// SPDX-License-Identifier: BSL-1.0
// report: a window as one web page that needs nothing but itself: no server, no network, no fonts. The page's own parts lie in page/ and are built
// into the command; the window goes in as columns of little-endian numbers in base64, which the page decodes once.
#pragma once

#include <cstdio>
#include <string>

#include "tools/gossamer/events.h"

namespace insp {

// REQUIRES: put_in_order(w) was called. Whether `to` took it all, ferror(to) tells.
void write_report(const trace_window& w, const std::string& title, FILE* to);

}  // namespace insp

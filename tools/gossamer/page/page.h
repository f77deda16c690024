// SPDX-License-Identifier: BSL-1.0
// page: the parts of the report's page that are the same for every window; made from the files of this folder by embed.py at build time.
#pragma once

#include <string_view>

namespace insp {

extern const std::string_view kPageHtml;    // with @TITLE@, @STYLE@, @SCRIPT@ and @DATA@ once each, in this order
extern const std::string_view kPageStyle;   // page.css
extern const std::string_view kPageScript;  // all .js files, in the order of meson.build

}  // namespace insp

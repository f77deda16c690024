// SPDX-License-Identifier: BSL-1.0
// text: how the tour speaks to a terminal: headlines, rows of figures, a progress bar. At most 100 columns.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace tour {

// Whether standard output is a terminal: then colours, a moving bar and lines.
bool on_terminal();

// "── parked ───…" and, under it, what is shown and why it matters.
void headline(std::string_view section, std::string_view what);

// One figure: what it is, the value with its unit, and a remark where one helps.
void row(std::string_view what, std::string_view value, std::string_view unit, std::string_view remark = {});

// A sentence under the figures.
void remark(std::string_view text);

// What went wrong, on standard error: "tour: count: no such directory: /nowhere".
void complain(std::string_view section, std::string_view text);

// 1234567 → "1,234,567".
std::string grouped(uint64_t n);
// With that many digits after the point: 12.3.
std::string fixed(double x, int digits);
// The unit that suits: 1,234 B, 56.7 KB, 1.23 GB (powers of a thousand).
std::string bytes(uint64_t n);
// The same for time: 850 ns, 12.3 us, 45.6 ms, 1.23 s.
std::string span(std::chrono::nanoseconds d);

// A line that is drawn over and over on a terminal, and written plainly once a second elsewhere.
class progress {
  public:
    // done of total; total may still grow. `rest` stands behind the bar.
    void show(uint64_t done, uint64_t total, std::string_view rest);
    // Leaves the line as it is or wipes it, so that figures can follow.
    void finish();

  private:
    std::chrono::steady_clock::time_point last_line_ = std::chrono::steady_clock::now();
    bool drawn_ = false;
};

}  // namespace tour

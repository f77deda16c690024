// SPDX-License-Identifier: BSL-1.0
// metrics_page: families of samples with labels, written in Prometheus's text exposition format 0.0.4 or as JSON.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace insp {

class metrics_page {
  public:
    using labels = std::vector<std::pair<std::string, std::string>>;
    // What follows belongs to it. `type`: counter, gauge or histogram. A name has only letters, digits and _ (others become _).
    void family(std::string name, const char* type, std::string help);
    void sample(labels l, double value, const char* suffix = "");
    void gauge(std::string name, std::string help, double value);
    void total(std::string name, std::string help, double value);  // a counter; _total is put behind the name
    std::string as_text() const;
    std::string as_json() const;  // {"families":[{"name","type","help","samples":[{"name","labels":{},"value"}]}]}

  private:
    struct one {
        std::string suffix;
        labels with;
        double value;
    };
    struct group {
        std::string name, type, help;
        std::vector<one> samples;
    };
    std::vector<group> groups_;
};

}  // namespace insp

// SPDX-License-Identifier: BSL-1.0
// exporters: a window in the format of another program's viewer. What `record` and `export` share.
#pragma once

#include <optional>
#include <string>

#include "tools/gossamer/commands.h"
#include "tools/gossamer/events.h"

namespace insp {

enum class trace_format { go, perfetto, json };

struct export_choice {
    trace_format format = trace_format::go;
    int go_version = 23;
    bool wait_objects = false;
    const char* extension() const;  // ".trace"
};

// Takes --go, --perfetto, --json, --version and --objects out of the arguments. Nothing: none of the formats was asked for.
std::optional<export_choice> take_format(arguments& args);

// Puts the window in order and writes it to the file. Tells on stderr what the user should know.
void export_window(trace_window& w, const export_choice& choice, const std::string& path);

}  // namespace insp

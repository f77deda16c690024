// SPDX-License-Identifier: BSL-1.0
// support: a model must hold; each bug planted in it must be found. Both print what was explored; GOSSAMER_MODEL_PATHS=1 also the paths to what was planted.
#pragma once

#include <vector>

#include "tests/model/checker.h"

namespace gossamer::model {

void must_hold(const char* name, const bounds& within, void (*body)());
void must_find(const char* name, const bounds& within, void (*body)(), const std::vector<plant>& bugs);

}  // namespace gossamer::model

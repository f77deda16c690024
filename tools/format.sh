#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# format: formats the given files, or all C++ files of the tree; --check only says which are not formatted (status 1).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mode=(-i)
[[ ${1:-} == --check ]] && { mode=(--dry-run --Werror); shift; }
if (($#)); then files=("$@"); else mapfile -t files < <(git -c safe.directory="$PWD" ls-files '*.h' '*.cc' '*.cpp'); fi
clang-format "${mode[@]}" "${files[@]}"

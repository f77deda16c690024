#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""must_not_compile.py BLOCKS INCLUDE COMPILER...: compiles each block of BLOCKS; all but the first must fail with the words expected."""
import re
import subprocess
import sys

PROGRAM = """#include <string>
#include <gossamer/chan.h>
#include <gossamer/select.h>
using namespace gossamer;
void f(chan<int>& c, chan<std::string>& words, recv_chan<int>& out);
void f([[maybe_unused]] chan<int>& c, [[maybe_unused]] chan<std::string>& words, [[maybe_unused]] recv_chan<int>& out) {
%s
}
"""


def main():
    blocks_path, include, *compiler = sys.argv[1:]
    with open(blocks_path, encoding='utf-8') as f:
        blocks = re.split(r'^== ', f.read(), flags=re.M)[1:]
    failures = 0
    for i, block in enumerate(blocks):
        title, body = block.split('\n', 1)
        name, _, words = title.partition(': ')
        run = subprocess.run(compiler + ['-std=c++20', '-Wall', '-Werror', '-fsyntax-only', '-I', include, '-x', 'c++', '-'],
                             input=PROGRAM % body, capture_output=True, text=True, check=False)
        compiles = run.returncode == 0
        right = compiles if i == 0 else (not compiles and words in run.stderr)
        if not right:
            failures += 1
            print(f'{name}: {"compiles" if compiles else "fails with"}\n{run.stderr}')
    print(f'{len(blocks)} blocks, {failures} wrong')
    return 1 if failures or len(blocks) < 2 else 0


sys.exit(main())

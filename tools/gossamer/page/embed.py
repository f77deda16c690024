#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Makes a C++ file with the parts of the report's page as string literals.

usage: embed.py OUTPUT.cc page.html page.css FIRST.js [NEXT.js ...]
"""
import re
import sys

MARKS = ["@TITLE@", "@STYLE@", "@SCRIPT@", "@DATA@"]


def without_licence(text):
    """The page carries one licence line, that of page.html."""
    return re.sub(r"\A(//|/\*)[^\n]*SPDX[^\n]*\n", "", text)


def literal(text):
    """One string literal a line; a question mark is escaped because of trigraphs, a byte outside ASCII in octal."""
    lines = []
    for line in text.splitlines(keepends=True):
        words = []
        for byte in line.encode():
            char = chr(byte)
            if char == "\n":
                words.append("\\n")
            elif char in '"\\?':
                words.append("\\" + char)
            elif 32 <= byte < 127:
                words.append(char)
            else:
                words.append("\\%03o" % byte)
        lines.append('    "' + "".join(words) + '"')
    return "\n".join(lines) or '    ""'


def main():
    output, html, css, *scripts = sys.argv[1:]
    parts = {"Html": open(html, encoding="utf-8").read(), "Style": without_licence(open(css, encoding="utf-8").read())}
    parts["Script"] = "".join(without_licence(open(name, encoding="utf-8").read()) for name in scripts)
    where = [parts["Html"].find(mark) for mark in MARKS]
    if -1 in where or where != sorted(where):
        sys.exit(f"embed.py: {html}: must have {', '.join(MARKS)} in this order")
    for name, end in (("Style", "</style"), ("Script", "</script")):
        if end in parts[name].lower():
            sys.exit(f"embed.py: {end} stands in the page's own text and would end it early")
    with open(output, "w", encoding="ascii") as out:
        out.write('// Made by embed.py.\n#include "tools/gossamer/page/page.h"\n\nnamespace insp {\n\n')
        for name, text in parts.items():
            out.write(f"constexpr std::string_view kPage{name}Text(\n{literal(text)},\n    {len(text.encode())});\n")
            out.write(f"const std::string_view kPage{name} = kPage{name}Text;\n\n")
        out.write("}  // namespace insp\n")


if __name__ == "__main__":
    main()

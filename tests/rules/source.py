# SPDX-License-Identifier: BSL-1.0
"""The tree as the rules see it: files, their lines, and their lines without comments and string contents."""
import os
import re
import subprocess

TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'|\n""", re.DOTALL)


def code_only(text):
    """The text with comments blanked and literals emptied; line breaks stay where they are."""

    def keep_breaks(match):
        word = match[0]
        if word == "\n":
            return word
        breaks = "\n" * word.count("\n")
        if word.startswith("/"):
            return " " + breaks
        if word.startswith("'"):
            # A digit separator (1'000) is no literal.
            before = text[match.start() - 1] if match.start() else ""
            return word if before.isalnum() else "' '"
        return '""' + breaks

    return TOKEN.sub(keep_breaks, text)


class Tree:
    """All files under root that belong to the project, as paths with forward slashes relative to it."""

    def __init__(self, root):
        self.root = os.path.abspath(root)
        self.files = sorted(self._list())
        self._text, self._code = {}, {}

    def _list(self):
        if os.path.exists(os.path.join(self.root, ".git")):
            listed = subprocess.run(["git", "-C", self.root, "-c", f"safe.directory={self.root}", "ls-files", "-co",
                                     "--exclude-standard"], check=True, capture_output=True, text=True).stdout.split("\n")
            return {f for f in listed if f and os.path.isfile(os.path.join(self.root, f))}
        found = set()
        for folder, folders, names in os.walk(self.root):
            folders[:] = [d for d in folders if d != "__pycache__" and not d.startswith("build")]
            found.update(os.path.relpath(os.path.join(folder, n), self.root) for n in names)
        return found

    def select(self, *folders, ends=()):
        """Files under one of the folders (all of them without any) that end in one of the suffixes."""
        return [f for f in self.files
                if (not folders or any(f.startswith(d + "/") for d in folders)) and (not ends or f.endswith(tuple(ends)))]

    def text(self, path):
        if path not in self._text:
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
                self._text[path] = file.read()
        return self._text[path]

    def lines(self, path):
        return self.text(path).split("\n")

    def code(self, path):
        """Lines without comments and the contents of literals."""
        if path not in self._code:
            self._code[path] = code_only(self.text(path)).split("\n")
        return self._code[path]

    def includes(self, path):
        """(line, name, resolved path or None) of each include; system headers that the tree does not hold are left out."""
        for number, line in enumerate(self.lines(path), 1):
            match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            if not match:
                continue
            name = match[2]
            beside = os.path.normpath(os.path.join(os.path.dirname(path), name))
            candidates = [name, "lib/" + name] + ([beside] if match[1] == '"' else [])
            resolved = next((c for c in candidates if c in self.files), None)
            if resolved or match[1] == '"':
                yield number, name, resolved

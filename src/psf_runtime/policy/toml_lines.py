"""On which line every key of a TOML text stands: `tomllib` gives values, but not where they are.

Reads only texts that `tomllib` has already accepted, so it may rely on the grammar and never judges it.
"""

from __future__ import annotations

import re
import tomllib

Path = tuple[str, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SPACES = re.compile(r"[ \t]*")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_PLAIN_VALUE = re.compile(r"[^,\]}\r\n#]*")
_TRIPLE = re.compile(r'"""(?:\\.|[^\\])*?"{3,5}|' + r"'''.*?'{3,5}", re.DOTALL)
_SINGLE = re.compile(r'"(?:\\.|[^"\\\n])*"|' + r"'[^'\n]*'")


def lines_of(text: str) -> dict[Path, int]:
    """The line (from 1) of every key, by its whole path; entries of lists are counted from `"0"`."""
    return _Scanner(text).scan()


class _Scanner:
    """One pass over one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.lines: dict[Path, int] = {}
        self.table: Path = ()
        self.lists: dict[Path, int] = {}  # [[name]] -> the number of its last entry

    def scan(self) -> dict[Path, int]:
        """Everything, to the end of the text."""
        while True:
            self._match(_BLANK)
            if self.position >= len(self.text):
                return self.lines
            if self._peek() == "[":
                self._header()
            else:
                self._pair(self.table)

    def _header(self) -> None:
        """`[name]` or `[[name]]`."""
        is_list = self.text.startswith("[[", self.position)
        self._skip(2 if is_list else 1)
        line = self._line()
        name = self._key()
        self._skip(2 if is_list else 1)
        path = self._through_lists(name[:-1]) + name[-1:]
        if is_list:
            self.lists[path] = self.lists.get(path, -1) + 1
            self._note((), path, line)
        self.table = self._through_lists(name)
        self._note((), self.table, line)

    def _through_lists(self, name: Path) -> Path:
        """The same path, with the number of the last entry behind every `[[name]]` on the way."""
        path: Path = ()
        for part in name:
            path = (*path, part)
            if path in self.lists:
                path = (*path, str(self.lists[path]))
        return path

    def _pair(self, above: Path) -> None:
        """`key = value`."""
        line = self._line()
        name = self._key()
        self._match(_SPACES)
        self._skip(1)  # the equals sign
        self._match(_SPACES)
        self._note(above, name, line)
        self._value(above + name)

    def _key(self) -> Path:
        """A key, dotted or not, quoted or not."""
        parts: list[str] = []
        while True:
            self._match(_SPACES)
            if self._peek() in "\"'":
                parts.append(_unquoted(self._match(_SINGLE)))
            else:
                parts.append(self._match(_BARE))
            self._match(_SPACES)
            if self._peek() != ".":
                return tuple(parts)
            self._skip(1)

    def _value(self, path: Path) -> None:
        """Step over a value; keys of the inline tables in it are noted."""
        if self.text.startswith(('"""', "'''"), self.position):
            self._match(_TRIPLE)
        elif self._peek() in "\"'":
            self._match(_SINGLE)
        elif self._peek() == "[":
            self._list(path)
        elif self._peek() == "{":
            self._inline_table(path)
        else:
            self._match(_PLAIN_VALUE)

    def _list(self, path: Path) -> None:
        self._skip(1)
        number = 0
        while True:
            self._match(_BLANK)
            if self._peek() == "]":
                self._skip(1)
                return
            self._note(path, (str(number),), self._line())
            self._value((*path, str(number)))
            number += 1
            self._match(_BLANK)
            if self._peek() == ",":
                self._skip(1)

    def _inline_table(self, path: Path) -> None:
        self._skip(1)
        while True:
            self._match(_BLANK)
            if self._peek() == "}":
                self._skip(1)
                return
            self._pair(path)
            self._match(_BLANK)
            if self._peek() == ",":
                self._skip(1)

    def _note(self, above: Path, name: Path, line: int) -> None:
        """The first line on which a path, or a table on the way to it, is seen."""
        for length in range(1, len(name) + 1):
            self.lines.setdefault(above + name[:length], line)

    def _line(self) -> int:
        return self.text.count("\n", 0, self.position) + 1

    def _peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def _skip(self, characters: int) -> None:
        self.position += characters

    def _match(self, pattern: re.Pattern[str]) -> str:
        """Step over what the pattern matches here. That there is a match is the grammar's promise."""
        found = pattern.match(self.text, self.position)
        if found is None:
            raise ValueError(f"line {self._line()} is not TOML")
        self.position = found.end()
        return found[0]


def _unquoted(raw: str) -> str:
    """What a quoted key says."""
    return next(iter(tomllib.loads(f"{raw} = 0")))

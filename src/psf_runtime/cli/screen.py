"""Where commands write: colour on a terminal, plain text in a pipe, the same layout in both."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from psf_runtime.cli.wrapping import columns, wrap

PIPE_WIDTH = 100  # columns of a line when nobody says how wide the page is
WIDEST = 120  # longer lines are hard to read, however wide the terminal is
NARROWEST = 40

Marks = Sequence[tuple[str, str]]  # a pattern, and the style of what it finds


class Screen:
    """Writes lines and labelled blocks.

    Args:
        stream: usually standard output.
        environ: `NO_COLOR` (any value) and `TERM=dumb` mean no colour; `COLUMNS` is the width.

    Colour needs rich (extra `demo`); without it the same text is written plain.
    """

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self._stream = stream
        terminal = stream.isatty()
        self.width = _width(terminal, environ)
        self._rich = _rich_console(stream, self.width) if terminal and _colour_wanted(environ) else None

    @property
    def coloured(self) -> bool:
        """Whether styles are shown."""
        return self._rich is not None

    def line(self, text: str = "", *, style: str = "", marks: Marks = ()) -> None:
        """One line, as it is."""
        if self._rich is None:
            self._stream.write(f"{text.rstrip()}\n")
            return
        self._rich.print(_styled(text, style, marks), no_wrap=True, overflow="ignore", crop=False)

    def wrapped(self, text: str, *, style: str = "", marks: Marks = ()) -> None:
        """A text, broken at the width of the page."""
        self.block("", text, margin=0, style=style, marks=marks)

    def block(self, label: str, text: str, *, margin: int, style: str = "", marks: Marks = ()) -> None:
        """A text beside its label, broken at the width of the page.

        Args:
            margin: columns that the label takes; further lines begin there too.
            style: of the whole text; `marks`: of the parts that a pattern finds.
        """
        room = max(self.width - margin, NARROWEST // 2)
        if self._rich is None:
            rows: list[Any] = wrap(text, room)
        else:
            rows = list(_styled(text, style, marks).wrap(self._rich, room, tab_size=4))
        for number, row in enumerate(rows):
            beside = label if number == 0 else ""
            self._write_row(beside + " " * max(margin - columns(beside), 0), row)

    def _write_row(self, beside: str, row: Any) -> None:
        if self._rich is None:
            self._stream.write(f"{beside}{row}".rstrip() + "\n")
            return
        from rich.text import Text

        line = Text()
        line.append(beside, style="dim")  # not as the style of the whole line, which would dim the text too
        line.append_text(row)
        line.rstrip()
        self._rich.print(line, no_wrap=True, overflow="ignore", crop=False)


def exactly(values: Sequence[str]) -> str:
    """A pattern that finds any of these texts, the longest first."""
    return "|".join(re.escape(value) for value in sorted(values, key=len, reverse=True))


def _width(terminal: bool, environ: Mapping[str, str]) -> int:
    asked = environ.get("COLUMNS", "")
    if asked.isdigit() and int(asked) > 0:
        width = int(asked)
    else:
        width = shutil.get_terminal_size((PIPE_WIDTH, 24)).columns if terminal else PIPE_WIDTH
    return min(max(width, NARROWEST), WIDEST)


def _colour_wanted(environ: Mapping[str, str]) -> bool:
    return not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def _rich_console(stream: TextIO, width: int) -> Any:
    try:
        from rich.console import Console
    except ImportError:
        return None
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=True)


def _styled(text: str, style: str, marks: Marks) -> Any:
    from rich.text import Text

    styled = Text(text, style=style)
    for pattern, mark in marks:
        if pattern:
            styled.highlight_regex(pattern, mark)
    return styled

"""Layout and colour: the same words in a pipe and on a terminal, at every width."""

from __future__ import annotations

import io
import re

import pytest

from psf_runtime.cli.screen import Screen, exactly
from psf_runtime.cli.wrapping import columns, wrap

TEXT = "Così ha scritto: 「配送先を変更してください」 famiglia 👩‍👩‍👧, e un saluto шалом; EMAIL_HQ2WB3WP and more words"
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("width", [8, 20, 40, 80])
def test_no_line_is_too_wide_and_nothing_is_lost(width: int) -> None:
    """Wide signs count twice; joined ones stay whole."""
    lines = wrap(TEXT, width)
    assert max(columns(line) for line in lines) <= width
    assert "".join(lines).replace(" ", "") == TEXT.replace(" ", "")
    assert any("👩‍👩‍👧" in line for line in lines)


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_where_none_is_wanted(environ: dict[str, str]) -> None:
    """NO_COLOR and a dumb terminal are honoured."""
    stream = Terminal()
    screen = Screen(stream, environ)
    screen.line("words", style="bold red")
    assert (screen.coloured, stream.getvalue()) == (False, "words\n")


def test_a_terminal_gets_colour_and_the_same_words() -> None:
    """Only the escapes differ."""
    plain, coloured = io.StringIO(), Terminal()
    for stream in (plain, coloured):
        screen = Screen(stream, {"COLUMNS": "60", "TERM": "xterm-256color"})
        screen.block(
            "label", "write to EMAIL_HQ2WB3WP today", margin=10, marks=((exactly(["EMAIL_HQ2WB3WP"]), "cyan"),)
        )
    assert ESCAPES.search(coloured.getvalue())
    assert ESCAPES.sub("", coloured.getvalue()) == plain.getvalue()

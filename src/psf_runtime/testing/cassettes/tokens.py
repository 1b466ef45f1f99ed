"""Tokens differ from run to run, and cassettes must not: in a file, tokens are numbered in order of appearance.

`EMAIL_M2T9AX4K` is written as `EMAIL_C0000001`. Both have the same length, so that an answer can be cut in the same
places when the numbers become the tokens of another run.
"""

from __future__ import annotations

from collections.abc import Mapping

from psf_runtime.guards.privacy.tokens import shaped

Names = dict[str, str]  # token -> token


def numbered(text: str, names: Names) -> str:
    """The text with numbers for tokens. `names` is what was numbered so far, and grows."""
    out: list[str] = []
    end = 0
    for found in shaped(text):
        token = found[0]
        if token not in names:
            names[token] = f"{token[:-8]}C{len(names) + 1:07d}"
        out += [text[end : found.start()], names[token]]
        end = found.end()
    return "".join([*out, text[end:]])


def renamed(text: str, names: Mapping[str, str]) -> str:
    """The text with other tokens for those in `names`; tokens that are not in it stay."""
    out: list[str] = []
    end = 0
    for found in shaped(text):
        out += [text[end : found.start()], names.get(found[0], found[0])]
        end = found.end()
    return "".join([*out, text[end:]])

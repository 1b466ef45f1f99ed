"""Which characters hide something, and the machine that takes them out of a text that arrives in pieces."""

from __future__ import annotations

import re
import unicodedata

# Signs nobody sees. They hide instructions from people, and split words so that no detector finds them.
_ALWAYS = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u2064\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0000-\U000e007f"
)
_BIDI = "\u202a-\u202e\u2066-\u2069"
_MARKS = "\u200e\u200f\u061c"
_JOINERS = "\u200c\u200d"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_SURROGATES = "\ud800-\udfff"
_SUSPECT = re.compile(f"[{_ALWAYS}{_BIDI}{_MARKS}{_JOINERS}{_SELECTORS}{_SURROGATES}]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u05ff\u0600-\u061b\u061d-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff]")

# Scripts whose spelling needs joiners: Arabic to N'Ko, the scripts of India and South-East Asia, Mongolian.
_JOINING_SCRIPTS = re.compile("[\u0600-\u07ff\u0860-\u08ff\u0900-\u0dff\u0e80-\u109f\u1780-\u18af\ua840-\ua87f]")
_EMOJI = re.compile(
    "[\u00a9\u00ae\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d"
    "\u3297\u3299\ufe0f\U0001f000-\U0001faff]"
)
_FLAG = "\U0001f3f4"
# The only flags written with tag characters: England, Scotland, Wales.
_FLAG_TAGS = tuple("".join(chr(0xE0000 + ord(c)) for c in code) + "\U000e007f" for code in ("gbeng", "gbsct", "gbwls"))


def kind_of(sign: str) -> str:
    """What a suspect character is: `tag`, `bidi`, `mark`, `joiner`, `selector`, `surrogate` or `zero_width`."""
    code = ord(sign)
    if 0xE0000 <= code <= 0xE007F:
        return "tag"
    if 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069:
        return "bidi"
    if sign in _MARKS:
        return "mark"
    if sign in _JOINERS:
        return "joiner"
    if 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF:
        return "selector"
    return "surrogate" if 0xD800 <= code <= 0xDFFF else "zero_width"


class Cleaner:
    """Removes invisible characters from one text, piece by piece; the result does not depend on the cut.

    Kept, because people write them: a joiner between two emoji or after a letter of a script that joins, one variation
    selector after a sign that can have one, a direction mark in a text with right-to-left letters, the flags of
    England, Scotland and Wales. A lone surrogate, which no wire can carry, becomes U+FFFD.

    At most eight characters are held back: a joiner after an emoji, or the tags of a flag.
    """

    __slots__ = ("_joiner", "_last", "_right_to_left", "_tags", "counts")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._last = ""  # the last character that went on
        self._joiner = False  # a joiner after an emoji waits for the next emoji
        self._tags: str | None = None  # tags after a black flag; None when the last character was no flag
        self._right_to_left = False

    def feed(self, piece: str) -> str:
        """What of `piece` can go on now."""
        if not piece:
            return ""
        if not self._joiner and self._tags is None and (piece.isascii() or not _SUSPECT.search(piece)):
            self._note(piece)
            return piece
        return "".join(self._one(sign) for sign in piece)

    def end(self) -> str:
        """The text is over: what still waited is stray and is dropped."""
        self._drop_waiting()
        self._last = ""
        self._right_to_left = False
        return ""

    def _note(self, passed: str) -> None:
        self._last = passed[-1]
        if self._last == _FLAG:
            self._tags = ""
        if not self._right_to_left and not passed.isascii():
            self._right_to_left = _RIGHT_TO_LEFT.search(passed) is not None

    def _one(self, sign: str) -> str:
        if self._tags is not None:
            if _could_be_flag(self._tags + sign):
                return self._grow_flag(sign)
            self._drop_tags()
        if not _SUSPECT.match(sign):
            joined = self._joiner and _EMOJI.match(sign) is not None
            if self._joiner and not joined:
                self._count("joiner")
            self._joiner = False
            self._note(sign)
            return "\u200d" + sign if joined else sign
        return self._suspect(sign)

    def _suspect(self, sign: str) -> str:
        kind = kind_of(sign)
        if kind == "surrogate":
            self._count(kind)
            return self._one("\ufffd")
        if sign == "\u200d" and not self._joiner and _EMOJI.match(self._last):
            self._joiner = True
            return ""
        if not self._joiner and self._keeps(kind, sign):
            self._last = sign
            return sign
        self._count(kind)
        return ""

    def _keeps(self, kind: str, sign: str) -> bool:
        last = self._last
        if not last:
            return False
        if kind == "joiner":
            return _JOINING_SCRIPTS.match(last) is not None
        if kind == "mark":
            return self._right_to_left and last not in _MARKS
        if kind == "selector":
            if _SUSPECT.match(last):
                return False
            if ord(sign) >= 0xE0100:
                return unicodedata.category(last) == "Lo"
            return last in "0123456789#*" or not last.isascii()
        return False

    def _grow_flag(self, sign: str) -> str:
        tags = (self._tags or "") + sign
        self._tags = tags
        if tags not in _FLAG_TAGS:
            return ""
        self._tags = None
        self._last = _FLAG
        return tags

    def _drop_tags(self) -> None:
        if self._tags:
            self._count("tag", len(self._tags))
        self._tags = None

    def _drop_waiting(self) -> None:
        self._drop_tags()
        if self._joiner:
            self._count("joiner")
        self._joiner = False

    def _count(self, kind: str, times: int = 1) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + times


def _could_be_flag(tags: str) -> bool:
    return any(whole.startswith(tags) for whole in _FLAG_TAGS)


def is_clean(text: str) -> bool:
    """Whether there is no character in the text that could be removed."""
    return text.isascii() or _SUSPECT.search(text) is None


def clean(text: str, counts: dict[str, int] | None = None) -> str:
    """The whole text without invisible characters; what was removed is added to `counts`, by kind."""
    if is_clean(text):
        return text
    cleaner = Cleaner()
    out = cleaner.feed(text) + cleaner.end()
    if counts is not None:
        for kind, times in cleaner.counts.items():
            counts[kind] = counts.get(kind, 0) + times
    return out

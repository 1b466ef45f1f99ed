"""What the tagger looks at around one token. Training and use share this file: weights hold for these features only.

Every feature is a short text, hashed with CRC-32 into a fixed number of buckets. Two features may share a bucket; the
weights were trained with that.
"""

from __future__ import annotations

from zlib import crc32

from psf_runtime.guards.privacy.tagger.lists import COMMON, FAMILY, GIVEN, PLACE, WordLists

BUCKETS = 1 << 19
_EDGE = ("<s>", "", 0, "")
Known = tuple[str, str, int, str]  # a word in lower case, its shape, its bits, its place mark


def shape_of(word: str) -> str:
    """`Xxx` for Smith, `xx` for of, `99` for 2024: runs of one kind are cut to two after the first sign."""
    if word.isascii() and word.isalpha():
        if word.islower():
            return "xx"[: len(word)]
        if word.isupper():
            return "XX"[: len(word)]
        if word[1:].islower():
            return "Xxx"[: len(word)]
    out: list[str] = []
    for sign in word[:12]:
        kind = "X" if sign.isupper() else "x" if sign.islower() else "9" if sign.isdigit() else sign
        if len(out) < 2 or not out[-1] == kind == out[-2]:
            out.append(kind)
    return "".join(out)


def case_of(words: list[str]) -> str:
    """How a sentence is written: `U` shouted, `L` without a capital, `M` as usual."""
    upper = capital = lower = 0
    for word in words:
        if not word[0].isalpha():
            continue
        if len(word) > 1 and word.isupper():
            upper += 1
        elif word[0].isupper():
            capital += 1
        else:
            lower += 1
    if upper > 2 * (lower + capital):
        return "U"
    return "M" if capital or upper else "L"


class Sentence:
    """One sentence, ready for features to be asked of its tokens."""

    __slots__ = ("case", "known", "size")

    def __init__(self, words: list[str], lists: WordLists) -> None:
        lowered = [word.lower() for word in words]
        marks = lists.place_marks(lowered)
        self.size = len(words)
        self.case = case_of(words)
        self.known: list[Known] = [
            (low, shape_of(word), lists.bits(low), mark) for word, low, mark in zip(words, lowered, marks, strict=True)
        ]

    def may_be_name(self, position: int) -> bool:
        """Whether a token is worth a look: a plain common word in no list of names is not."""
        low, shape, bits, mark = self.known[position]
        if mark or bits & (GIVEN | FAMILY | PLACE):
            return True
        if not low[0].isalpha():
            return False
        return not bits & COMMON or (self.case == "M" and shape[0] == "X")

    def begins_name(self, position: int) -> bool:
        """Whether a look may begin at a token.

        Where capitals are used as usual, not at a common word in lower case that is a family name only (`back`).
        """
        _, shape, bits, mark = self.known[position]
        if mark or not bits & COMMON or self.case != "M" or shape[0] == "X":
            return self.may_be_name(position)
        return bool(bits & (GIVEN | PLACE))

    def beside(self, position: int) -> Known:
        """What is known of the token at a place, or of the edge beyond the sentence."""
        return self.known[position] if 0 <= position < self.size else _EDGE

    def features(self, i: int) -> list[str]:
        """The features of the token at place `i`."""
        w, s, b, m = self.known[i]
        w1, s1, b1, _ = self.beside(i - 1)
        w2, s2, b2, _ = self.beside(i + 1)
        w0, s0, _, _ = self.beside(i - 2)
        w3, s3, _, _ = self.beside(i + 2)
        case = self.case
        first = "1" if i == 0 else "0"
        t, t1, t2 = s[:2], s1[:2], s2[:2]
        return [
            f"w{w}", f"s{s}{case}", f"b{b}{case}", f"c{b}{t}{case}{first}", f"m{m}{case}",
            f"3{w[-3:]}", f"2{w[-2:]}", f"p{w[:3]}", f"e{w[-3:]}{t}{case}",
            f"<{w1}", f">{w2}", f"<<{w0}", f">>{w3}",
            f"<s{s1}|{s}", f">s{s}|{s2}", f"<b{b1}|{b}{case}", f">b{b}|{b2}{case}",
            f"<c{b1}{t1}|{b}{t}", f">c{b}{t}|{b2}{t2}",
            f"<w{w1}|{b}", f">w{w2}|{b}", f"<t{w1}|{t}", f">t{w2}|{t}",
            f"t{t1}|{t}|{t2}{first}", f"<u{s0[:2]}{t1}{t}", f">u{t}{t2}{s3[:2]}",
        ]  # fmt: skip

    def buckets(self, i: int) -> list[int]:
        """The buckets of those features."""
        return [crc32(feature.encode("utf-8", "surrogatepass")) % BUCKETS for feature in self.features(i)]

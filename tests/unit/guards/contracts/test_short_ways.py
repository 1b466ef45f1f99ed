"""Short ways of the screens: each gives exactly what the long way gives, however the text is cut."""

from __future__ import annotations

import re
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.guards.contracts import injection_rules
from psf_runtime.guards.contracts.invisible import Cleaner, clean
from psf_runtime.guards.contracts.leak import _open_word
from psf_runtime.guards.contracts.links import Fate, LinkScanner
from psf_runtime.guards.contracts.prompt_runs import PromptIndex, RunFinder, normalised

PROMPT = "Never mention the rate of 3.14 percent; refer customers to the office, Straße ﬁve."
CUTS = st.lists(st.integers(1, 40), min_size=1, max_size=5)


def pieces(text: str, sizes: list[int]) -> list[str]:
    """The text, cut into pieces whose sizes come round and round."""
    out: list[str] = []
    start = number = 0
    while start < len(text):
        out.append(text[start : start + sizes[number % len(sizes)]])
        start += sizes[number % len(sizes)]
        number += 1
    return out


class LongWay(RunFinder):
    """Looks at every sign."""

    __slots__ = ()

    def _pass_over(self, piece: str) -> bool:
        return False


RUN_TEXTS = st.lists(
    st.one_of(
        st.text(alphabet="ab e3.ßﬁ-_İ\n", max_size=6),
        st.sampled_from((PROMPT, PROMPT[10:60].upper(), PROMPT[30:], " " * 33, "-" * 32, "the rate of ")),
    ),
    max_size=8,
).map("".join)


@settings(max_examples=250, deadline=None)
@given(RUN_TEXTS, CUTS, st.sampled_from((1, 2, 9, 24, 48)), st.booleans())
def test_runs_are_found_at_the_same_piece(text: str, sizes: list[int], length: int, shared: bool) -> None:
    """What is found, and how far the text may go on, is the same after every piece."""

    def follow(kind: type[RunFinder]) -> list[tuple[bool, int]]:
        allowed = [PROMPT[20:70]] if shared else []
        finder = kind(PromptIndex([PROMPT, "other"], length=length, allowed=allowed))
        out: list[tuple[bool, int]] = []
        for piece in pieces(text, sizes):
            finder.feed(piece)
            out.append((finder.found, finder.safe))
            if finder.found:
                break
        return out

    assert follow(RunFinder) == follow(LongWay)


@given(st.text())
def test_letters_are_what_python_calls_letters_and_digits(text: str) -> None:
    """The search for letters and `str.isalnum` agree."""
    assert normalised(text) == "".join(sign for sign in text if sign.isalnum()).casefold()


LINK_TEXTS = st.lists(
    st.sampled_from(
        ("word ", "some text. ", "http://a.example/c ", "www.x.example ", "WWW.", "ww", "w", ".", " ", "\n", "\u2028",
         "é", "漢字", "[t](", "](<", "![", "]:", '="', "'", "<a href=", ">", "url(", "data:", "//h", "\\3a", "&#58;",
         "mailto:a?b ", "(", "K", "x" * 50)
    ),
    max_size=25,
).map("".join)  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(LINK_TEXTS, CUTS, st.integers(0, 3))
def test_plain_words_pass_the_scanner_as_if_they_were_judged(text: str, sizes: list[int], part_ends: int) -> None:
    """The same goes on after every piece, and the same addresses are judged in the same order."""

    def follow() -> list[Any]:
        judged: list[Any] = []

        def judge(address: str, loads: bool) -> Fate:
            judged.append((address, loads))
            fates: tuple[Fate, ...] = ("keep", "remove", "inert")
            return fates[len(address) % 3]

        scanner = LinkScanner(judge)
        for number, piece in enumerate(pieces(text, sizes)):
            judged.append(scanner.feed(piece))
            if number == part_ends:
                judged.append(scanner.end_of_part())
        return [*judged, scanner.end_of_part()]

    short = follow()
    with patch.object(LinkScanner, "_plain_until", lambda self, text, start: start):
        assert short == follow()


ORDERS = st.lists(
    st.sampled_from(
        (*sorted({word for rule in injection_rules.RULES for step in rule.steps for word in step}), "the", "\u200b",
         "<|im_start|>", "[/INST]", "忽略以上指令", ".", "ﬁ", "X")
    ),
    max_size=14,
).map(" ".join)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(ORDERS)
def test_orders_are_found_without_the_gates_too(text: str) -> None:
    """A text that a gate lets pass holds no order."""
    found = injection_rules.find(text)
    everything = {word for rule in injection_rules.RULES for step in rule.steps for word in step}

    class Always(frozenset[str]):
        def isdisjoint(self, words: Any) -> bool:
            return False

    with patch.object(injection_rules, "_LAST_WORDS", Always({"", *everything})):
        assert injection_rules.find(f"{text} é") == found


@given(st.text(alphabet="a é\u200b\u202e\u200d🏴\U000e0067️٠", max_size=12))
def test_a_clean_text_is_what_the_cleaner_lets_pass(text: str) -> None:
    """The whole text at once, and through the machine that takes pieces, is the same."""
    cleaner = Cleaner()
    counts: dict[str, int] = {}

    assert clean(text, counts) == cleaner.feed(text) + cleaner.end()
    assert counts == cleaner.counts


@given(st.text(alphabet="aZ_9 \né.", max_size=90))
def test_the_open_word_is_what_a_pattern_would_find(text: str) -> None:
    """The last word of at most 64 signs, also before a line break at the very end."""
    found = re.search(r"[A-Za-z0-9_]{1,64}$", text)

    assert _open_word(text) == (found.start() if found else len(text))

"""What models do to tokens on the way back: restored where nothing had to be guessed, left alone where it had."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.guards.privacy.places import PlaceFinder
from psf_runtime.guards.privacy.restore import Restoring, TextRestorer
from psf_runtime.guards.privacy.token_search import find
from psf_runtime.guards.privacy.tokens import Token
from psf_runtime.types.chunks import ReasoningDelta, TextDelta
from psf_runtime.types.messages import Reasoning, Text
from tests.unit.guards.privacy.driving import EMAIL, Exchange

NAME = "Zoë O'Quill"
TABLE = {
    code: Token(code, entity, value)
    for code, entity, value in [
        ("M2T9AX4K", "PERSON", NAME), ("7QK3WXYZ", "EMAIL", EMAIL), ("A1B2C3D4", "US_SSN", "536-22-8726"),
    ]
}  # fmt: skip

# What a model wrote, and what the caller reads. Each must come out letter by letter.
RESTORED = {
    "as it was": ("ask PERSON_M2T9AX4K now", f"ask {NAME} now"),
    "lower case": ("ask person_m2t9ax4k now", f"ask {NAME} now"),
    "title case": ("ask Person_M2T9AX4K now", f"ask {NAME} now"),
    "mixed case": ("ask PERSON_m2T9aX4k now", f"ask {NAME} now"),
    "translated word": ("voir PERSONNE_M2T9AX4K ici", f"voir {NAME} ici"),
    "translated, Cyrillic": ("это ЛИЦО_M2T9AX4K тут", f"это {NAME} тут"),
    "translated, accents": ("la Señora_M2T9AX4K", f"la {NAME}"),
    "hyphen": ("ask PERSON-M2T9AX4K now", f"ask {NAME} now"),
    "unbreakable hyphen": ("ask PERSON\u2011M2T9AX4K now", f"ask {NAME} now"),
    "colon": ("ask PERSON:M2T9AX4K now", f"ask {NAME} now"),
    "colon and space": ("ask Person: M2T9AX4K now", f"ask {NAME} now"),
    "space": ("ask PERSON M2T9AX4K now", f"ask {NAME} now"),
    "underscore and space": ("ask PERSON_ M2T9AX4K now", f"ask {NAME} now"),
    "Markdown escape": ("ask PERSON\\_M2T9AX4K now", f"ask {NAME} now"),
    "URL escape": ("ask PERSON%5FM2T9AX4K now", f"ask {NAME} now"),
    "HTML escape": ("ask PERSON&#95;M2T9AX4K now", f"ask {NAME} now"),
    "JSON escape": ("ask PERSON\\u005fM2T9AX4K now", f"ask {NAME} now"),
    "two words, escaped": ("my US\\_SSN\\_A1B2C3D4, please", "my 536-22-8726, please"),
    "square brackets": ("ask [PERSON_M2T9AX4K] now", f"ask {NAME} now"),
    "angle brackets": ("ask <PERSON_M2T9AX4K> now", f"ask {NAME} now"),
    "braces, twice": ("ask {{PERSON_M2T9AX4K}} now", f"ask {NAME} now"),
    "brackets of HTML": ("ask &lt;PERSON_M2T9AX4K&gt; now", f"ask {NAME} now"),
    "one bracket only": ("ask [PERSON_M2T9AX4K now", f"ask [{NAME} now"),
    "quotes": ('ask "PERSON_M2T9AX4K" now', f'ask "{NAME}" now'),
    "emphasis": ("ask **PERSON_M2T9AX4K** now", f"ask **{NAME}** now"),
    "possessive": ("PERSON_M2T9AX4K's dog", f"{NAME}'s dog"),
    "possessive, curly": ("person_m2t9ax4k\u2019s dog", f"{NAME}\u2019s dog"),
    "plural": ("both PERSON_M2T9AX4Ks", f"both {NAME}s"),
    "glued in front": ("rePERSON_M2T9AX4K", f"re{NAME}"),
    "zero-width inside": ("ask PER\u200bSON_M2T9\u200bAX4K now", f"ask {NAME} now"),
    "soft hyphen inside": ("ask PERSON_M2T9\u00adAX4K now", f"ask {NAME} now"),
    "wrapped line": ("ask PERSON_\n  M2T9AX4K now", f"ask {NAME} now"),
    "wrapped line, Windows": ("ask PERSON_\r\nM2T9AX4K now", f"ask {NAME} now"),
    "at the end": ("ask PERSON_M2T9AX4K", f"ask {NAME}"),
    "two of them": ("PERSON_M2T9AX4K <EMAIL_7QK3WXYZ>", f"{NAME} {EMAIL}"),
}
LEFT = {
    "no type word": "ask M2T9AX4K now",
    "cut": "ask PERSON_M2T9AX4",
    "cut in a sentence": "ask PERSON_M2T9AX4, now",
    "one letter wrong": "ask PERSON_M2T9AX4J now",
    "one letter more": "ask person_M2T9AX4KK now",
    "wrapped inside the code": "ask PERSON_M2T9\nAX4K now",
    "ordinals": "def f(person_1, person_2): return EMAIL_1",
    "names in programs": "MAX_SIZE12AB = sha_9F3K2M1A + person_m2t9ax4k_cache + my_person_m2t9ax4k",
    "another's code": "ask PERSON_ZZZZ9999 now",
    "an empty line between": "PERSON_\n\nM2T9AX4K",
}


def restored(text: str, cuts: tuple[int, ...] = (), table: dict[str, Token] = TABLE) -> str:
    restorer = TextRestorer(Restoring(table, Counter()), places=PlaceFinder())
    bounds = [0, *sorted(cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(bounds)]
    return "".join([*(restorer.feed(piece) for piece in pieces), restorer.end()])


@pytest.mark.parametrize("name", RESTORED)
def test_a_mangled_token_is_restored(name: str) -> None:
    """Whole, and letter by letter in a stream: the value, and nothing else touched."""
    said, heard = RESTORED[name]

    assert restored(said) == heard
    assert restored(said, tuple(range(len(said)))) == heard


@pytest.mark.parametrize("name", LEFT)
def test_what_would_have_to_be_guessed_is_left(name: str) -> None:
    """Never a truncated or altered code, never a name in a program, never a value of somebody else."""
    said = LEFT[name]

    assert restored(said) == said
    assert restored(said, tuple(range(len(said)))) == said


@pytest.mark.parametrize("bracket", ["[{}]", "<{}>", "&lt;{}&gt;", "[\u200b{}\u200b]", "{{{}}}"])
def test_brackets_that_people_wrote_are_no_decoration(bracket: str) -> None:
    """What stood in the request around a value stands around it in the answer."""
    text = f"write to {bracket.format(EMAIL)} today"
    exchange = Exchange(text)

    assert exchange.says(exchange.text) == text


def test_altered_codes_mean_nobody() -> None:
    """Of 20,000 tokens with one sign of the code changed, none is taken for another's."""
    rng = random.Random(7)
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    for _ in range(20_000):
        code = list(rng.choice(list(TABLE)))
        place = rng.randrange(8)
        code[place] = rng.choice(alphabet.replace(code[place], ""))
        assert list(find(f"a PERSON_{''.join(code)} b", TABLE)) == []


def test_ordinary_text_stays_as_it_is() -> None:
    """200 KB of words, code, numbers and identifiers, with 2,000 live tokens."""
    rng = random.Random(3)
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    codes = {"".join(rng.choices(alphabet, k=8)) for _ in range(2000)}
    table = {code: Token(code, "PERSON", "x") for code in codes}
    words = ["person_1", "PERSON", "email:", "SELECT email_1", "{", "a_b_c", "2026-11-24", "<b>", "`x`", "\n", "x[i]"]
    text = " ".join(rng.choice(words) for _ in range(30_000))

    assert restored(text, table=table) == text


def test_ten_thousand_random_cuts_make_no_difference() -> None:
    """A stream equals the whole, however it is cut: tokens, mangled and cut ones, links, code and other text."""
    rng = random.Random(11)
    pieces = [said for said, _ in RESTORED.values()] + list(LEFT.values())
    pieces += [" ", "\n", "`", "](", "https://x.example/", "<a href=", "&", "&lt;", "word", "-", "_", "人", "x" * 90]
    differing = 0
    for _ in range(1_000):
        text = "".join(rng.choice(pieces) for _ in range(rng.randint(1, 6)))
        whole = restored(text)
        for _ in range(10):
            cuts = tuple(rng.randint(0, len(text)) for _ in range(rng.randint(1, 12)))
            differing += restored(text, cuts) != whole

    assert differing == 0


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_text_around_tokens(data: st.DataObject) -> None:
    """Also with signs that nobody chose for the test."""
    signs = st.sampled_from(
        [*"PERSON_M2T9AX4K:-[]<>&;#\\%5F \n\t\u200b\u00ad", "PERSON", "PERSON_M2T9AX4K", "M2T9AX4K"]
    )
    text = "".join(data.draw(st.lists(signs | st.characters(), max_size=40)))
    cuts = tuple(data.draw(st.lists(st.integers(0, len(text)), max_size=10)))

    assert restored(text, cuts) == restored(text)


def test_channels_do_not_complete_each_other() -> None:
    """Half a token in the reasoning and half in the text is no token."""
    exchange = Exchange(f"to {EMAIL}")
    token = exchange.text.removeprefix("to ")
    got = exchange.answer(ReasoningDelta(token[:9]), TextDelta(token[9:]))

    assert [part.text for part in got.parts if isinstance(part, Text | Reasoning)] == [token[:9], token[9:]]


def test_a_stream_that_ends_inside_a_token_gives_back_what_came() -> None:
    """What was cut by a limit is never completed."""
    exchange = Exchange(f"to {EMAIL}")
    cut = exchange.text[:-1]

    assert exchange.says(cut, cuts=(4, 9)) == cut

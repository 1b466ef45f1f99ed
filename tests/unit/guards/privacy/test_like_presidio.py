"""Beside Presidio's default recognisers on the same texts: what they find is found, but for what is listed here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from psf_runtime.guards.privacy import Builtin
from psf_runtime.guards.privacy.recognise import RULE_ENTITIES
from psf_runtime.guards.privacy.recognise.words import named
from tests.unit.guards.privacy.making import card, digits, iban, wallet
from tests.unit.guards.privacy.test_detection_quality import email, negative

TEXTS = 10_000
NAMES = {
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "IBAN_CODE": "IBAN",
    "IP_ADDRESS": "IP",
    "MAC_ADDRESS": "MAC",
    "US_PASSPORT": "PASSPORT",
    "US_BANK_NUMBER": "BANK_ACCOUNT",
    "US_DRIVER_LICENSE": "DRIVING_LICENCE",
}
Span = tuple[str, int, int]


@pytest.fixture(scope="module")
def theirs() -> Iterator[Callable[[str], set[Span]]]:
    """Presidio's analyzer without a model, with its default recognisers and its context words, offline."""
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NlpArtifacts, SpacyNlpEngine

    class Blank(SpacyNlpEngine):  # type: ignore[misc,unused-ignore]
        def process_text(self, text: str, language: str) -> Any:
            tokens = self.nlp[language].make_doc(text)
            return NlpArtifacts(
                entities=[],
                tokens=tokens,
                tokens_indices=[token.idx for token in tokens],
                lemmas=[token.lower_ for token in tokens],
                nlp_engine=self,
                language=language,
            )

    before = tldextract.extract
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    engine = Blank()
    engine.nlp = {"en": spacy.blank("en")}
    registry = RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"], nlp_engine=engine)
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])

    def read(text: str) -> set[Span]:
        found = analyzer.analyze(text, language="en", score_threshold=0.4)
        return {(NAMES.get(one.entity_type, one.entity_type), one.start, one.end) for one in found}

    yield read
    tldextract.extract = before


def sentence(random: Random) -> str:
    """A short text with one value of a kind that Presidio knows, or with something that only looks like one."""
    d = lambda count: digits(random, count)
    area = random.choice(["202", "312", "415", "617"])
    return random.choice(
        [
            lambda: f"mail {email(random)}",
            lambda: f"paid by {card(random)}",
            lambda: f"to {iban(random)}",
            lambda: f"wallet {wallet(random)}",
            lambda: f"from 192.0.2.{random.randint(1, 254)} today",
            lambda: f"at 2001:db8::{random.randint(1, 0xFFFF):x}",
            lambda: f"mac 00:00:5E:00:53:{random.randint(16, 99)}",
            lambda: f"SSN {random.randint(100, 665)}-{random.randint(10, 99)}-{random.randint(1000, 9999)}",
            lambda: f"ITIN 9{d(2)}-{random.randint(70, 88)}-{d(4)}",
            lambda: f"call {area}-555-01{d(2)}",
            lambda: f"my phone is ({area}) 555-01{d(2)}",
            lambda: f"phone +1 {area} 555 01{d(2)}",
            lambda: f"passport number {random.randint(1, 9)}{d(8)}",
            lambda: f"my bank account is {random.randint(1, 9)}{d(9)}",
            lambda: f"born 0{random.randint(1, 9)}/{random.randint(13, 28)}/1987",
            lambda: negative(random),
            lambda: f"see https://example.org/{d(4)} for more",
            lambda: f"id 550e8400-e29b-41d4-a716-4466{d(8)}",
        ]
    )()


def excuse(text: str, span: Span, ours: set[Span]) -> str:
    """Why we do not find what Presidio finds, of the deliberate reasons; empty when there is none."""
    entity, start, end = span
    value, lowered = text[start:end], text.lower()
    over = [one for one in ours if one[1] < end and start < one[2]]
    if any(kind == entity for kind, _, _ in over):
        return "the same, with other edges"  # a longer address, a card with its last group, a phone with its sign
    if over:
        return "something surer stands there"  # overlaps are settled: an ITIN is no SSN, a domain in an e-mail no link
    if named(lowered, start, end)[-1:] == ("order",):
        return "an order, a batch, a version"
    if entity == "URL" and "://" not in value and not value.lower().startswith("www."):
        return "a bare word.word is no link"
    if entity == "DATE_TIME" and re.search(r"[T:]", value):
        return "a time of day"
    if entity == "PHONE" and text[max(0, start - 1) : start] in (".", "-", "/"):
        return "part of a longer number"
    if entity in ("PHONE", "BANK_ACCOUNT") and not re.search(r"phone|call|account", lowered):
        return "bare digits with nothing that names them"
    if entity == "DATE_TIME" and (text[end : end + 1].isalnum() or text[start - 1 : start].isalnum()):
        return "glued to a word"
    if entity == "UK_NHS" and value.isdigit() and "nhs" not in lowered:
        return "ten digits in a row without the name: one in eleven has a right check"
    if entity == "IP" and "section" in lowered:
        return "a section"
    return ""


def test_what_presidio_finds_is_found(theirs: Callable[[str], set[Span]]) -> None:
    """On 10,000 texts each of Presidio's finds is ours, or one of the deliberate differences."""
    random, detector = Random("alike"), Builtin(entities=RULE_ENTITIES - {"PERSON"}, names="off")
    open_ends: list[tuple[str, Span]] = []
    same = 0
    for _ in range(TEXTS):
        text = sentence(random)
        ours = {(hit.entity, hit.start, hit.end) for hit in detector.find(text)}
        for span in theirs(text):
            if span in ours:
                same += 1
            elif not excuse(text, span, ours):
                open_ends.append((text, span))

    assert open_ends == []
    assert same > TEXTS / 2

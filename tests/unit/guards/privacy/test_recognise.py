"""What the built-in recognisers find, and what they leave alone."""

from __future__ import annotations

import time

import pytest

from psf_runtime.guards.privacy import Builtin, combine
from psf_runtime.guards.privacy.recognise import ENTITIES
from psf_runtime.guards.privacy.recognise.cards import is_card
from psf_runtime.guards.privacy.recognise.checks import luhn
from psf_runtime.ports import Detection


def found(text: str) -> list[tuple[str, str]]:
    return [(d.entity, text[d.start : d.end]) for d in Builtin().find(text)]


@pytest.mark.parametrize(
    ("entity", "value"),
    [
        ("EMAIL", "jane.doe@example.com"),
        ("EMAIL", "o'neil+tag@mail.example.co.uk"),
        ("EMAIL", "jürgen@müller.example"),
        ("PHONE", "+1 202 555 0143"),
        ("PHONE", "+49 (0)30 1234567"),
        ("PHONE", "+442079460958"),
        ("PHONE", "0049 30 1234567"),
        ("PHONE", "(202) 555-0143"),
        ("PHONE", "202.555.0143"),
        ("PHONE", "1-202-555-0143 ext. 12"),
        ("PHONE", "555-0143"),
        ("PHONE", "06 12 34 56 78"),
        ("PHONE", "0171/1234567"),
        ("CREDIT_CARD", "4111 1111 1111 1111"),
        ("CREDIT_CARD", "378282246310005"),
        ("CREDIT_CARD", "2223003122003222"),
        ("CREDIT_CARD", "6304000000000000"),
        ("CREDIT_CARD", "3530-1113-3330-0000"),
        ("IBAN", "DE89 3704 0044 0532 0130 00"),
        ("IBAN", "GB82WEST12345698765432"),
        ("IBAN", "GB82 WEST 1234 5698 7654 32"),
        ("IBAN", "fr1420041010050500013m02606"),
        ("US_SSN", "078-05-1120"),
        ("IP", "10.1.2.3"),
        ("IP", "2001:db8::1"),
        ("MAC", "00:1a:2b:3c:4d:5e"),
        ("MAC", "00-1A-2B-3C-4D-5E"),
        ("MAC", "001a.2b3c.4d5e"),
        ("SECRET", "AKIAABCDEFGHIJKLMNOP"),
        ("SECRET", "ghp_" + "a1" * 18),
        ("SECRET", "sk-ant-api03-" + "abcd1234" * 5),
        ("SECRET", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcDEF123"),
        ("SECRET", "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----"),
    ],
)
@pytest.mark.parametrize("frame", ["{}", "We have {} on file.", "see: {}, thanks", "({})", "a\n{}\nb"])
def test_finds_a_value_whole_in_any_frame(entity: str, value: str, frame: str) -> None:
    """A value is found from its first to its last character, whatever stands around it."""
    text = frame.format(value)
    start = text.index(value)
    hits = [(d.entity, text[max(d.start, start) : d.end]) for d in Builtin().find(text)]

    assert [(entity, value)] == hits


@pytest.mark.parametrize(
    "text",
    [
        "on 2024-05-04, 04.05.2024 10:00 and 5/4/2024 at 12:30:45",
        "pi is 3.14159265 and the price 12,345,678.90",
        "card 4111 1111 1111 1112 fails its check",
        "DE89 3704 0044 0532 0130 01 fails its check",
        "000-12-3456 and 666-12-3456 and 900-12-3456",
        "version 1.2.3 on 127.0.0.1 and ::1",
        "std::vector and a::b, 10:20:30",
        "user @ example and @handle and a@b",
        "password: please reset it, token: none, api_key = ${KEY}",
        "Dear Sir or Madam, Dear Customer, Hello World!",
        "order 1234567890123 weighs 300 g",
        "",
    ],
)
def test_leaves_alone_what_only_looks_alike(text: str) -> None:
    """Dates, prices, failed checks, versions, code and greetings to nobody are not personal data."""
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("password: hunter2", ["hunter2"]),
        ("password is hunter2.", ["hunter2."]),
        ("API_KEY='abcd-efgh'", ["abcd-efgh"]),
        ('{"client_secret": "Zx81kkPq"}', ["Zx81kkPq"]),
        ("Authorization: Bearer abcdef0123456789abcdef", ["abcdef0123456789abcdef"]),
        ("https://jane:pw@host.example/x", ["jane:pw"]),
        ("https://host.example/x?token=abcdef123&x=1", ["abcdef123"]),
    ],
)
def test_of_an_assignment_only_the_value_is_marked(text: str, secrets: list[str]) -> None:
    """What names a secret stays readable; the secret itself is marked."""
    assert secrets == [value for _, value in found(text)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("I spoke to Mr. Bob Stone.", ["Bob Stone"]),
        ("Sehr geehrte Frau Dr. Müller-Lüdenscheidt", ["Müller-Lüdenscheidt"]),
        ("my name is Jane Doe and", ["Jane Doe"]),
        ("Je m'appelle Zoé Petit", ["Zoé Petit"]),
        ("Dear Anna Smith,\nhello", ["Anna Smith"]),
        ("Thanks!\nBest regards,\nCarol Dent", ["Carol Dent"]),
        ("Mrs Stone's claim", ["Stone"]),
    ],
)
def test_finds_names_that_their_neighbourhood_gives_away(text: str, names: list[str]) -> None:
    """Titles, introductions, greetings and signatures name people; the title is not part of the name."""
    assert [("PERSON", name) for name in names] == found(text)


@pytest.mark.parametrize(
    "hidden",
    [
        "jane.doe\u200b@example.com",
        "jane\u00ad.doe@example.com",
        "ｊａｎｅ.doe＠example.com",
        "jane.doe@example\u2060.com",
    ],
)
def test_hiding_characters_inside_a_value_does_not_hide_it(hidden: str) -> None:
    """Zero-width, soft-hyphen and full-width variants are found, and the span covers the original characters."""
    assert [("EMAIL", hidden)] == found(f"to {hidden} now")


def test_a_card_in_foreign_digits_is_found() -> None:
    """Arabic-Indic digits are digits."""
    card = "4111111111111111".translate({ord("0") + digit: 0x0660 + digit for digit in range(10)})

    assert [("CREDIT_CARD", card)] == found(f"karta {card}")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Call me at 2025550143 please", "2025550143"),
        ("Tel.: 612 345 678", "612 345 678"),
        ("Handy 15112345678", "15112345678"),
        ("phone number is 202-555-0143 now", "202-555-0143"),
    ],
)
def test_a_number_that_is_called_a_phone_is_one(text: str, number: str) -> None:
    """Digits that no shape gives away are a phone number behind the word for it."""
    assert [("PHONE", number)] == found(text)


def test_a_nine_digit_number_called_ssn_is_one() -> None:
    """Without separators the words that name it decide."""
    assert found("Her SSN is 078051120.") == [("US_SSN", "078051120")]
    assert found("Her order is 078051120.") == []


def test_overlaps_are_settled_by_length_then_score_then_order() -> None:
    """The longest span stays; among equal ones the higher score, then the first."""
    long = Detection(0, 10, "LONG", 0.1)
    weak = Detection(20, 25, "WEAK", 0.5)
    strong = Detection(20, 25, "STRONG", 0.9)
    late = Detection(30, 35, "LATE", 0.5)
    early = Detection(30, 35, "EARLY", 0.5)

    assert [long, strong, early] == combine([Detection(5, 12, "SHORT", 1.0), long, weak, strong, early, late])


def test_empty_spans_are_dropped() -> None:
    """A detector that returns nothing between two places has found nothing."""
    assert combine([Detection(3, 3, "EMAIL")]) == []


def test_luhn_and_issuer_both_count() -> None:
    """A right check digit alone does not make a card."""
    assert luhn("79927398713")
    assert not is_card("79927398713")
    assert is_card("4111111111111111")


def test_says_what_it_finds() -> None:
    """Every entity that it names can be found, and it finds no other."""
    sample = (
        "Mr Bob Stone, jane@example.com, +1 202 555 0143, 4111 1111 1111 1111, GB82WEST12345698765432, 078-05-1120, "
        "10.1.2.3, 00:1a:2b:3c:4d:5e, https://a:b@c.example, AKIAABCDEFGHIJKLMNOP\n"
        "12 High Street, DOB 1987-05-23, passport number C01X00T47, driving licence D1234567, MRN 00123456, bank "
        "account 12345678, 16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ, BB1388568\n"
        "ITIN 911-70-1234. EIN 12-3456789. NHS 401 023 2137. NI number AB 12 34 56 C. UTR 2234567890. "
        "Steuer-ID 86095742719. Personalausweis L01X00T471. NIR 185057800608491. DNI 12345678Z. NIE X1234567L. "
        "RSSMRA85T10A562S. PESEL 44051401359. NIP 526-10-40-828. BSN 111222333. Aadhaar 2341 2341 2346. "
        "PAN ABCPE1234F. TFN 123 456 782. "
        "Medicare 2123 45670 1. ABN 51 824 753 556. CPF 529.982.247-25. CNPJ 11.222.333/0001-81. SIN 046 454 286. "
        "NRIC S1234567D."
    )

    assert Builtin().entities == {entity for entity, _ in found(sample)}


def test_what_is_allowed_by_default_is_found_on_request() -> None:
    """Places, organisations, dates, links and identifiers are looked for when they are named."""
    wanted = {"LOCATION", "ORGANIZATION", "DATE_TIME", "URL", "UUID"}
    text = (
        "She has worked for Microsoft Corporation in London since 2024-05-03, see https://example.org/a and "
        "550e8400-e29b-41d4-a716-446655440000."
    )

    assert wanted == {hit.entity for hit in Builtin(entities=wanted).find(text)}
    assert not wanted & Builtin().entities


@pytest.mark.parametrize(
    "piece",
    [
        "1 ",
        "1",
        "@",
        "a@",
        "a.",
        "0",
        "+",
        ":",
        "a:",
        "password ",
        "Mr ",
        "eyJ",
        "DE12 ",
        "A ",
        "call ",
        "(0",
        "http://a:",
        "Ann ",
        "1 Ann St ",
        "12-",
        "1a",
        "0x",
        "12 34 56 ",
        "phone 5",
        "born on 3 ",
        "Straße",
        ".1",
        "(1",
        "%41",
        "Ab1",
    ],
)
def test_time_grows_with_length_only(piece: str) -> None:
    """No text makes a recogniser slow out of proportion."""
    detector = Builtin(entities=ENTITIES, decode=True)

    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        begun = time.process_time()
        detector.find(text)
        return time.process_time() - begun

    short = min(seconds(4_000) for _ in range(3))
    long = min(seconds(32_000) for _ in range(2))

    assert long <= 8 * 4 * max(short, 0.0005)

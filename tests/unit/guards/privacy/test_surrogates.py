"""Surrogates: values that look real, belong to nobody, and come back as what they stand for."""

from __future__ import annotations

import ipaddress
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ConfigError, StateError
from psf_runtime.guards.privacy.minting import lasting_surrogate
from psf_runtime.guards.privacy.surrogates import RANGES, Surrogates, kept_as, written
from psf_runtime.guards.privacy.tokens import Token
from psf_runtime.stores.memory_vault import MemoryVault
from psf_runtime.stores.token_codes import codes
from psf_runtime.types.messages import Message, ToolCall
from psf_runtime.types.request import OutputSchema, Request
from tests.unit.guards.privacy.driving import EMAIL, Exchange, Words, told

PHONE, ADDRESS = "+1 415 867 5309", "81.2.69.160"
LIKE = {"EMAIL": "surrogate", "PHONE": "surrogate", "IP": "surrogate"}
NAMED = [Words({EMAIL: "EMAIL", PHONE: "PHONE", ADDRESS: "IP", "bob@acme.test": "EMAIL"})]
DOCUMENTATION = [ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]


def liken(text: str | Request, **rest: object) -> Exchange:
    return Exchange(text, actions=LIKE, detectors=NAMED, **rest)  # type: ignore[arg-type]


def test_they_are_off_unless_asked_for() -> None:
    """Without a policy that says so, values leave as tokens."""
    assert re.fullmatch(r"EMAIL_\w{8}", Exchange(EMAIL).text)


@pytest.mark.parametrize("number", [0, 1, 255, 9_999, 500_000, -1])
@pytest.mark.parametrize("entity", sorted(RANGES))
def test_all_of_them_come_from_reserved_ranges(entity: str, number: int) -> None:
    """Addresses of example.com, 555-01xx, networks for documentation, numbers that are never given out, test cards."""
    reserved = RANGES[entity]
    text = reserved.write(number % (reserved.size or 2**40))
    if entity == "IP":
        assert any(ipaddress.ip_address(text) in network for network in DOCUMENTATION)
    else:
        shape = {
            "EMAIL": r"[a-z0-9]{8}@example\.com", "PHONE": r"\+1[2-9][02-8]\d55501\d\d", "MAC": "00:00:5e:00:53:..",
            "US_SSN": r"666-(?!00)\d\d-(?!0000)\d{4}", "CREDIT_CARD": r"424242\d{10}",
        }[entity]  # fmt: skip
        assert re.fullmatch(shape, text)
    longer = ipaddress.ip_address(written("IP", "2a00::1", "ZZZZZZZZ"))
    assert longer in ipaddress.ip_network("2001:db8::/32")


def test_they_leave_and_the_values_come_back() -> None:
    """The provider sees other values, the caller the right ones; a stream says the same, in any case of letters."""
    text = f"Write {EMAIL}, call {PHONE}, block {ADDRESS}."
    exchange = liken(text)
    sent = exchange.text

    assert not any(value in sent for value in (EMAIL, PHONE, ADDRESS))
    assert "@example.com" in sent
    assert exchange.says(sent, cuts=range(len(sent))) == text
    assert exchange.says(sent.upper()).lower() == text.lower()
    assert exchange.context.tokens == {"EMAIL": 1, "PHONE": 1, "IP": 1}


def test_the_same_value_has_the_same_one_over_turns_and_workers() -> None:
    """A vault, or two with the same key, give one value one surrogate in a conversation."""
    first = liken(told(EMAIL, conversation="c"), vault=MemoryVault(b"a" * 32)).text
    second = liken(told(f"x {EMAIL}", conversation="c"), vault=MemoryVault(b"a" * 32)).text

    assert second == f"x {first}"


def test_one_that_the_request_holds_is_drawn_again() -> None:
    """What somebody wrote themselves comes back as they wrote it, and never as another's value."""
    vault = MemoryVault(b"a" * 32)
    first = liken(told(EMAIL, conversation="c"), vault=vault).text
    text = f"{EMAIL} is not {first}"
    exchange = liken(told(text, conversation="c"), vault=vault)

    assert first in exchange.text
    assert exchange.text.split()[0] != first
    assert exchange.says(exchange.text) == text


def test_they_are_never_restored_for_a_tool_and_stay_where_tools_wrote_them() -> None:
    """A tool gets the surrogate; in the next turn's history it is known for what it is."""
    vault = MemoryVault(b"a" * 32)
    first = liken(told(f"to {EMAIL}", conversation="c"), vault=vault)
    surrogate = first.text.removeprefix("to ")
    arguments = json.dumps({"to": surrogate})

    assert first.calls("t", arguments) == arguments
    history = (Message.user(f"to {EMAIL}"), Message("assistant", (ToolCall("1", "t", arguments),)), Message.user("so?"))
    later = liken(Request(history, facts=told("", conversation="c").facts), vault=vault)
    assert later.sent.messages[1].tool_calls[0].args == arguments
    assert later.says(f"sent to {surrogate}") == f"sent to {EMAIL}"


def test_a_longer_value_is_not_taken_for_one() -> None:
    """Neither with something before or behind it, nor inside an address."""
    surrogate = liken(EMAIL).text
    for said in (
        f"x{surrogate}",
        f"{surrogate}.br",
        f"x.{surrogate}",
        f"{surrogate}x",
        f"+{surrogate}",
        f"{surrogate}-a",
    ):
        assert liken(EMAIL).says(said, cuts=range(len(said))) == said
    assert liken(EMAIL).says(f"({surrogate}).") == f"({EMAIL})."


@pytest.mark.parametrize("text", [f"x{EMAIL}", f"{EMAIL}9", f"{EMAIL}{PHONE}", f"{EMAIL}-a", f"({EMAIL})"])
def test_beside_letters_a_token_leaves_instead(text: str) -> None:
    """A surrogate could not be told from what is beside it: the round trip comes first."""
    exchange = liken(text)

    assert ("@example.com" in exchange.text) is text.startswith("(")
    assert EMAIL not in exchange.text
    assert exchange.says(exchange.text) == text


def test_in_links_and_code_they_stay() -> None:
    """What is nobody's may stand in a link; the value may not."""
    surrogate = liken(EMAIL).text

    assert liken(EMAIL).says(f"https://x.example/?q={surrogate}") == f"https://x.example/?q={surrogate}"


def test_json_answers_stay_json() -> None:
    """Restored values are escaped where the answer is JSON."""
    value = 'a"b@acme.test'
    request = Request((Message.user(f"I am {value}"),), output=OutputSchema("o", {"type": "object"}))
    exchange = Exchange(request, actions=LIKE, detectors=[Words({value: "EMAIL"})])

    assert json.loads(exchange.says(json.dumps({"e": exchange.text.removeprefix("I am ")}))) == {"e": value}


def test_a_card_is_likened_for_good() -> None:
    """Cards never come back: no vault keeps the number, and the surrogate passes the check of a card."""
    exchange = Exchange("pay 5555 5555 5555 4444", actions={"CREDIT_CARD": "surrogate"})
    shown = exchange.text.removeprefix("pay ")

    assert shown.startswith("424242")
    assert exchange.says(exchange.text) == exchange.text
    assert exchange.vault.known("default", exchange.context.shared["privacy.conversation"]) == {}
    assert exchange.sent.stamp.profile["CREDIT_CARD"] == "mask"
    digits = [int(sign) for sign in reversed(lasting_surrogate("CREDIT_CARD", "x", "ff"))]
    assert sum(sum(divmod(digit * (1 + place % 2), 10)) for place, digit in enumerate(digits)) % 10 == 0


def test_entities_without_a_reserved_range_have_none() -> None:
    """A made-up name could be anybody's."""
    with pytest.raises(ConfigError, match="no surrogates for IBAN, PERSON"):
        Exchange("x", actions={"PERSON": "surrogate", "IBAN": "surrogate"})


# -- small ranges


def test_no_two_values_share_one_however_small_the_range() -> None:
    """All 762 addresses of a range are given out once each; then there are no more."""
    vault = MemoryVault(b"a" * 32)
    values = [f"81.2.{number // 200}.{number % 200}" for number in range(762)]
    rows = [(kept_as("IP", value), value) for value in values]
    tokens = vault.mint("t", "c", rows)

    assert len({written("IP", value, token[-8:]) for value, token in zip(values, tokens, strict=True)}) == 762
    with pytest.raises(StateError, match="surrogates for IP is used up"):
        vault.mint("t", "c", [(kept_as("IP", "81.2.99.1"), "81.2.99.1")])


def test_codes_of_a_small_range_are_its_numbers() -> None:
    """Every number once, whatever the value; another draw begins elsewhere."""
    drawn = codes(b"k" * 32, "MAC~256", "aa")
    numbers = [next(drawn) for _ in range(256)]

    assert len(set(numbers)) == 256
    assert all(code.startswith("000000") for code in numbers)
    with pytest.raises(StateError):
        next(drawn)
    assert next(codes(b"k" * 32, "PHONE~64000", "aa")) != next(codes(b"k" * 32, "PHONE~64000~1", "aa"))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_stream_equals_the_whole(data: st.DataObject) -> None:
    """However the answer is cut, tokens and surrogates side by side."""
    text = f"{EMAIL} bob@acme.test {PHONE} Carol"
    detectors = [*NAMED, Words({"Carol": "PERSON"})]

    def heard(said: str, cuts: list[int]) -> str:
        return Exchange(text, actions=LIKE, detectors=detectors).says(said, cuts=cuts)

    words = Exchange(text, actions=LIKE, detectors=detectors).text.split()
    piece = st.sampled_from([*words, *(word[:5] for word in words), ".", "-", "+1", "@", " ", "\n", "x", "`", "[", "]"])
    said = "".join(data.draw(st.lists(piece, max_size=16)))
    cuts = data.draw(st.lists(st.integers(0, 300), max_size=12))

    assert heard(said, cuts) == heard(said, [])


def test_finding_them_holds_back_only_what_may_become_one() -> None:
    """Ordinary words go on at once."""
    found = Surrogates({"+12025550143": Token("0", "PHONE~1", "v")})

    assert found.open_at("hello there") == 11
    assert found.open_at("call +1202") == 5
    assert found.open_at("call +12025550143") == 5
    assert found.open_at("call +12025550143.") == 5
    assert found.open_at("call +12025550143, ") == 19

"""Numbers that leave as text and come back as numbers, and values that come from nowhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from psf_runtime.errors import ContractViolation
from psf_runtime.guards.contracts import Conform, Contract
from psf_runtime.guards.contracts.lowering import lower
from psf_runtime.guards.contracts.raising import may_be_personal, raised
from psf_runtime.types.context import Context
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from tests.unit.guards.contracts.test_conform import Inside, says

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "phone": {"type": "integer", "minimum": 1},
        "age": {"type": "integer", "minimum": 0},
        "tax_id": {"type": ["integer", "null"]},
        "accounts": {"type": "array", "items": {"$ref": "#/$defs/Account"}},
        "note": {"type": "string", "maxLength": 80},
    },
    "$defs": {"Account": {"type": "object", "properties": {"account_number": {"anyOf": [{"type": "number"}]}}}},
}


@pytest.mark.parametrize(
    "name", ["phone", "phoneNumber", "home_phones", "SSN", "tax_id", "accountNumber", "patient_no"]
)
def test_names_of_numbers_that_are_somebodys(name: str) -> None:
    """A leaf of such a name may hold a number that leaves as a token."""
    assert may_be_personal(name)


@pytest.mark.parametrize("name", ["age", "account_balance", "tax", "cards", "number", "id", "order_id", "amount", ""])
def test_names_of_amounts(name: str) -> None:
    """Amounts and other numbers stay numbers for the model."""
    assert not may_be_personal(name)


def test_what_a_token_cannot_meet_is_lowered_and_listed() -> None:
    """A number that may be personal data is text for the model, without limits; every loss has its place."""
    lowered = lower(SCHEMA)
    properties = lowered.schema["properties"]

    assert properties["phone"] == {"type": "string"}
    assert properties["age"] == {"type": "integer", "minimum": 0}
    assert properties["tax_id"] == {"type": ["string", "null"]}
    assert lowered.schema["$defs"]["Account"]["properties"]["account_number"] == {"anyOf": [{"type": "string"}]}
    lost = {(loss.path, loss.keyword) for loss in lowered.losses}
    assert {("phone", "type"), ("phone", "minimum"), ("tax_id", "type"), ("note", "maxLength")} <= lost
    assert not any(path == "age" for path, _ in lost)


def test_restored_text_becomes_a_number_again_and_nothing_else_does() -> None:
    """Only at leaves that were lowered, and only what is written as a number."""
    data = {"phone": "2025550143", "tax_id": None, "accounts": [{"account_number": "12.5"}], "note": "7", "age": "3"}

    assert raised(data, SCHEMA) == {
        "phone": 2025550143, "tax_id": None, "accounts": [{"account_number": 12.5}], "note": "7", "age": "3",
    }  # fmt: skip
    assert raised({"phone": "+1 202 555 0143"}, SCHEMA) == {"phone": "+1 202 555 0143"}


def test_the_original_is_checked_after_restoring() -> None:
    """The contract sees the number that was asked for; a value that does not fit it is a fault."""
    contract = Contract({"type": "object", "properties": {"phone": {"type": "integer", "minimum": 10}}})

    assert contract.check('{"phone": "2025550143"}').value == {"phone": 2025550143}  # type: ignore[union-attr]
    assert contract.check('{"phone": "7"}').errors == (("phone", "minimum"),)  # type: ignore[union-attr]
    assert contract.check('{"phone": "PHONE_AB12CD34"}').errors == (("phone", "not_integer"),)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("wanted", "good", "bad"),
    [
        ("email", "zoë@mail.acme.example", "[email]"), ("email", "a@b.example", "a@b"),
        ("uri", "https://a.example/x", "a b"),
        ("date", "2026-11-24", "24.11.2026"), ("date-time", "2026-11-24T10:00:00Z", "2026-11-24"),
        ("time", "10:00:00", "10 h"), ("ipv4", "203.0.113.7", "203.0.113.700"), ("ipv6", "2001:db8::1", "2001:db8:::1"),
        ("uuid", "0199c2f1-0000-7000-8000-000000000000", "0199c2f1"), ("hostname", "a.example", "a_b.example"),
    ],
)  # fmt: skip
def test_formats_hold_for_the_restored_value(wanted: str, good: str, bad: str) -> None:
    """At any depth, behind a reference, and as one of several choices."""
    leaf = {"type": "string", "format": wanted}
    choice = {"anyOf": [leaf, {"type": "null"}]}
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/x"}, "b": {"type": "array", "items": choice}},
              "$defs": {"x": leaf}}  # fmt: skip

    assert Contract(schema).check(json.dumps({"a": good, "b": [good, None]})).value  # type: ignore[union-attr]
    violations = Contract(schema).check(json.dumps({"a": bad, "b": [good, bad]}))
    assert violations.errors == (("a", "format"), ("b.1", "format"))  # type: ignore[union-attr]


def test_formats_that_nobody_checks_are_remarks() -> None:
    """An unknown format is no fault, and neither is one of another choice."""
    schema = {"anyOf": [{"type": "string", "format": "ipv4"}, {"type": "string", "format": "colour"}]}

    assert Contract(schema).check('{"value": "blue"}').value == "blue"  # type: ignore[union-attr]


# -- values from nowhere

CONTACT = {"type": "object", "properties": {"email": {"type": "string", "format": "email"}, "note": {"type": "string"}}}


def find(text: str) -> list[tuple[str, int, int]]:
    found = [("EMAIL", text.find(word), text.find(word) + len(word)) for word in text.split() if "@" in word]
    return [*found, ("DATE", 0, len(text))]


def conform(answers: list[dict[str, str]], said: str, context: Context, **settings: Any) -> Response:
    contract = Contract(CONTACT, **settings)
    context.shared["contracts.output"] = contract
    inside = Inside(*(says(json.dumps(answer)) for answer in answers))
    flow = Conform(find_entities=find).run(context, Request((Message.user(said),)), inside)  # type: ignore[arg-type]
    with pytest.raises(StopIteration) as ended:
        next(flow)
    return ended.value.value  # type: ignore[no-any-return]


def test_an_invented_address_does_not_fit() -> None:
    """A value that neither was restored nor stands in the request is asked for again, and then refused."""
    context = Context("c")
    with pytest.raises(ContractViolation) as info:
        conform([{"email": "x@y.example"}, {"email": "x@y.example"}], "write to ann@acme.example", context)

    assert info.value.errors == (("email", "invented_email"),)
    assert "x@y.example" not in str(info.value)


def test_a_value_of_the_request_or_a_restored_one_fits() -> None:
    """However it is written there; and when it was restored, though no text of the request shows it."""
    context = Context("c", shared={"privacy.restored": lambda value: value == "bob@acme.example"})
    conform([{"email": "ANN@acme.example"}], "write to ann@acme.example", context)
    conform([{"email": "bob@acme.example"}], "write", context)

    assert context.shared["contracts.output.value"] == {"email": "bob@acme.example"}


def test_inside_a_longer_text_it_is_a_finding() -> None:
    """Only what fills a field is refused."""
    context = Context("c")
    conform([{"note": "ask x@y.example first"}], "hello", context)

    assert [(f.kind, f.where, f.observed) for f in context.findings] == [("invented_email", "note", True)]


def test_answers_that_are_to_be_made_up_may_be() -> None:
    """`allow_invented` lets made-up values through."""
    context = Context("c")
    conform([{"email": "x@y.example"}], "invent one", context, allow_invented=True)

    assert context.findings == []

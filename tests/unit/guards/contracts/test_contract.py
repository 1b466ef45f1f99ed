"""An output contract: its schema for the model, its three layers, its report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, field_validator
from typing_extensions import TypedDict

from psf_runtime.errors import Blocked, ConfigError, GuardError
from psf_runtime.guards.contracts import Checked, Contract, Violations
from psf_runtime.guards.contracts.schema import compile_schema


class Claim(BaseModel):
    name: Annotated[str, Field(max_length=10, pattern="^[A-Z]")]
    amount: float = Field(ge=0)
    kind: Literal["water", "fire"]

    @field_validator("name")
    @classmethod
    def not_known(cls, value: str) -> str:
        if value == "Unknown":
            raise ValueError(f"unknown customer {value}")
        return value


@dataclass
class Point:
    x: int
    y: int = 0


class Row(TypedDict):
    id: int


GOOD = '{"name": "Jane", "amount": 12, "kind": "fire"}'


@pytest.mark.parametrize(
    ("shape", "text", "value"),
    [
        (Claim, GOOD, Claim(name="Jane", amount=12, kind="fire")),
        (Point, '{"x": 1}', Point(1)),
        (Row, '{"id": 3}', {"id": 3}),
        (list[Point], '{"value": [{"x": 1, "y": 2}]}', [Point(1, 2)]),
        (list[int], "[1, 2]", [1, 2]),
        (int, '{"value": 5}', 5),
        (int, "5", 5),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, '{"a": "x"}', {"a": "x"}),
        ({"type": "array", "items": {"type": "integer"}}, '{"value": [1]}', [1]),
    ],
)
def test_whatever_has_a_schema_can_be_asked_for(shape: Any, text: str, value: Any) -> None:
    """Models, dataclasses, typed dicts, lists, scalars, schema dicts; the value comes out as that type."""
    contract: Contract[Any] = Contract(shape)
    assert contract.check(text) == Checked(value)
    root = contract.schema().schema
    assert root.get("type") == "object" or "$ref" in root
    compile_schema(root)
    assert contract.check(contract.dump(value)) == Checked(value)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("no", ("", "not_json")),
        ('{"a": NaN}', ("", "not_json")),
        ("[" * 5_000, ("", "not_json")),
        (f"```json\n{GOOD}\n```", ("", "not_json")),
        ('{"name": "jane", "amount": 1, "kind": "fire"}', ("name", "string_pattern_mismatch")),
        ('{"name": "Jane", "amount": "1", "kind": "fire"}', ("amount", "float_type")),
        ('{"name": "Jane", "amount": 1, "kind": "x"}', ("kind", "literal_error")),
        ('{"amount": 1, "kind": "fire"}', ("name", "missing")),
        ('{"name": "Unknown", "amount": 1, "kind": "fire"}', ("name", "value_error")),
    ],
)
def test_structure_is_strict(text: str, error: tuple[str, str]) -> None:
    """Against the application's own schema, with path and kind and never a value."""
    result = Contract(Claim).check(text)
    assert isinstance(result, Violations)
    assert (result.layer, result.errors) == ("structure", (error,))


def test_paths_show_no_keys_of_the_model() -> None:
    """A key that the model made up may be personal data: it is shown as a star."""
    result = Contract(dict[str, int]).check('{"jane@x.example": "a"}')
    assert isinstance(result, Violations)
    assert result.errors == (("*", "int_type"),)


def test_meaning_comes_before_business() -> None:
    """Each layer runs only when the one before held; False and text are bad, None and True are good."""

    def plausible(claim: Claim) -> str | None:
        return f"{claim.name} claims too much" if claim.amount > 100 else None

    contract = Contract(Claim, semantic=[plausible, lambda _: True], business=[lambda c: c.amount <= 50 or "over"])
    assert contract.check(GOOD.replace("12", "200")) == Violations("semantic", (("", "semantic.plausible"),))
    assert contract.check(GOOD.replace("12", "60")) == Violations("business", (("", "business.0"),))
    assert isinstance(contract.check(GOOD), Checked)


def test_a_check_that_crashes_stops_the_call() -> None:
    """It names the check and the class of the error, not its text; our own errors pass."""

    def broken(claim: Claim) -> bool:
        raise KeyError(claim.name)

    with pytest.raises(GuardError, match=r"semantic\.broken") as info:
        Contract(Claim, semantic=[broken]).check(GOOD)
    assert "Jane" not in str(info.value)
    assert info.value.__context__ is None

    def blocking(claim: Claim) -> bool:
        raise Blocked("no")

    with pytest.raises(Blocked):
        Contract(Claim, business=[blocking]).check(GOOD)


def test_a_fence_is_taken_off_only_when_asked() -> None:
    """Repair is of syntax, and says so."""
    result = Contract(Claim, repair=True).check(f"```json\n{GOOD}\n```")
    assert isinstance(result, Checked)
    assert result.repaired
    assert isinstance(Contract(Claim, repair=True).check(GOOD), Checked)


def test_what_a_token_cannot_meet_is_lowered_and_listed() -> None:
    """The model is not told lengths, patterns and formats; the answer is checked against them all the same."""
    schema = {
        "type": "object",
        "properties": {
            "mail": {"type": "string", "format": "email", "maxLength": 9},
            "n": {"const": 4},
            "list": {"type": "array", "items": {"type": "string", "pattern": "^a"}},
            "either": {"anyOf": [{"type": "string", "minLength": 20}, {"type": "null"}]},
        },
        "required": ["mail", "n", "list", "either"],
    }
    contract: Contract[Any] = Contract(schema)
    sent = json.dumps(contract.schema().schema)
    for keyword in ("format", "maxLength", "pattern", "minLength", "const"):
        assert keyword not in sent
    report = contract.portability()
    assert set(report.lowered) == {
        ("mail", "format"), ("mail", "maxLength"), ("n", "const"), ("list.*", "pattern"), ("either", "minLength"),
    }  # fmt: skip
    assert "mail  maxLength" in str(report)
    assert "openai" in str(report)
    assert contract.schema().strict
    result = contract.check('{"mail": "0123456789", "n": 4, "list": [], "either": null}')
    assert result == Violations("structure", (("mail", "max_length"),))


def test_optional_fields_are_said_to_be_loose() -> None:
    """Vendors' strict modes want every field; the report says why they are not used."""
    contract = Contract(Point)
    assert not contract.schema().strict
    assert "not every field is required" in str(contract.portability())
    assert "wrapped" in str(Contract(list[int]).portability())
    assert "other keys" in str(Contract({"type": "object", "additionalProperties": True}).portability())


class Tree(BaseModel):
    name: str
    branches: list[Tree] = []


def test_a_type_that_refers_to_itself_is_an_object() -> None:
    """Its schema is a reference at the root: followed, not wrapped; a broken one is refused."""
    contract = Contract(Tree)
    assert not contract.wrapped
    assert contract.check('{"name": "a", "branches": [{"name": "b"}]}') == Checked(
        Tree(name="a", branches=[Tree(name="b")])
    )
    assert Contract({"$defs": {"N": {"type": "integer"}}, "$ref": "#/$defs/N"}).wrapped


def test_names_fit_every_vendor() -> None:
    """Letters, digits, underscore and hyphen only."""
    assert Contract({"type": "object", "title": "Schadens-Meldung (neu)!"}).schema().name == "Schadens-Meldung_neu"
    assert Contract(list[int]).schema().name == "list"
    assert Contract(int | None).schema().name
    assert "Jane" not in repr(Contract(Claim).check(GOOD))
    assert repr(Contract(Claim)) == "Contract('Claim', 0 semantic, 0 business)"


@pytest.mark.parametrize(
    ("shape", "settings"),
    [(object(), {}), (int, {"max_reasks": 9}), (int, {"on_fail": "nothing"}), ({"not": {}}, {})],
)
def test_what_cannot_be_a_contract_is_refused(shape: Any, settings: dict[str, Any]) -> None:
    """At construction, before anything is sent."""
    with pytest.raises(ConfigError):
        Contract(shape, **settings)

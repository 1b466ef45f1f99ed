"""Pinned models."""

from __future__ import annotations

from typing import Any

import pytest

from psf_runtime.errors import Blocked, NotEligible
from psf_runtime.guards.portability import Pin
from psf_runtime.guards.portability.identity import same_model
from psf_runtime.stores.cells import MemoryCells
from psf_runtime.types.response import Response
from psf_runtime.types.verdict import ALLOW
from tests.unit.guards.playbook import Playbook, asking, context, drive, target

DATED = "gpt-4o-2024-08-06"
TARGETS = [target("a", dated=True), target("alias")]
MODELS = {"a": DATED, "alias": "gpt-4o"}


def pin(mode: Any = "observe") -> Pin:
    return Pin(targets=TARGETS, models=MODELS, cells=MemoryCells(), mode=mode)


def kinds(layer: Pin, name: str, **head: Any) -> list[tuple[str, bool]]:
    """The findings of one call to the target `name` that is answered with such a head."""
    call = context()
    session: Any = layer.open(call)
    request = asking(model=name)
    assert request is session.on_request(request)
    assert ALLOW is drive(session.on_response(Response(**head)), Playbook(None))
    assert {name} >= {one.where for one in call.findings}
    return [(one.kind, one.observed) for one in call.findings]


@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_a_pinned_model_that_answers_leaves_no_finding(mode: Any):
    """Dated, and the very one; twice."""
    layer = pin(mode)
    for _ in range(2):
        assert kinds(layer, "a", model=DATED, model_version="fp_1") == []


@pytest.mark.parametrize(
    ("name", "head", "found"),
    [
        ("alias", {"model": "gpt-4o"}, ["model.undated"]),
        ("alias", {"model": DATED}, ["model.undated"]),
        ("alias", {"model": "gpt-5"}, ["model.undated", "model.changed"]),
        ("a", {"model": "gpt-4o-2024-11-20"}, ["model.changed"]),
        ("a", {"model": "gpt-4o"}, ["model.changed"]),
        ("a", {}, ["model.unknown"]),
    ],
)
def test_observing_leaves_findings_and_the_call_goes_on(name: str, head: dict[str, str], found: list[str]):
    """Undated, changed, unknown."""
    assert [(kind, True) for kind in found] == kinds(pin(), name, **head)


def test_the_same_name_answered_by_another_version_is_noticed():
    """A fingerprint that changes, per target, once per change."""
    layer = pin()
    versions = ["fp_1", "fp_1", "fp_2", "fp_2"]
    found = [kinds(layer, "a", model=DATED, model_version=version) for version in versions]
    assert found == [[], [], [("model.version_changed", True)], []]
    assert kinds(layer, "a", model=DATED, model_version="fp_2") == []
    assert kinds(layer, "alias", model="gpt-4o", model_version="fp_1") == [("model.undated", True)]


def test_an_alias_that_moves_to_another_date_is_noticed_without_a_fingerprint():
    """The dated name in the answer is a version too."""
    layer = pin()
    assert kinds(layer, "alias", model=DATED) == [("model.undated", True)]
    expected = [("model.undated", True), ("model.version_changed", True)]
    assert expected == kinds(layer, "alias", model="gpt-4o-2024-11-20")


def test_enforced_an_undated_target_is_not_eligible():
    """Nothing is sent, and the route may ask another: the error names the target."""
    call = context()
    session: Any = pin("enforce").open(call)
    with pytest.raises(NotEligible) as caught:
        session.on_request(asking(model="alias"))
    assert (caught.value.target, caught.value.control) == ("alias", "portability.pin")  # type: ignore[attr-defined]
    assert [(one.kind, one.observed) for one in call.findings] == [("model.undated", False)]


@pytest.mark.parametrize("head", [{"model": "gpt-5"}, {}])
def test_enforced_another_model_is_blocked(head: dict[str, str]):
    """FM21, by the policy: the world did not fail."""
    session: Any = pin("enforce").open(context())
    session.on_request(asking(model="a"))
    with pytest.raises(Blocked) as caught:
        drive(session.on_response(Response(**head)), Playbook(None))
    assert (
        caught.value.failure_mode,
        caught.value.control,
        caught.value.domain,
    ) == ("FM21", "portability.pin", "portability")


def test_what_the_vendor_calls_itself_is_not_in_error_or_finding():
    """The model's name in an answer is the vendor's text."""
    call = context()
    session: Any = pin("enforce").open(call)
    session.on_request(asking(model="a"))
    with pytest.raises(Blocked) as caught:
        drive(session.on_response(Response(model="canary-4711")), Playbook(None))
    assert "canary" not in f"{caught.value} {caught.value!r} {call.findings}"


@pytest.mark.parametrize(
    ("asked", "answered", "same"),
    [
        ("gpt-4o", "gpt-4o", True),
        ("GPT-4o", "gpt-4o", True),
        ("openai/gpt-4o", "gpt-4o", True),
        ("gpt-4o", "gpt-4o-2024-08-06", True),
        ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", True),
        ("gpt-4o", "gpt-4o-mini", False),
        ("gpt-4o", "gpt-4o-mini-2024-07-18", False),
        ("gpt-4o-2024-08-06", "gpt-4o", False),
        ("", "gpt-4o", False),
    ],
)
def test_a_dated_answer_to_an_undated_question_is_the_same_model(asked: str, answered: str, same: bool):
    """A date may be added; nothing else may."""
    assert same is same_model(asked, answered)

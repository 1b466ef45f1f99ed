"""What a request needs and a target can do."""

from __future__ import annotations

from typing import Any

import pytest

from psf_runtime.guards.portability import Capability, assess
from psf_runtime.ports import Eligibility
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, ToolCall, ToolResult
from psf_runtime.types.request import Limits, OutputSchema, Request, Tool
from psf_runtime.types.verdict import Finding
from tests.unit.guards.playbook import asking, context, target

NEEDS: list[tuple[str, Request]] = [
    ("tools", asking(tools=(Tool("f"),))),
    ("tools", Request((Message("assistant", (ToolCall("1", "f", "{}"),)),))),
    ("tools", Request((Message("tool", (ToolResult("1", "x"),)),))),
    ("json_schema", asking(output=OutputSchema("x", {}))),
    ("images", Request((Message.user(Image(b"x")),))),
    ("files", Request((Message.user(File(b"x")),))),
    ("seed", asking(limits=Limits(seed=0))),
    ("reasoning", asking(limits=Limits(reasoning_effort="low"))),
]


@pytest.mark.parametrize(("need", "request_"), NEEDS)
def test_what_a_target_cannot_do_is_refused_and_never_dropped(need: str, request_: Request):
    """Native with the capability, emulated where that is declared, else a reason."""
    able, unable = target("a", capabilities=frozenset((need,))), target("a")
    assert {need: "native"} == assess(request_, able)
    assert {need: "emulated"} == assess(request_, unable, emulated=frozenset((need,)))
    assert {need: "refused"} == assess(request_, unable)
    assert [one.control for one in Capability()(context(), request_, unable)] == ["portability.capability"]


def test_plain_text_goes_anywhere():
    """A target of which nothing is declared can do that."""
    assert Capability()(context(), asking(), target("a")) == []


def test_the_reason_says_what_is_missing():
    """In words that a person can act on."""
    expected = Eligibility("portability.capability", "the contract needs native JSON schema")
    assert [expected] == Capability()(context(), asking(output=OutputSchema("x", {})), target("a"))


def test_an_emulation_is_a_finding_once_per_target():
    """Asked by the route and again before the send, it is told once."""
    call = context()
    check: Any = Capability(emulated=["json_schema"])
    for name in ("a", "a", "b"):
        assert check(call, asking(output=OutputSchema("x", {})), target(name)) == []
    expected = [Finding("portability.capability", "json_schema.emulated", name) for name in ("a", "b")]
    assert expected == call.findings


def test_a_target_that_is_passed_over_leaves_no_finding():
    """What is not sent is not emulated."""
    call = context()
    request = asking(output=OutputSchema("x", {}), limits=Limits(seed=1))
    assert len(Capability(emulated=["json_schema"])(call, request, target("a"))) == 1
    assert call.findings == []

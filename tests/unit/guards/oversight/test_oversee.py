"""Oversee: which answers wait for a person, and what the caller of a silent control is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import Blocked, ConfigError
from psf_runtime.flow.protocols import ALL, NONE, window
from psf_runtime.guards.oversight import Oversee
from psf_runtime.types.canonical import action_digest
from psf_runtime.types.context import Context
from psf_runtime.types.messages import Message, Text, ToolCall
from psf_runtime.types.request import Facts, Request
from psf_runtime.types.response import Response
from psf_runtime.types.rules import Purpose, ToolRule
from psf_runtime.types.verdict import ALLOW, Escalate, Finding

REQUEST = Request((Message.user("hello"),))
TOOLS = {
    "look": ToolRule(),
    "pay": ToolRule(approval="always"),
    "erase": ToolRule(irreversible=True),
    "sweep": ToolRule(approval="never", irreversible=True),
}


def context_for(purpose: str | None = "p") -> Context:
    return Context("c1", facts=Facts(purpose=purpose))


def calls(*names: str, args: str = "{}") -> Response:
    return Response((Text("I do it."), *(ToolCall(str(i), name, args) for i, name in enumerate(names))))


def verdict_of(guard: Oversee, response: Response, context: Context | None = None) -> Any:
    session = guard.open(context or context_for())
    assert session.on_request(REQUEST) is REQUEST
    return session.on_response(response)


def kinds(verdict: Any) -> list[str]:
    return [finding.kind for finding in verdict.findings] if isinstance(verdict, Escalate) else []


def guard_with(purpose: Purpose | None = None, **rest: Any) -> Oversee:
    purposes = {} if purpose is None else {"p": purpose}
    return Oversee(tools=TOOLS, purposes=purposes, **rest)


# ---- tool rules and triggers


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["look"], []),
        (["pay"], ["approval"]),
        (["erase"], ["irreversible"]),
        (["sweep"], []),
        (["unknown"], []),
        (["look", "erase", "pay"], ["irreversible", "approval"]),
    ],
)
def test_the_rule_of_a_tool_decides(names: list[str], expected: list[str]) -> None:
    """`always` and irreversible tools ask, `never` does not; one call is enough for the whole answer to wait."""
    assert expected == kinds(verdict_of(guard_with(Purpose(autonomy="L2")), calls(*names)))


def test_an_answer_without_tool_calls_passes() -> None:
    """Text waits only where the purpose says so."""
    assert verdict_of(guard_with(Purpose(autonomy="L1")), Response((Text("pay erase"),))) is ALLOW


def test_findings_say_which_part() -> None:
    """Each with the control and the place, none with the arguments."""
    verdict = verdict_of(guard_with(Purpose(autonomy="L2")), calls("look", "pay", args='{"to": "canary"}'))
    assert (Finding("oversight.triggers", "approval", "parts[2]"),) == verdict.findings
    assert verdict.reason == "tool 'pay' always needs approval"
    assert "canary" not in repr(verdict)


def test_the_name_of_an_undeclared_tool_is_not_printed() -> None:
    """The model chose it: it may be anything."""
    verdict = verdict_of(guard_with(Purpose(autonomy="L2"), autonomy="enforce"), calls("canary"))
    assert kinds(verdict) == ["undeclared_tool"]
    assert "canary" not in repr(verdict)


def test_at_level_zero_every_answer_waits() -> None:
    """Also one that is only text."""
    verdict = verdict_of(guard_with(Purpose(autonomy="L0")), Response((Text("hello"),)))
    assert kinds(verdict) == ["autonomy"]


@pytest.mark.parametrize("trigger", ["rights", "legal"])
def test_a_purpose_that_concerns_rights_says_so_of_all_its_answers(trigger: Any) -> None:
    """The trigger fires for text and tools alike."""
    guard = guard_with(Purpose(autonomy="L2", triggers=[trigger]))
    assert [[trigger], [trigger]] == [kinds(verdict_of(guard, one)) for one in (calls("look"), Response())]


@pytest.mark.parametrize("trigger", ["low_confidence", "novel", "low_accuracy", "first_occurrence"])
def test_a_trigger_that_another_layer_must_notice_fires_when_it_did(trigger: Any) -> None:
    """And only for a purpose that lists it; until then every call says that nothing watches it."""
    guard = guard_with(Purpose(autonomy="L2", triggers=[trigger]))
    silent, signalled = context_for(), context_for()
    signalled.shared["oversight.signals"] = {trigger}
    assert kinds(verdict_of(guard, Response(), silent)) == []
    assert [Finding("oversight.triggers", f"unevaluated.{trigger}", observed=True)] == silent.findings
    assert [trigger] == kinds(verdict_of(guard, Response(), signalled))
    unlisted = context_for()
    unlisted.shared["oversight.signals"] = {trigger}
    assert kinds(verdict_of(guard_with(Purpose(autonomy="L2")), Response(), unlisted)) == []


def test_fired_triggers_go_to_the_ticket() -> None:
    """Each once, in order, where the engine looks for them."""
    context = context_for()
    verdict_of(guard_with(Purpose(autonomy="L0", triggers=["legal"])), calls("pay", "pay"), context)
    assert context.shared["oversight.triggers"] == ("autonomy", "legal", "approval")


# ---- value_above


@pytest.mark.parametrize(
    ("args", "fires"),
    [
        ('{"amount": 1000}', False),
        ('{"amount": 1000.01}', True),
        ('{"amount": -1001}', True),
        ('{"order": {"lines": [1, {"price": 5000}]}}', True),
        ('{"amount": "1001"}', True),
        ('{"amount": "1,000.50"}', True),
        ('{"amount": "1.000,50"}', True),
        ('{"amount": "1 200 EUR"}', True),
        ('{"amount": "$1,200"}', True),
        ('{"amount": "999.99 USD"}', False),
        ('{"amount": "10,50"}', False),
        ('{"amount": "3.14159"}', False),
        ('{"amount": "1e9"}', True),
        ('{"amount": "1e99999999"}', True),
        ('{"amount": "' + "0" * 70 + '5000"}', True),
        ('{"amount": "a' + " " * 200_000 + '5000"}', False),
        ('{"amount": "' + "-" * 70 + '"}', False),
        ('{"amount": "1e99999999999999999999"}', True),
        ('{"amount": 1e999}', True),
        ('{"amount": NaN}', True),
        ('{"note": "invoice 7781 of 2024", "urgent": true, "x": null}', False),
        ('{"amount": ', True),
        ("[5]", True),
        ('{"a":' * 3000, True),
    ],
)
def test_a_value_above_the_figure_asks(args: str, fires: bool) -> None:
    """Numbers anywhere, and amounts written as text; what nobody can read is not known to be small."""
    guard = guard_with(Purpose(autonomy="L2", triggers=["value_above"]), value_above=1000)
    assert (["value_above"] if fires else []) == kinds(verdict_of(guard, calls("look", args=args)))


@settings(max_examples=100, deadline=None)
@given(st.decimals(0, 10**9, places=2), st.sampled_from(["{}", "{} EUR", "EUR {}", "€{}", " {} "]))
def test_an_amount_counts_the_same_however_it_is_written(amount: Any, form: str) -> None:
    """As a number, as digits, with either kind of grouping, with or without a currency."""
    guard = guard_with(Purpose(autonomy="L2", triggers=["value_above"]), value_above=1000)
    english = f"{amount:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    spellings = [f'"{form.format(text)}"' for text in (f"{amount:.2f}", english, german)]
    fired = {bool(kinds(verdict_of(guard, calls("look", args=f'{{"a": {value}}}')))) for value in spellings}
    assert {amount > 1000} == fired


def test_the_figure_holds_where_the_purpose_lists_it_or_none_is_declared() -> None:
    """A declared purpose that does not list the trigger is not held to it; a tool with `never` is left out."""
    big = '{"amount": 5000}'
    listed = guard_with(Purpose(autonomy="L2", triggers=["value_above"]), value_above=1000)
    unlisted = guard_with(Purpose(autonomy="L2"), value_above=1000)
    undeclared = guard_with(value_above=1000)
    assert [kinds(verdict_of(guard, calls("look", args=big))) for guard in (listed, unlisted, undeclared)] == [
        ["value_above"],
        [],
        ["value_above"],
    ]
    assert kinds(verdict_of(listed, calls("sweep", args=big))) == []


def test_a_listed_figure_that_nobody_set_is_not_silent() -> None:
    """The finding says that the trigger cannot fire."""
    context = context_for()
    verdict_of(guard_with(Purpose(autonomy="L2", triggers=["value_above"])), calls("look"), context)
    assert [finding.kind for finding in context.findings] == ["unevaluated.value_above"]


# ---- modes


def test_observing_leaves_findings_and_lets_the_answer_go() -> None:
    """The same reasons, marked as observed; nothing is held back."""
    guard = guard_with(Purpose(autonomy="L0"), mode="observe")
    context = context_for()
    assert verdict_of(guard, calls("erase"), context) is ALLOW
    assert [(one.kind, one.where) for one in context.findings] == [("autonomy", ""), ("irreversible", "parts[1]")]
    assert all(finding.observed for finding in context.findings)
    assert "oversight.triggers" not in context.shared
    assert guard.hold == NONE


def test_enforcing_holds_the_whole_answer_and_accepts_nothing_less() -> None:
    """What has left can no longer be approved."""
    assert guard_with().hold == ALL
    for hold in (NONE, window(100)):
        with pytest.raises(ConfigError):
            guard_with(hold=hold)
    assert guard_with(hold=NONE, mode="observe").hold == NONE


def test_undeclared_autonomy_is_a_finding_or_stops_the_call() -> None:
    """Observed for a declared purpose; enforced also for a call without one, before anything is sent."""
    context = context_for()
    verdict_of(guard_with(Purpose()), Response(), context)
    assert [Finding("oversight.autonomy", "undeclared", observed=True)] == context.findings
    nameless = context_for(None)
    verdict_of(guard_with(), Response(), nameless)
    assert nameless.findings == []
    for guard in (guard_with(Purpose(), autonomy="enforce"), guard_with(autonomy="enforce")):
        with pytest.raises(Blocked) as info:
            guard.open(context_for()).on_request(REQUEST)
        assert info.value.control == "oversight.autonomy"
    declared = guard_with(Purpose(autonomy="L3"), autonomy="enforce")
    assert verdict_of(declared, Response()) is ALLOW


def test_a_tool_without_a_rule_is_a_finding_or_needs_approval() -> None:
    """Depending on the mode of the autonomy control."""
    context = context_for()
    assert verdict_of(guard_with(Purpose(autonomy="L2")), calls("unknown"), context) is ALLOW
    assert [Finding("oversight.autonomy", "undeclared_tool", "parts[1]", observed=True)] == context.findings
    strict = guard_with(Purpose(autonomy="L2"), autonomy="enforce")
    assert kinds(verdict_of(strict, calls("unknown"))) == ["undeclared_tool"]


def test_the_guard_keeps_its_own_copy_of_the_rules() -> None:
    """Changing the dict later changes no pipeline."""
    tools = {"pay": ToolRule(approval="always")}
    guard = Oversee(tools=tools, purposes={})
    tools.clear()
    assert kinds(verdict_of(guard, calls("pay"))) == ["approval"]


# ---- the digest of an action


def test_the_digest_binds_resolved_values_and_facts() -> None:
    """Another value, tool, text, fact or control gives another digest; another order of keys does not."""

    def digest(response: Response, *, control: str = "c", purpose: str = "p") -> str:
        return action_digest(control, REQUEST.replace(facts=Facts(purpose=purpose)), response)

    pay = calls("pay", args='{"a": 1, "b": 2}')
    assert digest(pay) == digest(calls("pay", args='{"b":2,"a":1}'))
    others = {
        digest(calls("pay", args='{"a": 1, "b": 3}')),
        digest(calls("erase", args='{"a": 1, "b": 2}')),
        digest(pay, control="other"),
        digest(pay, purpose="q"),
        digest(Response((Text("I do it."),))),
    }
    assert len(others - {digest(pay)}) == 5

"""Which of the eight triggers fire for an answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from psf_runtime.guards.oversight.amounts import exceeds
from psf_runtime.types.messages import ToolCall
from psf_runtime.types.response import Response
from psf_runtime.types.rules import Purpose, ToolRule, Trigger

# What a purpose says about all of its answers when it lists them.
DECLARED: frozenset[Trigger] = frozenset(("rights", "legal"))
# What only another layer can know: it says so in `context.shared["oversight.signals"]`.
SIGNALLED: frozenset[Trigger] = frozenset(("low_confidence", "novel", "low_accuracy", "first_occurrence"))
# What an answer shows by itself.
SHOWN: tuple[Trigger, ...] = ("irreversible", "value_above")


@dataclass(frozen=True, slots=True)
class Fired:
    """One reason to ask a person.

    Attributes:
        kind: a trigger, or `approval` (a tool's rule says always), `autonomy` (level L0) or `undeclared_tool`.
        where: which part of the answer, or empty for all of it.
        words: the reason as people read it; names declared tools and nothing else.
    """

    kind: str
    where: str
    words: str


def fired_by_purpose(purpose: Purpose | None, signals: Collection[str]) -> list[Fired]:
    """What the purpose alone, and what other layers noticed, ask for."""
    if purpose is None:
        return []
    found: list[Fired] = []
    if purpose.autonomy == "L0":
        found.append(Fired("autonomy", "", "autonomy level L0: a person approves every answer"))
    for trigger in purpose.triggers:
        if trigger in DECLARED:
            found.append(Fired(trigger, "", f"every answer for this purpose concerns a person's {_concern(trigger)}"))
        elif trigger in signals:
            found.append(Fired(trigger, "", f"the answer was marked as {trigger}"))
    return found


def _concern(trigger: Trigger) -> str:
    return "rights" if trigger == "rights" else "legal position"


def fired_by_tools(
    response: Response, tools: Mapping[str, ToolRule], purpose: Purpose | None, value_above: float | None
) -> list[Fired]:
    """What the tool calls of an answer ask for, in their order."""
    found: list[Fired] = []
    for position, part in enumerate(response.parts):
        if isinstance(part, ToolCall):
            found.extend(_fired_by_call(part, f"parts[{position}]", tools, purpose, value_above))
    return found


def _fired_by_call(
    call: ToolCall, where: str, tools: Mapping[str, ToolRule], purpose: Purpose | None, value_above: float | None
) -> list[Fired]:
    rule = tools.get(call.name, ToolRule())
    # The model chooses the name: only one that the policy declares is fit to print.
    name = f"tool {call.name!r}" if call.name in tools else "a tool without a rule"
    if rule.approval == "never":
        return []
    found: list[Fired] = []
    if rule.approval == "always":
        found.append(Fired("approval", where, f"{name} always needs approval"))
    if rule.irreversible:
        found.append(Fired("irreversible", where, f"what {name} does cannot be undone"))
    if value_above is not None and _watches_values(purpose) and _is_above(call, value_above):
        found.append(Fired("value_above", where, f"{name} was given a value above {value_above:g}"))
    return found


def _watches_values(purpose: Purpose | None) -> bool:
    """A call without a declared purpose is held to the figure too."""
    return purpose is None or "value_above" in purpose.triggers


def _is_above(call: ToolCall, value_above: float) -> bool:
    try:
        return exceeds(call.arguments, value_above)
    except (ValueError, RecursionError):
        return True  # arguments that nobody can read are not known to be small


def silent_triggers(purpose: Purpose | None, value_above: float | None) -> tuple[Trigger, ...]:
    """Triggers that a purpose lists but that nothing in the policy can ever make fire by itself."""
    if purpose is None:
        return ()
    return tuple(
        trigger
        for trigger in purpose.triggers
        if trigger in SIGNALLED or (trigger == "value_above" and value_above is None)
    )

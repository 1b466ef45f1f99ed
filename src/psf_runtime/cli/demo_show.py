"""How `psf demo` shows what happened: for each input the wire, the answer, and the decision."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from psf_runtime.cli.demo_endpoint import Endpoint, Sent
from psf_runtime.cli.demo_input import DemoInput
from psf_runtime.cli.demo_run import Outcome
from psf_runtime.cli.screen import Marks, Screen, exactly
from psf_runtime.cli.styles import BAD, FAINT, GOOD, MASKED, RESTORED, SENT_MARKS, TITLE

MARGIN = 12
LIMITS = (
    "What this version does not find: some names of people, in other languages than English most of them, and postal "
    "addresses in an unusual form. They leave as they are, above too."
)
NEXT = "Next: psf preview TEXT shows what would leave of a text of yours; psf explain, psf check, psf init."


def show_opening(screen: Screen, endpoint: Endpoint, count: int) -> None:
    """What answers, and how to read the rest."""
    screen.line("psf demo", style=TITLE)
    screen.wrapped(f"{count} inputs go to {endpoint.says}. Everything in them is invented.")
    screen.block("received", "the exact bytes of the request's body, taken from the wire", margin=MARGIN)
    screen.block("you get", "what the calling program gets", margin=MARGIN)
    screen.block("decision", "what the log keeps: no content", margin=MARGIN)


def show_outcome(screen: Screen, number: int, item: DemoInput, outcome: Outcome, problems: Sequence[str]) -> None:
    """One input."""
    screen.line()
    screen.line(f"{number}. {item.title} ({item.language})", style=TITLE)
    screen.wrapped(item.note, style=FAINT)
    _show_sent(screen, outcome.sent)
    for step in outcome.steps:
        screen.block("then", step, margin=MARGIN)
    if outcome.answer is not None:
        marks = _answer_marks(item)
        if outcome.answer.text:
            screen.block("you get", _answer_text(item, outcome), margin=MARGIN, marks=marks)
        for call in outcome.answer.tool_calls:
            arguments = json.dumps(call.arguments, ensure_ascii=False)
            screen.block("tool call", f"{call.name} {arguments}", margin=MARGIN, marks=marks)
        _show_decision(screen, str(outcome.answer.decision))
    for problem in problems:
        screen.block("DIFFERS", problem, margin=MARGIN, style=BAD)


def _show_sent(screen: Screen, all_sent: Sequence[Sent]) -> None:
    shown: dict[bytes, list[str]] = {}
    for sent in all_sent:
        shown.setdefault(sent.body, []).append(sent.to)
    for body, places in shown.items():
        screen.block("received", body.decode("utf-8", errors="replace"), margin=MARGIN, marks=SENT_MARKS)
        if len(places) > 1:
            times = ", ".join(f"{number} x to {place}" for place, number in Counter(places).items())
            screen.block("", f"the same bytes in all {len(places)} attempts: {times}", margin=MARGIN, style=FAINT)


def _answer_text(item: DemoInput, outcome: Outcome) -> str:
    assert outcome.answer is not None
    if item.output is not None:
        return json.dumps(outcome.answer.value, ensure_ascii=False)
    return outcome.answer.text.strip()


def _answer_marks(item: DemoInput) -> Marks:
    return ((exactly(item.private), RESTORED), (exactly(list(item.masked.values())), MASKED))


def _show_decision(screen: Screen, decision: str) -> None:
    for number, line in enumerate(decision.splitlines()):
        label = "decision" if number == 0 else ""
        text = line.strip().partition("      (psf explain")[0]  # said once, at the end
        screen.block(label, text, margin=MARGIN)


def show_closing(screen: Screen, outcomes: Sequence[Outcome], failed: int, seconds: float) -> None:
    """The sum of it, what is not covered, and what to do next."""
    requests = [sent for outcome in outcomes for sent in outcome.sent]
    size = sum(len(sent.body) for sent in requests)
    screen.line()
    if failed:
        screen.wrapped(f"{failed} of {len(outcomes)} inputs differ from what was promised; see above", style=BAD)
    else:
        screen.wrapped(
            f"{len(outcomes)} of {len(outcomes)} as promised, in {seconds:.1f} s: none of the planted values in "
            f"{len(requests)} requests ({size:,} bytes), every answer as it had to be",
            style=GOOD,
        )
    screen.wrapped(LIMITS, style=FAINT)
    screen.wrapped(NEXT)


def outcome_data(item: DemoInput, outcome: Outcome, problems: Sequence[str]) -> dict[str, Any]:
    """One input as JSON values."""
    answer = outcome.answer
    return {
        "name": item.name,
        "title": item.title,
        "language": item.language,
        "show": item.show,
        "received": [{"to": sent.to, "body": sent.body.decode("utf-8", errors="replace")} for sent in outcome.sent],
        "steps": outcome.steps,
        "text": None if answer is None else answer.text,
        "value": None if answer is None or item.output is None else answer.value,
        "tool_calls": []
        if answer is None
        else [{"name": call.name, "arguments": call.arguments} for call in answer.tool_calls],
        "decision": None if answer is None else answer.decision.to_dict(),
        "problems": list(problems),
    }

"""Sends one input of `psf demo` through the client, in the way that the input shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psf_runtime.cli.demo_endpoint import Endpoint, Sent
from psf_runtime.cli.demo_input import DemoInput
from psf_runtime.cli.demo_policy import REVIEWER
from psf_runtime.client.client import Client
from psf_runtime.errors import ApprovalPending, PsfError
from psf_runtime.types.completion import Completion


@dataclass(slots=True)
class Outcome:
    """What became of one input.

    Attributes:
        sent: every request that a provider received, in order.
        steps: what happened on the way, for people.
        chunks: in how many pieces a stream came; 0 for other calls.
        paused: whether the call stopped for a person; `asked_again`: requests that went out after the decision.
        error: the text of an error that was not meant to come.
    """

    sent: list[Sent] = field(default_factory=list)
    answer: Completion[Any] | None = None
    streamed: str = ""
    steps: list[str] = field(default_factory=list)
    chunks: int = 0
    paused: bool = False
    asked_again: int = 0
    error: str = ""


def run_input(endpoint: Endpoint, item: DemoInput) -> Outcome:
    """Send it, and keep what can be seen on both sides. An error becomes part of the outcome."""
    outcome = Outcome()
    try:
        if item.show == "stream":
            _stream(endpoint, item, outcome)
        elif item.show == "approval":
            _approval(endpoint, item, outcome)
        elif item.show == "fallback":
            outcome.steps.append(f"The first provider dies: {endpoint.death}.")
            outcome.answer = _complete(endpoint.dying, item)
            attempts = ", ".join(f"{each.target}: {each.outcome}" for each in outcome.answer.decision.route)
            outcome.steps.append(f"Attempts: {attempts}.")
        else:
            outcome.answer = _complete(endpoint.client, item)
    except PsfError as error:
        outcome.error = f"{type(error).__name__}: {error}"
    outcome.sent += endpoint.collect()
    return outcome


def _arguments(item: DemoInput) -> dict[str, Any]:
    return {"tools": list(item.tools) or None, "purpose": item.purpose}


def _complete(client: Client, item: DemoInput) -> Completion[Any]:
    output: Mapping[str, Any] | None = item.output
    if output is None:
        return client.complete(list(item.messages), **_arguments(item))
    return client.complete(list(item.messages), output=output, **_arguments(item))


def _stream(endpoint: Endpoint, item: DemoInput, outcome: Outcome) -> None:
    with endpoint.client.stream(list(item.messages), **_arguments(item)) as stream:
        for text in stream.text_stream:
            outcome.streamed += text
            outcome.chunks += 1
        outcome.answer = stream.completion
    outcome.steps.append(f"The answer reached the caller in {outcome.chunks} pieces.")


def _approval(endpoint: Endpoint, item: DemoInput, outcome: Outcome) -> None:
    client = endpoint.client
    try:
        outcome.answer = _complete(client, item)
    except ApprovalPending as pending:
        ticket = pending.ticket
    else:
        return
    outcome.paused = True
    outcome.sent = endpoint.collect()
    client.tickets.approve(ticket.id, by=REVIEWER, reason="bill checked")
    outcome.answer = client.resume(ticket.id)
    again = endpoint.collect()
    outcome.asked_again = len(again)
    outcome.sent += again
    outcome.steps += [
        f"The model asked to pay. The call stopped with ticket {ticket.id}; nothing was handed out.",
        f"{REVIEWER} approved it, and the call went on. Requests to the model after that: {len(again)}.",
    ]

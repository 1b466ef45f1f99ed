"""Whether an outcome of `psf demo` is what was promised, judged by the input alone and not by what the guards say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from psf_runtime.cli.demo_input import DemoInput
from psf_runtime.cli.demo_run import Outcome

DIGITS_ENOUGH = 8  # a value with so many digits is also looked for without its spaces and signs


def problems_of(item: DemoInput, outcome: Outcome) -> list[str]:
    """What differs from what was promised, in words without the values; empty when all is well."""
    return [*_wire_problems(item, outcome), *_answer_problems(item, outcome), *_way_problems(item, outcome)]


def leaks(body: bytes, values: Sequence[str]) -> list[str]:
    """Which of these values stand in the bytes of a request: as they are, as JSON writes them, or respaced."""
    raw = body.decode("utf-8", errors="replace")
    places = "\n".join([raw, *_strings(_parsed(raw))])
    solid = _solid(places)
    return [value for value in values if value in places or (_is_number(value) and _solid(value) in solid)]


def _wire_problems(item: DemoInput, outcome: Outcome) -> Iterator[str]:
    if not outcome.sent:
        yield "no provider received anything"
    for sent in outcome.sent:
        found = leaks(sent.body, item.planted)
        if found:
            yield f"{len(found)} of {len(item.planted)} personal values reached {sent.to}"


def _answer_problems(item: DemoInput, outcome: Outcome) -> Iterator[str]:
    if outcome.answer is None:
        yield outcome.error or "there is no answer"
        return
    answer = outcome.answer
    calls = [{"name": call.name, "arguments": call.arguments} for call in answer.tool_calls]
    if calls != item.expected_calls:
        yield "the tool calls are not those that the input asks for"
    if item.output is not None:
        if answer.value != json.loads(item.expected_text):
            yield "the value is not the one that the input gives"
    elif answer.text != item.expected_text:
        yield "the text is not the one that was sent"


def _way_problems(item: DemoInput, outcome: Outcome) -> Iterator[str]:
    answer = outcome.answer
    if answer is None:
        return
    if item.show == "stream" and (outcome.chunks < 2 or outcome.streamed != item.expected_text):
        yield "the pieces of the stream do not make the text"
    if item.show == "approval" and not outcome.paused:
        yield "the call did not wait for a person"
    if outcome.asked_again:
        yield "the model was asked again after the decision"
    attempts = answer.decision.route
    if item.show == "fallback" and not (answer.degraded and len({attempt.target for attempt in attempts}) == 2):
        yield "the fallback did not answer in place of the first provider"
    if item.show != "fallback" and answer.degraded:
        yield "the answer does not come from the first provider"


def _parsed(raw: str) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None  # then the bytes themselves are all there is to look at


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _solid(text: str) -> str:
    return "".join(sign for sign in text if sign.isalnum()).lower()


def _is_number(value: str) -> bool:
    return sum(sign.isdigit() for sign in value) >= DIGITS_ENOUGH

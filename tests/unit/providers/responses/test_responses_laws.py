"""Laws of reading Responses: nothing twice, nothing lost, and the same answer whichever way it comes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ProviderError
from psf_runtime.types.messages import Reasoning, Text, ToolCall
from psf_runtime.types.response import Response, normal
from tests.unit.providers.responses.responses_events import (
    CODEC,
    Json,
    call,
    decoded,
    ended,
    from_body,
    from_events,
    item_events,
    message,
    pieces,
    reasoning,
    response,
    sse,
    started,
    stream_of,
)

TEXT = st.text('abé🙂\n"\\ {}', max_size=8)
NAMES = st.sampled_from(["find", "get_weather"])


@st.composite
def items(draw: st.DrawFn) -> list[Json]:
    """The items of an answer: each with an id of its own."""
    out: list[Json] = []
    for number in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(["message", "call", "reasoning"]))
        if kind == "message":
            out.append(message(draw(TEXT), f"msg_{number}"))
        elif kind == "call":
            out.append(call(f"call_{number}", draw(NAMES), draw(TEXT), f"fc_{number}"))
        else:
            out.append(reasoning(draw(st.lists(TEXT, max_size=2)), draw(st.sampled_from(["", "sig"])), f"rs_{number}"))
    return out


@given(output=items(), cut=st.integers(1, 40), size=st.integers(1, 5), named=st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_stream_is_the_whole(output: list[Json], cut: int, size: int, named: bool) -> None:
    """However the text is cut into events, and the events into bytes: the answer of the body, in normal form."""
    whole = response(*output)
    found = decoded(sse(stream_of(whole, size), named=named), stream=True, size=cut)
    assert found == from_body(whole) == normal(found)


HABITS = [
    "deltas",
    "done",
    "items",
    "end",
    "no_added",
    "no_done",
    "no_index",
    "no_ids",
    "own_ids",
    "own_final_ids",
    "one_id",
]


def habit(events: list[Json], name: str) -> list[Json]:
    """The stream as a server with this habit sends it."""
    kinds = {
        "done": lambda kind: not kind.endswith(".delta"),
        "items": lambda kind: "output_item" in kind or kind.count(".") == 1,
        "end": lambda kind: kind.count(".") == 1,
        "no_added": lambda kind: "output_item.added" not in kind,
        "no_done": lambda kind: "output_item.done" not in kind,
    }
    keep = kinds.get(name)
    kept = [event for event in json.loads(json.dumps(events)) if keep is None or keep(event["type"])]
    for number, event in enumerate(kept):
        if name in ("no_index", "no_ids"):
            event.pop("output_index", None)
        if name == "no_ids":
            event.pop("item_id", None)
        if name == "one_id":
            _rename(event)
        if name == "own_ids" and "item_id" in event:
            event["item_id"] = f"other_{number}"
        if name in ("own_ids", "own_final_ids") and "response" in event:
            for item in event["response"]["output"]:
                item["id"] = f"last_{item['id']}"
    return kept


def _rename(event: Json) -> None:
    """All items have the same id."""
    for item in [event.get("item"), *event.get("response", {}).get("output", [])]:
        if item:
            item["id"] = "item"
    if "item_id" in event:
        event["item_id"] = "item"


@pytest.mark.parametrize("name", HABITS)
@given(output=items())
@settings(max_examples=25, deadline=None)
def test_nothing_comes_twice_and_nothing_is_lost(name: str, output: list[Json]) -> None:
    """Servers leave out the deltas, the items, all but the end, the indices or the ids: each text comes once."""
    whole = response(*output)
    assert from_events(habit(stream_of(whole), name)).parts == from_body(whole).parts


@st.composite
def interleaved(draw: st.DrawFn) -> tuple[list[Json], list[Json]]:
    """Items, announced in order, and their further events in turns."""
    output = [item for item in draw(items()) if item["type"] != "reasoning"]
    waiting = [item_events(item, place, 2) for place, item in enumerate(output)]
    events = [events.pop(0) for events in waiting]
    while any(waiting):
        chosen = draw(st.sampled_from([place for place, rest in enumerate(waiting) if rest]))
        events.append(waiting[chosen].pop(0))
    return output, events


@given(made=interleaved())
@settings(max_examples=60, deadline=None)
def test_items_in_turns_are_put_in_order(made: tuple[list[Json], list[Json]]) -> None:
    """Pieces of several messages and calls come in turns: the parts are those of the body, in its order."""
    output, events = made
    whole = response(*output)
    assert from_events([*started(whole), *events, ended(whole)]).parts == from_body(whole).parts


@given(output=items(), place=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_a_marker_in_any_text_is_on_a_channel_or_gone(output: list[Json], place: int) -> None:
    """A sentence planted in any string of an answer is text, reasoning, arguments or sealed: nowhere else."""
    marker = "a forbidden sentence"
    whole = response(*output, error=None)
    paths = _leaves(whole)
    path = paths[place % len(paths)]
    spot: Any = whole
    for key in path[:-1]:
        spot = spot[key]
    spot[path[-1]] = marker
    body = json.dumps(whole).encode()
    for data, stream in ((body, False), (sse([*started(response()), ended(whole)]), True)):
        assert marker not in repr(_outcome(data, stream))


def _outcome(data: bytes, stream: bool) -> Any:
    """All of an answer but its channels, or the error."""
    try:
        found = decoded(data, stream=stream)
    except ProviderError as error:
        return str(error), vars(error)
    return _undeclared(found)


def _undeclared(found: Response) -> list[Any]:
    names = [(part.id, part.name) for part in found.parts if isinstance(part, ToolCall)]
    assert all(isinstance(part, Text | Reasoning | ToolCall) for part in found.parts)
    return [names, dict(found.raw), found.model, found.model_version, found.provider, found.finish]


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, str):
        return [path]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in inner for found in _leaves(item, (*path, key))]


def test_a_message_does_not_wait_without_need() -> None:
    """Text comes out as it arrives, also after reasoning that the server has not closed."""
    whole = response(reasoning(["hm"]), message("abc"))
    events = stream_of(whole, 1)
    late = [event for event in events if event["type"] == "response.output_item.done"][:1]
    events.remove(late[0])
    data = sse([*events[:-1], *late, *events[-1:]])
    decoder_calls = [chunk for chunk in _fed(data) if chunk]
    assert [type(chunk).__name__ for chunk in decoder_calls] == ["ReasoningDelta"] * 2 + ["TextDelta"] * 3
    assert pieces("abc", 1) == [chunk.text for chunk in decoder_calls[2:]]


def _fed(data: bytes) -> list[Any]:
    """The chunks that come out before the last event of the stream."""
    return list(CODEC.decoder(stream=True).feed(data[: data.rindex(b"event: ")]))

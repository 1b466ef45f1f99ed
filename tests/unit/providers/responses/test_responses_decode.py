"""Answers of Responses from bytes: every kind of item and event, and servers that depart from the vendor."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.responses import Response as VendorResponse
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from psf_runtime.errors import ContextLengthError, ProviderError, RateLimitError, StreamInterrupted
from psf_runtime.providers.base import Bounds
from psf_runtime.providers.responses import OpenAIResponses
from psf_runtime.types.messages import Reasoning, Text, ToolCall
from psf_runtime.types.response import Response, normal
from psf_runtime.types.response_head import Usage
from tests.unit.providers.responses.responses_events import (
    Json,
    call,
    decoded,
    ended,
    failure,
    from_body,
    from_events,
    item_events,
    message,
    reasoning,
    response,
    sse,
    started,
    stream_of,
    text_part,
)

FULL = response(
    reasoning(["First I look.", "Then I answer."], "gAAAAB-x_y="),
    message("Let me see. "),
    call("call_1", "find", '{"city": "Łódź"}'),
    call("call_2", "find", "{}", "fc_2"),
)


def both(whole: Json) -> Response:
    """The answer, which a stream of it gives as well."""
    found = from_body(whole)
    assert from_events(stream_of(whole)) == found
    return found


def test_the_test_answers_are_the_vendors() -> None:
    """What these tests feed is what the vendor's own types accept."""
    VendorResponse.model_validate(FULL)
    adapter: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
    for event in stream_of(FULL):
        adapter.validate_python(event)


def test_every_kind_of_part() -> None:
    """Reasoning, text and parallel tool calls, streamed or whole, in order and in normal form."""
    found = both(FULL)
    assert found.parts == (
        Reasoning("First I look.\n\nThen I answer."),
        Text("Let me see. "),
        ToolCall("call_1", "find", '{"city": "Łódź"}'),
        ToolCall("call_2", "find", "{}"),
    )
    assert found == normal(found)
    assert (found.finish, found.model, found.provider) == ("tool_calls", "gpt-5-2025-08-07", "t")
    assert found.usage == Usage(11, 7, 5, 3, reported=True)
    assert found.raw == {"id": "resp_1", "created": 1_700_000_000, "finish_reason": "completed"}


@pytest.mark.parametrize("size", [1, 2, 7, 4096])
@pytest.mark.parametrize("named", [True, False])
def test_the_cut_does_not_matter(size: int, named: bool) -> None:
    """However the bytes are cut, and with or without event names: the same answer."""
    assert decoded(sse(stream_of(FULL), named=named), stream=True, size=size) == from_body(FULL)


def test_several_messages_are_one_text_in_order() -> None:
    """A comment before the answer, as some models write it, is text before text."""
    found = both(response(message("Looking. ", phase="commentary"), message("Done.", "msg_2", phase="final_answer")))
    assert found.parts == (Text("Looking. Done."),)
    assert found.finish == "stop"


def test_several_content_parts_are_one_text() -> None:
    """Also for a server whose events name no content part."""
    whole = response({**message(""), "content": [text_part("one "), text_part("two")]})
    assert both(whole).text == "one two"
    bare = [{key: value for key, value in event.items() if key != "content_index"} for event in stream_of(whole)]
    assert from_events(bare).text == "one two"


REASONS = [
    ("max_output_tokens", "length"),
    ("content_filter", "content_filter"),
    ("steered", "other"),
    (None, "other"),
]


@pytest.mark.parametrize(("reason", "finish"), REASONS)
def test_an_incomplete_answer_says_why(reason: str | None, finish: str) -> None:
    """A cut answer is never `stop`, whatever the reason, and whatever it holds."""
    details = None if reason is None else {"reason": reason}
    assert both(response(message("Dear"), status="incomplete", incomplete_details=details)).finish == finish


def test_a_reason_to_be_incomplete_counts_whatever_the_status_says() -> None:
    """A server that contradicts itself is not believed to have finished; an invented reason is no reason to stop."""
    assert both(response(message("Dear"), incomplete_details={"reason": "max_output_tokens"})).finish == "length"
    odd = response(message("Dear"), status="incomplete", incomplete_details={"reason": "completed"})
    assert both(odd).finish == "other"


def test_a_refusal_is_a_finish_reason_and_no_text() -> None:
    """The model's words for it are dropped and counted once, also when they come in pieces."""
    refusal = {"type": "refusal", "refusal": "I cannot help with this"}
    found = both(response({**message(""), "content": [refusal]}))
    assert (found.parts, found.finish) == ((), "refusal")
    assert found.raw["dropped"] == {"refusal": 1}


HOSTED = [
    {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "secret"}},
    {"id": "ci_1", "type": "code_interpreter_call", "status": "completed", "code": "secret", "container_id": "c"},
    {"id": "mcp_1", "type": "mcp_call", "name": "secret", "arguments": "{}", "server_label": "s", "output": "secret"},
    {"id": "ig_1", "type": "image_generation_call", "status": "completed", "result": "secret"},
]


@pytest.mark.parametrize("item", HOSTED, ids=lambda item: str(item["type"]))
def test_items_of_hosted_tools_are_dropped_and_counted(item: Json) -> None:
    """They were never asked for: nothing of them stays but their number."""
    found = both(response(item, message("ok")))
    assert found.parts == (Text("ok"),)
    assert found.raw["dropped"] == {item["type"]: 1}
    assert "secret" not in str(found.raw)


def test_events_of_hosted_tools_are_dropped_and_counted() -> None:
    """Unknown events bring nothing, and are no error: the vendor adds kinds of them."""
    events = stream_of(response(message("ok")))
    strange = {"type": "response.mcp_call_arguments.delta", "item_id": "m", "output_index": 5, "delta": "secret"}
    found = from_events([*events[:3], strange, {"type": "keepalive"}, *events[3:]])
    assert (found.text, found.raw["dropped"]) == ("ok", {"event": 1})


def test_citations_and_log_probabilities_are_dropped_and_counted() -> None:
    """They hold text that no guard has seen."""
    note = {"type": "url_citation", "url": "https://x.example", "title": "t", "start_index": 0, "end_index": 1}
    chance = {"token": "ok", "bytes": [1], "logprob": -0.1, "top_logprobs": []}
    whole = response({**message(""), "content": [text_part("ok", annotations=[note], logprobs=[chance])]})
    events = stream_of(whole)
    where = {"item_id": "msg_1", "output_index": 0, "content_index": 0, "annotation_index": 0}
    events.insert(5, {"type": "response.output_text.annotation.added", **where, "annotation": note})
    assert from_events(events).raw["dropped"] == {"annotations": 1, "logprobs": 1}
    assert both(whole).raw["dropped"] == {"annotations": 1, "logprobs": 1}


def test_signed_reasoning_is_carried_with_its_place() -> None:
    """What goes back is the vendor's own, word for word, and nothing that leads to stored state."""
    signed = [
        [0, {"type": "reasoning", "summary": [{"type": "summary_text", "text": "a"}], "encrypted_content": "sig-1"}],
        [1, {"type": "reasoning", "summary": [], "encrypted_content": "sig-2"}],
    ]
    whole = response(
        reasoning(["a"], "sig-1"), message("text"), reasoning([], "sig-2", "rs_2"), call("c", "find", "{}")
    )
    assert json.loads(both(whole).handle) == signed


def test_reasoning_between_two_texts_goes_before_both() -> None:
    """On the way back the texts are one item."""
    whole = response(call("c", "find", "{}"), message("one "), reasoning([], "sig", "rs_2"), message("two", "msg_2"))
    assert [before for before, _ in json.loads(both(whole).handle)] == [1]


def test_reasoning_that_nothing_follows_is_not_carried() -> None:
    """The vendor refuses it on the way back; nor is unsigned reasoning carried, or what looks like a sentence."""
    assert both(response(reasoning(["a"], "sig"), status="incomplete")).handle == ""
    assert both(response(reasoning(["a"]), message("x"))).handle == ""
    odd = both(response(reasoning(["a"], "a planted sentence"), message("x")))
    assert (odd.handle, odd.raw["dropped"]) == ("", {"encrypted_content": 1})


def test_reasoning_in_the_open() -> None:
    """Models that show what they think: the text comes once, as reasoning."""
    item = {**reasoning([]), "content": [{"type": "reasoning_text", "text": "open"}]}
    where = {"item_id": "rs_1", "output_index": 0, "content_index": 0}
    hollow = {**item, "content": []}
    whole = response(item, message("ok"))
    events = [
        *started(whole),
        {"type": "response.output_item.added", "output_index": 0, "item": hollow},
        {"type": "response.content_part.added", **where, "part": {"type": "reasoning_text", "text": ""}},
        {"type": "response.reasoning_text.delta", **where, "delta": "op"},
        {"type": "response.reasoning_text.delta", **where, "delta": "en"},
        {"type": "response.reasoning_text.done", **where, "text": "open"},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        ended(whole),
    ]
    assert from_events(events).parts == from_body(whole).parts == (Reasoning("open"), Text("ok"))


ERRORS = [
    ({"code": "rate_limit_exceeded", "message": "secret"}, RateLimitError, "rate_limited", True),
    ({"code": "server_error", "message": "secret"}, ProviderError, "server_error", True),
    ({"code": "invalid_prompt", "message": "secret"}, ProviderError, "content_filter", False),
    ({"code": "invalid_image", "message": "secret"}, ProviderError, "bad_request", False),
    ({"code": "context_length_exceeded", "message": "secret"}, ContextLengthError, "context_length", False),
    ({"code": "Not A Code: secret", "message": "secret"}, ProviderError, "server_error", True),
]


@pytest.mark.parametrize(("error", "kind", "name", "again"), ERRORS)
def test_a_failed_answer_is_a_typed_error(error: Json, kind: type[ProviderError], name: str, again: bool) -> None:
    """Wherever the vendor reports it: in a response, in a body, or as an event of its own. No text of it stays."""
    failed = response(message("Dear"), status="failed", error=error)
    events = [*stream_of(response(message("Dear")))[:4]]
    for problem in (
        failure([*events, {"type": "response.failed", "response": failed}]),
        failure(body=failed),
        failure([*events, {"type": "error", **error, "param": None}]),
        failure([*events, {"type": "error", "error": error}]),
        failure(body={"error": error}),
    ):
        assert (type(problem), problem.kind, problem.retry_safe) == (kind, name, again)
        assert problem.target == "t"
        assert "secret" not in str(problem)


def test_a_stream_without_its_end_is_interrupted() -> None:
    """Also when everything else has come: without the last event nobody knows why it ended."""
    events = stream_of(FULL)
    for cut in range(1, len(events)):
        assert type(failure(events[:cut])) is StreamInterrupted
    for mark in (b"data: [DONE]\n\n", b""):
        data = sse(events) + mark
        assert decoded(data, stream=True) == from_body(FULL)
        assert decoded(sse(events).rstrip(b"\n"), stream=True) == from_body(FULL)
        with pytest.raises(StreamInterrupted):
            decoded(sse(events[:-1]) + mark, stream=True)


def test_an_empty_stream_is_no_answer() -> None:
    """A body with nothing in it is bad, not merely cut."""
    assert failure([]).kind == "bad_response"


def test_what_comes_after_the_end_is_not_read() -> None:
    """The answer is complete with its last event."""
    events = [*stream_of(response(message("ok"))), *stream_of(response(message("more")))]
    assert from_events(events).text == "ok"


BAD: list[Any] = [
    [],
    {"object": "response"},
    {"detail": "Not Found"},
    response(status="queued"),
    response(status="cancelled"),
    response(status="in_progress"),
    {**response(), "output": "text"},
    response({**message(""), "content": "text"}),
    response({**message(""), "content": [{"type": "output_text", "text": 7}]}),
    response(call("c", "find", "[" * 300)),
    response(*[call(f"c{number}", "find", "{}", f"fc{number}") for number in range(200)]),
    response(*[message("", f"m{number}") for number in range(1100)]),
    response(call("c", "a name with blanks", "{}")),
    response(call("c", "", "{}")),
]


@pytest.mark.parametrize("whole", BAD, ids=range(len(BAD)))
def test_what_makes_no_sense_is_refused(whole: Any) -> None:
    """A server that does not keep to its dialect is an error, never an empty answer."""
    assert failure(body=whole).kind == "bad_response"


@pytest.mark.parametrize("index", [10**9, -1, True, "0", 1.5])
def test_an_index_out_of_range_is_refused(index: Any) -> None:
    """Of an item or of a part: no memory is set aside for it."""
    events = stream_of(response(message("ok")))
    for field in ("output_index", "content_index"):
        broken = [{**event, field: index} if field in event else event for event in events]
        assert failure(broken).kind == "bad_response"


def test_bounds_hold() -> None:
    """Size of the answer, size of an event, number of calls: each its own limit."""
    for bounds in (Bounds(answer_bytes=500), Bounds(event_bytes=100), Bounds(tool_calls=1)):
        codec = OpenAIResponses(target="t", bounds=bounds)
        assert failure(stream_of(FULL), codec=codec).kind == "bad_response"


def test_broken_events_are_refused() -> None:
    """What is no JSON, no object, or no text where a text belongs."""
    head = sse(stream_of(response(message("ok")))[:4])
    for data in (b"data: nope\n\n", b"data: []\n\n", b'data: {"type":"response.output_text.delta","delta":7}\n\n'):
        with pytest.raises(ProviderError) as caught:
            decoded(head + data, stream=True)
        assert caught.value.kind == "bad_response"


def test_tool_arguments_as_an_object() -> None:
    """Some servers do not send them as text."""
    item = {**call("c", "find", ""), "arguments": {"a": [1]}}
    assert from_body(response(item)).parts == (ToolCall("c", "find", '{"a":[1]}'),)
    assert from_events([*started(response(item)), ended(response(item))]).tool_calls[0].args == '{"a":[1]}'


def test_a_tool_call_without_an_id_gets_one() -> None:
    """The answer can be given to the right call all the same."""
    item = {key: value for key, value in call("c", "find", "{}").items() if key not in ("id", "call_id")}
    assert from_body(response(item)).tool_calls[0].id == "call_0_resp1"


def test_reasoning_repeated_under_another_name_comes_once() -> None:
    """Some servers stream it as the open text and repeat it as a summary at the end."""
    whole = response(reasoning(["open"]), message("ok"))
    where = {"item_id": "rs_1", "output_index": 0, "content_index": 0}
    hollow = {"type": "response.output_item.added", "output_index": 0, "item": reasoning([])}
    delta = {"type": "response.reasoning_text.delta", **where, "delta": "open"}
    assert from_events([*started(whole), hollow, delta, ended(whole)]).parts == (Reasoning("open"), Text("ok"))


def test_a_part_that_only_the_end_shows_is_not_lost() -> None:
    """The item was closed without it, but the answer as a whole has it."""
    short = message("one ")
    events = stream_of(response(short))
    whole = response({**short, "content": [text_part("one "), text_part("two")]})
    assert from_events([*events[:-1], ended(whole)]).text == "one two"


@pytest.mark.parametrize("odd", [10**9, 1e300, -1, True, None, [], {}, "a b"])
def test_odd_names_and_times_change_nothing(odd: Any) -> None:
    """Ids, times, models and counts that are none: the parts are the same, and only what looks right is kept."""
    whole = response({**message("one "), "id": odd}, {**message("two"), "id": odd})
    changed = {**whole, "id": odd, "created_at": odd, "model": odd, "usage": odd, "service_tier": odd}
    assert from_body(changed).text == "one two"
    assert from_events([*started(whole), ended(changed)]).text == "one two"
    kept = from_body(changed).raw.get("created", 1)
    assert type(kept) is int


def test_a_piece_before_its_announcement_is_not_taken_twice() -> None:
    """The item is announced late: what came before belongs to it."""
    whole = response(message("abc"))
    events = stream_of(whole)
    added = next(event for event in events if event["type"] == "response.output_item.added")
    late = [event for event in events if event is not added and not event["type"].startswith("response.output_text")]
    delta = next(event for event in events if event["type"] == "response.output_text.delta")
    assert from_events([*events[:2], delta, added, *late[2:]]).text == "abc"


def test_two_messages_open_at_once_come_out_in_order() -> None:
    """Three of them, closed from the last to the first: the text is that of the body."""
    whole = response(message("one "), message("two ", "msg_2"), message("three", "msg_3"))
    first, second, third = (item_events(item, place) for place, item in enumerate(whole["output"]))
    opened = [events[0] for events in (first, second, third)]
    events = [*started(whole), *opened, *third[1:], *second[1:3], *first[1:], *second[3:], ended(whole)]
    assert from_events(events).parts == (Text("one two three"),)

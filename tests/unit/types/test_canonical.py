"""Requests and responses survive the way to plain data and back; the bytes under an approval bind what they say."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ConfigError, StateError
from psf_runtime.types.canonical import (
    action_digest,
    action_of,
    canonical_bytes,
    chunks_from_data,
    chunks_to_data,
    digest_of,
    from_canonical_bytes,
    request_from_data,
    request_to_data,
    response_from_data,
    response_to_data,
)
from psf_runtime.types.chunks import ReasoningDelta, TextDelta, ToolCallDelta
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, Reasoning, Text, ToolCall, ToolResult
from psf_runtime.types.provenance import Provenance
from psf_runtime.types.request import Facts, Limits, OutputSchema, Request, Stamp, Tool
from psf_runtime.types.response import Response
from psf_runtime.types.response_head import Usage

# Lone surrogates are strings too: a model's broken JSON escape makes them.
texts = st.text(st.characters(), max_size=12)
maybe_text = st.none() | texts
numbers = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
json_objects = st.dictionaries(texts, json_values, max_size=3)
provenances = st.builds(Provenance, st.sampled_from(["trusted", "user", "untrusted"]), texts)
images = st.one_of(
    st.builds(Image, st.binary(max_size=9), detail=maybe_text, provenance=provenances),
    st.builds(lambda end: Image("https://example.org/" + end), texts),
)
files = st.builds(File, st.binary(max_size=9), name=texts, media_type=maybe_text, provenance=provenances)
parts = st.one_of(
    st.builds(Text, texts, provenances),
    images,
    files,
    st.builds(ToolCall, texts, texts, texts),
    st.builds(ToolResult, texts, texts, texts, st.booleans(), provenances),
    st.builds(Reasoning, texts, texts),
)
messages = st.builds(
    Message,
    st.sampled_from(["system", "user", "assistant", "tool"]),
    st.lists(parts, max_size=3).map(tuple),
    name=texts,
)
limits = st.builds(
    Limits,
    max_tokens=st.none() | st.integers(),
    temperature=st.none() | st.floats(0, 2),
    stop=st.lists(texts, max_size=2).map(tuple),
    seed=st.none() | st.integers(),
    reasoning_effort=maybe_text,
)
facts = st.builds(
    Facts,
    purpose=maybe_text,
    subject=maybe_text,
    user=maybe_text,
    tenant=texts,
    conversation=maybe_text,
    consent=maybe_text,
    tags=st.dictionaries(texts, texts, max_size=2),
)
requests = st.builds(
    Request,
    st.lists(messages, max_size=3).map(tuple),
    model=texts,
    tools=st.lists(st.builds(Tool, texts, texts, st.none() | json_objects), max_size=2).map(tuple),
    tool_choice=maybe_text,
    output=st.none() | st.builds(OutputSchema, texts, json_objects, st.booleans()),
    limits=limits,
    facts=facts,
    extra=st.dictionaries(texts, json_objects, max_size=2),
)
answer_parts = st.one_of(
    st.builds(Text, texts), st.builds(ToolCall, texts, texts, texts), st.builds(Reasoning, texts, texts)
)
responses = st.builds(
    Response,
    st.lists(answer_parts, max_size=4).map(tuple),
    finish=st.sampled_from(["stop", "length", "tool_calls", "content_filter", "refusal", "other"]),
    usage=st.builds(Usage, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.booleans()),
    model=texts,
    model_version=texts,
    provider=texts,
    raw=json_objects,
)
chunks = st.one_of(
    st.builds(TextDelta, texts),
    st.builds(ReasoningDelta, texts),
    st.builds(ToolCallDelta, st.integers(0, 5), texts, texts, texts),
)


def through_bytes(data: Any) -> Any:
    return from_canonical_bytes(canonical_bytes(data))


@settings(max_examples=150, deadline=None)
@given(requests)
def test_any_request_comes_back_equal(request: Request) -> None:
    """Whatever a request holds, it is the same after the way through bytes."""
    assert request == request_from_data(through_bytes(request_to_data(request)))


@settings(max_examples=100, deadline=None)
@given(responses)
def test_any_response_comes_back_equal(response: Response) -> None:
    """Whatever a response holds, it is the same after the way through bytes."""
    assert response == response_from_data(through_bytes(response_to_data(response)))


@settings(max_examples=60, deadline=None)
@given(st.lists(chunks, max_size=5))
def test_any_chunks_come_back_equal(pieces: list[Any]) -> None:
    """Chunks are the same after the way through bytes."""
    assert pieces == chunks_from_data(through_bytes(chunks_to_data(pieces)))


@settings(max_examples=100, deadline=None)
@given(json_values, json_values)
def test_equal_bytes_mean_equal_values(one: Any, other: Any) -> None:
    """Canonical bytes are equal exactly when the values are, 1 and 1.0 and True being different values."""
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    if same != (canonical_bytes(one) == canonical_bytes(other)):
        # json.dumps cannot tell two lone surrogates from the character that they would make; the bytes can.
        assert one != other


def test_two_lone_surrogates_are_not_the_character_they_would_make() -> None:
    """A pair of broken escapes and the character itself have different bytes, and each comes back as it was."""
    assert canonical_bytes("\ud83d\ude00") != canonical_bytes("\U0001f600")
    assert through_bytes("\ud83d\ude00") == "\ud83d\ude00"


def test_the_order_of_keys_makes_no_difference() -> None:
    """Keys are sorted and nothing is padded."""
    assert canonical_bytes({"b": None, "a": (1, "é")}) == b'{"a":[1,"\xc3\xa9"],"b":null}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1: 2}, object(), {"a": {b"x"}}])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    """Nothing is turned into something else in silence."""
    with pytest.raises(ConfigError):
        canonical_bytes(value)


def test_endless_nesting_is_refused() -> None:
    """A value too deep for JSON is a typed error."""
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ConfigError, match="nested too deeply"):
        canonical_bytes(deep)
    while deep:  # unwound by hand: freeing such a nest at once is deep too
        deep = deep.pop()


@pytest.mark.parametrize("data", [b"", b"\xff", b"{", b"nonsense"])
def test_bytes_that_are_no_json_are_an_error(data: bytes) -> None:
    """A store that returns something else is corrupt."""
    with pytest.raises(StateError):
        from_canonical_bytes(data)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 99},
        {"messages": None},
        {"facts": {"purpose": None, "power": "all"}},
        {"messages": [{"role": "user", "name": "", "parts": [{"part": "program"}]}]},
        {
            "messages": [
                {
                    "role": "user",
                    "name": "",
                    "parts": [{"part": "text", "text": "", "provenance": {"trust": "god", "source": ""}}],
                }
            ]
        },
    ],
)
def test_other_data_is_no_request(change: dict[str, Any]) -> None:
    """A stored request of an unknown form is an error, never a guess."""
    with pytest.raises(StateError):
        request_from_data({**request_to_data(Request(())), **change})


@pytest.mark.parametrize(
    "change", [{"version": 0}, {"parts": [{"part": "image"}]}, {"usage": {"tokens": 1}}, {"parts": 5}]
)
def test_other_data_is_no_response(change: dict[str, Any]) -> None:
    """A stored response of an unknown form is an error, never a guess."""
    with pytest.raises(StateError):
        response_from_data({**response_to_data(Response()), **change})


def test_a_tool_result_is_no_part_of_a_response() -> None:
    """Stored data cannot put into an answer what no model can say."""
    result = request_to_data(Request((Message("tool", (ToolResult("1", "x"),)),)))["messages"][0]["parts"]
    with pytest.raises(StateError):
        response_from_data({**response_to_data(Response()), "parts": result})


@pytest.mark.parametrize("data", [[["x", "text"]], [["c", 1, 2, 3, 4, 5]], [[]], [None]])
def test_other_data_is_no_chunks(data: Any) -> None:
    """A stored chunk of an unknown form is an error."""
    with pytest.raises(StateError):
        chunks_from_data(data)


def test_stored_data_never_chooses_a_file_to_read(tmp_path: Any) -> None:
    """An image whose stored URL is a path comes back with that URL, and nothing is read."""
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    data = request_to_data(Request((Message.user(Image("https://example.org/a.png")),)))
    data["messages"][0]["parts"][0]["url"] = str(secret)
    image = request_from_data(data).messages[0].parts[0]
    assert isinstance(image, Image)
    assert (None, str(secret)) == (image.data, image.url)


def test_the_stamp_is_left_out() -> None:
    """A stamp holds a function: the request comes back without one."""
    request = Request((), stamp=Stamp({}, lambda data: None))
    assert request_from_data(request_to_data(request)).stamp is None


def test_a_class_as_parameters_of_a_tool_is_refused() -> None:
    """A tool's parameters are kept as a JSON schema or not at all."""
    with pytest.raises(ConfigError, match="JSON schema"):
        request_to_data(Request((), tools=(Tool("pay", parameters=Facts),)))


ASKED = Request((Message.user("pay the bill"),), facts=Facts(tenant="a", user="u", purpose="p", subject="s"))


def paying(args: str) -> Response:
    return Response((ToolCall("call-1", "pay", args),))


def test_spaces_and_key_order_are_no_part_of_an_action() -> None:
    """Arguments count by their value."""
    assert digest_of(ASKED, paying('{"a": 1, "b": 2}')) == digest_of(ASKED, paying('{"b":2,"a":1}'))


def test_ids_usage_and_reasoning_are_no_part_of_an_action() -> None:
    """What a provider draws anew each time does not change what was asked about."""
    other = Response((Reasoning("hm"), ToolCall("call-2", "pay", "{}")), usage=Usage(1, 2), model="m", raw={"id": "7"})
    assert digest_of(ASKED, paying("")) == digest_of(ASKED, other)


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        (ASKED, paying('{"a": 2}')),
        (ASKED, Response((ToolCall("", "refund", '{"a": 1}'),))),
        (ASKED, Response((Text("ok"), ToolCall("", "pay", '{"a": 1}')))),
        (ASKED, Response((Text('{"a": 1}'),))),
        (ASKED, None),
        (ASKED.add(Message.user("now")), paying('{"a": 1}')),
        (ASKED.replace(facts=replace(ASKED.facts, tenant="other")), paying('{"a": 1}')),
        (ASKED.replace(facts=replace(ASKED.facts, user="other")), paying('{"a": 1}')),
        (ASKED.replace(facts=replace(ASKED.facts, purpose="other")), paying('{"a": 1}')),
        (ASKED.replace(facts=replace(ASKED.facts, subject="other")), paying('{"a": 1}')),
    ],
)
def test_another_action_has_other_bytes(request_: Request, response: Response | None) -> None:
    """Tool, values, text, conversation and every fact are bound."""
    assert digest_of(ASKED, paying('{"a": 1}')) != digest_of(request_, response)


@pytest.mark.parametrize("args", ['{"a": 1, "a": 1}', '{"a": NaN}', "[1]", "{", '{"a": 1e999}', "[" * 5000])
def test_doubtful_arguments_count_by_their_text(args: str) -> None:
    """Where two programs may read JSON differently, the very text is bound, and no error is raised."""
    steps = action_of(Facts(), paying(args))["steps"]
    assert [{"tool": "pay", "text": args}] == steps


def test_the_digest_binds_the_control_that_asks() -> None:
    """One control's approval is not another's."""
    one, other = (action_digest(control, ASKED, None) for control in ("oversight.triggers", "contracts.output"))
    assert one != other
    assert len(one) == 64


def test_the_target_is_no_part_of_a_request_that_is_asked_about() -> None:
    """A fallback does not void an approval."""
    assert digest_of(ASKED.replace(model="a"), None) == digest_of(ASKED.replace(model="b"), None)

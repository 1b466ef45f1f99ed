"""The gaps of local servers: what is sent to each, what is refused, and what is cut out of its answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ConfigError
from psf_runtime.providers.openai import LOCAL, LOCAL_SERVERS, MISTRAL, Differences, OpenAIChat
from psf_runtime.providers.targets import BoundTarget, bind
from psf_runtime.types.chunks import Chunk, ReasoningDelta, TextDelta, ToolCallDelta
from psf_runtime.types.media import Image
from psf_runtime.types.messages import Message, Text, ToolCall
from psf_runtime.types.request import Limits, OutputSchema, Request, Tool
from psf_runtime.types.response import Response, accumulate
from psf_runtime.types.target import Target

TOOL = (Tool("look"),)


def server(name: Any, **more: Any) -> BoundTarget:
    return bind(Target("local:m@http://127.0.0.1:8000/v1", server=name, **more), environ={})


def body(differences: Differences, *, stream: bool = False, **fields: Any) -> dict[str, Any]:
    request = Request((Message.user("hello"),), **fields)
    sent: dict[str, Any] = json.loads(OpenAIChat("m", "t", differences).encode(request, stream=stream).body)
    return sent


@pytest.mark.parametrize(
    ("name", "capabilities"),
    [
        (None, {"images", "json_schema", "reasoning", "seed", "stream", "tools", "usage"}),
        ("llama.cpp", {"images", "json_schema", "reasoning", "seed", "stream", "tools", "usage"}),
        ("vllm", {"images", "json_schema", "reasoning", "seed", "stream", "tools", "usage"}),
        ("ollama", {"images", "json_schema", "reasoning", "seed", "stream", "tools", "usage"}),
        ("lmstudio", {"images", "json_schema", "seed", "stream", "tools", "usage"}),
        ("tgi", {"images", "seed", "stream", "tools", "usage"}),
        ("llama-cpp-python", {"seed", "stream"}),
        ("transformers", {"stream", "usage"}),
    ],
)
def test_what_each_server_can(name: str | None, capabilities: set[str]) -> None:
    """What a server ignores in silence is no capability of it, so a call that needs it goes elsewhere."""
    target = server(name)
    assert target.facts.capabilities - {"embeddings"} == capabilities
    assert target.codec.differences is (LOCAL if name is None else LOCAL_SERVERS[name])  # type: ignore[attr-defined]


def test_what_the_application_declares_wins() -> None:
    """A newer server may do more than the table says."""
    assert server("transformers", capabilities=["tools", "stream"]).facts.capabilities == {"tools", "stream"}


def test_a_server_is_named_for_local_targets_only() -> None:
    """Elsewhere it is an error that says what to write."""
    with pytest.raises(ConfigError, match="local servers") as caught:
        bind(Target("openai:m", server="vllm"), environ={"OPENAI_API_KEY": "key"})
    assert "local:m@URL" in caught.value.change


@pytest.mark.parametrize("name", sorted(LOCAL_SERVERS))
def test_every_server_gets_a_request_that_it_takes(name: str) -> None:
    """The answer's length under the name that all of them read, and usage asked for only where it is understood."""
    sent = body(LOCAL_SERVERS[name], stream=True, limits=Limits(max_tokens=5))
    assert sent["max_tokens"] == 5
    assert "max_completion_tokens" not in sent
    assert ("stream_options" in sent) is (name != "llama-cpp-python")


def test_texts_go_as_a_list_where_the_server_reads_one() -> None:
    """Most local servers fail on a list of text parts, or join it in ways of their own."""
    request = Request((Message.user("one", "two"),))
    for name, content in (
        ("llama.cpp", "one\ntwo"),
        ("vllm", [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]),
    ):
        sent = json.loads(OpenAIChat("m", "t", LOCAL_SERVERS[name]).encode(request, stream=False).body)
        assert sent["messages"][0]["content"] == content


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("llama.cpp", set()),
        ("vllm", set()),
        ("ollama", {"required", "look"}),
        ("lmstudio", {"look"}),
        ("llama-cpp-python", {"required"}),
        ("transformers", {"required", "look"}),
    ],
)
def test_a_tool_choice_that_would_be_ignored_is_refused(name: str, refused: set[str]) -> None:
    """A caller that demands a tool call must not get a text instead."""
    for choice in ("auto", "none", "required", "look"):
        if choice in refused:
            with pytest.raises(ConfigError, match="not followed"):
                body(LOCAL_SERVERS[name], tools=TOOL, tool_choice=choice)
        else:
            sent = body(LOCAL_SERVERS[name], tools=TOOL, tool_choice=choice)
            assert ("tools" in sent) is ("tool_choice" in sent)
            assert "tools" in sent or (choice == "none" and name in ("ollama", "transformers"))


def test_an_address_of_a_picture_is_refused_where_it_is_not_read() -> None:
    """The picture itself may go along."""
    codec = OpenAIChat("m", "t", LOCAL_SERVERS["ollama"])
    with pytest.raises(ConfigError, match="address of a picture"):
        codec.encode(Request((Message.user(Image("https://h.example/a.png")),)), stream=False)
    codec.encode(Request((Message.user(Image(b"x", media_type="image/png")),)), stream=False)


def test_mistral_has_names_of_its_own() -> None:
    """Its seed, the answer's length, and no wish for usage; what it does not know it refuses."""
    sent = body(MISTRAL, stream=True, limits=Limits(max_tokens=5, seed=7))
    assert sent == {
        "model": "m",
        "messages": [{"role": "user", "content": "hello"}],
        "max_tokens": 5,
        "random_seed": 7,
        "stream": True,
    }


def test_a_schema_still_goes_where_the_application_says_it_works() -> None:
    """The table decides who is asked, not what is sent: a declared capability is believed."""
    output = OutputSchema("answer", {"type": "object"})
    assert body(LOCAL_SERVERS["tgi"], output=output)["response_format"]["type"] == "json_schema"


# --- stop texts


def answer(pieces: list[str], stop: tuple[str, ...], *, stream: bool = True) -> Response:
    """What comes out of a server that leaves stop texts in its answer."""
    target = server("transformers")
    request = Request((Message.user("hello"),), limits=Limits(stop=stop))
    codec = target.codec_for(request)
    assert json.loads(codec.encode(request, stream=stream).body).get("stop", []) == list(stop)
    decoder = codec.decoder(stream=stream)
    if stream:
        events = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
        events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        data = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    else:
        message = {"role": "assistant", "content": "".join(pieces)}
        data = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
    chunks: list[Chunk] = [*decoder.feed(data.encode()), *decoder.end()]
    return accumulate(chunks, decoder.head())


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("pieces", "stop", "text"),
    [
        (["one EN", "D two"], ("END",), "one "),
        (["one E", "N", "d two"], ("END",), "one ENd two"),
        (["one EN"], ("END",), "one EN"),
        (["a##b"], ("##", "a#"), ""),
        (["ababac"], ("abac",), "ab"),
        (["abab", "ac"], ("abac",), "ab"),
        (["one"], ("",), "one"),
        (["one"], (), "one"),
    ],
)
def test_the_answer_ends_before_the_stop_text(
    pieces: list[str], stop: tuple[str, ...], text: str, *, stream: bool
) -> None:
    """As every other server does it: streamed or not, cut anywhere, also between overlapping beginnings."""
    assert answer(pieces, stop, stream=stream).text == text


def first_cut(text: str, stops: tuple[str, ...]) -> str:
    """Reads the text letter by letter, as the model writes it."""
    for end in range(1, len(text) + 1):
        found = [stop for stop in stops if text[:end].endswith(stop)]
        if found:
            return text[: end - max(map(len, found))]
    return text


@settings(max_examples=60, deadline=None)
@given(
    pieces=st.lists(st.text("ab#", max_size=5), max_size=8),
    stops=st.lists(st.text("ab#", min_size=1, max_size=3), min_size=1, max_size=3).map(tuple),
)
def test_the_cut_does_not_depend_on_the_chunks(pieces: list[str], stops: tuple[str, ...]) -> None:
    """Law: however the text was cut, it ends at the place where the whole text does."""
    assert answer(pieces, stops).text == first_cut("".join(pieces), stops)


def test_reasoning_and_tools_are_left_alone() -> None:
    """A stop text ends the text; it is not looked for in what the model thought, nor in arguments."""
    codec = OpenAIChat("m", "t", LOCAL_SERVERS["transformers"], cut=("END",))
    call = {"index": 0, "id": "c", "function": {"name": "look", "arguments": '{"a":"END"}'}}
    deltas = [{"reasoning": "END"}, {"content": "oneE"}, {"tool_calls": [call]}, {"content": "END two"}]
    events = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    decoder = codec.decoder(stream=True)
    chunks = decoder.feed("".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()) + decoder.end()
    assert [type(chunk) for chunk in chunks] == [ReasoningDelta, TextDelta, TextDelta, ToolCallDelta]
    response = accumulate(chunks, decoder.head())
    assert response.parts[1:] == (Text("oneE"), ToolCall("c", "look", '{"a":"END"}'))
    assert decoder.carried() == b""


def test_a_stop_text_that_nobody_would_cut_is_refused() -> None:
    """Whoever sends without preparing the codec for the call is told, rather than given the wrong text."""
    with pytest.raises(ConfigError, match="stop="):
        body(LOCAL_SERVERS["transformers"], limits=Limits(stop=("END",)))
    target = server("llama.cpp")
    request = Request((Message.user("x"),), limits=Limits(stop=("END",)))
    assert target.codec_for(request) is target.codec

"""The vendor's own client of Responses talks to what we write, and what it sends is read by us."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pytest
from pydantic import BaseModel

from psf_runtime.errors import ConfigError
from psf_runtime.providers.responses import OpenAIResponses, asks_for_stream
from psf_runtime.types.messages import Message, Reasoning, Text, ToolCall, ToolResult
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response, explode
from psf_runtime.types.response_head import Usage

CODEC = OpenAIResponses(target="t")
ANSWER = Response(
    (Reasoning("hm"), Text("Łódź is "), ToolCall("c1", "find", '{"a":1}'), ToolCall("c2", "find", "{}"), Text("nice")),
    finish="tool_calls",
    usage=Usage(5, 7, 2, 3, reported=True),
    model="gpt-5",
    handle="psf1.abc",
)
TOOL: Any = {"type": "function", "name": "find", "parameters": {"type": "object"}, "strict": False}


class Vendor:
    """Stands where the vendor would: reads requests with our codec, and answers with it."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer
        self.requests: list[Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        assert request.url.path == "/v1/responses"
        body = request.read()
        self.requests.append(CODEC.decode_request(body))
        stream, _ = asks_for_stream(body)
        if not stream:
            data = CODEC.encode_response(self.answer, id="resp_1", created=1, reasoning=True)
            return httpx2.Response(200, headers={"content-type": "application/json"}, content=data)
        data = b"".join(CODEC.encode_stream(explode(self.answer), self.answer, id="resp_1", created=1, reasoning=True))
        return httpx2.Response(200, headers={"content-type": CODEC.event_type}, content=data)

    def client(self) -> openai.OpenAI:
        transport = httpx2.MockTransport(self)
        return openai.OpenAI(
            api_key="k",
            base_url="http://vendor.example/v1",
            http_client=httpx2.Client(transport=transport),
            max_retries=0,
        )


def check(found: Any) -> None:
    """What a program sees of the answer through the SDK."""
    assert found.output_text == "Łódź is nice"
    calls = [item for item in found.output if item.type == "function_call"]
    assert [(call.call_id, call.name, call.arguments) for call in calls] == [
        ("c1", "find", '{"a":1}'),
        ("c2", "find", "{}"),
    ]
    assert found.output[0].summary[0].text == "hm"
    assert (found.status, found.model) == ("completed", "gpt-5")
    assert (found.usage.input_tokens, found.usage.output_tokens_details.reasoning_tokens) == (5, 3)


def test_a_whole_answer() -> None:
    """`responses.create` gives the answer back."""
    vendor = Vendor(ANSWER)
    with vendor.client() as client:
        check(client.responses.create(model="gpt-5", input="hi", instructions="Be brief.", tools=[TOOL]))
    assert vendor.requests[0].messages == (Message.system("Be brief."), Message.user("hi"))


def test_a_stream_of_events() -> None:
    """`responses.create(stream=True)` gives the pieces, numbered, and the whole in the last event."""
    with Vendor(ANSWER).client() as client:
        events = list(client.responses.create(model="gpt-5", input="hi", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "Łódź is nice"
    last = events[-1]
    assert last.type == "response.completed"
    check(last.response)


def test_the_accumulator() -> None:
    """`responses.stream` puts the pieces together to the same answer, and finds no contradiction."""
    with Vendor(ANSWER).client() as client, client.responses.stream(model="gpt-5", input="hi") as stream:
        kinds = {event.type for event in stream}
        check(stream.get_final_response())
    assert {"response.function_call_arguments.done", "response.reasoning_summary_text.delta"} <= kinds


class City(BaseModel):
    name: str


def test_structured_output() -> None:
    """`responses.parse` sends a schema that we read, and reads the JSON that we write."""
    vendor = Vendor(Response((Text('{"name":"Bonn"}'),), model="gpt-5"))
    with vendor.client() as client:
        found = client.responses.parse(model="gpt-5", input="hi", text_format=City)
    assert found.output_parsed == City(name="Bonn")
    output = vendor.requests[0].output
    assert output is not None
    assert (output.name, output.schema["required"], output.strict) == ("City", ["name"], True)


def test_the_output_comes_back_as_input() -> None:
    """The vendor's own way to go on: the output is appended to the input. The handle is where it was."""
    vendor = Vendor(ANSWER)
    with vendor.client() as client:
        first = client.responses.create(model="gpt-5", input="hi", tools=[TOOL])
        history: list[Any] = [{"role": "user", "content": "hi"}, *first.output]
        history.append({"type": "function_call_output", "call_id": "c1", "output": "7"})
        client.responses.create(model="gpt-5", input=history, store=False, include=["reasoning.encrypted_content"])
        with client.responses.stream(model="gpt-5", input="hi") as stream:
            streamed = stream.get_final_response()
        history[1 : 1 + len(first.output)] = streamed.output
        client.responses.create(model="gpt-5", input=history, store=False)
    found = vendor.requests[1].messages
    assert found == (
        Message.user("hi"),
        Message("assistant", (Text("Łódź is "), ToolCall("c1", "find", '{"a":1}'), ToolCall("c2", "find", "{}"))),
        Message("assistant", (Text("nice"), Reasoning("", "psf1.abc"))),
        Message("tool", (ToolResult("c1", "7"),)),
    )
    assert vendor.requests[3].messages == found


def test_a_cut_answer() -> None:
    """The SDK shows it as incomplete, and why."""
    with Vendor(Response((Text("Dear"),), finish="length", model="gpt-5")).client() as client:
        found = client.responses.create(model="gpt-5", input="hi")
        last = list(client.responses.create(model="gpt-5", input="hi", stream=True))[-1]
    assert found.status == "incomplete"
    assert found.incomplete_details is not None
    assert found.incomplete_details.reason == "max_output_tokens"
    assert last.type == "response.incomplete"


STORED: list[Callable[[openai.OpenAI], Any]] = [
    lambda client: client.responses.create(model="m", input="hi", previous_response_id="resp_theirs"),
    lambda client: client.responses.create(model="m", input="hi", conversation="conv_theirs"),
    lambda client: client.responses.create(model="m", input="hi", background=True),
    lambda client: client.responses.create(model="m", input="hi", tools=[{"type": "web_search"}]),
]


@pytest.mark.parametrize("ask", STORED, ids=range(len(STORED)))
def test_what_leads_to_stored_state_is_never_answered(ask: Callable[[openai.OpenAI], Any]) -> None:
    """The request is refused before anything is made of it."""
    vendor = Vendor(ANSWER)
    with vendor.client() as client, pytest.raises(ConfigError, match="cannot be taken over") as caught:
        ask(client)
    assert "theirs" not in str(caught.value)
    assert vendor.requests == []


def test_the_encoded_request_is_what_the_sdk_would_send() -> None:
    """The SDK, asked for the same thing, sends a body with the same fields and values."""
    bodies: list[Any] = []

    def record(request: httpx2.Request) -> httpx2.Response:
        bodies.append(json.loads(request.read()))
        data = CODEC.encode_response(ANSWER, id="r", created=1)
        return httpx2.Response(200, headers={"content-type": "application/json"}, content=data)

    request = Request((Message.user("hi", "there"), Message.assistant("yes"), Message.user("go")), "gpt-5")
    ours = json.loads(CODEC.encode(request, stream=False).body)
    transport = httpx2.MockTransport(record)
    with openai.OpenAI(
        api_key="k", base_url="http://vendor.example/v1", http_client=httpx2.Client(transport=transport)
    ) as client:
        client.responses.create(**ours)
    assert bodies == [ours]

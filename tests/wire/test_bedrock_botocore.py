"""botocore's own client as the judge: of the loopback Bedrock, of the requests we read, and of the answers we serve."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.config import Config
from botocore.eventstream import ChecksumMismatch
from botocore.exceptions import ClientError, EventStreamError
from botocore.session import Session

from psf_runtime.providers.bedrock import BedrockConverse
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, Reasoning, Text, ToolCall, ToolResult
from psf_runtime.types.request import Limits, OutputSchema, Request, Tool
from psf_runtime.types.response import Response, explode
from psf_runtime.types.response_head import Usage
from tests.wire.wire_bedrock import ACCESS_KEY, PROFILE, REGION, SECRET, TOKEN, USAGE, BedrockStub, answer_body

CODEC = BedrockConverse(model=PROFILE)
HELLO: list[dict[str, Any]] = [{"role": "user", "content": [{"text": "hello"}]}]


@contextmanager
def client(stub: BedrockStub, *, secret: str = SECRET) -> Iterator[Any]:
    made = Session().create_client(
        "bedrock-runtime",
        region_name=REGION,
        endpoint_url=stub.origin,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=secret,
        aws_session_token=TOKEN,
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )
    try:
        yield made
    finally:
        made.close()


def without_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_the_loopback_is_a_bedrock_to_botocore() -> None:
    """botocore's signature, path and body are accepted, and its client reads both answers."""
    with BedrockStub() as stub, client(stub) as caller:
        whole = caller.converse(modelId=PROFILE, messages=HELLO)
        events = list(caller.converse_stream(modelId=PROFILE, messages=HELLO)["stream"])
    assert without_metadata(whole) == answer_body("hello there")
    assert stub.models == [PROFILE, PROFILE]
    assert events[0] == {"messageStart": {"role": "assistant"}}
    assert events[-1] == {"metadata": {"usage": USAGE, "metrics": {"latencyMs": 12}}}


def test_its_faults_are_faults_to_botocore() -> None:
    """A wrong checksum, an exception frame, a wrong secret and a throttled call fail there, too."""
    with BedrockStub(fault="bad_crc") as stub, client(stub) as caller, pytest.raises(ChecksumMismatch):
        _read_and_close(caller)
    with BedrockStub(fault="exception") as stub, client(stub) as caller, pytest.raises(EventStreamError):
        _read_and_close(caller)
    with BedrockStub() as stub, client(stub, secret="wrong") as caller, pytest.raises(ClientError) as caught:
        caller.converse(modelId=PROFILE, messages=HELLO)
    assert caught.value.response["Error"]["Code"] == "InvalidSignatureException"
    with BedrockStub(fault="throttled") as stub, client(stub) as caller, pytest.raises(ClientError) as caught:
        caller.converse(modelId=PROFILE, messages=HELLO)
    assert caught.value.response["Error"]["Code"] == "ThrottlingException"


def _read_and_close(caller: Any) -> None:
    stream = caller.converse_stream(modelId=PROFILE, messages=HELLO)["stream"]
    try:
        list(stream)
    finally:
        stream.close()


def test_what_botocore_sends_is_read_and_written_alike() -> None:
    """A request with everything: read from botocore's bytes, and written with the same content."""
    parameters: dict[str, Any] = {
        "system": [{"text": "be brief"}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"text": "look"},
                    {"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}},
                    {"document": {"format": "pdf", "name": "report", "source": {"bytes": b"%PDF"}}},
                ],
            },
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "c1", "name": "find", "input": {"a": "ä"}}}]},
            {
                "role": "user",
                "content": [{"toolResult": {"toolUseId": "c1", "content": [{"text": "no"}], "status": "error"}}],
            },
        ],
        "inferenceConfig": {"maxTokens": 5, "temperature": 0.25, "topP": 0.5, "stopSequences": ["END"]},
        "toolConfig": {
            "tools": [{"toolSpec": {"name": "find", "inputSchema": {"json": {"type": "object"}}}}],
            "toolChoice": {"tool": {"name": "find"}},
        },
        "outputConfig": {
            "textFormat": {
                "type": "json_schema",
                "structure": {"jsonSchema": {"schema": '{"type":"object"}', "name": "answer"}},
            },
            "effort": "low",
        },
        "guardrailConfig": {"guardrailIdentifier": "abc1", "guardrailVersion": "1", "trace": "disabled"},
        "serviceTier": {"type": "flex"},
        "additionalModelRequestFields": {"top_k": 3},
    }
    raw: list[bytes] = []
    with BedrockStub() as stub, client(stub) as caller:
        caller.meta.events.register("before-send", lambda request, **_: raw.append(request.body))
        caller.converse(modelId=PROFILE, **parameters)
    request = CODEC.decode_request(raw[0])
    assert request == Request(
        (
            Message.system("be brief"),
            Message.user("look", Image(b"\x89PNG"), File(b"%PDF", name="report", media_type="application/pdf")),
            Message("assistant", (ToolCall("c1", "find", '{"a":"ä"}'),)),
            Message("tool", (ToolResult("c1", "no", is_error=True),)),
        ),
        tools=(Tool("find", parameters={"type": "object"}),),
        tool_choice="find",
        output=OutputSchema("answer", {"type": "object"}),
        limits=Limits(5, 0.25, 0.5, ("END",), None, "low"),
        extra={
            "bedrock": {
                "guardrailConfig": {"guardrailIdentifier": "abc1", "guardrailVersion": "1", "trace": "disabled"},
                "serviceTier": {"type": "flex"},
                "additionalModelRequestFields": {"top_k": 3},
            }
        },
    )
    assert json.loads(CODEC.encode(request, stream=False).body) == json.loads(raw[0])


ANSWER = Response(
    (Reasoning("hm"), Text("well"), ToolCall("c1", "find", '{"a":1}'), Text("done")),
    finish="tool_calls",
    usage=Usage(5, 7, 2, reported=True),
)


def test_what_we_serve_is_an_answer_to_botocore() -> None:
    """Its client builds the same parts from our body and, piece by piece, from our frames."""
    body = CODEC.encode_response(ANSWER, id="", created=0, reasoning=True)
    frames = b"".join(CODEC.encode_stream(explode(ANSWER), ANSWER, id="", created=0, reasoning=True))
    with BedrockStub(body=body, stream=frames) as stub, client(stub) as caller:
        whole = caller.converse(modelId=PROFILE, messages=HELLO)
        events = list(caller.converse_stream(modelId=PROFILE, messages=HELLO)["stream"])
    assert without_metadata(whole) == {
        "output": {
            "message": {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "hm"}}},
                    {"text": "well"},
                    {"toolUse": {"toolUseId": "c1", "name": "find", "input": {"a": 1}}},
                    {"text": "done"},
                ],
            }
        },
        "stopReason": "tool_use",
        "usage": {"inputTokens": 3, "outputTokens": 7, "totalTokens": 12, "cacheReadInputTokens": 2},
        "metrics": {"latencyMs": 0},
    }
    pieces = [item["contentBlockDelta"] for item in events if "contentBlockDelta" in item]
    assert pieces == [
        {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm"}}},
        {"contentBlockIndex": 1, "delta": {"text": "well"}},
        {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '{"a":1}'}}},
        {"contentBlockIndex": 3, "delta": {"text": "done"}},
    ]
    assert [item["contentBlockStop"]["contentBlockIndex"] for item in events if "contentBlockStop" in item] == [
        0,
        1,
        2,
        3,
    ]

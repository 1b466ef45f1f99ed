"""`wrap()` around a client of boto3 (which is botocore's): same object, real types, nothing on its own connections."""

from __future__ import annotations

import gc
import json
import logging
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.eventstream import EventStream
from botocore.exceptions import ClientError, EventStreamError
from botocore.session import Session

from psf_runtime import Block, ConfigError, Policy, ToolRule, decision_of, facts, guard, wrap
from psf_runtime.client.wrapped.boto import credentials_of
from psf_runtime.policy import Oversight
from psf_runtime.providers.base import Outgoing
from tests.wire.wire_bedrock import ACCESS_KEY, MODEL, PROFILE, REGION, SECRET, TOKEN, BedrockStub

CANARY = "jane.doe@example.com"
HELLO: Any = [{"role": "user", "content": [{"text": f"Write to {CANARY} today"}]}]
TOOLS: Any = {"tools": [{"toolSpec": {"name": name, "inputSchema": {"json": {}}}} for name in ("one", "two")]}


@pytest.fixture
def stub() -> Iterator[BedrockStub]:
    with BedrockStub() as server:
        yield server


def client(stub: BedrockStub, service: str = "bedrock-runtime", **settings: Any) -> Any:
    return Session().create_client(
        service,
        region_name=REGION,
        endpoint_url=stub.origin,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET,
        aws_session_token=TOKEN,
        config=Config(retries={"max_attempts": 3}, **settings),
    )


def without_network(made: Any) -> Any:
    """The client, whose own connections fail: what is sent goes another way."""

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("the client sent by itself")

    made._endpoint.http_session.send = never
    return made


def test_converse_comes_back_as_the_client_gives_it(stub: BedrockStub) -> None:
    """The same object; the parsed dict has what botocore's own parser makes; signed, and nothing personal left."""
    bare = client(stub).converse(modelId=MODEL, messages=[{"role": "user", "content": [{"text": "hi"}]}])
    original = without_network(client(stub))
    wrapped = wrap(original)
    assert wrapped is original
    with facts(user="agent:lee") as call:
        answer = wrapped.converse(modelId=MODEL, messages=HELLO, toolConfig=TOOLS, system=[{"text": "Be brief."}])
    content = answer["output"]["message"]["content"]
    assert {"text": "hello there"} in content
    assert bare["output"]["message"]["content"][1:] == [block for block in content if "reasoningContent" not in block]
    assert (bare["stopReason"], bare["usage"]["inputTokens"]) == (answer["stopReason"], answer["usage"]["inputTokens"])
    assert bare.keys() == answer.keys()
    assert {"RequestId", "HTTPStatusCode", "HTTPHeaders", "RetryAttempts"} <= answer["ResponseMetadata"].keys()
    assert call.decision is not None
    assert {"EMAIL": 1} == call.decision.tokens
    assert CANARY not in json.dumps(stub.bodies)


def test_a_model_by_its_arn(stub: BedrockStub) -> None:
    """An inference profile's ARN goes to the place that it names, escaped once."""
    wrap(client(stub)).converse(modelId=PROFILE, messages=HELLO, toolConfig=TOOLS)
    assert [PROFILE] == stub.models


def test_a_stream_is_a_real_event_stream(stub: BedrockStub) -> None:
    """`converse_stream` gives an EventStream with the events of the service; closing it early ends the call."""
    wrapped = wrap(without_network(client(stub)))
    stream = wrapped.converse_stream(modelId=MODEL, messages=HELLO, toolConfig=TOOLS)["stream"]
    assert isinstance(stream, EventStream)
    events = list(stream)
    assert "messageStart" in events[0]
    deltas = [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]
    assert "hello there" == "".join(delta.get("text", "") for delta in deltas)
    assert ["messageStop", "metadata"] == [next(iter(event)) for event in events[-2:]]
    with facts(user="u") as call:
        left = wrapped.converse_stream(modelId=MODEL, messages=HELLO)["stream"]
        next(iter(left))
        left.close()
    assert call.decision is not None
    assert CANARY not in json.dumps(stub.bodies)


def test_signed_reasoning_leaves_as_a_handle(stub: BedrockStub) -> None:
    """The service's signature does not reach the caller; what does comes back to the service as its own."""
    wrapped = wrap(client(stub))
    message = wrapped.converse(modelId=MODEL, messages=HELLO, toolConfig=TOOLS)["output"]["message"]
    (thought,) = [block for block in message["content"] if "reasoningContent" in block]
    assert thought["reasoningContent"]["reasoningText"]["signature"].startswith("psf1.")
    results = [
        {"toolResult": {"toolUseId": block["toolUse"]["toolUseId"], "content": [{"text": "done"}]}}
        for block in message["content"]
        if "toolUse" in block
    ]
    wrapped.converse(modelId=MODEL, messages=[*HELLO, message, {"role": "user", "content": results}], toolConfig=TOOLS)
    sent = stub.bodies[-1]["messages"][1]["content"]
    assert {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2ln"}}} in sent


@pytest.mark.parametrize("operation", ["converse", "converse_stream"])
def test_a_block_is_a_client_error_once(stub: BedrockStub, operation: str) -> None:
    """AccessDeniedException, one call of ours, our decision on it, nothing sent."""
    asked = []

    @guard(on="input")
    def never(text: str) -> Block:
        asked.append(1)
        return Block("never")

    wrapped = wrap(client(stub), policy=Policy.standard(guards=[never]))
    with pytest.raises(wrapped.exceptions.AccessDeniedException) as caught:
        getattr(wrapped, operation)(modelId=MODEL, messages=HELLO)
    assert isinstance(caught.value, ClientError)
    assert [1] == asked
    decision = decision_of(caught.value)
    assert decision is not None
    assert "never" == decision.blocked_by
    assert CANARY not in str(caught.value)
    assert [] == stub.bodies


def test_the_services_own_errors_keep_their_names(stub: BedrockStub) -> None:
    """Throttling comes back as ThrottlingException, after the policy's retries and none of boto's."""
    stub.fault = "throttled"
    wrapped = wrap(client(stub))
    with pytest.raises(wrapped.exceptions.ThrottlingException):
        wrapped.converse(modelId=MODEL, messages=HELLO)


def test_a_broken_stream_is_an_event_stream_error(stub: BedrockStub) -> None:
    """A failure in mid-stream is botocore's EventStreamError with our decision, without the service's text."""
    stub.fault = "cut"
    with pytest.raises((EventStreamError, ClientError)) as caught:
        list(wrap(client(stub)).converse_stream(modelId=MODEL, messages=HELLO)["stream"])
    decision = decision_of(caught.value)
    assert decision is not None
    assert "StreamInterrupted" == decision.outcome
    assert "Kanarien" not in str(caught.value)


def test_a_ticket(stub: BedrockStub) -> None:
    """ConflictException, approval, and the same call with the ticket: the stored answer, the model unasked."""
    wrapped = wrap(
        client(stub),
        policy=Policy.standard(
            tools={"one": ToolRule(approval="always")}, oversight=Oversight(reviewers={"r": ["lee@acme.example"]})
        ),
    )
    asked: Any = {"modelId": MODEL, "messages": HELLO, "toolConfig": TOOLS}
    with pytest.raises(wrapped.exceptions.ConflictException) as caught:
        wrapped.converse(**asked)
    ticket = decision_of(caught.value).ticket  # type: ignore[union-attr]
    wrapped.psf_tickets.approve(ticket, by="lee@acme.example")
    with facts(ticket=ticket):
        assert "tool_use" == wrapped.converse(**asked)["stopReason"]
    assert 1 == len(stub.bodies)


def test_other_operations_fail_closed(stub: BedrockStub) -> None:
    """InvokeModel and the rest are refused before anything is sent; passthrough opens what it names."""
    wrapped = wrap(client(stub))
    for call in (
        lambda: wrapped.invoke_model(modelId=MODEL, body=CANARY),
        lambda: wrapped.invoke_model_with_response_stream(modelId=MODEL, body=CANARY),
        lambda: wrapped.apply_guardrail(
            guardrailIdentifier="g", guardrailVersion="1", source="INPUT", content=[{"text": {"text": CANARY}}]
        ),
        lambda: wrapped.count_tokens(modelId=MODEL, input={"converse": {"messages": HELLO}}),
    ):
        with pytest.raises(ClientError, match="cannot be screened"):
            call()
    assert [] == stub.models
    passing = wrap(without_network(client(stub)), passthrough=["/guardrail"])
    with pytest.raises(AssertionError, match="sent by itself"):
        passing.apply_guardrail(
            guardrailIdentifier="g", guardrailVersion="1", source="INPUT", content=[{"text": {"text": "hi"}}]
        )


@pytest.mark.parametrize("prefix", ["/model", f"/model/{MODEL}", "/", "model"])
def test_passthrough_never_opens_converse(stub: BedrockStub, prefix: str) -> None:
    """A prefix that covers screened calls is refused."""
    with pytest.raises(ConfigError, match="passthrough="):
        wrap(client(stub), passthrough=[prefix])


def test_wrong_clients_say_so(stub: BedrockStub) -> None:
    """Wrapped twice, another service, proxies and certificates of its own: each says what to change."""
    wrapped = wrap(client(stub))
    with pytest.raises(ConfigError, match="wrapped already"):
        wrap(wrapped)
    with pytest.raises(ConfigError, match="client of s3"):
        wrap(client(stub, "s3"))
    with pytest.raises(ConfigError, match="proxies"):
        wrap(client(stub, proxies={"http": "http://127.0.0.1:9"}))


def test_other_clients_are_untouched(stub: BedrockStub) -> None:
    """The handlers stand on this client only, and go with it."""
    session = Session()
    settings: Any = {"region_name": REGION, "endpoint_url": stub.origin}
    settings |= {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET, "aws_session_token": TOKEN}
    first, second = (session.create_client("bedrock-runtime", **settings) for _ in range(2))
    wrap(first)
    second.converse(modelId=MODEL, messages=HELLO)
    assert CANARY in json.dumps(stub.bodies)
    gone = weakref.ref(first)
    del first
    gc.collect()
    assert gone() is None


def test_no_logger_writes_the_prompt(stub: BedrockStub, caplog: pytest.LogCaptureFixture) -> None:
    """With every logger of botocore at DEBUG, neither the prompt nor the answer is in a record."""
    caplog.set_level(logging.DEBUG)
    wrapped = wrap(client(stub))
    wrapped.converse(modelId=MODEL, messages=HELLO, toolConfig=TOOLS)
    list(wrapped.converse_stream(modelId=MODEL, messages=HELLO, toolConfig=TOOLS)["stream"])
    assert CANARY not in caplog.text
    assert "hello there" not in caplog.text
    assert "loggers at DEBUG" in caplog.text


def test_the_clients_time_out_holds(stub: BedrockStub) -> None:
    """`read_timeout` of the client is the time of a whole answer."""
    wrapped = wrap(client(stub, read_timeout=1e-6))
    with pytest.raises(wrapped.exceptions.ModelTimeoutException):
        wrapped.converse(modelId=MODEL, messages=HELLO, toolConfig=TOOLS)


def test_a_bedrock_api_key_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that has a bearer token sends it as one; no signature is made with other credentials."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-x")
    made = Session().create_client("bedrock-runtime", region_name=REGION, endpoint_url="https://127.0.0.1:9")
    outgoing = Outgoing("POST", "https://127.0.0.1:9/model/m/converse", (), b"{}")
    assert (("authorization", "Bearer bedrock-api-key-x"),) == credentials_of(made).headers(outgoing, 0.0)

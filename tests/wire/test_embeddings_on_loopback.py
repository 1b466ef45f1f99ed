"""`client.embed` over real sockets: the exact bytes, answers of every quality, other hosts, and the vendor's SDK."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import openai
import pytest

from psf_runtime import Client, Policy, ProviderError, Target
from psf_runtime.errors import NotEligible, RoutesExhausted
from psf_runtime.policy import Resilience
from psf_runtime.providers.embeddings import OpenAIEmbeddings
from psf_runtime.types.response import Response
from psf_runtime.types.response_head import Usage
from tests.modes.clients import Mode, assert_absent, client_for, do
from tests.wire.wire_loopback import Loopback, Script, body, events

both = pytest.mark.parametrize("mode", ["complete", "async complete"])
EMAIL = "zoe.quill@canary-mail.example"
QUICK = Policy(resilience=Resilience(retries=0))


def entry(index: int, *numbers: float) -> dict[str, Any]:
    return {"object": "embedding", "index": index, "embedding": list(numbers)}


def answer(*entries: Any) -> Script:
    usage = {"prompt_tokens": 7, "total_tokens": 7}
    return body({"object": "list", "data": list(entries), "model": "m-2", "usage": usage})


def sent(server: Loopback, number: int = -1) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(server.requests[number].partition(b"\r\n\r\n")[2])
    return fields


@both
def test_what_leaves_and_what_comes_back(mode: Mode) -> None:
    """One POST, tokens in place of the address, vectors in the order of the texts though the server mixed them up."""
    with Loopback(answer(entry(1, 0.5, 1.0), entry(0, 2.0, 3.0))) as server:
        client = client_for(mode, f"local:m-2@{server.url}")
        got = do(mode, client.embed, ["hello", f"write to {EMAIL}"], user=EMAIL, subject=EMAIL, dimensions=2)
        do(mode, client.close)
    assert got.vectors == ((2.0, 3.0), (0.5, 1.0))
    assert (got.usage.input_tokens, got.usage.output_tokens, got.raw["status"]) == (7, 0, 200)
    assert len(server.requests) == 1
    assert server.requests[0].startswith(b"POST /v1/embeddings HTTP/1.1\r\n")
    assert_absent([EMAIL], server.requests[0], "the bytes on the wire")
    fields = sent(server)
    assert fields.keys() == {"model", "input", "dimensions"}
    assert (fields["model"], fields["input"][0]) == ("m-2", "hello")
    assert fields["input"][1].startswith("write to EMAIL_")


def test_base64_is_read() -> None:
    """The short form of a vector is the same vector."""
    packed = base64.b64encode(struct.pack("<2f", 0.5, -2.0)).decode()
    with Loopback(answer({"index": 0, "embedding": packed})) as server, Client(f"local:m@{server.url}") as client:
        assert client.embed("hello").vector == (0.5, -2.0)


BAD: dict[str, Script] = {
    "too few": answer(entry(0, 1.0)),
    "too many": answer(entry(0, 1.0), entry(1, 1.0), entry(2, 1.0)),
    "two lengths": answer(entry(0, 1.0), entry(1, 1.0, 2.0)),
    "twice the same": answer(entry(0, 1.0), entry(0, 2.0)),
    "infinite": body(b'{"object":"list","data":[{"index":0,"embedding":[1e999]},{"index":1,"embedding":[1.0]}]}'),
    "not a number": body(b'{"object":"list","data":[{"index":0,"embedding":[NaN]},{"index":1,"embedding":[1.0]}]}'),
    "a chat answer": body({"id": "c1", "choices": [{"index": 0, "message": {"content": "zoe"}}]}),
    "events": events(b"data: [DONE]\n\n"),
    "empty": body(b""),
    "an error inside": body({"error": {"message": "zoe quill", "code": "bad_thing"}}),
}


@both
@pytest.mark.parametrize("what", sorted(BAD))
def test_an_answer_that_cannot_be_used_is_an_error(mode: Mode, what: str) -> None:
    """Each is a typed error with nothing of the answer in it, tried once; no vector reaches the caller."""
    with Loopback(BAD[what]) as server:
        client = client_for(mode, f"local:m@{server.url}", policy=QUICK)
        with pytest.raises(ProviderError) as caught:
            do(mode, client.embed, ["one", "two"])
        do(mode, client.close)
    assert caught.value.kind == ("server_error" if what == "an error inside" else "bad_response")
    assert "zoe" not in str(caught.value)
    assert len(server.requests) == 1


@both
def test_another_host_of_the_same_model_may_stand_in(mode: Mode) -> None:
    """The same model elsewhere gives vectors that can be compared; the answer says that it was another host."""
    down = body({"error": {"message": "x"}}, status="503 Service Unavailable")
    with Loopback(down) as first, Loopback(answer(entry(0, 1.0))) as second:
        client = client_for(mode, f"local:m@{first.url}", fallbacks=[f"local:m@{second.url}"], policy=QUICK)
        got = do(mode, client.embed, "hello")
        do(mode, client.close)
    assert (got.vector, got.degraded) == ((1.0,), True)
    assert [one.outcome for one in got.decision.route] == ["ProviderError", "ok"]


@both
def test_another_model_may_not(mode: Mode) -> None:
    """The reason stands beside the error of the one that failed; the other model is never asked."""
    down = body({"error": {"message": "x"}}, status="503 Service Unavailable")
    with Loopback(down) as first, Loopback(answer(entry(0, 1.0))) as second:
        client = client_for(mode, f"local:m@{first.url}", fallbacks=[f"local:other@{second.url}"], policy=QUICK)
        with pytest.raises(RoutesExhausted) as caught:
            do(mode, client.embed, "hello")
        do(mode, client.close)
    refused = caught.value.exceptions[1]
    assert isinstance(refused, NotEligible)
    assert refused.why == "it is another model than local:m, and vectors of two models cannot be compared"
    assert second.requests == []


def test_targets_that_are_known_not_to_embed_are_refused_unsent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anthropic has no embeddings, and of Bedrock's models only some do; nothing is sent to find out."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    targets = [
        "anthropic:claude-sonnet-4-5",
        Target("bedrock:amazon.nova-pro-v1:0", api_key="k", region="eu-central-1"),
    ]
    for target in targets:
        with Client(target) as client, pytest.raises(NotEligible, match="the call asks for vectors"):
            client.embed("hello")


@both
def test_titan_over_invoke_model(mode: Mode) -> None:
    """Bedrock's own call, with a bearer key: the model in the path, the tokenised text in the body."""
    model = "amazon.titan-embed-text-v2:0"
    with Loopback(body({"embedding": [0.5, 1.0], "inputTextTokenCount": 3})) as server:
        base_url = server.url.removesuffix("/v1")
        target = Target(f"bedrock:{model}", base_url=base_url, api_key="k-1", region="eu-central-1", boundary="own")
        client = client_for(mode, target)
        got = do(mode, client.embed, f"write to {EMAIL}", dimensions=2)
        do(mode, client.close)
    assert (got.vector, got.usage.input_tokens) == ((0.5, 1.0), 3)
    assert server.requests[0].startswith(b"POST /model/amazon.titan-embed-text-v2%3A0/invoke HTTP/1.1\r\n")
    assert b"authorization: bearer k-1" in server.requests[0].lower()
    assert_absent([EMAIL], server.requests[0], "the bytes on the wire")
    assert sent(server).keys() == {"inputText", "dimensions"}


@pytest.mark.parametrize("form", ["float", "base64"])
def test_the_vendors_sdk_reads_what_we_serve(form: Any) -> None:
    """Our answer, in either form, is a good answer to the vendor's client; our reader takes its request."""
    codec = OpenAIEmbeddings(model="m")
    response = Response(model="m", vectors=((0.5, -2.0), (1.0, 0.25)), usage=Usage(5, 0, reported=True))
    with Loopback(body(codec.encode_response(response, id="e", created=1, encoding=form))) as server:
        with openai.OpenAI(base_url=server.url, api_key="k", max_retries=0) as sdk:
            got = sdk.embeddings.create(model="m", input=["one", "two"], dimensions=2)
        asked = codec.decode_request(server.requests[0].partition(b"\r\n\r\n")[2])
    assert [item.embedding for item in got.data] == [[0.5, -2.0], [1.0, 0.25]]
    assert (got.usage.prompt_tokens, got.usage.total_tokens) == (5, 5)
    assert ([message.text for message in asked.messages], asked.limits.dimensions) == (["one", "two"], 2)
    assert asked.operation == "embed"

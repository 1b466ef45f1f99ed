"""Signed reasoning over several turns: out as a handle, back to the vendor word for word, to nobody else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.providers.handles import Handles
from psf_runtime.providers.openai import OpenAIChat
from psf_runtime.stores.sealing import Sealer
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Facts, Request
from psf_runtime.types.response import explode
from tests.unit.providers.responses.responses_events import (
    CODEC,
    call,
    from_body,
    from_events,
    message,
    reasoning,
    response,
    stream_of,
)

SEALER = Sealer(b"k" * 32)
FACTS = Facts(tenant="t", user="u", conversation="c")
SIGNED = [reasoning(["look"], "gAAAA-1"), reasoning([], "gAAAA-2", "rs_2")]
WHOLE = response(SIGNED[0], message("Let me see."), SIGNED[1], call("c1", "find", "{}"))
SENT_BACK = [
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "look"}], "encrypted_content": "gAAAA-1"},
    {"type": "message", "role": "assistant", "content": "Let me see."},
    {"type": "reasoning", "summary": [], "encrypted_content": "gAAAA-2"},
    {"type": "function_call", "call_id": "c1", "name": "find", "arguments": "{}"},
]


def client_history(stream: bool) -> list[dict[str, Any]]:
    """What a client appends after the answer that it was served with a handle in it."""
    found = from_events(stream_of(WHOLE)) if stream else from_body(WHOLE)
    answer = found.replace(handle=Handles(SEALER, "t").make(found.handle.encode(), FACTS))
    if not stream:
        output: list[dict[str, Any]] = json.loads(CODEC.encode_response(answer, id="r", created=1))["output"]
        return output
    *_, last = CODEC.encode_stream(explode(answer), answer, id="r", created=1)
    data = last.rpartition(b"data: ")[2]
    streamed: list[dict[str, Any]] = json.loads(data)["response"]["output"]
    return streamed


def next_turn(history: list[dict[str, Any]], facts: Facts = FACTS) -> Request:
    items = [*history, {"type": "function_call_output", "call_id": "c1", "output": "7"}]
    return CODEC.decode_request(json.dumps({"model": "m", "input": items}).encode()).replace(facts=facts)


@pytest.mark.parametrize("stream", [False, True])
def test_it_comes_back_word_for_word_where_it_stood(stream: bool) -> None:
    """Through a client of this dialect, which sees a sealed handle and none of the vendor's own."""
    history = client_history(stream)
    assert "gAAAA" not in json.dumps(history)
    resolved = Handles(SEALER, "t").resolve(next_turn(history))
    assert json.loads(CODEC.encode(resolved, stream=stream).body)["input"][:-1] == SENT_BACK


def test_a_fallback_gets_none_of_it() -> None:
    """Another target, of this dialect or another, is sent the turn without the reasoning."""
    resolved = Handles(SEALER, "other").resolve(next_turn(client_history(stream=False)))
    for codec in (CODEC, OpenAIChat(model="m")):
        body = codec.encode(resolved, stream=False).body
        assert b"gAAAA" not in body
        assert b"psf1." not in body
        assert b"Let me see." in body


def test_another_tenant_gets_an_error() -> None:
    """A handle is a capability: in other hands it opens nothing, and nothing is sent."""
    with pytest.raises(ConfigError, match="nothing was sent"):
        Handles(SEALER, "t").resolve(next_turn(client_history(stream=False), Facts(tenant="t2")))


def test_the_vendors_own_signature_is_refused() -> None:
    """A client that brings what it got from the vendor directly might bring somebody else's."""
    history = [SIGNED[0], {"role": "assistant", "content": "x"}]
    with pytest.raises(ConfigError, match="no handle that was made here"):
        Handles(SEALER, "t").resolve(next_turn(history))


def test_an_appended_message_works_as_well() -> None:
    """Without a client of this dialect: the answer's own message is appended."""
    found = from_body(WHOLE)
    handle = Handles(SEALER, "t").make(found.handle.encode(), FACTS)
    history = Request((Message("assistant", found.parts),), facts=FACTS)
    assert b"gAAAA" not in CODEC.encode(history, stream=False).body
    again = next_turn([{"type": "reasoning", "encrypted_content": handle}, *SENT_BACK[1:2], *SENT_BACK[3:]])
    resolved = Handles(SEALER, "t").resolve(again)
    assert json.loads(CODEC.encode(resolved, stream=False).body)["input"][:-1] == SENT_BACK

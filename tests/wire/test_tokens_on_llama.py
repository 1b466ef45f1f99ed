"""Output contracts over tokens, on a real llama.cpp server: the planted value comes back, or the call is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from psf_runtime import Client, Contract, Policy, Tool
from psf_runtime.errors import ContractViolation
from psf_runtime.policy import Privacy
from psf_runtime.testing.llama_server import EchoServer

EMAIL, PHONE = "zoe.quill@canary-mail.example", "+1 202 555 0187"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "email": {"type": "string", "format": "email", "maxLength": 40},
        "phone": {"type": "string", "pattern": r"^\+1 \d{3} \d{3} \d{4}$"},
    },
    "required": ["email", "phone"],
}


class Card(BaseModel):
    """A number that is somebody's, as a number."""

    phone: int
    pieces: int


@pytest.fixture
def client(echo_server: EchoServer) -> Iterator[Client]:
    with Client(f"local:echo-lm@{echo_server.base_url}") as made:
        yield made


def test_constraints_that_a_token_cannot_meet_hold_for_the_value(client: Client) -> None:
    """The grammar lets the token through, and format, pattern and length are checked on what it stood for."""
    planted = {"email": EMAIL, "phone": PHONE}
    got = client.complete(json.dumps(planted), output=Contract(SCHEMA))

    assert got.value == planted
    assert got.decision.tokens == {"EMAIL": 1, "PHONE": 1}


def test_a_value_that_does_not_meet_them_is_refused(client: Client) -> None:
    """What the pattern forbids is a violation of the restored answer, although the model followed its schema."""
    with pytest.raises(ContractViolation) as info:
        client.complete(
            json.dumps({"email": EMAIL, "phone": "+44 20 7946 0958"}), output=Contract(SCHEMA, max_reasks=0)
        )

    assert info.value.errors == (("phone", "pattern"),)


def test_a_number_leaves_as_text_and_comes_back_as_a_number(client: Client) -> None:
    """An integer field whose value left as a token is an integer again, and the other one was never text."""
    got = client.complete('{"phone": "2025550187", "pieces": 3}', output=Card)

    assert got.value == Card(phone=2025550187, pieces=3)


def test_masked_for_good_never_comes_back_as_another(echo_server: EchoServer) -> None:
    """A value masked for good cannot fill a field that wants a real one: refused, and no third one appears."""
    policy = Policy.standard(privacy=Privacy(actions={"EMAIL": "mask"}))
    with Client(f"local:echo-lm@{echo_server.base_url}", policy=policy) as client, pytest.raises(ContractViolation):
        client.complete(json.dumps({"email": EMAIL, "phone": PHONE}), output=Contract(SCHEMA))


def test_a_tool_gets_the_value_of_a_whole_field(client: Client) -> None:
    """The server's own tool call, made from tokens, reaches the application with values and as valid JSON."""
    call = json.dumps({"name": "look_up", "arguments": {"email": EMAIL}})
    tool = Tool("look_up", "Looks up.", {"type": "object", "properties": {"email": {"type": "string"}}})
    got = client.complete(f"<tool_call>\n{call}\n</tool_call>", tools=[tool])

    assert [made.arguments for made in got.tool_calls] == [{"email": EMAIL}]

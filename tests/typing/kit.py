"""What a type checker knows of the test kit and of wrapped clients: never run, only checked."""

from __future__ import annotations

from typing import assert_type

import httpx
import openai
from openai.types.chat import ChatCompletion

from psf_runtime import Client, wrap
from psf_runtime.providers.base import Codec
from psf_runtime.testing import (
    CassetteProvider,
    ManualClock,
    MockProvider,
    assert_no_personal_data_sent,
    call,
    check_provider,
    check_store,
    fault,
)


def mocked() -> None:
    mock = MockProvider("first", ["sec", "ond"], call("pay_out", amount=40), fault.cut(after=1), clock=ManualClock())
    rule = mock.on(text="refund", purpose="support", optional=True).reply("x", chunks=1).then(fault.slow(seconds=2))
    rule.times(2)
    assert_type(mock.url, str)
    assert_type(mock.last.wire, str)
    assert_type(mock.unused(), list[str])
    with mock.serve(port=0) as server:
        assert_type(server.url, str)
    with Client(mock) as client:
        assert_type(client, Client)
    Client(CassetteProvider("refund.json"))
    assert_no_personal_data_sent(mock, "jane@acme.example")
    assert_type(check_store(dict, kind="vault"), None)


def wrapped() -> None:
    assert_type(wrap(openai.OpenAI()), openai.OpenAI)
    assert_type(wrap(openai.AsyncOpenAI()), openai.AsyncOpenAI)
    assert_type(wrap(httpx.Client()), httpx.Client)
    answer = wrap(openai.OpenAI()).chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
    assert_type(answer, ChatCompletion)


def checked(codec: Codec) -> None:
    assert_type(check_provider(codec, operation="embed", examples=5), None)

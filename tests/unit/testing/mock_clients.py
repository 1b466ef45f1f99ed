"""The official clients, pointed at a mock provider's server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anthropic
import botocore.session
import openai
from botocore.config import Config

from psf_runtime import Client, Completion
from psf_runtime.testing import MockProvider

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
USER = [{"role": "user", "content": "hello"}]
TOOL = {
    "name": "look_up",
    "description": "Look up an order.",
    "parameters": {"type": "object", "properties": {"order": {"type": "integer"}}, "required": ["order"]},
}


@contextmanager
def serving(*replies: Any, **settings: Any) -> Iterator[MockProvider]:
    """A mock provider whose server is stopped at the end."""
    mock = MockProvider(*replies, **settings)
    try:
        yield mock
    finally:
        mock.stop()


@contextmanager
def openai_at(url: str, **settings: Any) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=url, api_key="x", max_retries=0, **settings) as client:
        yield client


@contextmanager
def anthropic_at(url: str, **settings: Any) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=url, api_key="x", max_retries=0, **settings) as client:
        yield client


@contextmanager
def bedrock_at(url: str, *, read_timeout: float = 10) -> Iterator[Any]:
    config = Config(retries={"total_max_attempts": 1}, read_timeout=read_timeout, proxies={})
    client = botocore.session.get_session().create_client(
        "bedrock-runtime",
        region_name="eu-central-1",
        endpoint_url=url,
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="not-a-secret",
        config=config,
    )
    try:
        yield client
    finally:
        client.close()


def converse(client: Any, **more: Any) -> Any:
    return client.converse(modelId=MODEL, messages=[{"role": "user", "content": [{"text": "hello"}]}], **more)


def converse_stream(client: Any) -> list[Any]:
    answer = client.converse_stream(modelId=MODEL, messages=[{"role": "user", "content": [{"text": "hello"}]}])
    try:
        return list(answer["stream"])
    finally:
        answer["stream"].close()


def message(client: anthropic.Anthropic) -> anthropic.types.Message:
    return client.messages.create(model="m", max_tokens=9, messages=USER)  # type: ignore[arg-type]


def message_stream(client: anthropic.Anthropic) -> Any:
    with client.messages.stream(model="m", max_tokens=9, messages=USER) as stream:  # type: ignore[arg-type]
        return stream.get_final_message()


def chat(client: openai.OpenAI) -> openai.types.chat.ChatCompletion:
    return client.chat.completions.create(model="m", messages=USER)  # type: ignore[arg-type]


def chat_stream(client: openai.OpenAI) -> list[Any]:
    return list(client.chat.completions.create(model="m", messages=USER, stream=True))  # type: ignore[call-overload]


def read(client: Client, *, streamed: bool, timeout: float | None = None) -> Completion[str]:
    """An answer of our own client."""
    if not streamed:
        return client.complete("hello", timeout=timeout)
    with client.stream("hello", timeout=timeout) as stream:
        for _ in stream:
            pass
    return stream.completion

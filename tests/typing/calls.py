"""What a type checker knows of calls: never run, only checked. `output=` decides what `.value` is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict, assert_type

from pydantic import BaseModel

from psf_runtime import AsyncClient, Client, Completion, Contract, Message
from psf_runtime.types.messages import ToolCall


class Claim(BaseModel):
    amount: int


@dataclass
class Address:
    street: str


class Row(TypedDict):
    name: str


def whole(client: Client) -> None:
    assert_type(client.complete("hello"), Completion[str])
    assert_type(client.complete("hello").value, str)
    assert_type(client.complete([Message.user("hello")]).text, str)
    assert_type(client.complete("hello", output=Claim), Completion[Claim])
    assert_type(client.complete("hello", output=Claim).value.amount, int)
    assert_type(client.complete("hello", output=Address).value, Address)
    assert_type(client.complete("hello", output=Row).value, Row)
    assert_type(client.complete("hello", output=int).value, int)
    assert_type(client.complete("hello", output=list[Claim]).value, list[Claim])
    assert_type(client.complete("hello", output=Contract(Claim)).value, Claim)
    assert_type(client.complete("hello", output={"type": "object"}).value, Any)
    assert_type(client.complete("hello").tool_calls, tuple[ToolCall, ...])
    assert_type(client.complete("hello").cost is None, bool)


async def whole_async(client: AsyncClient) -> None:
    assert_type(await client.complete("hello"), Completion[str])
    assert_type(await client.complete("hello", output=Claim), Completion[Claim])
    assert_type((await client.complete("hello", output=list[int])).value, list[int])
    assert_type((await client.complete("hello", output={"type": "object"})).value, Any)


def streamed(client: Client) -> None:
    with client.stream("hello", output=Claim) as stream:
        for text in stream.text_stream:
            assert_type(text, str)
    assert_type(stream.completion, Completion[Claim])
    with client.stream("hello") as plain:
        pass
    assert_type(plain.completion.value, str)


async def streamed_async(client: AsyncClient) -> None:
    async with client.stream("hello", output=Claim) as stream:
        async for text in stream.text_stream:
            assert_type(text, str)
    assert_type(stream.completion, Completion[Claim])


def resumed(client: Client) -> None:
    assert_type(client.resume("t1", output=Claim), Completion[Claim])
    assert_type(client.resume("t1"), Completion[Any])

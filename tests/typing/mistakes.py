"""Mistakes that a type checker must find: each line ends with the code of the error that it must report."""

from __future__ import annotations

from pydantic import BaseModel

from psf_runtime import Client
from psf_runtime.testing import MockProvider, call, check_store, fault


class Claim(BaseModel):
    amount: int


def calls(client: Client) -> None:
    print(client.complete("hello", output=Claim).value.amonut)  # expected: attr-defined
    print(client.complete("hello").value.amount)  # expected: attr-defined
    client.complete("hello", output="Claim")  # expected: call-overload
    client.complete("hello", stream=True)  # expected: call-overload
    client.complete(42)  # expected: call-overload
    client.complete("hello", "a system prompt")  # expected: call-overload


def kit(mock: MockProvider) -> None:
    fault.rat_limit()  # expected: attr-defined
    fault.rate_limit(2)  # expected: call-arg
    mock.on(txt="refund")  # expected: call-arg
    mock.on(text=42)  # expected: arg-type
    mock.on(text="x").reply("y").times("2")  # expected: arg-type
    call(name="x")  # expected: call-arg
    check_store(dict, kind="valut")  # expected: arg-type

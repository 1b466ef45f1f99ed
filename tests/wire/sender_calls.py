"""One small call through a sender, from a thread or in one of two event loops."""

from __future__ import annotations

from typing import Any

import anyio

from psf_runtime.providers.http import HttpTransport
from psf_runtime.providers.intake import HttpLimits
from psf_runtime.providers.targets import bind
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response, accumulate
from psf_runtime.types.target import Target

BLOCKING = "blocking"
MODES = [BLOCKING, "asyncio", "trio"]
LOOPS = ["asyncio", "trio"]
REQUEST = Request((Message.user("hello"),), model="t")
BIG = Request((Message.user("x" * 8_000_000),), model="t")


def sender_to(port: int, *, limits: HttpLimits | None = None) -> HttpTransport:
    """A sender to a server on this machine."""
    target = bind(Target(f"local:m@http://127.0.0.1:{port}/v1", api_key="k"), name="t", environ={})
    return HttpTransport(target) if limits is None else HttpTransport(target, limits=limits)


def ask(mode: str, sender: HttpTransport, *requests: Request, stream: bool = False, left: float | None = 5.0) -> Any:
    """The answers to the requests (one small one when none is given), one after the other; the sender is closed."""
    wanted = requests or (REQUEST,)
    if mode == BLOCKING:
        try:
            answers = [once(sender, request, stream=stream, left=left) for request in wanted]
        finally:
            sender.close()
    else:
        answers = anyio.run(_ask, sender, wanted, stream, left, backend=mode)
    return answers if len(requests) > 1 else answers[0]


async def _ask(
    sender: HttpTransport, requests: tuple[Request, ...], stream: bool, left: float | None
) -> list[Response]:
    try:
        return [await aonce(sender, request, stream=stream, left=left) for request in requests]
    finally:
        await sender.aclose()


def once(
    sender: HttpTransport, request: Request = REQUEST, *, stream: bool = False, left: float | None = 5.0
) -> Response:
    """One whole answer."""
    source = sender.open(request, stream=stream, left=left)
    chunks: list[Chunk] = []
    try:
        while (batch := source.read(left)) is not None:
            chunks += batch
    finally:
        source.close()
    return accumulate(chunks, source.head())


async def aonce(
    sender: HttpTransport, request: Request = REQUEST, *, stream: bool = False, left: float | None = 5.0
) -> Response:
    """One whole answer."""
    source = await sender.aopen(request, stream=stream, left=left)
    chunks: list[Chunk] = []
    try:
        while (batch := await source.aread(left)) is not None:
            chunks += batch
    finally:
        await source.aclose()
    return accumulate(chunks, source.head())

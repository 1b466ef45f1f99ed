"""One call, as a user writes it, in all four ways: complete and stream, sync and async."""

from __future__ import annotations

import base64
import inspect
import json
import pickle
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote, quote_plus

import anyio

from psf_runtime import AsyncClient, Client, Completion, Policy
from psf_runtime.testing import MockProvider
from psf_runtime.types.chunks import Finish, StreamEvent

Mode = Literal["complete", "stream", "async complete", "async stream"]
MODES: tuple[Mode, ...] = ("complete", "stream", "async complete", "async stream")


@dataclass(slots=True)
class Got:
    """What a caller has after one call: an answer or an error, and the pieces of a stream."""

    client: Any
    answer: Completion[Any] | None = None
    error: BaseException | None = None
    events: list[StreamEvent] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(getattr(event, "text", "") for event in self.events if type(event).__name__ == "TextDelta")

    @property
    def finished(self) -> bool:
        return any(isinstance(event, Finish) for event in self.events)

    @property
    def core(self) -> Any:
        return self.client._core

    def value(self) -> Completion[Any]:
        """The answer; raises what the caller got instead."""
        if self.error is not None:
            raise self.error
        assert self.answer is not None
        return self.answer


def client_for(mode: Mode, model: Any, **settings: Any) -> Any:
    return (AsyncClient if mode.startswith("async") else Client)(model, **settings)


def ask(
    mode: Mode, client: Any, messages: Any, *, backend: str = "asyncio", close: bool = False, **arguments: Any
) -> Got:
    """The call in one mode. Errors are handed back, as they were when they reached the caller."""
    got = Got(client)
    try:
        if mode.startswith("async"):
            anyio.run(_aask, mode, got, messages, arguments, close, backend=backend)
        elif mode == "complete":
            got.answer = client.complete(messages, **arguments)
        else:
            with client.stream(messages, **arguments) as stream:
                for event in stream:
                    got.events.append(event)
            got.answer = stream.completion
    except Exception as error:
        got.error = error
    if close and not mode.startswith("async"):
        client.close()
    return got


async def _aask(mode: Mode, got: Got, messages: Any, arguments: dict[str, Any], close: bool) -> None:
    try:
        if mode == "async complete":
            got.answer = await got.client.complete(messages, **arguments)
            return
        async with got.client.stream(messages, **arguments) as stream:
            async for event in stream:
                got.events.append(event)
        got.answer = stream.completion
    finally:
        if close:
            await got.client.close()


def do(mode: Mode, method: Callable[..., Any], *args: Any, **arguments: Any) -> Any:
    """Any other method of a client, awaited where it has to be."""

    async def awaited() -> Any:
        result = method(*args, **arguments)
        return await result if inspect.isawaitable(result) else result

    return anyio.run(awaited) if mode.startswith("async") else method(*args, **arguments)


def mock_call(mode: Mode, *replies: Any, messages: Any = "hello", policy: Policy | None = None, **rest: Any) -> Any:
    """One call to a fresh mock: (mock, what the caller got)."""
    mock = MockProvider(*replies)
    return mock, ask(mode, client_for(mode, mock, policy=policy), messages, **rest)


def forms_of(value: str) -> list[bytes]:
    """A value as it may stand in bytes: plain, JSON-escaped, base64 at its three offsets, hex, URL."""
    raw = value.encode()
    forms = [raw, json.dumps(value)[1:-1].encode(), quote(value).encode(), quote_plus(value).encode()]
    forms += [raw.hex().encode(), raw.hex().upper().encode()]
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        # Letters at the edges also depend on the neighbours: what lies between is what a search can find.
        first = (shift * 8 + 5) // 6
        last = (shift + len(raw)) * 8 // 6
        forms.append(encoded[first:last])
    return forms


def assert_absent(values: Sequence[str], data: bytes | str, what: str) -> None:
    """None of the values is in the data, in any of its forms."""
    held = data.encode("utf-8", "replace") if isinstance(data, str) else data
    for number, value in enumerate(values):
        for form in forms_of(value):
            assert form not in held, f"value {number} is in {what}"


def told(error: BaseException) -> str:
    """Everything that a crash reporter would write down of an error: text, chain, frames with locals, pickle."""
    place = error.__traceback__
    while place is not None and not _is_ours(place.tb_frame.f_code.co_filename):
        place = place.tb_next  # the caller's own frames hold the caller's own values
    trace = traceback.TracebackException(type(error), error, place, capture_locals=True)
    return "".join(trace.format()) + repr(error) + repr(vars(error)) + repr(pickle.dumps(error))


def frames_of(error: BaseException) -> list[str]:
    """Frames of ours in an error's traceback."""
    return [
        f"{frame.filename.rpartition('/')[2]}:{frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if _is_ours(frame.filename)
    ]


def _is_ours(filename: str) -> bool:
    return "/psf_runtime/" in filename


def assert_nothing_open(got: Got, *mocks: MockProvider) -> None:
    """No answer is open, and every call that was begun in the log has its end there."""
    assert [mock.live for mock in mocks] == [0] * len(mocks)
    assert got.core.state.ledger.orphans() == ()

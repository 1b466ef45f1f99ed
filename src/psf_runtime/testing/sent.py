"""`assert_no_personal_data_sent`: nothing of these values is in the exact bytes that left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from psf_runtime.guards.privacy.tripwire import Tripwire
from psf_runtime.providers.base import Outgoing

SHORTEST = 4  # characters: what is shorter stands in everything


def assert_no_personal_data_sent(sent: Any, *values: str) -> None:
    """Raises AssertionError when one of `values` stands in what was sent, in any form.

    Looked at are the exact bytes of every body, every address and every header. Looked for is each value as it is, in
    any case of its letters, JSON-escaped, URL-quoted, as hex, and (from 8 bytes on) as base64 at each of the three
    offsets. The error says which value stands where; it does not repeat it.

    Args:
        sent: a MockProvider, or what recorded the calls of somebody else: a list of bytes or texts, or of requests
            with a `body` or `content` (httpx, httpx2, requests).
        values: at least one, each of 4 characters or more.

    Raises AssertionError also when nothing was sent at all: then nothing was tested.
    """
    problems = [f"value {n} has {len(v)} characters" for n, v in enumerate(values, 1) if len(v.strip()) < SHORTEST]
    if problems or not values:
        raise ValueError(
            "; ".join(problems or ["there is no value to look for"])
            + f": give values of at least {SHORTEST} characters, since shorter ones stand in everything"
        )
    calls = list(_calls(sent))
    if not calls:
        raise AssertionError("nothing was sent, so nothing was tested: make a call first")
    found = list(_found(calls, values))
    if found:
        raise AssertionError("personal data was sent:\n  " + "\n  ".join(found))


def _found(calls: list[list[tuple[str, bytes]]], values: tuple[str, ...]) -> Iterator[str]:
    for number, value in enumerate(values, 1):
        wire = Tripwire([(f"value {number}", value)])
        for turn, places in enumerate(calls, 1):
            for place, data in places:
                if wire(data) is not None:
                    yield f"value {number} ({len(value)} characters) in {place} of call {turn} of {len(calls)}"


def _calls(sent: Any) -> Iterator[list[tuple[str, bytes]]]:
    known = getattr(sent, "calls", sent)
    if isinstance(known, bytes | bytearray | str) or not isinstance(known, Iterable):
        known = [known]
    for call in (*known, *getattr(sent, "unmatched", ())):
        yield list(_places(call))


def _places(call: Any) -> Iterator[tuple[str, bytes]]:
    """The bytes of one call, and what they are."""
    outgoing = getattr(call, "outgoing", None)
    if outgoing is not None:
        call = outgoing()
    if isinstance(call, bytes | bytearray | str):
        yield "the bytes", _bytes(call)
        return
    body = getattr(call, "body", None)
    if body is None:
        body = getattr(call, "content", None)
    if body is None and not isinstance(call, Outgoing) and not hasattr(call, "url"):
        raise TypeError(f"a {type(call).__name__} has no bytes to look at: give bytes, or what has a body or a content")
    yield "the body", _bytes(b"" if body is None else body)
    yield "the address", _bytes(str(getattr(call, "url", "")))
    headers = getattr(call, "headers", ())
    pairs = headers.items() if hasattr(headers, "items") else headers
    yield "a header", "\n".join(f"{name}: {value}" for name, value in pairs).encode("utf-8", "surrogatepass")


def _bytes(value: Any) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)

"""Putting chunks together where they are nothing but text, as most answers are: several times faster than in general.

Every guard and every strategy of a stream does it once over all chunks, so this is a share of the cost of each chunk:
measured on 1,000 chunks, 30 us instead of 210.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter

from psf_runtime.types.chunks import Chunk, TextDelta
from psf_runtime.types.messages import Text
from psf_runtime.types.response import Response
from psf_runtime.types.response import accumulate as accumulate_any

_TEXT = {TextDelta}
_ALL_BUT_PARTS = attrgetter(*(field.name for field in fields(Response) if field.name != "parts"))  # parts come first


def accumulate(chunks: Sequence[Chunk], head: Response) -> Response:
    """The response that `chunks` add up to: `types.response.accumulate`, with a short way for text alone."""
    text = text_alone(chunks)
    if text is None:
        return accumulate_any(chunks, head)
    return Response((Text(text),) if text else (), *_ALL_BUT_PARTS(head))


def text_alone(chunks: Sequence[Chunk]) -> str | None:
    """The whole text when all chunks are text, else None."""
    if len(chunks) == 1:  # a whole answer: nothing to put together
        only = chunks[0]
        return only.text if type(only) is TextDelta else None
    if not set(map(type, chunks)) <= _TEXT:
        return None
    return "".join([chunk.text for chunk in chunks])  # type: ignore[union-attr]  # all of them are text


def one_chunk(chunks: Sequence[Chunk]) -> list[Chunk] | None:
    """The chunks of the response that `chunks` add up to, when all are text: one, or none. Else None."""
    text = text_alone(chunks)
    if text is None:
        return None
    return [TextDelta(text)] if text else []

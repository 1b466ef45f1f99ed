"""The laws that every codec keeps, as plain checks. `check_provider` runs them over random requests and answers.

1. Requests: what a client sent and what is sent on say the same.
2. Answers: what is written is what is read, whole or streamed, and how the bytes were cut makes no difference.
3. A cut answer is never taken for a whole one.
4. Bounds: a line, a frame or a body without an end is refused while it is still small.
5. Errors are typed, and hold nothing of the content, nor does anything that hangs on them.
6. What stands in a field that nobody declared reaches nobody.
7. A codec is pure: the same request is the same bytes, and decoders share nothing.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterable, Sequence
from typing import Any

from psf_runtime.errors import ConfigError, ProviderError, PsfError
from psf_runtime.providers.base import DEFAULT_BOUNDS, Codec, Decoder, Wire
from psf_runtime.testing.provider_cases import MARKER
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.messages import Text, ToolCall
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response, accumulate

_PIECE = 65_536  # bytes of an endless answer at a time


def check_request(codec: Codec, request: Request, *, stream: bool) -> Wire | None:
    """Laws 1 and 7. None when the codec has no place for this request, which it must say with a ConfigError."""
    try:
        wire = codec.encode(request, stream=stream)
    except ConfigError as error:
        no_content_in(error)
        return None
    again = codec.encode(request, stream=stream)
    assert (again.path, again.headers, again.body) == (wire.path, wire.headers, wire.body), "the bytes differ each time"
    assert wire.path.startswith("/"), f"the path does not begin with a slash: {wire.path[:40]!r}"
    assert all(name == name.lower() for name, _ in wire.headers), "the name of a header is not in lower case"
    read = codec.decode_request(wire.body)
    back = codec.encode(read.replace(model=read.model or request.model), stream=stream)
    assert _same(back.body, wire.body), "the request that was read writes another body"
    return wire


def _same(one: bytes, other: bytes) -> bool:
    """Whether two bodies say the same: JSON by its value, since a dialect may write a call's arguments anew."""
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return one == other


def check_answer(codec: Codec, chunks: Sequence[Chunk], head: Response, cuts: Sequence[int]) -> None:
    """Laws 2, 3 and 7: one answer, whole and streamed, cut at these places."""
    wanted = accumulate(chunks, head)
    body = codec.encode_response(wanted, id="answer", created=1)
    same_answer(_whole(codec.decoder(stream=False), [body], "whole"), wanted, "whole")
    events = b"".join(codec.encode_stream(chunks, head, id="answer", created=1, include_usage=True))
    whole = _whole(codec.decoder(stream=True), [events], "streamed")
    same_answer(whole, wanted, "streamed")
    for data, stream in ((body, False), (events, True)):
        pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, None], strict=True)]
        once, other = codec.decoder(stream=stream), codec.decoder(stream=stream)
        other.feed(data[: len(data) // 2])  # it is another's: what goes into it must show nowhere else
        same_answer(_whole(once, pieces, "cut"), wanted, "cut")
        for cut in cuts:
            check_cut_short(codec.decoder(stream=stream), data[:cut], whole)


def _whole(decoder: Decoder, pieces: Iterable[bytes], how: str) -> Response:
    """A whole answer, which has to be readable."""
    try:
        return read_all(decoder, pieces)
    except PsfError as error:
        raise AssertionError(f"{how}: another answer is read than was written: it is refused, {error.what}") from error


def check_cut_short(decoder: Decoder, data: bytes, whole: Response) -> None:
    """Law 3: bytes that lack their end are an error, or hold the whole answer already."""
    try:
        read = read_all(decoder, [data])
    except ProviderError as error:
        no_content_in(error)
        return
    except PsfError as error:
        raise AssertionError(f"a cut answer raises {type(error).__name__}, no ProviderError") from error
    assert values_of(read) == values_of(whole), "a cut answer is taken for a whole one"


def check_bounds(codec: Codec) -> None:
    """Law 4: an answer without an end is refused soon after the bounds are passed."""
    for stream, most in ((True, DEFAULT_BOUNDS.event_bytes), (False, DEFAULT_BOUNDS.answer_bytes)):
        decoder = codec.decoder(stream=stream)
        fed = 0
        try:
            decoder.feed(b"data: " if stream else b"[")
            while fed <= most + 2 * _PIECE:
                decoder.feed(b" " * _PIECE)
                fed += _PIECE
        except ProviderError:
            continue
        raise AssertionError(f"an answer without an end is kept in memory: {fed} bytes were taken")


def check_damage(codec: Codec, data: bytes, *, stream: bool) -> None:
    """Law 5: damaged answers are typed errors without content, or answers."""
    try:
        read_all(codec.decoder(stream=stream), [data])
    except ProviderError as error:
        no_content_in(error)
    except PsfError as error:
        raise AssertionError(f"a damaged answer raises {type(error).__name__}, no ProviderError") from error


def check_damaged_request(codec: Codec, body: bytes) -> None:
    """Law 5: damaged requests are ConfigErrors without content, or requests."""
    try:
        codec.decode_request(body)
    except ConfigError as error:
        no_content_in(error)


def check_planted(codec: Codec, response: Response) -> None:
    """Law 6: a text planted in unknown fields all over a JSON answer comes out nowhere."""
    clean = response.replace(parts=())
    body = codec.encode_response(clean.replace(parts=(Text("hello"),)), id="answer", created=1)
    planted = json.dumps(_planted(json.loads(body))).encode("utf-8")
    decoder = codec.decoder(stream=False)
    try:
        read = read_all(decoder, [planted])
    except ProviderError as error:
        no_content_in(error)
        return
    assert read.text == "hello", "an unknown field changes the answer"
    assert MARKER not in repr((read.parts, read.raw, read.model, read.model_version, read.handle)), (
        "a text from a field that nobody declared comes out"
    )


def _planted(value: Any) -> Any:
    if isinstance(value, dict):
        return {**{key: _planted(inner) for key, inner in value.items()}, "psf_planted": f"a {MARKER} b"}
    return [_planted(inner) for inner in value] if isinstance(value, list) else value


def read_all(decoder: Decoder, pieces: Iterable[bytes]) -> Response:
    """The answer in these bytes."""
    chunks: list[Chunk] = []
    for piece in pieces:
        chunks += decoder.feed(piece)
    chunks += decoder.end()
    return accumulate(chunks, decoder.head())


def same_answer(read: Response, wanted: Response, how: str) -> None:
    """The parts, the reason of the end and the counts are the same."""
    assert values_of(read) == values_of(wanted), f"{how}: another answer is read than was written"
    assert read.finish == wanted.finish, f"{how}: it ends with {read.finish}, not {wanted.finish}"
    if read.usage.reported:
        counts = (read.usage.input_tokens, read.usage.output_tokens)
        assert counts == (wanted.usage.input_tokens, wanted.usage.output_tokens), f"{how}: the token counts differ"


def values_of(response: Response) -> list[Any]:
    """The parts of an answer; the arguments of calls by their value, since a dialect may write them anew."""
    return [
        (part.id, part.name, part.arguments) if isinstance(part, ToolCall) else part.text for part in response.parts
    ]


def no_content_in(error: BaseException) -> None:
    """Law 5: neither the error nor what it hangs on holds the planted text."""
    shown = "".join(traceback.format_exception(error, chain=True))
    held = repr((error.args, vars(error), getattr(error, "__notes__", ())))
    for place, text in (("its text", str(error)), ("its traceback", shown), ("its fields", held)):
        assert MARKER not in text, f"{type(error).__name__} holds content in {place}"

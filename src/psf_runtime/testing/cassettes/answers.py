"""An answer as a cassette keeps it: its deltas, how it ended, or the error that came in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psf_runtime import errors
from psf_runtime.errors import ConfigError, ProviderError, StateError
from psf_runtime.ports import Detector
from psf_runtime.providers.mock.answer import Script
from psf_runtime.testing.cassettes.tape import Data
from psf_runtime.testing.cassettes.tokens import Names, numbered, renamed
from psf_runtime.types.as_data import chunks_from_data, chunks_to_data
from psf_runtime.types.chunks import Chunk, ReasoningDelta, TextDelta, ToolCallDelta
from psf_runtime.types.response import Response, accumulate, explode
from psf_runtime.types.response_head import Usage

_ERRORS: Mapping[str, type[ProviderError]] = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, ProviderError) and kind is not errors.RoutesExhausted
}


def answer_data(chunks: Sequence[Chunk], head: Response | None, error: ProviderError | None, names: Names) -> Data:
    """The answer, with numbers for tokens. `names`: those of the request; tokens that only the answer has are added."""
    data: Data = {"chunks": chunks_to_data(with_tokens(chunks, lambda text: numbered(text, names)))}
    if head is not None:
        usage = head.usage
        data["finish"] = head.finish
        data["model"] = head.model
        data["vectors"] = [list(vector) for vector in head.vectors]
        data["usage"] = None
        if usage.reported:
            data["usage"] = [usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens]
    if error is not None:
        data["error"] = {
            "type": type(error).__name__,
            "kind": error.kind,
            "status": error.status,
            "retry_safe": error.retry_safe,
            "retry_after": error.retry_after,
        }
    return data


def script_of(data: Data, names: Names, *, stream: bool) -> Script:
    """The recorded answer, with the tokens of now. `names`: tokens of now and their numbers."""
    back = {number: token for token, number in names.items()}
    try:
        chunks = with_tokens(chunks_from_data(data["chunks"]), lambda text: renamed(text, back))
        script = Script(vectors=tuple(tuple(map(float, vector)) for vector in data.get("vectors", ())))
        if "error" in data:
            script.ending = _error(data["error"])
            script.at_once = not chunks
        else:
            script.head = _head(data)
    except (KeyError, TypeError, ValueError, StateError):
        raise ConfigError(
            "an answer of the cassette cannot be read", change="write it anew: pytest --psf-record"
        ) from None
    if stream:
        script.batches = [[chunk] for chunk in chunks]
    elif script.ending is None and chunks:
        script.batches = [list(explode(accumulate(chunks, Response())))]
    return script


def _head(data: Data) -> Response:
    return Response(
        finish=data["finish"],
        usage=_usage(data["usage"]),
        model=data["model"],
        raw={"status": 200},
        vectors=tuple(tuple(map(float, vector)) for vector in data.get("vectors", ())),
    )


def _usage(counts: list[int] | None) -> Usage:
    if counts is None:
        return Usage()
    asked, said, cached, thought = map(int, counts)
    return Usage(asked, said, cached, thought, True)


def _error(data: Data) -> ProviderError:
    return _ERRORS[data["type"]](
        "the target failed when this was recorded",
        kind=data["kind"],
        status=data["status"],
        retry_safe=data["retry_safe"],
        retry_after=data["retry_after"],
    )


def with_tokens(chunks: Sequence[Chunk], change: Any) -> list[Chunk]:
    """The chunks with `change` done to every text, which keeps its length: the cuts stay where they were."""
    pieces: dict[tuple[str, int], list[str]] = {}
    places: list[tuple[tuple[str, int], int]] = []
    run = 0
    before = ""
    for chunk in chunks:
        kind = type(chunk).__name__
        run += not isinstance(chunk, ToolCallDelta) and kind != before
        before = kind
        key = (kind, chunk.index if isinstance(chunk, ToolCallDelta) else run)
        text = chunk.arguments if isinstance(chunk, ToolCallDelta) else chunk.text
        pieces.setdefault(key, []).append(text)
        places.append((key, len(text)))
    changed = {key: change("".join(texts)) for key, texts in pieces.items()}
    taken = dict.fromkeys(changed, 0)
    out: list[Chunk] = []
    for chunk, (key, size) in zip(chunks, places, strict=True):
        start = taken[key]
        taken[key] = start + size
        out.append(_with_text(chunk, changed[key][start : start + size]))
    return out


def _with_text(chunk: Chunk, text: str) -> Chunk:
    if isinstance(chunk, ToolCallDelta):
        return ToolCallDelta(chunk.index, chunk.id, chunk.name, text)
    return TextDelta(text) if isinstance(chunk, TextDelta) else ReasoningDelta(text)


def masked(chunks: Sequence[Chunk], detector: Detector, counts: dict[str, int]) -> list[Chunk]:
    """The chunks, or, when the answer holds personal data of its own, the whole parts with marks in its place."""
    before = sum(counts.values())
    whole = [_masked_chunk(chunk, detector, counts) for chunk in explode(accumulate(chunks, Response()))]
    return whole if sum(counts.values()) > before else list(chunks)


def _masked_chunk(chunk: Chunk, detector: Detector, counts: dict[str, int]) -> Chunk:
    text = chunk.arguments if isinstance(chunk, ToolCallDelta) else chunk.text
    out: list[str] = []
    end = 0
    for found in sorted(detector.find(text), key=lambda found: (found.start, -found.end)):
        if found.start < end:
            continue
        out += [text[end : found.start], f"[{found.entity}]"]
        end = found.end
        counts[found.entity] = counts.get(found.entity, 0) + 1
    return _with_text(chunk, "".join([*out, text[end:]]))

"""An answer from bytes: a stream of events, or one body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from psf_runtime.errors import StreamInterrupted
from psf_runtime.providers.base import Bounds
from psf_runtime.providers.dialect.decoding import loads
from psf_runtime.providers.dialect.toolcalls import bad_response
from psf_runtime.providers.responses.answer import Answer
from psf_runtime.providers.responses.received import Item, Kind, kind_of
from psf_runtime.providers.sse import Event, SseDecoder
from psf_runtime.types.chunks import Chunk

Json = dict[str, Any]
# Events that bring nothing that another one does not bring.
_QUIET = frozenset(
    {
        "keepalive",
        "ping",
        "response.reasoning_part.added",
        "response.reasoning_part.done",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_part.done",
    }
)
_ENDS = {
    "response.completed": "completed",
    "response.done": "completed",
    "response.failed": "failed",
    "response.incomplete": "incomplete",
}


class StreamDecoder(Answer):
    """Chunks from the events of a stream. It is complete with `response.completed`, `.incomplete` or `.failed`."""

    __slots__ = ("_done", "_events", "_seen")

    def __init__(self, target: str, bounds: Bounds) -> None:
        super().__init__(target, bounds)
        self._events = SseDecoder(max_event_bytes=bounds.event_bytes)
        self._done = False
        self._seen = False

    def _take(self, data: bytes, out: list[Chunk]) -> None:
        for event in self._events.feed(data):
            self._event(event, out)

    def _finish(self, out: list[Chunk]) -> None:
        """A last event may lack its blank line."""
        for event in self._events.end():
            if loads(event.data) is not None:
                self._event(event, out)
        if not self._seen:
            raise bad_response("the stream was empty", target=self._target)
        if not self._done:
            raise StreamInterrupted(
                f"{self._target or 'the target'}: the stream ended before the answer was finished",
                kind="stream_interrupted",
                target=self._target,
                retry_safe=True,
            )

    def _event(self, event: Event, out: list[Chunk]) -> None:
        if self._done or not event.data or event.data.strip() == "[DONE]":
            return
        body = loads(event.data)
        if not isinstance(body, dict):
            raise bad_response("an event of the stream is no JSON object", target=self._target)
        self._seen = True
        name = body.get("type")
        if not isinstance(name, str) or name not in _EVENTS:
            name = event.name or name
        handler = _EVENTS.get(name) if isinstance(name, str) else None
        if handler is not None:
            handler(self, body, out)
        elif name in _ENDS:
            self._end(body, _ENDS[str(name)], out)
        elif name in ("error", "response.error") or body.get("error"):
            raise self._error(body)
        elif name not in _QUIET:
            self._head.drop("event")

    def _end(self, body: Json, status: str, out: list[Chunk]) -> None:
        self._response(body.get("response"), status, out)
        self._done = True

    def _started(self, body: Json, out: list[Chunk]) -> None:
        response = body.get("response")
        if isinstance(response, dict):
            self._names(response)

    def _added(self, body: Json, out: list[Chunk]) -> None:
        """A new item. Its content is still to come, also where a server shows some of it already."""
        described = body.get("item")
        if not isinstance(described, dict):
            return
        item, new = self._items.opened(body, described)
        if new:
            self._begin(item, described)
        if item.kind == "function_call":
            self._call(item, described, out)

    def _closed(self, body: Json, out: list[Chunk]) -> None:
        described = body.get("item")
        if isinstance(described, dict):
            item = self._of(body, kind_of(described), described.get("id"), described)
            self._whole(item, described, out)

    def _of(self, body: Json, kind: Kind, item_id: Any, described: Json) -> Item:
        item, new = self._items.of(body, kind, item_id)
        return self._begin(item, described) if new else item

    def _part_of(self, body: Json, kind: Kind) -> Item:
        return self._of(body, kind, body.get("item_id"), body)

    def _number(self, body: Json, item: Item) -> int:
        number = self._items.place(body.get("content_index"))
        return max(item.part, 0) if number is None else number

    def _part_added(self, body: Json, out: list[Chunk]) -> None:
        """Counts the parts of a message, for servers whose events have no index."""
        part = body.get("part")
        if isinstance(part, dict) and part.get("type") in ("output_text", "refusal"):
            self._part_of(body, "message").part += 1

    def _part_done(self, body: Json, out: list[Chunk]) -> None:
        part = body.get("part")
        if isinstance(part, dict) and part.get("type") in ("output_text", "refusal"):
            item = self._part_of(body, "message")
            self._content(item, self._number(body, item), part, out)

    def _text_delta(self, body: Json, out: list[Chunk]) -> None:
        item = self._part_of(body, "message")
        number = self._number(body, item)
        self._text(item, number, body.get("delta"), out)
        if body.get("logprobs"):
            self._extras(item, number, body)

    def _text_done(self, body: Json, out: list[Chunk]) -> None:
        item = self._part_of(body, "message")
        number = self._number(body, item)
        if ("text", number) not in item.seen and body.get("text"):
            self._text(item, number, body["text"], out)
        self._extras(item, number, body)

    def _annotation(self, body: Json, out: list[Chunk]) -> None:
        item = self._part_of(body, "message")
        self._extras(item, self._number(body, item), {"annotations": True})

    def _refused(self, body: Json, out: list[Chunk]) -> None:
        item = self._part_of(body, "message")
        self._refusal(item, self._number(body, item))

    def _summary_delta(self, body: Json, out: list[Chunk]) -> None:
        self._thinking(body, "summary_text", "summary_index", False, out)

    def _summary_done(self, body: Json, out: list[Chunk]) -> None:
        self._thinking(body, "summary_text", "summary_index", True, out)

    def _reasoning_delta(self, body: Json, out: list[Chunk]) -> None:
        self._thinking(body, "reasoning_text", "content_index", False, out)

    def _reasoning_done(self, body: Json, out: list[Chunk]) -> None:
        self._thinking(body, "reasoning_text", "content_index", True, out)

    def _thinking(self, body: Json, kind: str, field: str, whole: bool, out: list[Chunk]) -> None:
        item = self._part_of(body, "reasoning")
        part = (kind, self._items.place(body.get(field)) or 0)
        if not whole:
            self._thought(item, part, body.get("delta"), out)
        elif part not in item.seen and body.get("text"):
            self._thought(item, part, body["text"], out)

    def _arguments_delta(self, body: Json, out: list[Chunk]) -> None:
        self._arguments(self._part_of(body, "function_call"), body.get("delta"), out)

    def _arguments_done(self, body: Json, out: list[Chunk]) -> None:
        item = self._part_of(body, "function_call")
        if ("arguments", 0) not in item.seen:
            self._arguments(item, body.get("arguments"), out)


_EVENTS: Mapping[str, Callable[[StreamDecoder, Json, list[Chunk]], None]] = {
    "response.content_part.added": StreamDecoder._part_added,
    "response.content_part.done": StreamDecoder._part_done,
    "response.created": StreamDecoder._started,
    "response.function_call_arguments.delta": StreamDecoder._arguments_delta,
    "response.function_call_arguments.done": StreamDecoder._arguments_done,
    "response.in_progress": StreamDecoder._started,
    "response.output_item.added": StreamDecoder._added,
    "response.output_item.done": StreamDecoder._closed,
    "response.output_text.annotation.added": StreamDecoder._annotation,
    "response.output_text.delta": StreamDecoder._text_delta,
    "response.output_text.done": StreamDecoder._text_done,
    "response.queued": StreamDecoder._started,
    "response.reasoning_summary_text.delta": StreamDecoder._summary_delta,
    "response.reasoning_summary_text.done": StreamDecoder._summary_done,
    "response.reasoning_text.delta": StreamDecoder._reasoning_delta,
    "response.reasoning_text.done": StreamDecoder._reasoning_done,
    "response.refusal.delta": StreamDecoder._refused,
    "response.refusal.done": StreamDecoder._refused,
}


class BodyDecoder(Answer):
    """Chunks from one whole body: they come out at the end."""

    __slots__ = ("_pieces",)

    def __init__(self, target: str, bounds: Bounds) -> None:
        super().__init__(target, bounds)
        self._pieces: list[bytes] = []

    def _take(self, data: bytes, out: list[Chunk]) -> None:
        """Keeps the bytes, within bounds; nothing comes out before the end."""
        self._pieces.append(data)

    def _finish(self, out: list[Chunk]) -> None:
        body = loads(b"".join(self._pieces))
        self._pieces = []
        if body is None:
            raise bad_response("the answer is no JSON", target=self._target)
        if isinstance(body, dict) and not body.get("error") and not isinstance(body.get("output"), list):
            raise bad_response("the answer is no response object", target=self._target)
        self._response(body, "completed", out)

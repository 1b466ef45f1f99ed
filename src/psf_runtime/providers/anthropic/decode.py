"""An answer from bytes: a stream of events or one body, by the same rules. Built, never patched.

Text, thinking and tool calls become chunks; signed thinking is also kept as it came, for its way back. A refusal
becomes the finish reason. Everything else that holds a string (citations, what hosted tools did, the stop text that
was met, details of a refusal, unknown fields and events) is dropped and counted in `raw["dropped"]`.
"""

from __future__ import annotations

from typing import Any

from psf_runtime.errors import StreamInterrupted
from psf_runtime.providers.anthropic.blocks import Blocks
from psf_runtime.providers.anthropic.counts import Counts, note_delta, note_message
from psf_runtime.providers.anthropic.differences import Differences
from psf_runtime.providers.base import Bounds
from psf_runtime.providers.dialect.decoding import AnswerDecoder, loads, loads_exactly
from psf_runtime.providers.dialect.head import Head
from psf_runtime.providers.dialect.toolcalls import bad_response, id_suffix
from psf_runtime.providers.errors import provider_error
from psf_runtime.providers.sse import Event, SseDecoder
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.response import Response


class _Answer(AnswerDecoder):
    """What a stream and a body have in common."""

    __slots__ = ("_blocks", "_counts", "_head")

    def __init__(self, differences: Differences, target: str, bounds: Bounds) -> None:
        super().__init__(target, bounds)
        self._head = Head(differences.finish, target)
        self._blocks = Blocks(self._head, bounds, target)
        self._counts = Counts()

    def head(self) -> Response:
        """The answer without its parts: complete after `end`."""
        return self._head.build(bool(self._blocks.tools.slots))

    def carried(self) -> bytes:
        """Signed thinking, word for word, with its places; empty when there is none."""
        return self._blocks.signed.dump()

    def _message(self, message: Any) -> dict[str, Any]:
        """The names in a message object."""
        if not isinstance(message, dict) or message.get("type", "message") != "message":
            raise bad_response("the answer is no message", target=self._target)
        note_message(self._head, message)
        self._blocks.tools.answer_id = id_suffix(message.get("id"))
        self._counts.note(self._head, message.get("usage"))
        return message


class StreamDecoder(_Answer):
    """Chunks from the events of a stream."""

    __slots__ = ("_begun", "_done", "_events", "_late_start", "_seen")

    def __init__(self, differences: Differences, target: str, bounds: Bounds) -> None:
        super().__init__(differences, target, bounds)
        self._events = SseDecoder(max_event_bytes=bounds.event_bytes)
        self._seen = False
        self._begun = False
        self._late_start = differences.late_start
        self._done = False

    def _take(self, data: bytes, out: list[Chunk]) -> None:
        for event in self._events.feed(data):
            self._event(event, out)

    def _finish(self, out: list[Chunk]) -> None:
        """A last event may lack its blank line. `message_stop` must have come."""
        for event in self._events.end():
            if loads(event.data) is not None:
                self._event(event, out)
        if not self._seen:
            raise bad_response("the stream was empty", target=self._target)
        if not self._done:
            raise StreamInterrupted(
                f"{self._target or 'the target'}: the stream ended before the provider said it was finished",
                kind="stream_interrupted",
                target=self._target,
                retry_safe=True,
            )

    def _event(self, event: Event, out: list[Chunk]) -> None:
        if self._done or not event.data:
            return
        body = loads(event.data)
        if not isinstance(body, dict):
            raise bad_response("an event of the stream is no JSON object", target=self._target)
        kind = body.get("type") or event.name  # the name of the event says the same again, where it is sent at all
        # The common case first: a piece of a block.
        if kind == "content_block_delta" and self._begun:
            self._blocks.grow(body.get("index"), body.get("delta"), out)
            return
        self._seen = True
        if kind == "error" or event.name == "error" or body.get("error"):
            raise provider_error(200, {}, body, target=self._target)
        if kind == "message_start":
            self._start(body)
        elif kind in ("content_block_start", "content_block_delta", "content_block_stop", "message_delta"):
            self._step(kind, body, out)
        elif kind == "message_stop":
            self._require_start(late=False)
            self._blocks.close_all(out)
            self._done = True
        elif kind != "ping":
            self._head.drop("event")

    def _start(self, body: dict[str, Any]) -> None:
        if self._begun:
            raise bad_response("the stream begins twice", target=self._target)
        self._begun = True
        if self._message(body.get("message")).get("content"):
            self._head.drop("content")

    def _step(self, kind: str, body: dict[str, Any], out: list[Chunk]) -> None:
        self._require_start(late=self._late_start)
        if kind == "content_block_start":
            self._blocks.open(body.get("index"), body.get("content_block"), out)
        elif kind == "content_block_stop":
            self._blocks.close(body.get("index"), out)
        else:
            delta = body.get("delta")
            if isinstance(delta, dict):
                note_delta(self._head, delta)
            self._counts.note(self._head, body.get("usage"))

    def _require_start(self, *, late: bool) -> None:
        self._begun = self._begun or late
        if not self._begun:
            raise bad_response("the stream does not begin with message_start", target=self._target)


class BodyDecoder(_Answer):
    """Chunks from one JSON body."""

    __slots__ = ("_pieces",)

    def __init__(self, differences: Differences, target: str, bounds: Bounds) -> None:
        super().__init__(differences, target, bounds)
        self._pieces: list[bytes] = []

    def _take(self, data: bytes, out: list[Chunk]) -> None:
        """Keeps the bytes, within bounds; nothing comes out before the end."""
        self._pieces.append(data)

    def _finish(self, out: list[Chunk]) -> None:
        body = loads_exactly(b"".join(self._pieces))
        self._pieces = []
        if isinstance(body, dict) and (body.get("type") == "error" or body.get("error")):
            raise provider_error(200, {}, body, target=self._target)
        content = self._message(body).get("content")
        if not isinstance(content, list):
            raise bad_response("the answer is no message", target=self._target)
        for index, block in enumerate(content):
            self._blocks.open(index, block, out)
            self._blocks.close(index, out)
        self._blocks.close_all(out)

"""An answer from the frames of ConverseStream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psf_runtime.errors import StreamInterrupted
from psf_runtime.providers.base import Bounds
from psf_runtime.providers.bedrock.counts import note_end
from psf_runtime.providers.bedrock.decode import HOSTED, Answer, checked_index
from psf_runtime.providers.bedrock.eventstream import Frame, FrameDecoder
from psf_runtime.providers.dialect.decoding import loads
from psf_runtime.providers.dialect.toolcalls import bad_response
from psf_runtime.providers.errors import provider_error
from psf_runtime.types.chunks import Chunk

_DELTA = frozenset({"text", "toolUse", "reasoningContent"})
_STOP = frozenset({"stopReason", "p"})  # `p` is padding: it hides the length of what was said
_METADATA = frozenset({"usage", "metrics", "performanceConfig", "serviceTier", "trace", "p"})


class StreamDecoder(Answer):
    """Chunks from the frames of a stream. Text blocks come without a start; blocks may take turns."""

    __slots__ = ("_empty", "_events", "_frames", "_hosted", "_stopped")

    def __init__(self, target: str, bounds: Bounds) -> None:
        super().__init__(target, bounds)
        self._frames = FrameDecoder(max_frame_bytes=bounds.event_bytes)
        self._stopped = False
        self._hosted: set[int] = set()  # blocks of tools that the service runs itself
        self._empty: set[int] = set()  # tool calls without arguments so far
        self._events: dict[str, Callable[[dict[str, Any], list[Chunk]], None]] = {
            "messageStart": self._message_start,
            "contentBlockStart": self._block_start,
            "contentBlockDelta": self._block_delta,
            "contentBlockStop": self._block_stop,
            "messageStop": self._message_stop,
            "metadata": self._metadata,
        }

    def _take(self, data: bytes, out: list[Chunk]) -> None:
        for frame in self._frames.feed(data):
            self._frame(frame, out)

    def _finish(self, out: list[Chunk]) -> None:
        """The answer is complete when its stop came and no frame was cut."""
        if not self._stopped or self._frames.pending:
            raise StreamInterrupted(
                f"{self._target or 'the target'}: the stream ended before the answer was finished",
                kind="stream_interrupted",
                target=self._target,
                retry_safe=True,
            )
        for index in sorted(self._empty):
            self._call(index, None, None, "{}", out)
        self._tools.finish()
        self._thoughts.finish()

    def _frame(self, frame: Frame, out: list[Chunk]) -> None:
        kind = frame.text(":message-type")
        if kind in ("exception", "error"):
            # The vendor's word alone: the message beside it is not looked at.
            word = frame.text(":exception-type" if kind == "exception" else ":error-code")
            raise provider_error(200, {}, {"__type": word}, target=self._target)
        if kind != "event":
            raise bad_response("a frame of the stream has an unknown type", target=self._target)
        event = self._events.get(frame.text(":event-type"))
        if event is None:
            self._head.drop("event")
            return
        body = loads(frame.payload)
        if not isinstance(body, dict):
            raise bad_response("a frame of the stream holds no JSON object", target=self._target)
        event(body, out)

    def _message_start(self, body: dict[str, Any], out: list[Chunk]) -> None:
        if body.get("role") != "assistant":
            raise bad_response("the answer does not speak as the assistant", target=self._target)

    def _block_start(self, body: dict[str, Any], out: list[Chunk]) -> None:
        index = checked_index(body.get("contentBlockIndex"), self._target)
        start = body.get("start")
        if not isinstance(start, dict):
            raise bad_response("a block of the answer has no start", target=self._target)
        call = start.get("toolUse")
        if isinstance(call, dict):
            if call.get("type") == HOSTED:
                self._hosted.add(index)
                self._head.drop(HOSTED)
            else:
                self._call(index, call.get("toolUseId"), call.get("name"), None, out)
                self._empty.add(index)
        self._drop_others(start, _DELTA)

    def _block_delta(self, body: dict[str, Any], out: list[Chunk]) -> None:
        index = checked_index(body.get("contentBlockIndex"), self._target)
        delta = body.get("delta")
        if not isinstance(delta, dict):
            raise bad_response("a piece of the answer is no object", target=self._target)
        if "text" in delta:
            self._text(delta["text"], out)
        if "toolUse" in delta and index not in self._hosted:
            call = delta["toolUse"]
            arguments = call.get("input") if isinstance(call, dict) else None
            if arguments:
                self._empty.discard(index)
                self._call(index, None, None, arguments, out)
        if "reasoningContent" in delta:
            self._reasoning(index, delta["reasoningContent"], out)
        if len(delta) > 1 or not delta.keys() <= _DELTA:
            self._drop_others(delta, _DELTA)

    def _block_stop(self, body: dict[str, Any], out: list[Chunk]) -> None:
        """A call whose arguments never came has none, which the whole answer writes as an empty object."""
        index = checked_index(body.get("contentBlockIndex"), self._target)
        if index in self._empty:
            self._empty.discard(index)
            self._call(index, None, None, "{}", out)

    def _message_stop(self, body: dict[str, Any], out: list[Chunk]) -> None:
        self._stop_reason(body.get("stopReason"))
        self._stopped = True
        self._head.drop_unknown(body, _STOP)

    def _metadata(self, body: dict[str, Any], out: list[Chunk]) -> None:
        note_end(self._head, body)
        self._head.drop_unknown(body, _METADATA)

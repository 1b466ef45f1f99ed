"""An answer as a client of Responses expects it: built from the parts, with the vendor's exact shapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from psf_runtime.providers.responses.output import (
    CallItem,
    Events,
    MessageItem,
    OutputItem,
    ReasoningItem,
    Status,
)
from psf_runtime.types.chunks import Chunk, ReasoningDelta, TextDelta, ToolCallDelta
from psf_runtime.types.response import Response, explode
from psf_runtime.types.response_head import FinishReason, Usage

REFUSAL = "The model declined to answer."  # ours: the model's own words for it are not on a screened channel
_INCOMPLETE: dict[FinishReason, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}
Json = dict[str, Any]


def encode_response(response: Response, *, id: str, created: int, reasoning: bool = False) -> bytes:  # noqa: A002
    """One `response` object: the one that a stream of the same answer ends with.

    Args:
        response: the answer, after every guard.
        id: of the answer; `created`: seconds since the epoch.
        reasoning: also write what the model thought, as the summary of a reasoning item.
    """
    encoder = StreamEncoder(response, id=id, created=created, reasoning=reasoning)
    for chunk in explode(response):
        encoder.chunk(chunk)
    encoder.end(response)
    return orjson.dumps(encoder.final(response))


class StreamEncoder:
    """One stream of events, piece by piece: `start`, then `chunk` for each, then `end`.

    Args:
        head: names the model; its finish, usage and handle are not looked at before `end`.
        id: of the answer; `created`: seconds since the epoch.
        reasoning: also write what the model thought, as the summary of a reasoning item.
    """

    def __init__(self, head: Response, *, id: str, created: int, reasoning: bool = False) -> None:  # noqa: A002
        self._frame = _frame(head, id=id, created=created)
        self._created = created
        self._suffix = id.removeprefix("resp_")
        self._reasoning = reasoning
        self._number = 0
        self._items: list[OutputItem] = []
        self._values: dict[OutputItem, Json] = {}  # of the items that are closed
        self._current: OutputItem | None = None
        self._calls: dict[int, CallItem] = {}

    def start(self) -> bytes:
        """The events that open the stream."""
        begun = {"response": {**self._frame, "status": "in_progress"}}
        return self._lines([("response.created", begun), ("response.in_progress", begun)])

    def chunk(self, chunk: Chunk) -> bytes:
        """The events for one chunk; empty when it is not shown."""
        if isinstance(chunk, ToolCallDelta):
            return self._call(chunk)
        if not chunk.text or (isinstance(chunk, ReasoningDelta) and not self._reasoning):
            return b""
        kind = MessageItem if isinstance(chunk, TextDelta) else ReasoningItem
        out = b""
        item = self._current
        if not isinstance(item, kind):
            out = self._close_current()
            item = kind(self._id("msg" if kind is MessageItem else "rs"), len(self._items))
            out += self._open(item)
            self._current = item
        return out + self._lines(item.piece(chunk.text))

    def end(self, head: Response) -> bytes:
        """What is still open is closed; then the refusal and the handle if there are any, and the whole answer."""
        out = b""
        if head.finish == "refusal":
            out += self._close_current()
            refusal = MessageItem(self._id("msg"), len(self._items), "refusal")
            out += self._open(refusal) + self._lines(refusal.piece(REFUSAL))
        cut = head.finish in _INCOMPLETE
        for item in self._items:
            if item not in self._values:
                last = item is self._items[-1]
                out += self._close(item, "incomplete" if cut and last else "completed")
        if head.handle:
            # At the end also where the reasoning came first: a handle is made when the answer is complete.
            item = ReasoningItem(self._id("rs"), len(self._items), head.handle)
            out += self._open(item) + self._close(item, "completed")
        name = "response.incomplete" if cut else "response.completed"
        return out + self._lines([(name, {"response": self.final(head)})])

    def final(self, head: Response) -> Json:
        """The whole answer. Complete after `end`."""
        reason = _INCOMPLETE.get(head.finish)
        whole: Json = {
            **self._frame,
            "status": "incomplete" if reason else "completed",
            "output": [self._values[item] for item in self._items],
        }
        if head.model:
            whole["model"] = head.model
        if reason:
            whole["incomplete_details"] = {"reason": reason}
        else:
            whole["completed_at"] = self._created
        if head.usage.reported:
            whole["usage"] = _usage(head.usage)
        return whole

    def _call(self, chunk: ToolCallDelta) -> bytes:
        """A tool call stays open: pieces of several may come in turns."""
        out = b""
        item = self._calls.get(chunk.index)
        if item is None:
            out = self._close_current()
            item = CallItem(self._id("fc"), len(self._items), chunk.id, chunk.name)
            self._calls[chunk.index] = item
            out += self._open(item)
        return out + self._lines(item.piece(chunk.arguments)) if chunk.arguments else out

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{self._suffix}_{len(self._items)}"

    def _open(self, item: OutputItem) -> bytes:
        self._items.append(item)
        return self._lines(item.open())

    def _close_current(self) -> bytes:
        item, self._current = self._current, None
        return b"" if item is None else self._close(item, "completed")

    def _close(self, item: OutputItem, status: Status) -> bytes:
        self._values[item] = item.value(status)
        return self._lines(item.close(status))

    def _lines(self, events: Events) -> bytes:
        out = []
        for name, body in events:
            data = orjson.dumps({"type": name, "sequence_number": self._number, **body})
            self._number += 1
            out.append(b"event: " + name.encode("ascii") + b"\ndata: " + data + b"\n\n")
        return b"".join(out)


def encode_stream(
    chunks: Iterable[Chunk],
    head: Response,
    *,
    id: str,  # noqa: A002
    created: int,
    reasoning: bool = False,
) -> Iterator[bytes]:
    """A whole stream from chunks that are already there, and the head that belongs to them."""
    encoder = StreamEncoder(head, id=id, created=created, reasoning=reasoning)
    yield encoder.start()
    for chunk in chunks:
        event = encoder.chunk(chunk)
        if event:
            yield event
    yield encoder.end(head)


def _frame(head: Response, *, id: str, created: int) -> Json:  # noqa: A002
    """What every response object holds. The settings of the request are not repeated: they stand as defaults."""
    return {
        "id": id,
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": head.model,
        "output": [],
        "parallel_tool_calls": True,
        "store": False,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "usage": None,
    }


def _usage(usage: Usage) -> Json:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }

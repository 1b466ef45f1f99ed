"""What a stream and a body of Responses have in common: items go in, chunks come out. Built, never patched.

Text, reasoning and tool calls become chunks. A refusal becomes the finish reason, never text. Signed reasoning is
kept for the way back. Everything else that holds a string (annotations, log probabilities, the items and events of
hosted tools, unknown fields) is dropped and counted in `raw["dropped"]`.
"""

from __future__ import annotations

import re
from typing import Any

from psf_runtime.providers.base import Bounds
from psf_runtime.providers.dialect.carrying import Carrying
from psf_runtime.providers.dialect.decoding import AnswerDecoder
from psf_runtime.providers.dialect.head import Head
from psf_runtime.providers.dialect.toolcalls import ToolCalls, bad_response, id_suffix
from psf_runtime.providers.errors import provider_error
from psf_runtime.providers.responses.counts import FINISH, note_end, note_names
from psf_runtime.providers.responses.lane import Lane
from psf_runtime.providers.responses.received import Item, Items
from psf_runtime.types.chunks import Chunk, ReasoningDelta, TextDelta
from psf_runtime.types.response import Response

_OPAQUE = re.compile(r"[A-Za-z0-9+/=_.:\-]+")  # what encrypted reasoning looks like: no blanks, so no sentence
_HOSTED = frozenset(
    {
        "apply_patch_call",
        "code_interpreter_call",
        "compaction",
        "computer_call",
        "custom_tool_call",
        "file_search_call",
        "image_generation_call",
        "local_shell_call",
        "mcp_approval_request",
        "mcp_call",
        "mcp_list_tools",
        "shell_call",
        "tool_search_call",
        "web_search_call",
    }
)


class Answer(AnswerDecoder):
    """Takes in whole items and pieces of items."""

    __slots__ = ("_head", "_items", "_lane", "_tools")

    def __init__(self, target: str, bounds: Bounds) -> None:
        super().__init__(target, bounds)
        self._head = Head(FINISH, target)
        self._tools = ToolCalls(bounds, target)
        self._items = Items(target)
        self._lane = Lane()

    def head(self) -> Response:
        """The answer without its parts: complete after `end`."""
        return self._head.build(bool(self._tools.slots))

    def carried(self) -> bytes:
        """The signed reasoning, with its places. What nothing follows is left out: the server would refuse it."""
        carrying = Carrying()
        blocks = 0
        speaking = False
        waiting: list[dict[str, Any]] = []
        for item in self._items.in_order():
            if item.block is not None:
                waiting.append(item.block)
            elif item.kind == "function_call" or (item.kind == "message" and item.wrote):
                follows = item.kind == "function_call" or not speaking
                speaking = item.kind == "message"
                # What stands between two texts goes before both: on the way back they are one.
                for block in waiting:
                    carrying.add(blocks if follows else blocks - 1, block)
                waiting = []
                blocks += follows
        return carrying.dump()

    def _error(self, body: dict[str, Any]) -> Exception:
        """The error that the server reports inside its answer."""
        error = body.get("error")
        # In an event of its own the code stands beside a `type` that only says that this is an error.
        reported = error if isinstance(error, dict) else {"code": body.get("code")}
        return provider_error(200, {}, {"error": reported}, target=self._target)

    def _names(self, response: dict[str, Any]) -> None:
        note_names(self._head, response)
        self._tools.answer_id = self._tools.answer_id or id_suffix(response.get("id"))

    def _begin(self, item: Item, body: dict[str, Any]) -> Item:
        self._lane.begin(item)
        if item.kind == "other":
            kind = body.get("type")
            self._head.drop(kind if isinstance(kind, str) and kind in _HOSTED else "item")
        return item

    def _response(self, response: Any, status: str, out: list[Chunk]) -> None:
        """A finished answer, after the pieces that may have come before it: only what is missing is taken from it."""
        if not isinstance(response, dict):
            raise bad_response("the answer is no response object", target=self._target)
        status = response["status"] if isinstance(response.get("status"), str) else status
        if response.get("error") or status == "failed":
            raise self._error(response)
        if status not in ("completed", "incomplete"):
            raise bad_response("the answer is not finished", target=self._target)
        self._names(response)
        output = response.get("output")
        if not isinstance(output, list | None):
            raise bad_response("the output of the answer is no list", target=self._target)
        for item, body in self._items.pairs(output or []):
            known = item or self._begin(self._items.opened({}, body)[0], body)
            self._whole(known, body, out)
        self._lane.flush(out)
        note_end(self._head, response, status)
        self._tools.finish()

    def _whole(self, item: Item, body: dict[str, Any], out: list[Chunk]) -> None:
        """An item as a whole: what its pieces have brought already is left out."""
        if item.kind == "message":
            for number, entry in enumerate(self._list(body.get("content"))):
                self._content(item, number, entry, out)
        elif item.kind == "reasoning":
            self._reasoning(item, body, out)
        elif item.kind == "function_call":
            self._call(item, body, out)
            if ("arguments", 0) not in item.seen:
                self._arguments(item, body.get("arguments"), out)
        self._lane.close(item, out)

    def _list(self, value: Any) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            raise bad_response("the content of the answer is no list", target=self._target)
        return value

    def _content(self, item: Item, number: int, entry: Any, out: list[Chunk]) -> None:
        """One content part of a message, as a whole: text or a refusal; anything else is dropped."""
        kind = entry.get("type") if isinstance(entry, dict) else None
        if kind == "output_text":
            if ("text", number) not in item.seen:
                self._text(item, number, entry.get("text"), out)
            self._extras(item, number, entry)
        elif kind == "refusal":
            self._refusal(item, number)
        elif item.first_time("content_part", number):
            self._head.drop("content_part")

    def _text(self, item: Item, number: int, text: Any, out: list[Chunk]) -> None:
        if not isinstance(text, str):
            raise bad_response("a text of the answer is no text", target=self._target)
        if text:
            item.wrote = True
            item.seen.add(("text", number))
            self._lane.put(item, TextDelta(text), out)

    def _extras(self, item: Item, number: int, entry: dict[str, Any]) -> None:
        for what in ("annotations", "logprobs"):
            if entry.get(what) and item.first_time(what, number):
                self._head.drop(what)

    def _refusal(self, item: Item, number: int) -> None:
        self._head.refused = True
        if item.first_time("refusal", number):
            self._head.drop("refusal")

    def _reasoning(self, item: Item, body: dict[str, Any], out: list[Chunk]) -> None:
        """A reasoning item as a whole: its texts, unless pieces of it have come, and what goes back if it is signed."""
        # Some servers stream the text under one name and repeat it under the other at the end.
        streamed = {kind for kind, _ in item.seen}
        for kind, field in (("summary_text", "summary"), ("reasoning_text", "content")):
            for number, entry in enumerate(self._list(body.get(field))):
                fresh = (kind, number) not in item.seen and (not streamed or kind in streamed)
                if fresh and isinstance(entry, dict) and entry.get("type") == kind:
                    self._thought(item, (kind, number), entry.get("text"), out)
        signature = body.get("encrypted_content")
        if not signature:
            return
        if isinstance(signature, str) and _OPAQUE.fullmatch(signature):
            item.block = {"type": "reasoning", "summary": _summary(body), "encrypted_content": signature}
        elif item.first_time("encrypted_content", 0):
            self._head.drop("encrypted_content")

    def _thought(self, item: Item, part: tuple[str, int], text: Any, out: list[Chunk]) -> None:
        """A piece of what the model thought. The parts of a summary are paragraphs."""
        if not isinstance(text, str):
            raise bad_response("the reasoning of the answer is no text", target=self._target)
        if not text:
            return
        if item.wrote and part not in item.seen:
            text = f"\n\n{text}"
        item.wrote = True
        item.seen.add(part)
        self._lane.put(item, ReasoningDelta(text), out)

    def _call(self, item: Item, body: dict[str, Any], out: list[Chunk]) -> None:
        """Id and name of a tool call, once."""
        if item.named or not body.get("name"):
            return
        item.named = True
        call_id = body.get("call_id") or body.get("id")
        delta = self._tools.add(item.number, call_id, {"name": body["name"]})
        self._lane.put(item, delta, out)

    def _arguments(self, item: Item, arguments: Any, out: list[Chunk]) -> None:
        """A piece of the arguments, or all of them; an object, as some servers send it, has come whole."""
        if arguments:
            item.seen.add(("arguments", 0))
            self._lane.put(item, self._tools.add(item.number, None, {"arguments": arguments}), out)


def _summary(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The summary in the one shape that goes back: the dialect wants it beside what is encrypted."""
    entries = body.get("summary") or []
    texts = [entry.get("text") for entry in entries if isinstance(entry, dict)]
    return [{"type": "summary_text", "text": text} for text in texts if isinstance(text, str)]

"""An answer from bytes: a stream of events or one body, by the same rules. Built, never patched.

Text, reasoning and tool calls become chunks. A refusal becomes the finish reason, never text. Everything else that
holds a string (log probabilities, annotations, audio, a legacy `function_call` beside `tool_calls`, unknown fields)
is dropped and counted in `raw["dropped"]`.
"""

from __future__ import annotations

from typing import Any

from psf_runtime.errors import StreamInterrupted
from psf_runtime.providers.base import Bounds
from psf_runtime.providers.dialect.decoding import AnswerDecoder, loads
from psf_runtime.providers.dialect.head import Head
from psf_runtime.providers.dialect.toolcalls import ToolCalls, bad_response, id_suffix
from psf_runtime.providers.errors import provider_error
from psf_runtime.providers.openai.counts import note_names, note_numbers
from psf_runtime.providers.openai.differences import Differences
from psf_runtime.providers.sse import Event, SseDecoder
from psf_runtime.types.chunks import Chunk, ReasoningDelta, TextDelta
from psf_runtime.types.response import Response

_CHANNELS = frozenset({"role", "content", "reasoning_content", "reasoning", "refusal", "tool_calls", "function_call"})
_CHOICE = frozenset({"index", "delta", "message", "finish_reason"})
# Dropped under their own names; other unknown fields of a choice are only counted.
_NAMED = frozenset({"content_filter_offsets", "content_filter_results", "logprobs"})
# Reasons that are no end of an answer but the failure to give one, and the word that the error map knows for it.
_FAILED = {"error": "server_error", "insufficient_system_resource": "overloaded_error"}


class _Answer(AnswerDecoder):
    """What a stream and a body have in common: one object after another goes in, chunks come out."""

    __slots__ = ("_head", "_legacy", "_tools", "choices")

    def __init__(self, differences: Differences, target: str, bounds: Bounds) -> None:
        super().__init__(target, bounds)
        self._head = Head(differences.finish, target)
        self._tools = ToolCalls(bounds, target)
        self._legacy = False  # the calls come in the old `function_call`
        self.choices = 0

    def head(self) -> Response:
        """The answer without its parts: complete after `end`."""
        return self._head.build(bool(self._tools.slots))

    def _body(self, body: Any, part: str, out: list[Chunk]) -> None:
        """One completion or chunk object. `part` names what holds the pieces: `message` or `delta`."""
        if not isinstance(body, dict):
            raise bad_response("the answer is no JSON object", target=self._target)
        if body.get("error"):
            raise provider_error(200, {}, body, target=self._target)
        choices = body.get("choices")
        if not self.choices:
            note_names(self._head, body)
            self._tools.answer_id = id_suffix(body.get("id"))
        if len(body) > 5 or "usage" in body:
            note_numbers(self._head, body)
        if not choices:
            if choices is None and "usage" not in body:
                raise bad_response("the answer is no chat completion", target=self._target)
            return
        if not isinstance(choices, list):
            raise bad_response("the answer is no chat completion", target=self._target)
        for choice in choices:
            self._choice(choice, part, out)

    def _choice(self, choice: Any, part: str, out: list[Chunk]) -> None:
        if not isinstance(choice, dict):
            raise bad_response("a choice of the answer is no object", target=self._target)
        if choice.get("index"):
            raise bad_response(
                "the answer holds more than one choice",
                target=self._target,
                why="only one was asked for, and only one is screened",
            )
        self.choices += 1
        pieces = choice.get(part)
        if pieces:
            if not isinstance(pieces, dict):
                raise bad_response("a choice of the answer holds no object", target=self._target)
            self._pieces(pieces, out)
        reason = choice.get("finish_reason")
        if reason and isinstance(reason, str):
            self._head.reason = reason
        if len(choice) > 3:
            for key in choice.keys() - _CHOICE:
                if choice[key] is not None:
                    self._head.drop(key if key in _NAMED else "choice_field")

    def _pieces(self, pieces: dict[str, Any], out: list[Chunk]) -> None:
        content = pieces.get("content")
        # The common case first: one piece of text and nothing else.
        if len(pieces) == 1 and type(content) is str:
            if content:
                out.append(TextDelta(content))
            return
        self._reasoning(pieces, out)
        if content:
            self._content(content, out)
        if pieces.get("refusal"):
            self._head.refused = True
            self._head.drop("refusal")
        self._calls(pieces, out)
        for key in pieces.keys() - _CHANNELS:
            if pieces[key]:
                self._head.drop(key if key in ("annotations", "audio") else "message_field")

    def _reasoning(self, pieces: dict[str, Any], out: list[Chunk]) -> None:
        """The two spellings of one channel; a server that sends both sends the same text twice."""
        thought = pieces.get("reasoning_content") or pieces.get("reasoning")
        if not thought:
            return
        if isinstance(thought, str):
            out.append(ReasoningDelta(thought))
        else:
            self._head.drop("reasoning")

    def _content(self, content: Any, out: list[Chunk]) -> None:
        if isinstance(content, str):
            out.append(TextDelta(content))
            return
        if not isinstance(content, list):
            raise bad_response("the content of the answer is neither text nor a list", target=self._target)
        for item in content:
            self._item(item, out)

    def _item(self, item: Any, out: list[Chunk]) -> None:
        """One entry of a content list: text, what the model thought, a refusal; anything else is dropped."""
        kind = item.get("type") if isinstance(item, dict) else None
        if kind == "text" and isinstance(item.get("text"), str):
            if item["text"]:
                out.append(TextDelta(item["text"]))
        elif kind == "thinking":
            out.extend(ReasoningDelta(text) for text in _thoughts(item.get("thinking")))
        elif kind == "refusal":
            self._head.refused = True
            self._head.drop("refusal")
        else:
            self._head.drop("content_part")

    def _calls(self, pieces: dict[str, Any], out: list[Chunk]) -> None:
        calls = pieces.get("tool_calls")
        legacy = pieces.get("function_call")
        if calls:
            if not isinstance(calls, list):
                raise bad_response("the tool calls of the answer are no list", target=self._target)
            out.extend(self._tools.piece(call) for call in calls)
        if legacy:
            if calls or (self._tools.slots and not self._legacy):
                self._head.drop("function_call")
            elif isinstance(legacy, dict):
                self._legacy = True
                out.append(self._tools.add(0, None, legacy))

    def _complete(self) -> None:
        failed = _FAILED.get(self._head.reason)
        if failed is not None:
            raise provider_error(None, {}, {"code": failed}, target=self._target)
        self._tools.finish()


class StreamDecoder(_Answer):
    """Chunks from the events of a stream."""

    __slots__ = ("_done", "_events", "_seen")

    def __init__(self, differences: Differences, target: str, bounds: Bounds) -> None:
        super().__init__(differences, target, bounds)
        self._events = SseDecoder(max_event_bytes=bounds.event_bytes)
        self._done = False
        self._seen = False

    def _take(self, data: bytes, out: list[Chunk]) -> None:
        for event in self._events.feed(data):
            self._event(event, out)

    def _finish(self, out: list[Chunk]) -> None:
        """A last event may lack its blank line. A finish reason or `[DONE]` must have come."""
        for event in self._events.end():
            if event.data == "[DONE]" or loads(event.data) is not None:
                self._event(event, out)
        self._check_end()

    def _event(self, event: Event, out: list[Chunk]) -> None:
        data = event.data
        if self._done or not data:
            return
        if data[0] != "{" and data.strip() == "[DONE]":
            self._done = self._seen = True
            return
        body = loads(data)
        if body is None:
            raise bad_response("an event of the stream is no JSON", target=self._target)
        self._seen = True
        if event.name == "error" and isinstance(body, dict):
            raise provider_error(200, {}, body, target=self._target)
        self._body(body, "delta", out)

    def _check_end(self) -> None:
        if not self._seen:
            raise bad_response(
                "the stream was empty", target=self._target, why="some servers answer so when the request is too long"
            )
        if not self._head.reason and not (self._done and self.choices):
            raise StreamInterrupted(
                f"{self._target or 'the target'}: the stream ended before the answer was finished",
                kind="stream_interrupted",
                target=self._target,
                retry_safe=True,
            )
        self._complete()


class BodyDecoder(_Answer):
    """Chunks from one whole body: they come out at the end, one per part."""

    __slots__ = ("_pieces_of_body",)

    def __init__(self, differences: Differences, target: str, bounds: Bounds) -> None:
        super().__init__(differences, target, bounds)
        self._pieces_of_body: list[bytes] = []

    def _take(self, data: bytes, out: list[Chunk]) -> None:
        """Keeps the bytes, within bounds; nothing comes out before the end."""
        self._pieces_of_body.append(data)

    def _finish(self, out: list[Chunk]) -> None:
        body = loads(b"".join(self._pieces_of_body))
        self._pieces_of_body = []
        if body is None:
            raise bad_response("the answer is no JSON", target=self._target)
        self._body(body, "message", out)
        if not self.choices:
            raise bad_response("the answer holds no choice", target=self._target)
        self._complete()


def _thoughts(value: Any) -> list[str]:
    """The texts of a `thinking` entry: a string, or a list of text entries."""
    if isinstance(value, str):
        return [value] if value else []
    if not isinstance(value, list):
        return []
    texts = [item.get("text") for item in value if isinstance(item, dict)]
    return [text for text in texts if isinstance(text, str) and text]

"""The output items of an answer while it is written: each with the events that tell of it."""

from __future__ import annotations

from typing import Any, Literal

Json = dict[str, Any]
Status = Literal["in_progress", "completed", "incomplete"]
Events = list[tuple[str, Json]]


class MessageItem:
    """Text of the model, or its refusal: one content part.

    Args:
        item_id: of the item.
        place: of the item in the output.
        kind: `output_text`, or `refusal`.
    """

    def __init__(self, item_id: str, place: int, kind: Literal["output_text", "refusal"] = "output_text") -> None:
        self._id = item_id
        self._place = place
        self._kind = kind
        self._pieces: list[str] = []

    def value(self, status: Status) -> Json:
        """The item as it stands."""
        content = [] if status == "in_progress" else [self._part()]
        return {"id": self._id, "type": "message", "role": "assistant", "status": status, "content": content}

    def open(self) -> Events:
        """The events that announce it."""
        return [
            ("response.output_item.added", {"output_index": self._place, "item": self.value("in_progress")}),
            ("response.content_part.added", {**self._where(), "part": self._part()}),
        ]

    def piece(self, text: str) -> Events:
        """The event for a piece of the text."""
        self._pieces.append(text)
        return [(f"response.{self._kind}.delta", {**self._where(), "delta": text, **self._logprobs()})]

    def close(self, status: Status) -> Events:
        """The events that end it."""
        field = "text" if self._kind == "output_text" else "refusal"
        done = {**self._where(), field: "".join(self._pieces), **self._logprobs()}
        return [
            (f"response.{self._kind}.done", done),
            ("response.content_part.done", {**self._where(), "part": self._part()}),
            ("response.output_item.done", {"output_index": self._place, "item": self.value(status)}),
        ]

    def _where(self) -> Json:
        return {"item_id": self._id, "output_index": self._place, "content_index": 0}

    def _part(self) -> Json:
        text = "".join(self._pieces)
        if self._kind == "refusal":
            return {"type": "refusal", "refusal": text}
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}

    def _logprobs(self) -> Json:
        return {"logprobs": []} if self._kind == "output_text" else {}


class ReasoningItem:
    """What the model thought, as a summary; or the handle that stands for what the vendor signed."""

    def __init__(self, item_id: str, place: int, handle: str = "") -> None:
        self._id = item_id
        self._place = place
        self._handle = handle
        self._pieces: list[str] = []

    def value(self, status: Status) -> Json:
        """The item as it stands."""
        shown = self._pieces and status != "in_progress"
        value: Json = {"id": self._id, "type": "reasoning", "summary": [self._part()] if shown else []}
        if self._handle:
            value["encrypted_content"] = self._handle
        return value

    def open(self) -> Events:
        """The event that announces it."""
        return [("response.output_item.added", {"output_index": self._place, "item": self.value("in_progress")})]

    def piece(self, text: str) -> Events:
        """The events for a piece of the text."""
        events: Events = []
        if not self._pieces:
            events.append(("response.reasoning_summary_part.added", {**self._where(), "part": self._part()}))
        self._pieces.append(text)
        events.append(("response.reasoning_summary_text.delta", {**self._where(), "delta": text}))
        return events

    def close(self, status: Status) -> Events:
        """The events that end it."""
        events: Events = []
        if self._pieces:
            part = self._part()
            events.append(("response.reasoning_summary_text.done", {**self._where(), "text": part["text"]}))
            events.append(("response.reasoning_summary_part.done", {**self._where(), "part": part}))
        events.append(("response.output_item.done", {"output_index": self._place, "item": self.value(status)}))
        return events

    def _where(self) -> Json:
        return {"item_id": self._id, "output_index": self._place, "summary_index": 0}

    def _part(self) -> Json:
        return {"type": "summary_text", "text": "".join(self._pieces)}


class CallItem:
    """One tool call."""

    def __init__(self, item_id: str, place: int, call_id: str, name: str) -> None:
        self._id = item_id
        self._place = place
        self._call_id = call_id
        self._name = name
        self._pieces: list[str] = []

    def value(self, status: Status) -> Json:
        """The item as it stands."""
        return {
            "id": self._id,
            "type": "function_call",
            "status": status,
            "call_id": self._call_id,
            "name": self._name,
            "arguments": "" if status == "in_progress" else "".join(self._pieces),
        }

    def open(self) -> Events:
        """The event that announces it."""
        return [("response.output_item.added", {"output_index": self._place, "item": self.value("in_progress")})]

    def piece(self, text: str) -> Events:
        """The event for a piece of the arguments."""
        self._pieces.append(text)
        return [("response.function_call_arguments.delta", {**self._where(), "delta": text})]

    def close(self, status: Status) -> Events:
        """The events that end it."""
        arguments = "".join(self._pieces)
        done = {**self._where(), "arguments": arguments, "name": self._name}
        return [
            ("response.function_call_arguments.done", done),
            ("response.output_item.done", {"output_index": self._place, "item": self.value(status)}),
        ]

    def _where(self) -> Json:
        return {"item_id": self._id, "output_index": self._place}


OutputItem = MessageItem | ReasoningItem | CallItem

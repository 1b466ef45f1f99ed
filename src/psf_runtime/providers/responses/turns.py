"""Messages read from the input of Responses. No message can claim to be more trusted than its role."""

from __future__ import annotations

from mimetypes import guess_type
from typing import Any, Literal

from psf_runtime.providers.dialect.reading import from_base64, from_data_url, refused
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, Part, Reasoning, Text, ToolCall, ToolResult
from psf_runtime.types.provenance import TRUSTED, USER, Provenance

_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
    "assistant": "assistant",
    "developer": "system",
    "system": "system",
    "user": "user",
}
# An item's id is read over: nothing is stored that it could lead to.
_FIELDS: dict[str, frozenset[str]] = {
    "function_call": frozenset({"arguments", "call_id", "id", "name", "status", "type"}),
    "function_call_output": frozenset({"call_id", "id", "name", "output", "status", "type"}),
    "message": frozenset({"content", "id", "phase", "role", "status", "type"}),
    "reasoning": frozenset({"content", "encrypted_content", "id", "status", "summary", "type"}),
}


def messages_from_input(value: Any) -> tuple[Message, ...]:
    """All messages, in order: one text of the user, or a list of items."""
    if isinstance(value, str):
        return (Message.user(value),)
    if not isinstance(value, list):
        raise refused("input", "it must be text or a list of items")
    turns = _Turns()
    for number, item in enumerate(value):
        turns.take(item, f"input[{number}]")
    return turns.done()


class _Turns:
    """Puts the items that a model made in one turn together to one message."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._turn: list[Part] = []

    def take(self, value: Any, where: str) -> None:
        """One item more."""
        kind = _kind(value, where)
        if any(value[name] is not None for name in value.keys() - _FIELDS[kind]):
            raise refused(where, "it has an unknown field")
        if kind == "function_call":
            self._turn.append(_call(value, where))
        elif kind == "reasoning":
            self._turn.extend(_reasoning(value, where))
        elif kind == "function_call_output":
            self._add(Message("tool", (_result(value, where),)))
        else:
            self._message(value, where)

    def done(self) -> tuple[Message, ...]:
        """All messages."""
        self._close()
        return tuple(self._messages)

    def _message(self, value: dict[str, Any], where: str) -> None:
        role = value.get("role")
        known = _ROLES.get(role) if isinstance(role, str) else None
        if known is None:
            raise refused(f"{where}.role", "it must be system, developer, user or assistant")
        parts = _content(value.get("content"), known, f"{where}.content")
        if known != "assistant":
            self._add(Message(known, parts))
            return
        # A second text is a turn of its own: joined to the first, their boundary would be lost.
        if not all(isinstance(part, Reasoning) for part in self._turn):
            self._close()
        self._turn.extend(parts)

    def _add(self, message: Message) -> None:
        self._close()
        self._messages.append(message)

    def _close(self) -> None:
        if self._turn:
            self._messages.append(Message("assistant", tuple(self._turn)))
            self._turn = []


def _kind(value: Any, where: str) -> str:
    if not isinstance(value, dict):
        raise refused(where, "it must be an object")
    kind = value.get("type")
    if kind is None and "role" in value:
        return "message"
    if kind == "item_reference" or (kind is None and "id" in value):
        raise refused(where, "it refers to what a vendor has stored, and that is not bound to your user")
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise refused(where, "items are messages, function calls, their outputs and reasoning")
    return kind


def _call(value: dict[str, Any], where: str) -> ToolCall:
    call_id, name, arguments = value.get("call_id"), value.get("name"), value.get("arguments")
    if not isinstance(call_id, str) or not isinstance(name, str) or not isinstance(arguments, str):
        raise refused(where, "a function call needs a call_id, a name, and arguments as text")
    return ToolCall(call_id, name, arguments)


def _reasoning(value: dict[str, Any], where: str) -> list[Part]:
    """The handle that stands for signed reasoning. Its readable text is not taken: no model gets it back."""
    handle = value.get("encrypted_content")
    if not isinstance(handle, str | None):
        raise refused(f"{where}.encrypted_content", "it must be text")
    return [Reasoning("", handle)] if handle else []


def _result(value: dict[str, Any], where: str) -> ToolResult:
    call_id, output = value.get("call_id"), value.get("output")
    if not isinstance(call_id, str):
        raise refused(f"{where}.call_id", "it must be text")
    if isinstance(output, str):
        return ToolResult(call_id, output)
    parts = _content(output, "tool", f"{where}.output")
    return ToolResult(call_id, "".join(part.text for part in parts if isinstance(part, Text)))


def _content(value: Any, role: str, where: str) -> tuple[Part, ...]:
    provenance = TRUSTED if role == "system" else USER
    if isinstance(value, str):
        return (Text(value, provenance),)
    if not isinstance(value, list):
        raise refused(where, "it must be text or a list of parts")
    parts = [_part(item, role, provenance, f"{where}[{number}]") for number, item in enumerate(value)]
    return tuple(part for part in parts if part is not None)


def _part(value: Any, role: str, provenance: Provenance, where: str) -> Part | None:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == ("output_text" if role == "assistant" else "input_text") and isinstance(value.get("text"), str):
        return Text(value["text"], provenance)
    if role == "assistant" and kind == "refusal":
        return None  # our own words for it, or a vendor's that no guard has seen
    if role == "user" and kind == "input_image":
        return _image(value, where)
    if role == "user" and kind == "input_file":
        return _file(value, where)
    raise refused(where, "parts are input_text, from the user input_image and input_file, and output_text of a model")


def _image(value: dict[str, Any], where: str) -> Image:
    _no_id(value, where)
    address, detail = value.get("image_url"), value.get("detail")
    if not isinstance(address, str) or not isinstance(detail, str | None):
        raise refused(where, "an image needs an image_url")
    if address.startswith(("http://", "https://")):
        return Image(address, detail=detail)
    media_type, data = from_data_url(address, where)
    return Image(data, media_type=media_type, detail=detail)


def _file(value: dict[str, Any], where: str) -> File:
    """A document that comes along, or its address."""
    _no_id(value, where)
    contents, address, name = value.get("file_data"), value.get("file_url"), value.get("filename") or ""
    if not isinstance(name, str) or not isinstance(address, str | None):
        raise refused(where, "the name and the address of a file are text")
    if contents is None and address is not None and address.startswith(("http://", "https://")):
        return File(address, name=name)
    if not isinstance(contents, str):
        raise refused(where, "a file needs its contents in file_data, or an http(s) address in file_url")
    if contents.startswith("data:"):
        media_type, data = from_data_url(contents, where)
        return File(data, name=name, media_type=media_type)
    return File(from_base64(contents, where), name=name, media_type=guess_type(name)[0])


def _no_id(value: dict[str, Any], where: str) -> None:
    if value.get("file_id") is not None:
        raise refused(where, "ids of stored files are not taken: they are not bound to your user")

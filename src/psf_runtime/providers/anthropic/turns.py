"""Messages read from the JSON of this dialect. No message can claim to be more trusted than its role."""

from __future__ import annotations

from typing import Any

import orjson

from psf_runtime.providers.anthropic.caching import time_of
from psf_runtime.providers.anthropic.media import IMAGE_TYPES
from psf_runtime.providers.dialect.reading import from_base64, refused, text
from psf_runtime.providers.dialect.writing import Json
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, Part, Reasoning, Text, ToolCall, ToolResult
from psf_runtime.types.provenance import TRUSTED, USER, Provenance

# The fields that a block of each kind may have; `cache_control` may stand on any.
_FIELDS = {
    "text": {"text", "citations"},
    "image": {"source"},
    "document": {"source", "title"},
    "thinking": {"thinking", "signature"},
    "redacted_thinking": {"data"},
    "tool_use": {"id", "name", "input", "caller"},
    "tool_result": {"tool_use_id", "content", "is_error"},
}
_OF_USER = frozenset({"text", "image", "document", "tool_result"})
_OF_ASSISTANT = frozenset({"text", "thinking", "redacted_thinking", "tool_use"})


def system_from_json(value: Any) -> tuple[Message, ...]:
    """The system prompt: one message, with a part for each of its texts."""
    parts = _texts(value, "system", TRUSTED)
    return (Message("system", parts),) if parts else ()


def messages_from_json(value: Any) -> tuple[Message, ...]:
    """All messages, in order. Tool results become a message of their own, before what the user says beside them."""
    if not isinstance(value, list):
        raise refused("messages", "it must be a list")
    return tuple(message for number, item in enumerate(value) for message in _turn(item, f"messages[{number}]"))


def _turn(value: Any, where: str) -> list[Message]:
    if not isinstance(value, dict) or value.keys() - {"role", "content"}:
        raise refused(where, "it must be an object with role and content")
    role, content = value.get("role"), value.get("content")
    if role == "system":
        return [Message("system", _texts(content, f"{where}.content", TRUSTED))]
    if role not in ("user", "assistant"):
        raise refused(f"{where}.role", "it must be user, assistant or system")
    if isinstance(content, str):
        return [Message(role, (Text(content, USER),))]
    if not isinstance(content, list):
        raise refused(f"{where}.content", "it must be text or a list of blocks")
    known = _OF_USER if role == "user" else _OF_ASSISTANT
    parts = [_part(item, known, f"{where}.content[{number}]") for number, item in enumerate(content)]
    results = tuple(part for part in parts if isinstance(part, ToolResult))
    spoken = tuple(part for part in parts if not isinstance(part, ToolResult))
    turns = [Message("tool", results)] if results else []
    if spoken or not results:
        turns.append(Message(role, spoken))
    return turns


def _checked(value: Any, known: frozenset[str], where: str) -> Json:
    """The block, of a kind that may stand here and with no field that we do not know."""
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in known:
        raise refused(
            where, "it must be one of " + ", ".join(sorted(known)) + "; hosted tools and stored files are not"
        )
    time_of(value.get("cache_control"), f"{where}.cache_control")
    if {key for key, item in value.items() if item is not None} - _FIELDS[kind] - {"type", "cache_control"}:
        raise refused(where, "it has an unknown field")
    return dict(value)


def _part(item: Any, known: frozenset[str], where: str) -> Part:
    value = _checked(item, known, where)
    kind = value["type"]
    if kind == "text":
        return Text(_need(value, "text", where), USER)
    if kind == "image":
        return _image(_source(value, where), where)
    if kind == "document":
        return _document(value, where)
    if kind == "tool_use":
        return _call(value, where)
    if kind == "tool_result":
        return _result(value, where)
    if kind == "thinking":
        signature = text(value.get("signature"), f"{where}.signature")
        # A signed thought goes back as it was sealed, not as the client shows it.
        return Reasoning("" if signature else text(value.get("thinking"), f"{where}.thinking"), signature)
    return Reasoning("", _need(value, "data", where))


def _need(value: Json, name: str, where: str) -> str:
    found = value.get(name)
    if not isinstance(found, str):
        raise refused(f"{where}.{name}", "it must be text")
    return found


def _call(value: Json, where: str) -> ToolCall:
    given = value.get("input")
    if not isinstance(given, dict):
        raise refused(f"{where}.input", "it must be an object")
    if value.get("caller") not in (None, {"type": "direct"}):
        raise refused(f"{where}.caller", "a call by a hosted tool is not taken over")
    arguments = orjson.dumps(given).decode("utf-8")
    return ToolCall(_need(value, "id", where), _need(value, "name", where), arguments)


def _result(value: Json, where: str) -> ToolResult:
    is_error = value.get("is_error") or False
    if not isinstance(is_error, bool):
        raise refused(f"{where}.is_error", "it must be true or false")
    parts = _texts(value.get("content"), f"{where}.content", USER)
    joined = "".join(part.text for part in parts if isinstance(part, Text))
    return ToolResult(_need(value, "tool_use_id", where), joined, is_error=is_error)


def _texts(value: Any, where: str, provenance: Provenance) -> tuple[Part, ...]:
    """A text, or a list of text blocks."""
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return (Text(value, provenance),)
    if not isinstance(value, list):
        raise refused(where, "it must be text or a list of text blocks")
    blocks = [_checked(item, frozenset({"text"}), f"{where}[{number}]") for number, item in enumerate(value)]
    return tuple(Text(_need(block, "text", where), provenance) for block in blocks)


def _source(value: Json, where: str) -> Json:
    source = value.get("source")
    if not isinstance(source, dict):
        raise refused(f"{where}.source", "it must be an object")
    return source


def _image(source: Json, where: str) -> Image:
    kind = source.get("type")
    if kind == "url":
        return Image(_address(source, where))
    if kind == "base64" and source.get("media_type") in IMAGE_TYPES:
        return Image(from_base64(_need(source, "data", where), where), media_type=source["media_type"])
    raise refused(f"{where}.source", "an image comes as base64 or url; ids of stored files are not taken")


def _document(value: Json, where: str) -> File:
    """A document that comes along. One kept by the vendor is refused: the id is not bound to a user."""
    source = _source(value, where)
    name = text(value.get("title"), f"{where}.title")
    kind = source.get("type")
    if kind == "url":
        return File(_address(source, where), name=name, media_type="application/pdf")
    if kind == "text" and source.get("media_type") == "text/plain":
        return File(_need(source, "data", where).encode("utf-8"), name=name, media_type="text/plain")
    if kind == "base64" and source.get("media_type") == "application/pdf":
        data = from_base64(_need(source, "data", where), where)
        return File(data, name=name, media_type="application/pdf")
    raise refused(f"{where}.source", "a document is a PDF or a text; ids of stored files are not taken")


def _address(source: Json, where: str) -> str:
    address = _need(source, "url", where)
    if not address.startswith(("http://", "https://")):
        raise refused(f"{where}.source.url", "it must begin with http:// or https://")
    return address

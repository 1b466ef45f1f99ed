"""Messages read from the JSON of chat completions. No message can claim to be more trusted than its role."""

from __future__ import annotations

from typing import Any, Literal

from psf_runtime.providers.dialect.reading import from_data_url, refused
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, Part, Text, ToolCall, ToolResult
from psf_runtime.types.provenance import TRUSTED, USER, Provenance

_ROLES: dict[str, Literal["system", "user", "assistant", "tool"]] = {
    "assistant": "assistant",
    "developer": "system",
    "system": "system",
    "tool": "tool",
    "user": "user",
}
_FIELDS = frozenset(
    {
        "annotations",
        "audio",
        "content",
        "function_call",
        "name",
        "reasoning",
        "reasoning_content",
        "refusal",
        "role",
        "tool_call_id",
        "tool_calls",
    }
)


def messages_from_json(value: Any) -> tuple[Message, ...]:
    """All messages, in order."""
    if not isinstance(value, list):
        raise refused("messages", "it must be a list")
    return tuple(message_from_json(item, f"messages[{number}]") for number, item in enumerate(value))


def message_from_json(value: Any, where: str) -> Message:
    """One message; `where` it stands is named in errors. Raises ConfigError."""
    if not isinstance(value, dict):
        raise refused(where, "it must be an object")
    role = _ROLES.get(value.get("role") or "")
    if role is None:
        raise refused(f"{where}.role", "it must be system, developer, user, assistant or tool")
    if value.keys() - _FIELDS:
        raise refused(where, "it has an unknown field")
    name = value.get("name") or ""
    if not isinstance(name, str):
        raise refused(f"{where}.name", "it must be text")
    if role == "tool":
        return Message("tool", (_result(value, name, where),))
    content = _content(value.get("content"), role, where)
    calls = _calls(value.get("tool_calls"), where)
    if not calls:
        return Message(role, content, name)
    return Message(role, calls if content == (Text("", USER),) else content + calls, name)


def _result(value: dict[str, Any], name: str, where: str) -> ToolResult:
    call_id = value.get("tool_call_id")
    if not isinstance(call_id, str):
        raise refused(f"{where}.tool_call_id", "it must be text")
    parts = _content(value.get("content"), "tool", where)
    text = "".join(part.text for part in parts if isinstance(part, Text))
    return ToolResult(call_id, text, name=name)


def _content(value: Any, role: str, where: str) -> tuple[Part, ...]:
    provenance = TRUSTED if role == "system" else USER
    if value is None:
        return ()
    if isinstance(value, str):
        return (Text(value, provenance),)
    if not isinstance(value, list):
        raise refused(f"{where}.content", "it must be text or a list of parts")
    return tuple(_part(item, role, provenance, f"{where}.content[{number}]") for number, item in enumerate(value))


def _part(value: Any, role: str, provenance: Provenance, where: str) -> Part:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "text" and isinstance(value.get("text"), str):
        return Text(value["text"], provenance)
    inner = value.get(kind) if isinstance(value, dict) and isinstance(kind, str) else None
    if role == "user" and isinstance(inner, dict):
        if kind == "image_url":
            return _image(inner, where)
        if kind == "file":
            return _file(inner, where)
    raise refused(where, "parts are text, and from the user image_url and file")


def _image(value: dict[str, Any], where: str) -> Image:
    address = value.get("url")
    detail = value.get("detail")
    if not isinstance(address, str) or not isinstance(detail, str | None):
        raise refused(where, "an image needs a url")
    if address.startswith(("http://", "https://")):
        return Image(address, detail=detail)
    media_type, data = from_data_url(address, where)
    return Image(data, media_type=media_type, detail=detail)


def _file(value: dict[str, Any], where: str) -> File:
    """A document that comes along. One kept by the vendor (`file_id`) is refused: the id is not bound to a user."""
    contents = value.get("file_data")
    name = value.get("filename") or ""
    if not isinstance(contents, str) or not isinstance(name, str):
        raise refused(where, "a file needs its contents in file_data; ids of stored files are not taken")
    media_type, data = from_data_url(contents, where)
    return File(data, name=name, media_type=media_type)


def _calls(value: Any, where: str) -> tuple[ToolCall, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise refused(f"{where}.tool_calls", "it must be a list")
    return tuple(_call(item, f"{where}.tool_calls[{number}]") for number, item in enumerate(value))


def _call(value: Any, where: str) -> ToolCall:
    function = value.get("function") if isinstance(value, dict) else None
    if not isinstance(function, dict) or not isinstance(value.get("id"), str):
        raise refused(where, "a tool call needs an id and a function")
    name, arguments = function.get("name"), function.get("arguments")
    if not isinstance(name, str) or not isinstance(arguments, str):
        raise refused(where, "a tool call needs a name, and arguments as text")
    return ToolCall(value["id"], name, arguments)

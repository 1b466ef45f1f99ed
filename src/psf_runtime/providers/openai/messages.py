"""Messages and their parts, as the JSON values of chat completions."""

from __future__ import annotations

from typing import Any

from psf_runtime.errors import ConfigError
from psf_runtime.providers.dialect.writing import Json, data_url, misplaced
from psf_runtime.providers.fetched import check_fetched
from psf_runtime.providers.openai.differences import Differences
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, Part, Reasoning, Text, ToolCall, ToolResult

_NAME = "chat completions"


def messages_to_json(messages: tuple[Message, ...], differences: Differences) -> list[Json]:
    """Every message in order. A tool message with several results becomes one message for each."""
    out: list[Json] = []
    for message in messages:
        if message.role == "tool":
            out.extend(_results(message))
        elif message.role == "assistant":
            out.append(_assistant(message, differences))
        else:
            content = _content(message, differences)
            out.append(_named({"role": message.role, "content": content}, message))
    return out


def _named(value: Json, message: Message) -> Json:
    if message.name:
        value["name"] = message.name
    return value


def _results(message: Message) -> list[Json]:
    out: list[Json] = []
    for part in message.parts:
        if not isinstance(part, ToolResult):
            raise misplaced(part, "tool", _NAME)
        out.append({"role": "tool", "tool_call_id": part.call_id, "content": part.text})
    return out


def _assistant(message: Message, differences: Differences) -> Json:
    """Text and tool calls. What the model thought is not sent back: this dialect has no place for it."""
    calls = [_call(part) for part in message.parts if isinstance(part, ToolCall)]
    spoken = tuple(part for part in message.parts if not isinstance(part, ToolCall | Reasoning))
    content: Any = differences.empty_content if calls else ""
    if spoken:
        content = _content(Message("assistant", spoken), differences)
    value: Json = {"role": "assistant", "content": content}
    if calls:
        value["tool_calls"] = calls
    return _named(value, message)


def _call(part: ToolCall) -> Json:
    return {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": part.args}}


def _content(message: Message, differences: Differences) -> str | list[Json]:
    parts = message.parts
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    texts = [part.text for part in parts if isinstance(part, Text)]
    if differences.join_text and len(texts) == len(parts):
        return "\n".join(texts)
    return [_part(part, message.role, differences) for part in parts]


def _part(part: Part, role: str, differences: Differences) -> Json:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if role == "user" and isinstance(part, Image):
        return _image(part, differences)
    if role == "user" and isinstance(part, File):
        return _file(part, differences)
    raise misplaced(part, role, _NAME)


def _image(part: Image, differences: Differences) -> Json:
    address = part.url
    if part.data is not None:
        address = data_url(part.media_type, part.data)
    elif address is not None and not address.startswith("data:"):
        if not differences.image_urls:
            raise ConfigError(
                f"this '{differences.provider}:' server takes no address of a picture",
                why="it reads pictures only when they come along",
                change="give the picture itself: Image(path) or Image(data)",
            )
        check_fetched(address, "the address of a picture")
    value: Json = {"url": address}
    if part.detail is not None:
        value["detail"] = part.detail
    return {"type": "image_url", "image_url": value}


def _file(part: File, differences: Differences) -> Json:
    if not differences.files:
        raise ConfigError(
            f"'{differences.provider}:' takes no file parts",
            why="the servers behind it do not read documents",
            change="send the document's text, or use another provider for this call",
        )
    if part.data is None:
        raise ConfigError(
            "a file part needs the file's contents",
            why="chat completions takes no URL of a document",
            change="File(path) or File(data, name=...)",
        )
    return {"type": "file", "file": {"filename": part.name, "file_data": data_url(part.media_type, part.data)}}

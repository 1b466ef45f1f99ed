"""Messages and their parts, as the input items of Responses.

The application's instructions go as messages of the role `system`, in their places, and not as `instructions`: that
field holds one text that always stands first, so several of them, or one in mid-conversation, would be changed.
Items carry no id: an id leads to what a vendor has stored, and nothing is stored.
"""

from __future__ import annotations

from psf_runtime.errors import ConfigError
from psf_runtime.providers.dialect.carrying import put_back
from psf_runtime.providers.dialect.writing import Json, data_url, misplaced
from psf_runtime.providers.fetched import check_fetched
from psf_runtime.providers.responses.differences import Differences
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, Part, Reasoning, Text, ToolCall, ToolResult

_NAME = "Responses"


def items_from_messages(messages: tuple[Message, ...], differences: Differences) -> list[Json]:
    """Every message in order. Raises ConfigError for what has no place in this dialect."""
    out: list[Json] = []
    for message in messages:
        if message.role == "tool":
            out.extend(_result(part) for part in message.parts)
            continue
        _refuse_name(message)
        if message.role == "assistant":
            out.extend(_assistant(message))
        else:
            out.append({"type": "message", "role": message.role, "content": _content(message, differences)})
    return out


def _refuse_name(message: Message) -> None:
    if message.name:
        raise ConfigError(
            f"the name of a message of role {message.role!r} has no place on this wire",
            why=f"{_NAME} knows roles only",
            change="write the name into the text, or use chat completions",
        )


def _result(part: Part) -> Json:
    if not isinstance(part, ToolResult):
        raise misplaced(part, "tool", _NAME)
    return {"type": "function_call_output", "call_id": part.call_id, "output": part.text}


def _assistant(message: Message) -> list[Json]:
    """One item for each run of text and each tool call, and the signed reasoning where it stood.

    Texts that only reasoning stands between are one item: the decoder counts them so when it notes the places.
    """
    blocks: list[Json] = []
    carried: list[str] = []
    speaking: Json | None = None
    for part in message.parts:
        if isinstance(part, Reasoning):
            if part.signature:
                carried.append(part.signature)
        elif isinstance(part, ToolCall):
            speaking = None
            blocks.append({"type": "function_call", "call_id": part.id, "name": part.name, "arguments": part.args})
        elif isinstance(part, Text):
            if speaking is None:
                speaking = {"type": "message", "role": "assistant", "content": ""}
                blocks.append(speaking)
            speaking["content"] += part.text
        else:
            raise misplaced(part, "assistant", _NAME)
    for signature in carried:
        blocks = put_back(blocks, signature)
    return blocks


def _content(message: Message, differences: Differences) -> str | list[Json]:
    parts = message.parts
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    return [_part(part, message.role, differences) for part in parts]


def _part(part: Part, role: str, differences: Differences) -> Json:
    if isinstance(part, Text):
        return {"type": "input_text", "text": part.text}
    if role == "user" and isinstance(part, Image):
        return _image(part)
    if role == "user" and isinstance(part, File):
        return _file(part, differences)
    raise misplaced(part, role, _NAME)


def _image(part: Image) -> Json:
    if part.url is not None:
        check_fetched(part.url, "the address of a picture")
    address = part.url if part.data is None else data_url(part.media_type, part.data)
    return {"type": "input_image", "image_url": address, "detail": part.detail or "auto"}


def _file(part: File, differences: Differences) -> Json:
    """The document itself; its address only when the part has nothing else, for then the vendor fetches it."""
    if not differences.files:
        raise ConfigError(
            f"'{differences.provider}:' takes no file parts",
            why="the servers behind it do not read documents",
            change="send the document's text, or use another provider for this call",
        )
    if part.data is not None:
        return {"type": "input_file", "filename": part.name, "file_data": data_url(part.media_type, part.data)}
    address = part.url or ""
    check_fetched(address, "the address of a file")
    if address.startswith("data:"):
        return {"type": "input_file", "filename": part.name, "file_data": address}
    return {"type": "input_file", "file_url": address}

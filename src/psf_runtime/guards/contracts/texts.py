"""Every text of a request, to read or to change: one list of places, so that no guard forgets one."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, Part, Reasoning, Text, ToolCall, ToolResult
from psf_runtime.types.provenance import Provenance
from psf_runtime.types.request import OutputSchema, Request, Tool

Change = Callable[[str], str]


@dataclass(frozen=True, slots=True, repr=False)
class Place:
    """One text part of a request: where it stands, who speaks, and the text."""

    where: str  # "messages[2].parts[0]"
    role: str
    text: str
    provenance: Provenance

    def __repr__(self) -> str:
        return f"Place({self.where}, {len(self.text)} characters)"


def places(request: Request) -> Iterator[Place]:
    """The texts, tool results and readable files of the messages, in order."""
    for number, message in enumerate(request.messages):
        for index, part in enumerate(message.parts):
            if isinstance(part, Text | ToolResult | File):
                text = text_of(part)
                if text is not None:
                    yield Place(f"messages[{number}].parts[{index}]", message.role, text, part.provenance)


def text_of(part: Part) -> str | None:
    """The text of a text, a tool result or a readable file; None for what has none."""
    if isinstance(part, Text | ToolResult):
        return part.text
    if isinstance(part, File) and part.data is not None and _is_text(part.media_type):
        return part.data.decode("utf-8", "replace")
    return None


def _is_text(media_type: str) -> bool:
    kind = media_type.partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind.endswith(("json", "xml", "yaml"))


def change_texts(request: Request, change: Change) -> Request:
    """The request with `change` applied to every string in it: messages, names, tools, schemas, stop words."""
    stop = tuple([change(word) for word in request.limits.stop])
    messages = tuple([_change_message(message, change) for message in request.messages])
    bare = not (request.tools or request.tool_choice or request.output or request.extra)
    if bare and stop == request.limits.stop and all(map(operator.is_, messages, request.messages)):
        return request
    return replace(
        request,
        messages=messages,
        tools=tuple([_change_tool(tool, change) for tool in request.tools]),
        tool_choice=None if request.tool_choice is None else change(request.tool_choice),
        output=None if request.output is None else _change_output(request.output, change),
        limits=request.limits if stop == request.limits.stop else replace(request.limits, stop=stop),
        extra=change_json(request.extra, change) if request.extra else request.extra,
    )


def _change_message(message: Message, change: Change) -> Message:
    parts = tuple([_change_part(part, change) for part in message.parts])
    name = change(message.name)
    if name is message.name and all(map(operator.is_, parts, message.parts)):
        return message
    return Message(message.role, parts, name)


def _change_part(part: Part, change: Change) -> Part:
    if isinstance(part, Text):
        text = change(part.text)
        return part if text is part.text else Text(text, part.provenance)
    if isinstance(part, ToolResult):
        return replace(part, call_id=change(part.call_id), text=change(part.text), name=change(part.name))
    if isinstance(part, ToolCall):
        return ToolCall(change(part.id), change(part.name), change_arguments(part.args, change))
    if isinstance(part, Reasoning):
        text = change(part.text)
        # A signature covers the text: once that has changed the vendor would refuse it.
        return part if text == part.text else Reasoning(text)
    return _change_media(part, change)


def _change_media(part: Image | File, change: Change) -> Image | File:
    """A document of text is changed too; a picture's pixels are not looked at."""
    if isinstance(part, Image):
        if part.url is None or change(part.url) == part.url:
            return part
        detail = part.detail
        return Image(change(part.url), media_type=part.media_type, detail=detail, provenance=part.provenance)
    source: str | bytes = part.data if part.data is not None else change(part.url or "")
    if part.data is not None and _is_text(part.media_type):
        source = _change_bytes(part.data, change)
    name = change(part.name)
    if name == part.name and source in (part.data, part.url):
        return part
    return File(source, name=name, media_type=part.media_type, provenance=part.provenance)


def _change_bytes(data: bytes, change: Change) -> bytes:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data  # another encoding: left as it is
    return change(text).encode()


def _change_tool(tool: Tool, change: Change) -> Tool:
    parameters = tool.parameters
    if isinstance(parameters, Mapping):
        parameters = change_json(parameters, change)
    return Tool(change(tool.name), change(tool.description), parameters)


def _change_output(output: OutputSchema, change: Change) -> OutputSchema:
    return OutputSchema(change(output.name), change_json(output.schema, change), output.strict)


def change_json(value: Any, change: Change) -> Any:
    """A JSON value with `change` applied to every string and key."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(key) if isinstance(key, str) else key: change_json(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [change_json(item, change) for item in value]
    return value


def change_arguments(arguments: str, change: Change) -> str:
    """Arguments of a tool call: JSON text. Escapes are undone first; where nothing changes, the text stays as it is."""
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        return change(arguments)
    changed = change_json(value, change)
    return arguments if changed == value else json.dumps(changed, ensure_ascii=False)


def strings_of(value: Any) -> Iterator[str]:
    """Every string and key of a JSON value, without recursion."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, Mapping):
            stack.extend(item.values())
            stack.extend(item.keys())
        elif isinstance(item, list | tuple):
            stack.extend(item)


def depth_of_json(text: str) -> int:
    """How deep brackets nest in JSON text, without parsing it: brackets inside strings do not count."""
    depth = deepest = 0
    in_string = escaped = False
    for sign in text:
        if in_string:
            if escaped:
                escaped = False
            elif sign == "\\":
                escaped = True
            elif sign == '"':
                in_string = False
        elif sign == '"':
            in_string = True
        elif sign in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in "]}":
            depth -= 1
    return deepest

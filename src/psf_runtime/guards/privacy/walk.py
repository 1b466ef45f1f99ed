"""The one walker: everything of a request that a provider could see, leaf by leaf and key by key."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from psf_runtime.guards.privacy.edits import Editor, Leaf, apply, apply_to_pieces
from psf_runtime.guards.privacy.walk_json import JsonWalker, walk_json_text
from psf_runtime.guards.privacy.walk_media import walk_file, walk_image
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, Part, Reasoning, Text, ToolCall, ToolResult
from psf_runtime.types.request import OutputSchema, Request, Tool

Opaque = Callable[[str, str], None]  # kind ("image", "file", "reasoning"), where


def _ignore(kind: str, where: str) -> None:
    """Nobody asked what could not be inspected."""


def rewrite_request(request: Request, edit: Editor, *, opaque: Opaque = _ignore) -> Request:
    """The request after `edit` has seen every string and key in it.

    Visited: texts (adjacent parts joined), names, tool calls and results (as JSON where they are JSON, numbers as
    text), descriptions and schemas, stop sequences, the output schema, extra values, file names and text-like files.
    Kept: the names of tools, of the output schema and of providers, signatures, pixels. `opaque` is told what leaves
    without having been inspected.
    """
    messages = tuple(
        _message(message, f"messages[{index}]", edit, opaque) for index, message in enumerate(request.messages)
    )
    tools = tuple(_tool(tool, f"tools[{index}]", edit) for index, tool in enumerate(request.tools))
    stop = tuple(_string(text, f"stop[{index}]", edit) for index, text in enumerate(request.limits.stop))
    walker = JsonWalker(edit)
    extra = {
        provider: walker.value(values, f"extra[{index}]")
        for index, (provider, values) in enumerate(request.extra.items())
    }
    output = None if request.output is None else _output(request.output, edit)
    same = (
        all(map(operator.is_, messages, request.messages))
        and all(map(operator.is_, tools, request.tools))
        and stop == request.limits.stop
        and output is request.output
        and not walker.changed
    )
    if same:
        return request
    return request.replace(
        messages=messages,
        tools=tools,
        output=output,
        limits=request.limits if stop == request.limits.stop else replace(request.limits, stop=stop),
        extra=extra if walker.changed else request.extra,
    )


def size_of(request: Request) -> int:
    """About how many characters a request has: its texts, tool calls and results, and files as they are."""
    total = 0
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, Image | File):
                total += len(part.data or part.url or "")
            else:
                total += len(part.args if isinstance(part, ToolCall) else part.text)
    return total + 1_000 * len(request.tools)


def _message(message: Message, where: str, edit: Editor, opaque: Opaque) -> Message:
    if len(message.parts) == 1 and type(message.parts[0]) is Text and not message.name:
        return _only_text(message, message.parts[0], f"{where}.parts[0]", edit)
    parts: list[Part] = []
    index = 0
    while index < len(message.parts):
        run = _text_run(message.parts, index)
        place = f"{where}.parts[{index}]"
        if run:
            parts.extend(_texts(run, place, edit, carries_tokens=message.role == "assistant"))
            index += len(run)
            continue
        part = _part(message.parts[index], place, edit, opaque)
        if part is not None:
            parts.append(part)
        index += 1
    name = _string(message.name, f"{where}.name", edit) if message.name else message.name
    same = len(parts) == len(message.parts) and all(map(operator.is_, parts, message.parts))
    if same and name == message.name:
        return message
    return Message(message.role, tuple(parts), name)


def _only_text(message: Message, part: Text, where: str, edit: Editor) -> Message:
    """The usual message, one text: as `_message`, in a third of the time."""
    edits = edit(Leaf(part.text, where, (), message.role == "assistant"))
    text = apply(part.text, edits) if edits else part.text
    return message if text == part.text else Message(message.role, (Text(text, part.provenance),))


def _text_run(parts: tuple[Part, ...], start: int) -> list[Text]:
    """The text parts that stand next to each other from `start` on."""
    run: list[Text] = []
    for part in parts[start:]:
        if not isinstance(part, Text):
            break
        run.append(part)
    return run


def _texts(run: list[Text], where: str, edit: Editor, *, carries_tokens: bool) -> list[Text]:
    starts: list[int] = []
    length = 0
    for part in run:
        starts.append(length)
        length += len(part.text)
    joined = "".join(part.text for part in run)
    edits = edit(Leaf(joined, where, tuple(starts[1:]), carries_tokens))
    if not edits:
        return run
    new = apply_to_pieces([part.text for part in run], edits)
    return [old if text == old.text else replace(old, text=text) for old, text in zip(run, new, strict=True)]


def _part(part: Part, where: str, edit: Editor, opaque: Opaque) -> Part | None:
    if isinstance(part, ToolCall):
        args = walk_json_text(part.args, f"{where}.args", edit, carries_tokens=True)
        call_id = _string(part.id, f"{where}.id", edit)
        return part if (args, call_id) == (part.args, part.id) else ToolCall(call_id, part.name, args)
    if isinstance(part, ToolResult):
        text = walk_json_text(part.text, f"{where}.text", edit, carries_tokens=True)
        call_id = _string(part.call_id, f"{where}.id", edit)
        same = (text, call_id) == (part.text, part.call_id)
        return part if same else replace(part, text=text, call_id=call_id)
    if isinstance(part, Reasoning):
        return _reasoning(part, where, edit, opaque)
    if isinstance(part, Image):
        image, uninspected = walk_image(part, where, edit)
        if uninspected:
            opaque("image", where)
        return image
    if isinstance(part, File):
        file, uninspected = walk_file(part, where, edit)
        if uninspected:
            opaque("file", where)
        return file
    return part


def _reasoning(part: Reasoning, where: str, edit: Editor, opaque: Opaque) -> Reasoning | None:
    text = apply(part.text, edit(Leaf(part.text, where, carries_tokens=True)))
    if text == part.text:
        return part
    if not part.signature:
        return Reasoning(text)
    opaque("reasoning", where)  # a signature holds for the text it was made over: changed reasoning cannot be sent
    return None


def _tool(tool: Tool, where: str, edit: Editor) -> Tool:
    description = _string(tool.description, f"{where}.description", edit)
    schema: Any = tool.parameters
    if hasattr(schema, "model_json_schema"):
        schema = schema.model_json_schema()
    if isinstance(schema, Mapping):
        walker = JsonWalker(edit)
        walked = walker.value(schema, f"{where}.parameters")
        schema = walked if walker.changed else tool.parameters
    if description == tool.description and schema is tool.parameters:
        return tool
    return Tool(tool.name, description, schema)


def _output(output: OutputSchema, edit: Editor) -> OutputSchema:
    walker = JsonWalker(edit)
    schema = walker.value(output.schema, "output.schema")
    return replace(output, schema=schema) if walker.changed else output


def _string(text: str, where: str, edit: Editor) -> str:
    return apply(text, edit(Leaf(text, where)))

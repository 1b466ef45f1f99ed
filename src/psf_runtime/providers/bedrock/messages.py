"""Messages and their parts as the turns of Converse: user and assistant by turns, tool results in the user's."""

from __future__ import annotations

import hashlib
import re

import orjson

from psf_runtime.errors import ConfigError
from psf_runtime.providers.bedrock.media import DocumentNames, document_block, image_block
from psf_runtime.providers.bedrock.tables import DIALECT
from psf_runtime.providers.dialect.carrying import put_back
from psf_runtime.providers.dialect.decoding import loads
from psf_runtime.providers.dialect.writing import Json, misplaced
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, Part, Reasoning, Text, ToolCall, ToolResult

_TOOL_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_TOOL_BLOCKS = frozenset({"toolUse", "toolResult"})


def system_blocks(messages: tuple[Message, ...]) -> list[Json]:
    """What the application says, in order: this dialect has one place for it, in front of everything."""
    blocks: list[Json] = []
    for message in messages:
        for part in message.parts if message.role == "system" else ():
            if not isinstance(part, Text):
                raise misplaced(part, "system", DIALECT)
            if part.text:
                blocks.append({"text": part.text})
    return blocks


def turns(messages: tuple[Message, ...]) -> list[Json]:
    """The conversation. Neighbours of one role become one turn; empty texts and empty turns are left out.

    The names of messages and of results have no place here and are not sent.
    """
    out: list[Json] = []
    names = DocumentNames()
    for message in messages:
        if message.role == "system":
            continue
        blocks = _blocks(message, names)
        role = "assistant" if message.role == "assistant" else "user"
        if not blocks:
            continue
        if out and out[-1]["role"] == role:
            out[-1]["content"].extend(blocks)
        else:
            out.append({"role": role, "content": blocks})
    _check_documents(out)
    return out


def holds_tool_blocks(conversation: list[Json]) -> bool:
    """Whether a tool was called, or a result given, somewhere."""
    return any(not _TOOL_BLOCKS.isdisjoint(block) for turn in conversation for block in turn["content"])


def _blocks(message: Message, names: DocumentNames) -> list[Json]:
    blocks: list[Json] = []
    carried: list[str] = []
    for part in message.parts:
        if isinstance(part, Reasoning) and message.role == "assistant":
            if part.signature:
                carried.append(part.signature)
        elif not isinstance(part, Text) or part.text:
            blocks.append(_block(part, message.role, names))
    for text in carried:
        blocks = put_back(blocks, text)
    return blocks


def _block(part: Part, role: str, names: DocumentNames) -> Json:
    if isinstance(part, ToolResult) and role == "tool":
        return _result(part)
    if isinstance(part, ToolCall) and role == "assistant":
        return _call(part)
    if isinstance(part, Text) and role != "tool":
        return {"text": part.text}
    if isinstance(part, Image) and role == "user":
        return image_block(part)
    if isinstance(part, File) and role == "user":
        return document_block(part, names)
    raise misplaced(part, role, DIALECT)


def _call(part: ToolCall) -> Json:
    """The arguments go out as the model wrote them, digit by digit; they must be an object."""
    arguments = part.args.strip() or "{}"
    if not isinstance(loads(arguments), dict):
        raise ConfigError(
            "the arguments of an earlier tool call are no JSON object",
            why="Converse takes the arguments of a call as an object, and the model did not write one",
            change="leave that call and its result out of the history, or use another target for this call",
        )
    value = {"toolUseId": wire_id(part.id), "name": checked_name(part.name), "input": orjson.Fragment(arguments)}
    return {"toolUse": value}


def _result(part: ToolResult) -> Json:
    """Only a failure is marked as one: not every model takes the field."""
    content: list[Json] = [{"text": part.text}] if part.text else []
    value: Json = {"toolUseId": wire_id(part.call_id), "content": content}
    if part.is_error:
        value["status"] = "error"
    return {"toolResult": value}


def wire_id(call_id: str) -> str:
    """The id of a call as the service takes it. One of another vendor that does not fit is always replaced alike."""
    if _TOOL_ID.fullmatch(call_id):
        return call_id
    return "call_" + hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def checked_name(name: str) -> str:
    """The name of a tool. Raises ConfigError when the service would not take it."""
    if _TOOL_NAME.fullmatch(name):
        return name
    raise ConfigError(
        "a tool has a name that Bedrock does not take",
        why="it must have 1 to 64 letters, digits, '_' and '-'",
        change="rename the tool",
    )


def _check_documents(conversation: list[Json]) -> None:
    for turn in conversation:
        kinds = {kind for block in turn["content"] for kind in block}
        if "document" in kinds and "text" not in kinds:
            raise ConfigError(
                "a message holds a file and no text",
                why="Converse takes a document only beside a text",
                change="say in the same message what is to be done with the file",
            )

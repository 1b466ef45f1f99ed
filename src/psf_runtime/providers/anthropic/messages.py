"""Messages and their parts, as the JSON values of this dialect: the system apart, then user and assistant in turns."""

from __future__ import annotations

from psf_runtime.errors import ConfigError
from psf_runtime.providers.anthropic.differences import Differences
from psf_runtime.providers.anthropic.media import document_block, image_block
from psf_runtime.providers.anthropic.toolforms import input_of
from psf_runtime.providers.dialect.carrying import put_back
from psf_runtime.providers.dialect.writing import Json, misplaced
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, Part, Reasoning, Text, ToolCall, ToolResult

_NAME = "the messages dialect"
_SENT_BACK = frozenset({"text", "tool_use", "thinking", "redacted_thinking"})


def system_to_json(messages: tuple[Message, ...], differences: Differences) -> list[Json]:
    """The texts of all system messages in order, wherever they stood."""
    texts: list[str] = []
    for message in messages:
        if message.role != "system":
            continue
        for part in message.parts:
            if not isinstance(part, Text):
                raise misplaced(part, "system", _NAME)
            if part.text:
                texts.append(part.text)
    if differences.join_system and texts:
        texts = ["\n\n".join(texts)]
    return [{"type": "text", "text": text} for text in texts]


def messages_to_json(messages: tuple[Message, ...], differences: Differences) -> list[Json]:
    """The conversation. Neighbours of one role become one message; tool results come first in theirs.

    Raises ConfigError when there is nothing to answer.
    """
    turns: list[tuple[str, list[Json]]] = []
    for message in messages:
        if message.role == "system":
            continue
        role = "assistant" if message.role == "assistant" else "user"
        blocks = _blocks(message, differences)
        if not blocks:
            continue  # an empty answer of an earlier turn: an empty message is refused
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(blocks)
        else:
            turns.append((role, blocks))
    if not turns:
        raise ConfigError(
            "there is no message to answer",
            why="this dialect needs at least one message of the user; system messages go apart",
            change="add a message with text",
        )
    return [{"role": role, "content": _results_first(blocks)} for role, blocks in turns]


def _results_first(blocks: list[Json]) -> list[Json]:
    return sorted(blocks, key=lambda block: block["type"] != "tool_result")  # stable: the order of the rest stays


def _blocks(message: Message, differences: Differences) -> list[Json]:
    if message.role == "assistant":
        return _assistant(message)
    if message.role == "tool":
        return [_result(part) for part in message.parts]
    return [_user_block(part, differences) for part in message.parts if not (isinstance(part, Text) and not part.text)]


def _user_block(part: Part, differences: Differences) -> Json:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Image):
        return image_block(part)
    if isinstance(part, File):
        return document_block(part, differences)
    raise misplaced(part, "user", _NAME)


def _result(part: Part) -> Json:
    if not isinstance(part, ToolResult):
        raise misplaced(part, "tool", _NAME)
    value: Json = {"type": "tool_result", "tool_use_id": part.call_id, "content": part.text}
    if part.is_error:
        value["is_error"] = True
    return value


def _assistant(message: Message) -> list[Json]:
    """Text and tool calls, with signed thinking back in its places. Unsigned thinking is not sent."""
    blocks: list[Json] = []
    carried: list[str] = []
    for part in message.parts:
        if isinstance(part, Reasoning):
            if part.signature:
                carried.append(part.signature)
        elif isinstance(part, Text):
            if part.text:
                blocks.append({"type": "text", "text": part.text})
        elif isinstance(part, ToolCall):
            blocks.append({"type": "tool_use", "id": part.id, "name": part.name, "input": input_of(part.args)})
        else:
            raise misplaced(part, "assistant", _NAME)
    if carried:
        blocks = _joined(blocks)
    for text in carried:
        blocks = _put_back(blocks, text)
    spoken = [block for block in blocks if not _is_blank(block)]
    return spoken or blocks


def _joined(blocks: list[Json]) -> list[Json]:
    """Neighbouring texts as one, as in an answer whose thinking was withheld: places are counted so."""
    out: list[Json] = []
    for block in blocks:
        if out and block["type"] == out[-1]["type"] == "text":
            out[-1] = {"type": "text", "text": out[-1]["text"] + block["text"]}
        else:
            out.append(block)
    return out


def _is_blank(block: Json) -> bool:
    """Text without a letter, as models write it before a call: it is refused on its way back."""
    return block["type"] == "text" and not block["text"].strip()


def _put_back(blocks: list[Json], carried: str) -> list[Json]:
    try:
        whole = put_back(blocks, carried)
        if all(block.get("type") in _SENT_BACK for block in whole):
            return whole
    except (AttributeError, TypeError, ValueError):
        pass
    raise ConfigError(
        "a reasoning part carries a signature that is none of this target's",
        why="what was signed goes back as it came, and nothing else does",
        change="append answer.message as it came, or leave its reasoning out",
    )

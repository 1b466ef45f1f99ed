"""Messages read from the JSON of Converse. No message can claim to be more trusted than its role."""

from __future__ import annotations

from typing import Any

import orjson

from psf_runtime.providers.bedrock.media import file_from_json, image_from_json
from psf_runtime.providers.dialect.reading import refused
from psf_runtime.providers.dialect.toolcalls import object_text
from psf_runtime.types.messages import Message, Part, Reasoning, Text, ToolCall, ToolResult
from psf_runtime.types.provenance import TRUSTED, USER

# Blocks that lead to a memory or a recipient, or hold what no guard can look into.
_NEVER = {
    "audio": "sound cannot be screened",
    "cachePoint": "a vendor's memory is not bound to your user",
    "citationsContent": "it is not screened: send the text alone",
    "guardContent": "guardrails of the vendor are set in guardrailConfig",
    "searchResult": "send it as untrusted text",
    "toolAddition": "tools are declared in toolConfig",
    "toolRemoval": "tools are declared in toolConfig",
    "video": "a film cannot be screened",
}


def system_from_json(value: Any) -> tuple[Message, ...]:
    """What the application says: one message for each block."""
    if value is None:
        return ()
    out = []
    for number, block in enumerate(_list(value, "system")):
        text = _member(block, "text", f"system[{number}]")
        out.append(Message("system", (Text(_text(text, f"system[{number}].text"), TRUSTED),)))
    return tuple(out)


def messages_from_json(value: Any) -> tuple[Message, ...]:
    """All turns, in order. Results of tools become messages of their own."""
    out: list[Message] = []
    for number, turn in enumerate(_list(value, "messages")):
        where = f"messages[{number}]"
        role = turn.get("role") if isinstance(turn, dict) else None
        if role not in ("user", "assistant") or turn.keys() - {"role", "content"}:
            raise refused(where, "it needs a role, user or assistant, and content, and has nothing else")
        blocks = _list(turn.get("content"), f"{where}.content")
        parts = [_part(block, role, f"{where}.content[{at}]") for at, block in enumerate(blocks)]
        out.extend(_messages(role, parts))
    return tuple(out)


def _messages(role: str, parts: list[Part]) -> list[Message]:
    """One message of the model; of the user's, runs of results and runs of other parts."""
    if role == "assistant":
        return [Message("assistant", tuple(parts))]
    out: list[Message] = []
    for part in parts:
        speaker = "tool" if isinstance(part, ToolResult) else "user"
        if out and out[-1].role == speaker:
            out[-1] = Message(out[-1].role, (*out[-1].parts, part))
        else:
            out.append(Message("tool" if speaker == "tool" else "user", (part,)))
    return out or [Message("user", ())]


def _part(block: Any, role: str, where: str) -> Part:
    if not isinstance(block, dict) or len(block) != 1:
        raise refused(where, "a block has exactly one member")
    ((kind, value),) = block.items()
    if kind == "text":
        return Text(_text(value, f"{where}.text"), USER)
    if role == "user" and kind == "image":
        return image_from_json(value, f"{where}.image")
    if role == "user" and kind == "document":
        return file_from_json(value, f"{where}.document")
    if role == "user" and kind == "toolResult":
        return _result(value, f"{where}.toolResult")
    if role == "assistant" and kind == "toolUse":
        return _call(value, f"{where}.toolUse")
    if role == "assistant" and kind == "reasoningContent":
        return _reasoning(value, f"{where}.reasoningContent")
    raise refused(where, _NEVER.get(kind, "a message of this role cannot hold such a block"))


def _call(value: Any, where: str) -> ToolCall:
    if not isinstance(value, dict) or value.keys() != {"toolUseId", "name", "input"}:
        raise refused(where, "a tool call has toolUseId, name and input, and nothing else")
    if not isinstance(value["input"], dict):
        raise refused(f"{where}.input", "it must be an object")
    call_id, name = _text(value["toolUseId"], f"{where}.toolUseId"), _text(value["name"], f"{where}.name")
    return ToolCall(call_id, name, object_text(value["input"]))


def _result(value: Any, where: str) -> ToolResult:
    if not isinstance(value, dict) or value.keys() - {"toolUseId", "content", "status"}:
        raise refused(where, "a result has toolUseId, content and status, and nothing else")
    call_id = _text(value.get("toolUseId"), f"{where}.toolUseId")
    status = value.get("status", "success")
    if status not in ("success", "error"):
        raise refused(f"{where}.status", "it must be success or error")
    texts = []
    for number, block in enumerate(_list(value.get("content"), f"{where}.content")):
        at = f"{where}.content[{number}]"
        if isinstance(block, dict) and block.keys() == {"json"}:
            texts.append(orjson.dumps(block["json"]).decode("utf-8"))
        else:
            texts.append(_text(_member(block, "text", at), f"{at}.text"))
    return ToolResult(call_id, "\n".join(texts), is_error=status == "error")


def _reasoning(value: Any, where: str) -> Reasoning:
    """A signature must be a handle that was given out here: that is seen when it is opened."""
    inner = _member(value, "reasoningText", where)
    if not isinstance(inner, dict) or inner.keys() - {"text", "signature"}:
        raise refused(where, "reasoning has text and signature, and nothing else")
    signature = inner.get("signature")
    text = _text(inner.get("text"), f"{where}.text")
    return Reasoning(text, "" if signature is None else _text(signature, f"{where}.signature"))


def _member(block: Any, name: str, where: str) -> Any:
    if isinstance(block, dict) and block.keys() == {name}:
        return block[name]
    kind = next(iter(block), "") if isinstance(block, dict) else ""
    raise refused(where, _NEVER.get(kind, f"it must hold {name} and nothing else"))


def _list(value: Any, where: str) -> list[Any]:
    if isinstance(value, list):
        return value
    raise refused(where, "it must be a list")


def _text(value: Any, where: str) -> str:
    if isinstance(value, str):
        return value
    raise refused(where, "it must be text")

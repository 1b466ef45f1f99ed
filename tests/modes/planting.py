"""Where personal data can stand in a call: every leaf, key and part of a request that a user can write."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from psf_runtime import Contract, File, Image, Message, Tool, untrusted
from psf_runtime.types.messages import Reasoning, Text, ToolCall, ToolResult

VALUES = {
    "EMAIL": "zoe.quill@canary-mail.example",
    "PHONE": "+1 202 555 0187",
    "IBAN": "DE89370400440532013000",
    "US_SSN": "536-22-8726",
    "IP": "203.0.113.77",
    "SECRET": "sk-proj-" + "Zq81xWv2" * 4,
    "CREDIT_CARD": "4111 1111 1111 1111",
}
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
Call = dict[str, Any]
Place = Callable[[str], Call]


def _said(*parts: Any) -> Call:
    return {"messages": [Message.user(*parts)]}


def _beside(**arguments: Any) -> Call:
    return {"messages": "hello", **arguments}


def _tool(description: str = "Looks up.", **schema: Any) -> Call:
    return _beside(tools=[Tool("look_up", description, {**SCHEMA, **schema})])


def _property(**more: Any) -> Call:
    return _tool(properties={"a": {"type": "string", **more}})


def _turn(args: str, result: str = "done", *, call_id: str = "c1") -> Call:
    turn = [
        Message.user("go"),
        Message("assistant", (ToolCall(call_id, "look_up", args),)),
        Message("tool", (ToolResult(call_id, result, name="look_up"),)),
    ]
    return {"messages": turn, "tools": [Tool("look_up", "Looks up.", SCHEMA)]}


def _split(value: str) -> Call:
    half = len(value) // 2
    return _said(f"see {value[:half]}", f"{value[half:]} please")


def _with(mark: str) -> Place:
    def place(value: str) -> Call:
        half = len(value) // 2
        return _said(f"see {value[:half]}{mark}{value[half:]} please")

    return place


def _wide(value: str) -> Call:
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in value)
    return _said(f"see {wide} please")


PLACES: dict[str, Place] = {
    "user text": lambda v: _said(f"see {v} please"),
    "user text, dict": lambda v: {"messages": [{"role": "user", "content": f"see {v} please"}]},
    "text part, dict": lambda v: {"messages": [{"role": "user", "content": [{"type": "text", "text": f"see {v}"}]}]},
    "untrusted text": lambda v: _said("read", untrusted(f"see {v} please", source="mail")),
    "system": lambda v: _beside(system=f"You serve {v} only."),
    "assistant": lambda v: {"messages": [Message.user("a"), Message.assistant(f"see {v}"), Message.user("b")]},
    "two parts": _split,
    "zero-width": _with("\u200b"),
    "soft hyphen": _with("\u00ad"),
    "full width": _wide,
    "in JSON in text": lambda v: _said(json.dumps({"k": [{"v": v}]})),
    "message name": lambda v: {"messages": [Message("user", (Text("hello"),), v)]},
    "file name": lambda v: _said(File(b"text", name=f"{v}.txt", media_type="text/plain")),
    "text file": lambda v: _said(File(f"see {v}\n".encode(), name="a.txt", media_type="text/plain")),
    "JSON file": lambda v: _said(File(json.dumps({"k": v, v: 1}).encode(), name="a.json")),
    "image detail": lambda v: _said(Image(b"\x89PNG", detail=v)),
    "tool description": lambda v: _tool(f"Serves {v} only."),
    "schema title": lambda v: _property(title=v),
    "schema description": lambda v: _property(description=f"like {v}"),
    "schema enum": lambda v: _property(enum=["x", v]),
    "schema const": lambda v: _property(const=v),
    "schema default": lambda v: _property(default=v),
    "schema example": lambda v: _property(examples=[v]),
    "schema key": lambda v: _tool(properties={"a": {"type": "string"}, v: {"type": "string"}}),
    "output schema": lambda v: _beside(output={**SCHEMA, "properties": {"a": {"type": "string", "enum": ["x", v]}}}),
    "output description": lambda v: _beside(output={**SCHEMA, "description": f"for {v}"}),
    "call argument": lambda v: _turn(json.dumps({"a": v})),
    "call key": lambda v: _turn(json.dumps({v: "a"})),
    "call nested": lambda v: _turn(json.dumps({"a": [{"b": json.dumps({"c": v})}]})),
    "call escaped": lambda v: _turn('{"a": "' + "".join(f"\\u{ord(c):04x}" for c in v) + '"}'),
    "call id": lambda v: _turn("{}", call_id=v),
    "tool result": lambda v: _turn("{}", f"found {v}"),
    "tool result JSON": lambda v: _turn("{}", json.dumps({"rows": [{v: 1}, {"x": v}]})),
    "reasoning": lambda v: {"messages": [Message("assistant", (Reasoning(f"of {v}"), Text("a"))), Message.user("b")]},
    "stop": lambda v: _beside(stop=["END", v]),
    "extra": lambda v: _beside(extra={"mock": {"service_tier": v}}),
    "extra key": lambda v: _beside(extra={"mock": {v: "x"}}),
    "user": lambda v: _beside(user=v),
    "subject": lambda v: _beside(subject=v),
    "conversation": lambda v: _beside(conversation=v),
    "idle contract": lambda v: _beside(output=Contract(SCHEMA, business=[lambda _: v != v])),
}
NUMBER: Call = _turn(json.dumps({"card": 4111111111111111}), json.dumps({"card": 4111111111111111}))

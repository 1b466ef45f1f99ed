"""A message and the parts it is made of. `repr` shows sizes, never content."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from psf_runtime.errors import ConfigError
from psf_runtime.types.media import File, Image
from psf_runtime.types.provenance import TRUSTED, UNTRUSTED, USER, Provenance

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True, repr=False)
class Text:
    """A run of text."""

    text: str
    provenance: Provenance = USER

    def __repr__(self) -> str:
        return f"Text({len(self.text)} characters, {self.provenance.trust})"

    def __format__(self, spec: str) -> str:
        if self.provenance.is_untrusted:
            raise TypeError(
                "untrusted text inside an f-string loses its mark; "
                "pass it as a part of its own: Message.user('Summarise:', untrusted(text, source='mail'))"
            )
        return format(self.text, spec)

    def __str__(self) -> str:
        return self.__format__("")


def untrusted(text: str, *, source: str = "") -> Text:
    """Mark `text` as written by a stranger (a mail, a web page, a retrieved document).

    Args:
        text: the text itself.
        source: a label for records and findings, for example `"mail"`; never content.
    """
    if not isinstance(text, str):
        raise TypeError(f"untrusted() takes a str, not {type(text).__name__}")
    return Text(text, Provenance("untrusted", source))


@dataclass(frozen=True, slots=True, repr=False)
class ToolCall:
    """What the model asks the application to run. `args` is the JSON text as it came; `arguments` is the dict."""

    id: str
    name: str
    args: str

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments as a dict. Raises ValueError when the model did not write a JSON object."""
        value = json.loads(self.args or "{}")
        if not isinstance(value, dict):
            raise ValueError(f"the arguments of tool call {self.id!r} are not a JSON object")
        return value

    def result(self, value: Any) -> Message:
        """The message that answers this call. `value` is a str, or anything that JSON can hold."""
        return _answer(self, value, is_error=False)

    def error(self, text: str) -> Message:
        """The message that tells the model that the tool failed."""
        return _answer(self, text, is_error=True)

    def __repr__(self) -> str:
        return f"ToolCall({self.name!r}, {len(self.args)} characters)"


def _answer(call: ToolCall, value: Any, *, is_error: bool) -> Message:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return Message("tool", (ToolResult(call.id, text, name=call.name, is_error=is_error),))


@dataclass(frozen=True, slots=True, repr=False)
class ToolResult:
    """What a tool returned, as text. Untrusted unless declared."""

    call_id: str
    text: str
    name: str = ""
    is_error: bool = False
    provenance: Provenance = UNTRUSTED

    def __repr__(self) -> str:
        return f"ToolResult({self.name!r}, {len(self.text)} characters)"


@dataclass(frozen=True, slots=True, repr=False)
class Reasoning:
    """What a model thought before it answered. A signed one goes back to the same target only."""

    text: str
    signature: str = ""

    def __repr__(self) -> str:
        return f"Reasoning({len(self.text)} characters)"


Part = Text | Image | File | ToolCall | ToolResult | Reasoning


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """One turn of a conversation."""

    role: Role
    parts: tuple[Part, ...]
    name: str = ""

    @classmethod
    def system(cls, text: str) -> Message:
        """The application's own instructions. Untrusted text is refused here with a ConfigError."""
        if not isinstance(text, str):
            raise ConfigError(
                "a system message takes a str",
                why=f"it got {type(text).__name__}; untrusted text must never speak with the application's voice",
                change="put it in a user message: Message.user(untrusted(text, source='...'))",
            )
        return cls("system", (Text(text, TRUSTED),))

    @classmethod
    def user(cls, *parts: str | Part) -> Message:
        """What a person says: strings, images, files, `untrusted(...)` texts, in order."""
        return cls("user", tuple(Text(part) if isinstance(part, str) else part for part in parts))

    @classmethod
    def assistant(cls, text: str) -> Message:
        """An earlier answer of a model."""
        return cls("assistant", (Text(text),))

    @property
    def text(self) -> str:
        """All text parts, joined."""
        return "".join(part.text for part in self.parts if type(part) is Text)

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls of an assistant message, in order."""
        return tuple(part for part in self.parts if type(part) is ToolCall)

    def __repr__(self) -> str:
        return f"Message({self.role}, {len(self.parts)} parts)"

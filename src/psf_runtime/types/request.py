"""What goes in: one request, as every layer sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, Literal

from psf_runtime.types.messages import Message, Reasoning, ToolCall, ToolResult

# What is asked of a model: an answer to a conversation, or one vector for each text.
Operation = Literal["chat", "embed"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the application says about one call. Explicit only: never read from baggage, headers or bodies."""

    purpose: str | None = None
    subject: str | None = field(default=None, repr=False)
    user: str | None = field(default=None, repr=False)
    tenant: str = "default"
    conversation: str | None = field(default=None, repr=False)
    consent: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """Settings of a call; None leaves the choice to the provider. `dimensions`: the length of vectors, embed only."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    reasoning_effort: str | None = None
    dimensions: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Tool:
    """A function the model may ask for. `parameters` is a JSON schema, or a pydantic model or dataclass with one."""

    name: str
    description: str = ""
    parameters: Any = None

    def __repr__(self) -> str:
        return f"Tool({self.name!r})"


@dataclass(frozen=True, slots=True, repr=False)
class OutputSchema:
    """The JSON schema that the answer must follow, as it goes to the model."""

    name: str
    schema: Mapping[str, Any]
    strict: bool = True

    def __repr__(self) -> str:
        return f"OutputSchema({self.name!r})"


@dataclass(frozen=True, slots=True, repr=False)
class Stamp:
    """Proof that a request was prepared for its recipients, put on it by the layer that did so.

    Attributes:
        profile: the action taken per entity, the strictest over every recipient in the plan.
        find_leak: given the exact bytes about to leave, the name of the entity whose value they hold, or None.
    """

    profile: Mapping[str, str]
    find_leak: Callable[[bytes], str | None]

    def __repr__(self) -> str:
        return f"Stamp({len(self.profile)} entities)"


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """One request. Layers never change it: they return another one.

    With `operation="embed"` every message is one user message, and stands for one text that gets a vector.
    """

    messages: tuple[Message, ...]
    model: str = ""  # the name of the target that will answer; set by the route
    tools: tuple[Tool, ...] = ()
    tool_choice: str | None = None  # "auto" | "none" | "required" | a tool's name
    output: OutputSchema | None = None
    limits: Limits = field(default_factory=Limits)
    facts: Facts = field(default_factory=Facts)
    extra: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # per provider, on an allow-list there
    stamp: Stamp | None = None
    operation: Operation = "chat"

    def replace(self, **changes: Any) -> Request:
        """The same request with some fields changed."""
        # Measured: two thirds of the time of `dataclasses.replace`, which asks every field what it is.
        values = list(_VALUES(self))
        for name, value in changes.items():
            values[_PLACES[name]] = value
        return Request(*values)

    def add(self, *messages: Message) -> Request:
        """The same request with messages appended."""
        return self.replace(messages=self.messages + messages)

    @property
    def holds_untrusted(self) -> bool:
        """Whether any part was written by a stranger."""
        return any(
            not isinstance(part, ToolCall | Reasoning) and part.provenance.is_untrusted
            for message in self.messages
            for part in message.parts
        )

    @property
    def tool_results(self) -> tuple[ToolResult, ...]:
        """Every tool result in the conversation."""
        return tuple(part for message in self.messages for part in message.parts if type(part) is ToolResult)

    def __repr__(self) -> str:
        return f"Request({len(self.messages)} messages, {len(self.tools)} tools, model={self.model!r})"


_PLACES = {each.name: place for place, each in enumerate(fields(Request))}
_VALUES = attrgetter(*_PLACES)

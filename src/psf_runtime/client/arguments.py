"""The arguments of a call, gathered at the face, and the request that is made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from psf_runtime.client.ambient import ambient
from psf_runtime.errors import ConfigError
from psf_runtime.guards.contracts.contract import Contract
from psf_runtime.guards.contracts.tool_schema import tool_from
from psf_runtime.providers.openai.turns import messages_from_json
from psf_runtime.types.messages import Message, Text, ToolResult
from psf_runtime.types.provenance import TRUSTED
from psf_runtime.types.request import Facts, Limits, Request, Tool

Messages = str | Sequence[Message | Mapping[str, Any]]
ToolLike = Tool | Mapping[str, Any] | Callable[..., Any]


@dataclass(slots=True, repr=False)
class Arguments:
    """What a caller handed to `complete`, `stream` or `preview`. `repr` shows nothing: it may stand in a traceback."""

    messages: Messages
    output: Any = None
    tools: Sequence[ToolLike] | None = None
    tool_choice: str | None = None
    system: str | None = None
    purpose: str | None = None
    subject: str | None = None
    user: str | None = None
    tenant: str | None = None
    conversation: str | None = None
    consent: str | None = None
    tags: Mapping[str, str] | None = None
    model: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | Sequence[str] | None = None
    seed: int | None = None
    reasoning_effort: str | None = None
    extra: Mapping[str, Mapping[str, Any]] | None = None
    timeout: float | None = None
    wait_for_approval: float = 0.0
    idempotency_key: str | None = None

    def __repr__(self) -> str:
        return "Arguments(...)"


@dataclass(frozen=True, slots=True)
class DefaultFacts:
    """The facts that a client was built with."""

    purpose: str | None = None
    tenant: str | None = None


def facts_of(arguments: Arguments, defaults: DefaultFacts, purposes: Mapping[str, Any]) -> Facts:
    """The facts of a call: its own, then those of the `with facts(...)` around it, then the client's.

    Raises ConfigError for a purpose that the policy does not know, once it knows any.
    """
    around = ambient()

    def fact(name: str, default: Any = None) -> Any:
        own = getattr(arguments, name)
        return own if own is not None else around.get(name, default)

    purpose = fact("purpose", defaults.purpose)
    if purpose is not None and purposes and purpose not in purposes:
        raise ConfigError(
            f"the policy knows no purpose {purpose!r}",
            why=f"it declares {', '.join(sorted(purposes))}",
            change=f"add [purposes.{purpose}] to the policy, or name one of these",
        )
    return Facts(
        purpose=purpose,
        subject=fact("subject"),
        user=fact("user"),
        tenant=fact("tenant", defaults.tenant) or "default",
        conversation=fact("conversation"),
        consent=fact("consent"),
        tags=dict(_checked_tags(fact("tags"))),
    )


def _checked_tags(tags: Any) -> Mapping[str, str]:
    if tags is None:
        return {}
    if not isinstance(tags, Mapping) or not all(isinstance(k, str) and isinstance(v, str) for k, v in tags.items()):
        raise ConfigError("tags= takes a dict of strings to strings", change="tags={'feature': 'search'}")
    return tags


def contract_of(output: Any) -> Contract[Any] | None:
    """The contract behind `output=`: itself, or one made of a type or a JSON schema."""
    if output is None or isinstance(output, Contract):
        return output
    return Contract(output)


def request_of(arguments: Arguments, facts: Facts, contract: Contract[Any] | None, first_model: str) -> Request:
    """The request that enters the layers. Raises ConfigError for arguments that make none."""
    messages = messages_of(arguments.messages)
    if arguments.system is not None:
        messages = (Message.system(arguments.system), *messages)
    if not messages:
        raise ConfigError("messages is empty", change="pass a str, or a list with at least one message")
    tools = tuple(tool_from(tool) for tool in arguments.tools or ())
    _check_tool_choice(arguments.tool_choice, tools)
    return Request(
        messages=messages,
        model=arguments.model or first_model,
        tools=tools,
        tool_choice=arguments.tool_choice,
        output=None if contract is None else contract.schema(),
        limits=_limits(arguments),
        facts=facts,
        extra=_extra(arguments.extra),
    )


def messages_of(messages: Any) -> tuple[Message, ...]:
    """Messages from a str, or from a list of Message objects and OpenAI-shaped dicts, mixed as you like."""
    if isinstance(messages, str):
        return (Message.user(messages),)
    if isinstance(messages, Text):
        return (Message.user(messages),)
    if not isinstance(messages, Sequence) or isinstance(messages, bytes):
        raise _not_messages(messages)
    found: list[Message] = []
    for position, message in enumerate(messages):
        if isinstance(message, Message):
            found.append(message)
        elif isinstance(message, Mapping):
            found.extend(messages_from_json([dict(message)]))
        else:
            raise _not_messages(message, position)
    return tuple(found)


def _not_messages(value: object, position: int | None = None) -> ConfigError:
    where = "messages" if position is None else f"messages[{position}]"
    return ConfigError(
        f"{where} is a {type(value).__name__}",
        change="pass a str, or a list of Message.user(...) and dicts like {'role': 'user', 'content': '...'}",
    )


def _check_tool_choice(choice: str | None, tools: tuple[Tool, ...]) -> None:
    names = {tool.name for tool in tools}
    if choice is not None and choice not in {"auto", "none", "required"} | names:
        raise ConfigError(
            f"tool_choice={choice!r} names no tool of this call",
            change="use 'auto', 'none', 'required', or the name of one of tools=",
        )


def _limits(arguments: Arguments) -> Limits:
    stop = arguments.stop
    limits = Limits(
        max_tokens=arguments.max_tokens,
        temperature=arguments.temperature,
        top_p=arguments.top_p,
        stop=(stop,) if isinstance(stop, str) else tuple(stop or ()),
        seed=arguments.seed,
        reasoning_effort=arguments.reasoning_effort,
    )
    _check_number("max_tokens", limits.max_tokens, int, 1, None)
    _check_number("temperature", limits.temperature, (int, float), 0, 2)
    _check_number("top_p", limits.top_p, (int, float), 0, 1)
    _check_number("seed", limits.seed, int, None, None)
    return limits


def _check_number(name: str, value: Any, kind: Any, low: float | None, high: float | None) -> None:
    if value is None:
        return
    bad = not isinstance(value, kind) or isinstance(value, bool)
    if bad or (low is not None and value < low) or (high is not None and value > high):
        bounds = " ".join(
            text for text in (f">= {low}" if low is not None else "", f"<= {high}" if high else "") if text
        )
        raise ConfigError(f"{name}= must be a number {bounds}".rstrip(), change=f"pass another {name}=")


def _extra(extra: Any) -> Mapping[str, Mapping[str, Any]]:
    if extra is None:
        return {}
    if not isinstance(extra, Mapping) or not all(isinstance(fields, Mapping) for fields in extra.values()):
        raise ConfigError(
            "extra= is a dict of dicts, one per provider", change="extra={'openai': {'service_tier': 'flex'}}"
        )
    return {provider: dict(fields) for provider, fields in extra.items()}


def trust_results(request: Request, trusted: frozenset[str]) -> Request:
    """The request with the results of trusted tools marked as the application's own words."""
    if not trusted or not any(result.name in trusted for result in request.tool_results):
        return request
    messages = tuple(
        replace(
            message,
            parts=tuple(
                replace(part, provenance=TRUSTED) if isinstance(part, ToolResult) and part.name in trusted else part
                for part in message.parts
            ),
        )
        for message in request.messages
    )
    return request.replace(messages=messages)

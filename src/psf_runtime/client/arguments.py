"""The arguments of a call, gathered at the face, and the request that is made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from psf_runtime.client.ambient import ambient
from psf_runtime.client.embedding import texts_of
from psf_runtime.errors import ConfigError
from psf_runtime.guards.contracts.contract import Contract
from psf_runtime.guards.contracts.tool_schema import tool_from
from psf_runtime.providers.embeddings.vectors import LONGEST
from psf_runtime.providers.openai.turns import message_from_json
from psf_runtime.types.canonical import canonical_bytes
from psf_runtime.types.messages import Message, Part, Text, ToolResult
from psf_runtime.types.provenance import TRUSTED
from psf_runtime.types.request import Facts, Limits, Operation, Request, Tool

Messages = str | Sequence[Message | Mapping[str, Any]]
ToolLike = Tool | Mapping[str, Any] | Callable[..., Any]


@dataclass(slots=True, repr=False)
class Arguments:
    """What a caller handed to `complete`, `stream` and the like. `repr` shows nothing: it may stand in a traceback."""

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
    operation: Operation = "chat"
    dimensions: int | None = None

    def __repr__(self) -> str:
        return "Arguments(...)"


@dataclass(frozen=True, slots=True)
class DefaultFacts:
    """The facts that a client was built with."""

    purpose: str | None = None
    tenant: str | None = None


def check_options(arguments: Arguments) -> None:
    """Raises ConfigError for an option of the wrong type."""
    for name in ("model", "idempotency_key"):
        value = getattr(arguments, name)
        if value is not None and (not isinstance(value, str) or not value):
            raise ConfigError(f"{name}= takes a str that is not empty", change=f'{name}="..."')
    _check_number("wait_for_approval", arguments.wait_for_approval, (int, float), 0, None)


def facts_of(arguments: Arguments, defaults: DefaultFacts, purposes: Mapping[str, Any]) -> Facts:
    """The facts of a call: its own, then those of the `with facts(...)` around it, then the client's.

    Raises ConfigError for a purpose that the policy does not know, once it knows any.
    """
    around = ambient()

    def fact(name: str, default: Any = None) -> Any:
        own = getattr(arguments, name)
        value = own if own is not None else around.get(name, default)
        if value is not None and name != "tags" and not isinstance(value, str):
            raise ConfigError(f"{name}= takes a str, not a {type(value).__name__}", change=f'{name}="..."')
        return value

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
    if arguments.operation == "embed":
        return embed_request_of(arguments, facts, first_model)
    messages = messages_of(arguments.messages)
    if arguments.system is not None:
        messages = (Message.system(arguments.system), *messages)
    if not messages:
        raise ConfigError("messages is empty", change="pass a str, or a list with at least one message")
    tools = _tools(arguments.tools)
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


def embed_request_of(arguments: Arguments, facts: Facts, first_model: str) -> Request:
    """The request of an embed call: one user message per text. Raises ConfigError for arguments that make none."""
    _check_number("dimensions", arguments.dimensions, int, 1, LONGEST)
    return Request(
        messages=tuple(Message.user(text) for text in texts_of(arguments.messages)),
        model=arguments.model or first_model,
        limits=Limits(dimensions=arguments.dimensions),
        facts=facts,
        extra=_extra(arguments.extra),
        operation="embed",
    )


def _tools(tools: Any) -> tuple[Tool, ...]:
    """The tools of a call. Two of one name could not be told apart by a rule, nor by the model."""
    if tools is None:
        return ()
    if isinstance(tools, str | bytes | Mapping) or not isinstance(tools, Iterable):
        raise ConfigError(f"tools= is a list of tools, not a {type(tools).__name__}", change="tools=[lookup_order]")
    found = tuple(tool_from(tool) for tool in tools)
    names = [tool.name for tool in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"two tools have the name {twice[0]!r}", change="give every tool a name of its own")
    return found


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
            found.append(_checked(message, position))
        elif isinstance(message, Mapping):
            found.append(_from_dict(message, position))
        else:
            raise _not_messages(message, position)
    return _with_names(found)


def _checked(message: Message, position: int) -> Message:
    """A message that a user built: nothing but parts may be in it."""
    for part in message.parts:
        if not isinstance(part, Part):
            raise ConfigError(
                f"messages[{position}] holds a {type(part).__name__}",
                change="build it with Message.user('text', Image(...)), which takes strings and parts",
            )
    return message


def _from_dict(message: Mapping[str, Any], position: int) -> Message:
    try:
        return message_from_json(message if type(message) is dict else dict(message), f"messages[{position}]")
    except ConfigError as error:
        what, why, change = error.what, error.why, error.change
    raise ConfigError(what, why=why, change=change)


def _with_names(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The messages with every tool result named after the call that it answers, whatever it says of itself."""
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    if not names:
        return tuple(messages)
    return tuple(
        replace(message, parts=tuple(_named(part, names) for part in message.parts))
        if message.role == "tool"
        else message
        for message in messages
    )


def _named(part: Part, names: Mapping[str, str]) -> Part:
    if isinstance(part, ToolResult) and part.call_id in names and part.name != names[part.call_id]:
        return replace(part, name=names[part.call_id])
    return part


def _not_messages(value: object, position: int | None = None) -> ConfigError:
    where = "messages" if position is None else f"messages[{position}]"
    return ConfigError(
        f"{where} is a {type(value).__name__}",
        change="pass a str, or a list of Message.user(...) and dicts like {'role': 'user', 'content': '...'}",
    )


def _check_tool_choice(choice: Any, tools: tuple[Tool, ...]) -> None:
    names = {tool.name for tool in tools}
    if choice is not None and (not isinstance(choice, str) or choice not in {"auto", "none", "required"} | names):
        raise ConfigError(
            "tool_choice= names no tool of this call",
            change="use 'auto', 'none', 'required', or the name of one of tools=",
        )


def _limits(arguments: Arguments) -> Limits:
    limits = Limits(
        max_tokens=arguments.max_tokens,
        temperature=arguments.temperature,
        top_p=arguments.top_p,
        stop=_stop(arguments.stop),
        seed=arguments.seed,
        reasoning_effort=arguments.reasoning_effort,
    )
    _check_number("max_tokens", limits.max_tokens, int, 1, None)
    _check_number("temperature", limits.temperature, (int, float), 0, 2)
    _check_number("top_p", limits.top_p, (int, float), 0, 1)
    _check_number("seed", limits.seed, int, None, None)
    if not isinstance(limits.reasoning_effort, str | None):
        raise ConfigError("reasoning_effort= takes a str", change='reasoning_effort="low"')
    return limits


def _stop(stop: Any) -> tuple[str, ...]:
    if stop is None or isinstance(stop, str):
        return () if stop is None else (stop,)
    if not isinstance(stop, Sequence) or not all(isinstance(text, str) for text in stop):
        raise ConfigError("stop= takes a str or a list of strings", change='stop=["END"]')
    return tuple(stop)


def _check_number(name: str, value: Any, kind: Any, low: float | None, high: float | None) -> None:
    if value is None:
        return
    bad = not isinstance(value, kind) or isinstance(value, bool) or value != value  # not a number
    if bad or (low is not None and value < low) or (high is not None and value > high):
        bounds = " ".join(
            text for text in (f">= {low}" if low is not None else "", f"<= {high}" if high else "") if text
        )
        raise ConfigError(f"{name}= must be a number {bounds}".rstrip(), change=f"pass another {name}=")


def _extra(extra: Any) -> Mapping[str, Mapping[str, Any]]:
    if extra is None:
        return {}
    if not isinstance(extra, Mapping) or not all(
        isinstance(provider, str) and isinstance(fields, Mapping) for provider, fields in extra.items()
    ):
        raise ConfigError(
            "extra= is a dict of dicts, one per provider", change="extra={'openai': {'service_tier': 'flex'}}"
        )
    try:
        canonical_bytes(extra)
    except (ConfigError, RecursionError, TypeError, ValueError):
        plain = False
    else:
        plain = True
    if not plain:
        raise ConfigError("extra= holds what JSON cannot", change="give plain dicts, lists, strings and numbers")
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

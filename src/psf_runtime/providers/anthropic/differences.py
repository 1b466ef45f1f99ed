"""What differs between servers that speak Anthropic's messages: data, not branches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psf_runtime.providers.dialect.extra import ExtraKind
from psf_runtime.types.response_head import FinishReason

# `pause_turn` is a hosted tool's pause: none is ever asked for, so it is no end that we know how to go on from.
FINISH: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "pause_turn": "other",
    "refusal": "refusal",
}
EFFORTS = ("low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True)
class Differences:
    """How one family of servers departs from the others.

    Attributes:
        provider: slug under which `Request.extra` may hold fields for it.
        version: value of the `anthropic-version` header.
        max_tokens, thinking_max_tokens: how long an answer may be when the call does not say, without and with
            thinking. The dialect wants a number with every request.
        temperature: the highest temperature that the server takes.
        strict_thinking: while it thinks, the server takes no temperature, no top_k, a top_p of 0.95 or more, no forced
            tool, and a budget of 1,024 tokens or more below max_tokens.
        efforts: a reasoning effort in our words, and the fields that ask for it.
        structured: the server follows a JSON schema in `output_config`.
        files: the server reads documents.
        tool_choices: the kinds of tool choice that the server follows.
        join_system: several system texts go as one, because the server writes list entries together without a blank.
        late_start: a stream may lack its `message_start`, and with it names and the count of the input: llama.cpp
            leaves it out when the answer's first token is no whole character.
        betas: what the `anthropic-beta` header may name. None of them opens hosted tools, stored files or a memory.
        extra: fields that `Request.extra[provider]` may hold, and of what kind.
        finish: the server's stop reasons in our words; others are `other`.
    """

    provider: str
    version: str = "2023-06-01"
    max_tokens: int = 4096
    thinking_max_tokens: int = 16_384
    temperature: float = 1.0
    strict_thinking: bool = True
    efforts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    structured: bool = True
    files: bool = True
    tool_choices: frozenset[str] = frozenset({"any", "auto", "none", "tool"})
    join_system: bool = False
    late_start: bool = False
    betas: frozenset[str] = frozenset()
    extra: Mapping[str, ExtraKind] = field(default_factory=dict)
    finish: Mapping[str, FinishReason] = field(default_factory=lambda: FINISH)


ANTHROPIC = Differences(
    provider="anthropic",
    efforts={
        "none": {"thinking": {"type": "disabled"}},
        **{word: {"thinking": {"type": "adaptive"}, "output_config": {"effort": word}} for word in EFFORTS},
    },
    betas=frozenset(
        {
            "context-1m-2025-08-07",
            "extended-cache-ttl-2025-04-11",
            "fast-mode-2026-02-01",
            "interleaved-thinking-2025-05-14",
            "model-context-window-exceeded-2025-08-26",
            "output-128k-2025-02-19",
            "output-300k-2026-03-24",
            "structured-outputs-2025-11-13",
            "token-efficient-tools-2025-02-19",
        }
    ),
    extra={
        "betas": "words",
        "cache": "settings",
        "disable_parallel_tool_use": "boolean",
        "effort": "word",
        "inference_geo": "word",
        "service_tier": "word",
        "speed": "word",
        "thinking_budget": "integer",
        "thinking_display": "word",
        "top_k": "integer",
        "user_id": "word",
    },
)

# Somebody else's host that speaks the vendor's dialect, llama.cpp first. It silently leaves out what it does not know:
# a JSON schema, documents, `none` and the name in tool_choice. So these are refused, or asked for in another way.
COMPATIBLE = Differences(
    provider="anthropic",
    temperature=2.0,
    strict_thinking=False,
    efforts={
        "none": {"chat_template_kwargs": {"enable_thinking": False}},
        "low": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        "medium": {"thinking": {"type": "enabled", "budget_tokens": 4096}},
        "high": {"thinking": {"type": "enabled", "budget_tokens": 16_384}},
    },
    structured=False,
    files=False,
    tool_choices=frozenset({"any", "auto"}),
    join_system=True,
    late_start=True,
    extra={"chat_template_kwargs": "settings", "thinking_budget": "integer", "top_k": "integer"},
)

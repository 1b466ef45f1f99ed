"""What differs between servers that speak OpenAI's chat completions: data, not branches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psf_runtime.providers.dialect.extra import ExtraKind
from psf_runtime.types.response_head import FinishReason

FINISH: Mapping[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "refusal": "refusal",
}


@dataclass(frozen=True, slots=True)
class Differences:
    """How one family of servers departs from the others.

    Attributes:
        provider: slug under which `Request.extra` may hold fields for it.
        max_tokens: name of the field that limits the answer.
        join_text: several text parts of a message go as one string, because the server fails on a list.
        empty_content: what stands for the missing text of a message that only calls tools.
        files: whether the server takes file parts.
        always: fields sent with every request.
        extra: fields that `Request.extra[provider]` may hold, and of what kind.
        finish: the server's finish reasons in our words; others are `other`.
    """

    provider: str
    max_tokens: str
    join_text: bool = False
    empty_content: str | None = None
    files: bool = True
    always: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, ExtraKind] = field(default_factory=dict)
    finish: Mapping[str, FinishReason] = field(default_factory=lambda: FINISH)


_COMMON: Mapping[str, ExtraKind] = {
    "frequency_penalty": "number",
    "logit_bias": "numbers",
    "parallel_tool_calls": "boolean",
    "presence_penalty": "number",
}

# At the vendor itself answers are stored unless the request says no.
OPENAI = Differences(
    provider="openai",
    max_tokens="max_completion_tokens",
    always={"store": False},
    extra={**_COMMON, "service_tier": "word", "verbosity": "word"},
)

# Somebody else's host that speaks the vendor's dialect: it may refuse a field that only the vendor knows.
COMPATIBLE = Differences(
    provider="openai",
    max_tokens="max_completion_tokens",
    extra=OPENAI.extra,
)

LOCAL = Differences(
    provider="local",
    max_tokens="max_tokens",
    join_text=True,
    empty_content="",
    files=False,
    extra={
        **_COMMON,
        "cache_prompt": "boolean",
        "chat_template_kwargs": "settings",
        "min_p": "number",
        "repeat_penalty": "number",
        "repetition_penalty": "number",
        "top_k": "integer",
    },
)

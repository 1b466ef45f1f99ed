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

# What the dialect can say. Whether the model behind it can do it too is not known before it is asked.
CHAT = frozenset({"images", "json_schema", "reasoning", "seed", "stream", "tools", "usage"})
ALL_CHOICES = frozenset({"named", "none", "required"})


@dataclass(frozen=True, slots=True)
class Differences:
    """How one family of servers departs from the others.

    Attributes:
        provider: slug under which `Request.extra` may hold fields for it.
        max_tokens, seed: names of the fields that limit the answer and fix the chance in it.
        join_text: several text parts of a message go as one string, because the server fails on a list.
        empty_content: what stands for the missing text of a message that only calls tools.
        files, image_urls: whether the server takes file parts, and pictures by their address.
        tool_choices: which ways of choosing a tool it follows: `required`, `none`, and `named` for one tool. What it
            would ignore in silence is refused here; instead of `none` the tools are not sent.
        stream_usage: whether a stream may be asked for its usage; where not, the field is refused or ignored.
        stop_in_text: the server leaves the stop text in the answer, so that it is cut out here.
        capabilities: what calls may ask of the server, as far as it is known without asking it.
        always: fields sent with every request.
        extra: fields that `Request.extra[provider]` may hold, and of what kind.
        finish: the server's finish reasons in our words; others are `other`.
    """

    provider: str
    max_tokens: str
    seed: str = "seed"
    join_text: bool = False
    empty_content: str | None = None
    files: bool = True
    image_urls: bool = True
    tool_choices: frozenset[str] = ALL_CHOICES
    stream_usage: bool = True
    stop_in_text: bool = False
    capabilities: frozenset[str] = CHAT | {"files"}
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

# Azure stores no answer unless it is asked to, and its older versions do not know the field.
AZURE = Differences(
    provider="azure",
    max_tokens="max_completion_tokens",
    extra={**_COMMON, "service_tier": "word", "verbosity": "word"},
)

# Mistral refuses fields that it does not know, and always sends its usage at the end of a stream.
MISTRAL = Differences(
    provider="openai",
    max_tokens="max_tokens",
    seed="random_seed",
    empty_content="",
    files=False,
    stream_usage=False,
    capabilities=CHAT - {"reasoning"},
    extra={
        "frequency_penalty": "number",
        "parallel_tool_calls": "boolean",
        "presence_penalty": "number",
        "safe_prompt": "boolean",
    },
)

# A local server of which nothing else is known: what works with most.
LOCAL = Differences(
    provider="local",
    max_tokens="max_tokens",
    join_text=True,
    empty_content="",
    files=False,
    capabilities=CHAT,
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

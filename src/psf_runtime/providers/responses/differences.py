"""What differs between servers that speak OpenAI's Responses: data, not branches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from psf_runtime.providers.dialect.extra import ExtraKind

SIGNED = "reasoning.encrypted_content"  # what `include` must hold for the vendor to sign what the model thought


@dataclass(frozen=True, slots=True)
class Differences:
    """How one family of servers departs from the others.

    Attributes:
        provider: slug under which `Request.extra` may hold fields for it.
        signs: the server signs reasoning when it is asked to; a server that does not know the wish may refuse it.
        plain_models: beginnings of the names of models that do not reason, and that refuse to be asked for it.
        files: whether the server takes file parts.
        extra: fields that `Request.extra[provider]` may hold, and of what kind.
    """

    provider: str
    signs: bool = False
    plain_models: tuple[str, ...] = ()
    files: bool = True
    extra: Mapping[str, ExtraKind] = field(default_factory=dict)

    def asks_for_signature(self, model: str) -> bool:
        """Whether a request for this model asks for signed reasoning."""
        return self.signs and not model.startswith(self.plain_models)


# Fields that stand inside another one on the wire; all others stand at the top under their own name.
PLACES: Mapping[str, tuple[str, str]] = {
    "reasoning_summary": ("reasoning", "summary"),
    "verbosity": ("text", "verbosity"),
}

_VENDOR: Mapping[str, ExtraKind] = {
    "parallel_tool_calls": "boolean",
    "reasoning_summary": "word",
    "service_tier": "word",
    "verbosity": "word",
}

OPENAI = Differences(
    provider="openai-responses",
    signs=True,
    plain_models=("gpt-3.5", "gpt-4", "chatgpt-4o", "gpt-5-chat", "ft:gpt-3.5", "ft:gpt-4"),
    extra=_VENDOR,
)

# Somebody else's host that speaks the vendor's dialect: it may refuse what only the vendor knows.
COMPATIBLE = Differences(provider="openai-responses", extra=_VENDOR)

LOCAL = Differences(
    provider="local",
    files=False,
    extra={
        "cache_prompt": "boolean",
        "chat_template_kwargs": "settings",
        "min_p": "number",
        "parallel_tool_calls": "boolean",
        "repeat_penalty": "number",
        "repetition_penalty": "number",
        "top_k": "integer",
    },
)

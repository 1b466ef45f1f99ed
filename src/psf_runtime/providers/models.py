"""Model strings: `provider:name[@base_url]`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from psf_runtime.errors import ConfigError

PROVIDERS = ("anthropic", "azure", "bedrock", "local", "mock", "openai", "openai-responses")
_BASE_URL = re.compile(r"@https?://")


@dataclass(frozen=True, slots=True)
class ModelString:
    """The parts of a model string; `base_url` is None when it has none."""

    provider: str
    name: str
    base_url: str | None = None


def is_model_string(text: str) -> bool:
    """Whether `text` is a model string rather than the name of a target of the policy: names have no colon."""
    return ":" in text or "/" in text


def parse_model(text: str) -> ModelString:
    """The parts of `provider:name[@base_url]`, split at the first `:` and the last `@http(s)://`.

    Raises ConfigError for an unknown provider, and for LiteLLM's `provider/name`, with the right spelling.
    """
    provider, colon, rest = text.partition(":")
    if not colon or "/" in provider:
        _refuse_slash(text)
        raise ConfigError(
            "this is no model string",
            why="it has no provider in front: provider:name",
            change=f"write one of: {', '.join(f'{known}:NAME' for known in PROVIDERS)}",
        )
    found = list(_BASE_URL.finditer(rest))
    name, base_url = (rest[: found[-1].start()], rest[found[-1].start() + 1 :]) if found else (rest, None)
    if provider not in PROVIDERS:
        raise ConfigError(
            f"unknown provider {_shown(provider)}",
            why="known: " + ", ".join(PROVIDERS),
            change="for a host that speaks OpenAI's dialect write openai:NAME@URL, or local:NAME@URL",
        )
    if not name or not name.isprintable() or " " in name or len(name) > 300:
        raise ConfigError(
            f"the model's name after '{provider}:' cannot be used",
            why="it is empty, too long, or holds blanks or control characters",
            change=f"write {provider}:NAME",
        )
    return ModelString(provider, name, base_url)


def _refuse_slash(text: str) -> None:
    head, slash, rest = text.partition("/")
    if slash and head in PROVIDERS:
        right = f"{head}:{rest}" if rest.isprintable() and "@" not in rest else f"{head}:NAME"
        raise ConfigError(
            "a model string has a colon after the provider, not a slash",
            why="provider/name is another library's spelling",
            change=f"write {right}",
        )


def _shown(provider: str) -> str:
    return repr(provider) if re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", provider) else "in front of the colon"

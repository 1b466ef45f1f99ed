"""Model strings: `provider:name[@base_url]`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from psf_runtime.errors import ConfigError

SPEAKS = ("local", "mock", "openai")
# Known names of dialects that this version does not speak, and what takes their place meanwhile.
LATER: Mapping[str, str] = {
    "anthropic": "an OpenAI-compatible endpoint of the vendor, as openai:NAME@URL, works today",
    "azure": "its OpenAI-compatible endpoint, as openai:NAME@https://RESOURCE.openai.azure.com/openai/v1, works today",
    "bedrock": "its OpenAI-compatible endpoint, as openai:NAME@URL, works today",
    "openai-responses": "the same models answer as openai:NAME (chat completions)",
}
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

    Raises ConfigError for an unknown provider, a dialect that is not spoken yet, and for LiteLLM's `provider/name`,
    with the right spelling.
    """
    provider, colon, rest = text.partition(":")
    if not colon or "/" in provider:
        _refuse_slash(text)
        raise ConfigError(
            "this is no model string",
            why="it has no provider in front: provider:name",
            change=f"write one of: {', '.join(f'{known}:NAME' for known in SPEAKS)}",
        )
    found = list(_BASE_URL.finditer(rest))
    name, base_url = (rest[: found[-1].start()], rest[found[-1].start() + 1 :]) if found else (rest, None)
    if provider not in SPEAKS and provider not in LATER:
        raise ConfigError(
            f"unknown provider {_shown(provider)}",
            why="known: " + ", ".join(sorted((*SPEAKS, *LATER))),
            change="for a host that speaks OpenAI's dialect write openai:NAME@URL, or local:NAME@URL",
        )
    if not name or not name.isprintable() or " " in name or len(name) > 300:
        raise ConfigError(
            f"the model's name after '{provider}:' cannot be used",
            why="it is empty, too long, or holds blanks or control characters",
            change=f"write {provider}:NAME",
        )
    return ModelString(provider, name, base_url)


def require_spoken(provider: str) -> None:
    """Raises ConfigError when a known dialect is not spoken by this version, and says what works."""
    if provider in LATER:
        raise ConfigError(
            f"this version does not speak '{provider}:' yet",
            why="it speaks: " + ", ".join(f"{known}:" for known in SPEAKS),
            change=LATER[provider],
        )


def _refuse_slash(text: str) -> None:
    head, slash, rest = text.partition("/")
    if slash and head in (*SPEAKS, *LATER):
        right = f"{head}:{rest}" if rest.isprintable() and "@" not in rest else f"{head}:NAME"
        raise ConfigError(
            "a model string has a colon after the provider, not a slash",
            why="provider/name is another library's spelling",
            change=f"write {right}",
        )


def _shown(provider: str) -> str:
    return repr(provider) if re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", provider) else "in front of the colon"

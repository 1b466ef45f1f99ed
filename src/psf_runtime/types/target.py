"""A target: one model at one host, and what the application declares about that host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

Capability = Literal["embeddings", "files", "images", "json_schema", "reasoning", "seed", "stream", "tools", "usage"]
Server = Literal["llama-cpp-python", "llama.cpp", "lmstudio", "ollama", "tgi", "transformers", "vllm"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call may go.

    Attributes:
        model: a model string, `provider:name[@base_url]`.
        region, jurisdiction, retention_days: of the host; unknown is the strictest. For `bedrock:` the region also
            decides which host is called.
        boundary: `own` when the data does not leave the organisation's machines.
        api_key: a string, `"env:NAME"`, or a callable that returns the key when it is needed.
        base_url: another way to write `@base_url`.
        price: USD per million tokens, `(input, output)`; None is unknown.
        context_tokens: size of the model's window.
        capabilities: what the model can do, in place of what is assumed; None leaves that.
        server: which server answers at a `local:` address. Each has gaps of its own; not saying which takes what
            works with most.
    """

    model: str
    region: str | None = None
    jurisdiction: str | None = None
    retention_days: int | None = None
    boundary: Literal["own", "external"] | None = None
    api_key: str | Callable[[], str] | None = field(default=None, repr=False)
    base_url: str | None = None
    price: tuple[float, float] | None = None
    context_tokens: int | None = None
    capabilities: Sequence[Capability] | None = None
    server: Server | None = None

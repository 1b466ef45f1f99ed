"""What vendors document about single models at their own host. Elsewhere the same name may be another model.

A name here stands for itself and for its dated snapshots: `gpt-5` also for `gpt-5-2025-08-07`, not for `gpt-5.1`.
Sources: OpenAI, "Models" (the page of each model) and "Deprecations"; Anthropic, "Context windows".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

_SNAPSHOT = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8})")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known about a model.

    Attributes:
        context_tokens: size of its window; None is unknown.
        lacks: capabilities of the dialect that this model does not have.
        sunset: the day on which the vendor stops serving it, as announced; None is unknown.
    """

    context_tokens: int | None = None
    lacks: frozenset[str] = frozenset()
    sunset: date | None = None


NOTHING_KNOWN = ModelFacts()
_NO_REASONING = frozenset({"reasoning"})
_DECEMBER = date(2026, 12, 11)

_MODELS: Mapping[str, Mapping[str, ModelFacts]] = {
    "openai": {
        "gpt-4.1": ModelFacts(1_047_576, _NO_REASONING),
        "gpt-4.1-mini": ModelFacts(1_047_576, _NO_REASONING),
        "gpt-4o": ModelFacts(128_000, _NO_REASONING),
        "gpt-4o-mini": ModelFacts(128_000, _NO_REASONING),
        "gpt-5": ModelFacts(400_000, sunset=_DECEMBER),
        "gpt-5-mini": ModelFacts(400_000, sunset=_DECEMBER),
        "gpt-5-nano": ModelFacts(400_000, sunset=_DECEMBER),
    },
    "anthropic": {
        "claude-haiku-4-5": ModelFacts(200_000),
        "claude-opus-4-5": ModelFacts(200_000),
        "claude-sonnet-4-5": ModelFacts(200_000),
    },
}


def model_facts(vendor: str, name: str) -> ModelFacts:
    """What is known about a model at its vendor's own host."""
    known = _MODELS.get(vendor, {})
    if name in known:
        return known[name]
    snapshot = _SNAPSHOT.search(name)
    if snapshot is None or snapshot.end() != len(name):
        return NOTHING_KNOWN
    return known.get(name[: snapshot.start()], NOTHING_KNOWN)

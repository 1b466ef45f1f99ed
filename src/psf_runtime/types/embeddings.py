"""What `embed` returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from psf_runtime.types.decision import Decision
from psf_runtime.types.response import Vector
from psf_runtime.types.response_head import Usage


@dataclass(frozen=True, slots=True, repr=False)
class Embeddings:
    """Vectors for texts, with every guard's consent.

    Personal data went to the model as tokens. A value has the same token in all embed calls that one client makes for a
    tenant, so a name in a question still meets the same name in a document.

    Attributes:
        vectors: one per text, in the order of the texts, all of one length, all numbers finite.
        usage: tokens of all attempts; `cost`: USD, None when a price is unknown.
        model: what answered. Vectors of different models cannot be compared.
        degraded: True when another host of the same model had to answer.
        decision: what the log keeps; `receipt`: proof of the log entry, None in memory.
        raw: the provider's ids, status and timing.
    """

    vectors: tuple[Vector, ...]
    usage: Usage
    model: str
    decision: Decision
    cost: Decimal | None = None
    degraded: bool = False
    receipt: Any = None
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def vector(self) -> Vector:
        """The one vector. Raises ValueError when there are several: which one is meant cannot be guessed."""
        if len(self.vectors) != 1:
            raise ValueError(f"there are {len(self.vectors)} vectors, one per text; use .vectors")
        return self.vectors[0]

    @property
    def dimensions(self) -> int:
        """The length of every vector."""
        return len(self.vectors[0]) if self.vectors else 0

    def __len__(self) -> int:
        return len(self.vectors)

    def __repr__(self) -> str:
        return f"Embeddings({len(self.vectors)} vectors of {self.dimensions} dimensions, model={self.model!r})"

"""The record of one inference. It holds no content: numbers, names from closed sets, keyed digests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from psf_runtime.guards.observability.conventions import end_attributes, metric_labels, span_name, start_attributes


@dataclass(frozen=True, slots=True)
class InferenceRecord:
    """One question to a model and what became of it. The first sixteen fields are named as PSF domain 06 names them.

    Attributes:
        run_id: id of the call; `step`: 1 for its first inference, 2 for the first re-ask, and so on.
        timestamp: seconds since the epoch, when the inference began.
        model: name of the target that answered, or was asked last.
        model_version_hash: digest of the version that the provider reports; a change means another model.
        input_hash, output_hash: keyed digests of what went to the model and what came back, with tokens in place of
            personal data.
        latency_ms: from asking to the end of the answer, all attempts.
        input_tokens, output_tokens: None when the provider did not say.
        total_cost_usd: None when the price or the tokens are unknown, never 0 for that.
        validation_passed: True when the answer came to its end (`stop` or `tool_calls`), False when not; None when
            there was none. Output contracts stand further out, and speak in the decision.
        confidence_score: 0..1, None while nothing measures it.
        user_id_hash: keyed digest of the user's id, per tenant.
        workflow_id: the tag `workflow_id`, if the application sets one.
        environment: as the policy names it, for example `production`.
        tags: of the call, as the application set them; on records and spans, never on metrics.
        provider, asked_model, answered_model: names from closed sets, `other` for what a vendor made up.
        outcome: the finish reason, or the name of an error class; `error_kind`: kind of a provider error.
        operation: `chat`, or `embed`, whose vectors have so many `dimensions`.
        duration: seconds, as `latency_ms`; `first_chunk`: seconds until the first piece, where the provider's part of
            the answer tells.
    """

    run_id: str
    timestamp: float
    model: str
    model_version_hash: str | None
    input_hash: str
    output_hash: str | None
    latency_ms: int
    input_tokens: int | None
    output_tokens: int | None
    total_cost_usd: Decimal | None
    validation_passed: bool | None
    confidence_score: float | None
    user_id_hash: str | None
    workflow_id: str | None
    environment: str
    tags: Mapping[str, str] = field(repr=False)
    step: int = 1
    purpose: str | None = None
    conversation_hash: str | None = None
    provider: str = "other"
    asked_model: str = ""
    answered_model: str = "other"
    outcome: str = ""
    error_type: str | None = None
    error_kind: str | None = None
    finish: str | None = None
    duration: float = 0.0
    first_chunk: float | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    tool_calls: int = 0
    attempts: int = 0
    degraded: bool = False
    operation: str = "chat"
    dimensions: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; what is not known is left out."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        values["timestamp"] = datetime.fromtimestamp(self.timestamp, UTC).isoformat(timespec="milliseconds")
        values["tags"] = dict(self.tags) or None
        values["duration"] = None  # says the same as latency_ms
        if self.total_cost_usd is not None:
            values["total_cost_usd"] = str(self.total_cost_usd)
        return {name: value for name, value in values.items() if value is not None and value != ""}

    def span(self) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """The span's name, its attributes at the start and those at the end."""
        return span_name(self), start_attributes(self), end_attributes(self)

    def labels(self) -> dict[str, str]:
        """Labels for metrics: closed sets only."""
        return metric_labels(self)

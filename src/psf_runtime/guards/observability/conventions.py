"""A record in the names of the OpenTelemetry GenAI conventions v0.1.0 (client inference), plus ours under `psf.`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psf_runtime.guards.observability.inference import InferenceRecord

OPERATIONS = {"chat": "chat", "embed": "embeddings"}  # ours -> the conventions'


def span_name(record: InferenceRecord) -> str:
    """`chat gpt-4o`, `embeddings text-embedding-3-small`."""
    operation = OPERATIONS[record.operation]
    return f"{operation} {record.asked_model}" if record.asked_model else operation


def start_attributes(record: InferenceRecord) -> dict[str, Any]:
    """What a sampler decides by."""
    return {
        "gen_ai.operation.name": OPERATIONS[record.operation],
        "gen_ai.provider.name": record.provider,
        "gen_ai.request.model": record.asked_model,
    }


def end_attributes(record: InferenceRecord) -> dict[str, Any]:
    """What is known at the end; what is not known is left out."""
    values = {
        "gen_ai.response.model": record.answered_model,
        "gen_ai.response.finish_reasons": None if record.finish is None else (record.finish,),
        "gen_ai.response.time_to_first_chunk": record.first_chunk,
        "gen_ai.embeddings.dimension.count": record.dimensions,
        "gen_ai.usage.input_tokens": record.input_tokens,
        "gen_ai.usage.output_tokens": record.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": record.cached_tokens,
        "gen_ai.usage.reasoning.output_tokens": record.reasoning_tokens,
        "error.type": record.error_type,
        "psf.error.class": record.error_kind,
        "psf.call.id": record.run_id,
        "psf.call.step": record.step,
        "psf.target": record.model,
        "psf.outcome": record.outcome,
        "psf.purpose": record.purpose,
        "psf.attempts": record.attempts,
        "psf.degraded": record.degraded,
        "psf.cost": None if record.total_cost_usd is None else float(record.total_cost_usd),
        "psf.user.hash": record.user_id_hash,
        "psf.conversation.hash": record.conversation_hash,
        "deployment.environment.name": record.environment or None,
        **{f"psf.tag.{key}": value for key, value in record.tags.items()},
    }
    return {name: value for name, value in values.items() if value is not None}


def metric_labels(record: InferenceRecord) -> dict[str, str]:
    """Closed sets only: never a tenant, a user, a tag, or a word that a vendor chose."""
    labels = {
        "gen_ai.operation.name": OPERATIONS[record.operation],
        "gen_ai.provider.name": record.provider,
        "gen_ai.request.model": record.asked_model,
        "gen_ai.response.model": record.answered_model,
    }
    if record.error_type is not None:
        labels["error.type"] = record.error_type
    return labels
